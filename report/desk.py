"""The networks and cats of one report, opened once, and where its random numbers come from.

Offers `Desk`, `Method`, `cats_of` and `picture_of`. Read next: projections.py and drawings.py.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch

from hw5 import latents, world
from hw5.config import LossWeights
from hw5.defaults import build_criterion, open_generator
from hw5.kit import devices, seeding
from hw5.models.generator import Generator
from hw5.search import Record
from hw5.shapes import Codes, Images
from hw5.world.dataset import split_factors
from report.settings import ReportSettings

OnStep = Callable[[Record], None]
Progress = Callable[[int, str], AbstractContextManager[OnStep]]  # such as kit.progress.bar

# What draws random numbers, each from a stream of its own: one more draw in one place then changes
# nothing in another.
STREAMS = ("made up", "target", "search", "distance", "scribble", "edit")


@dataclass(frozen=True)
class Method:
    """A way to project: a generator and the space that is searched."""

    label: str
    generator: str
    space: str


class Desk:
    """The networks and targets of one report, opened once."""

    def __init__(self, settings: ReportSettings) -> None:
        """Open both generators and the network behind the perceptual loss."""
        self.settings, self.device = settings, devices.pick(settings.device)
        self.generators: dict[str, Generator] = {
            name: open_generator(name, self.device) for name in (settings.stylegan, settings.dcgan)
        }
        self.stylegan = self.generators[settings.stylegan]
        self.criterion = build_criterion(LossWeights(), self.device)
        self.methods = (
            Method("DCGAN, z", settings.dcgan, "z"),
            Method("StyleGAN2, z", settings.stylegan, "z"),
            Method("StyleGAN2, w", settings.stylegan, "w"),
            Method("StyleGAN2, w+", settings.stylegan, "w+"),
        )

    def rng(self, stream: str) -> torch.Generator:
        """The beginning of one of `STREAMS`."""
        return seeding.make(len(STREAMS) * self.settings.seed + STREAMS.index(stream))

    def size(self) -> int:
        """Side of all pictures, in pixels."""
        return self.stylegan.image_size

    def cats(self, split: str, count: int) -> world.Factors:
        """The first cats of a split of the world, on the device."""
        return split_factors(split, count).to(self.device)


def cats_of(split: str, count: int) -> world.Factors:
    """The first cats of a split of the world."""
    return split_factors(split, count)


def made_up(desk: Desk) -> Images:
    """Random cats of the generator, (N, 3, H, W)."""
    codes = latents.sample_codes(
        desk.stylegan, "w", desk.settings.num_hero, rng=desk.rng("made up")
    )
    return picture_of(desk.stylegan, codes, "w").clamp(-1, 1)


def picture_of(generator: Generator, code: Codes, space: str) -> Images:
    """A code's picture, without gradient."""
    with torch.no_grad():
        return latents.render(generator, code, space)
