"""Which feature network makes the best perceptual loss: judged by the inversions it leads to.

Offers `measure_perceptual`. Protocol: the same test cats are projected into w by the same number of
evaluations, each time with the pixel loss and another network's perceptual loss beside it, weighted
so that both terms are equal at the start. What was found is compared with the target by rulers:
PSNR and the world's reader know none of the networks; LPIPS listens to EfficientNet-Lite0, and so
flatters the loss built on it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from statistics import fmean

from torch.nn.functional import mse_loss

from hw5 import latents, world, zoo
from hw5.bench.quality import WORLD_LAYERS
from hw5.config import LossWeights, Projection
from hw5.defaults import open_generator
from hw5.kit import seeding
from hw5.losses import Criterion
from hw5.metrics.perceptual import lpips_metric
from hw5.metrics.pixels import psnr
from hw5.metrics.ruler import open_ruler
from hw5.models.generator import Generator
from hw5.projector import project
from hw5.shapes import Images
from hw5.train.recipes import LPIPS_LAYERS
from hw5.world.dataset import split_factors
from hw5.world.targets import targets

NUM_CATS = 6
PIXELS = LossWeights(perceptual=0.0)
SEARCH = Projection(space="w", num_steps=150)
LOSSES: dict[str, tuple[str, tuple[str, ...]]] = {
    "pixels": ("", ()),
    "world_features": ("world-features", WORLD_LAYERS),
    "efficientnet": ("efficientnet-lite0", LPIPS_LAYERS),
}


def measure_perceptual() -> dict[str, float]:
    """Mean PSNR, LPIPS and error of the factors read, by the network of the perceptual loss."""
    network, cats = open_generator("stylegan2"), split_factors("test", NUM_CATS)
    pictures, rulers = world.render(cats, network.image_size).image, judges()
    found = {}
    for name, (features, layers) in LOSSES.items():
        criterion = balanced(network, pictures[:1], features, layers)
        rows = []
        for index in range(NUM_CATS):
            target = pictures[index : index + 1]
            result = project(
                network, target, criterion=criterion, settings=SEARCH, rng=seeding.make(index)
            )
            truth = targets(cats.select([index]))
            rows.append([judge(result.image, target, truth) for judge in rulers.values()])
        for ruler, values in zip(rulers, zip(*rows, strict=True), strict=True):
            found[f"{name}_{ruler}"] = fmean(values)
    return found


def balanced(
    network: Generator, target: Images, features: str, layers: tuple[str, ...]
) -> Criterion:
    """Pixel loss, and a perceptual loss that is as large at the mean picture."""
    if not features:
        return Criterion(PIXELS)
    opened = zoo.load(features)
    code = latents.mean_code(network, "w", rng=seeding.make(0))
    start = latents.render(network, code, "w")
    weights = replace(PIXELS, perceptual=1.0, layers=layers)
    terms = Criterion(weights, features=opened)(start, target, None, code * 0).terms
    share = float(terms["pixel"].sum() / terms["perceptual"].sum())
    return Criterion(replace(weights, perceptual=share), features=opened)


def judges() -> dict[str, Callable[..., float]]:
    """Rulers by name, of (found, target, true targets of the reader)."""
    lpips, reader = lpips_metric("offline"), open_ruler()
    return {
        "psnr_db": lambda found, target, _: psnr(found, target).item(),
        "lpips": lambda found, target, _: lpips(found, target).item(),
        "reading_error": lambda found, _, truth: mse_loss(reader.read(found), truth).item(),
    }
