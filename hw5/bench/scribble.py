"""How strongly a drawing should be held near the mean cat: measured where the answer is known.

Offers `measure_scribble`. Protocol: dabs of one colour each are laid on unseen rendered cats, a few
or many, as a hand would that copies the cat; `draw` gets the dabs alone. The penalty is right when
the *whole* picture it finds is closest to the cat that the dabs were copied from.
"""

from __future__ import annotations

from dataclasses import replace
from statistics import fmean

import torch

from hw5 import world
from hw5.config import Drawing, LossWeights
from hw5.defaults import build_criterion, open_generator
from hw5.draw import draw
from hw5.kit import seeding
from hw5.metrics.pixels import psnr
from hw5.shapes import Images, Mask
from hw5.world.dataset import split_factors

NUM_CATS = 5
NUM_DABS = {"few": 6, "many": 24}  # cover about 6 % and 22 % of a picture
RADIUS = 4  # pixels of 64
PENALTIES = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0)
SEARCH = Drawing(num_steps=100)


def measure_scribble() -> dict[str, float]:
    """Mean PSNR of the whole picture, and distance from the mean cat, by dabs and penalty."""
    network = open_generator("stylegan2")
    pictures = world.render(split_factors("test", NUM_CATS), network.image_size).image
    found = {}
    for amount, count in NUM_DABS.items():
        for penalty in PENALTIES:
            weights = replace(LossWeights.for_scribbles(), penalty=penalty)
            rows = []
            for index in range(NUM_CATS):
                target = pictures[index : index + 1]
                colour, mask = dabs(target, count, rng=seeding.make(index))
                drawn = draw(
                    network, colour, mask, criterion=build_criterion(weights), settings=SEARCH,
                    rng=seeding.make(0),
                )  # fmt: skip
                rows.append((psnr(drawn.image, target).item(), drawn.distance))
            likeness, distance = (fmean(column) for column in zip(*rows, strict=True))
            found[f"{amount}_dabs_penalty_{penalty:g}_psnr_db"] = likeness
            found[f"{amount}_dabs_penalty_{penalty:g}_distance"] = distance
    return found


def dabs(picture: Images, count: int, *, rng: torch.Generator) -> tuple[Images, Mask]:
    """Round dabs on a picture (1, 3, H, W), each of the mean colour under it, and their mask."""
    size = picture.shape[-1]
    rows = torch.arange(size)[:, None]
    columns = torch.arange(size)[None, :]
    colour, mask = torch.zeros_like(picture), torch.zeros_like(picture[:, :1])
    for y, x in torch.randint(0, size, (count, 2), generator=rng).tolist():
        disc = (rows - y) ** 2 + (columns - x) ** 2 <= RADIUS**2
        colour[:, :, disc] = picture[:, :, disc].mean(dim=2, keepdim=True)
        mask[:, :, disc] = 1.0
    return colour, mask
