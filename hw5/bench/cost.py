"""What one evaluation of an inversion costs: by pictures side by side, and by their size.

Offers `measure_cost`. An evaluation renders codes of w+, compares the pictures with their targets
and brings the gradient back to the codes; all searches are made of them. Sizes above the shipped
one are rendered by generators with random weights, whose widths go on halving.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from hw5.bench.timing import median_seconds
from hw5.defaults import build_criterion, open_generator
from hw5.inversion.ready import GENERATOR, WEIGHTS
from hw5.kit import seeding
from hw5.latents import render, sample_noise
from hw5.losses import Criterion
from hw5.models.generator import Generator
from hw5.models.stylegan2 import StyleGAN2

BATCHES = (1, 2, 4, 8, 16, 32, 64)
SIZES = (64, 128, 256)
BATCH = 4  # side by side, where sizes are compared
SECONDS = 2.0  # of measuring each


def measure_cost() -> dict[str, float]:
    """Seconds of an evaluation for each picture, by batch at the shipped size and by size."""
    shipped, criterion = open_generator(GENERATOR), build_criterion(WEIGHTS)
    found = {
        f"batch_{count}_seconds_per_picture": seconds(shipped, criterion, count)
        for count in BATCHES
    }
    for size in SIZES:
        network = shipped if size == shipped.image_size else enlarged(shipped, size)
        found[f"size_{size}_seconds_per_picture"] = seconds(network, criterion, BATCH)
    return found


def seconds(network: Generator, criterion: Criterion, count: int) -> float:
    """Middle time of an evaluation of `count` pictures, for each of them."""
    work = evaluation(network, criterion, count)
    return median_seconds(work, seconds=SECONDS, at_least=3) / count


def evaluation(network: Generator, criterion: Criterion, count: int) -> Callable[[], object]:
    """A function that scores `count` codes and returns the gradient (N, L, d)."""
    codes = sample_noise(network, "w+", count, rng=seeding.make(0))
    with torch.no_grad():
        targets = render(network, codes.flip(-1), "w+")
    codes.requires_grad_()

    def work() -> object:
        image = render(network, codes, "w+")
        loss = criterion(image, targets, None, torch.zeros_like(codes)).total
        return torch.autograd.grad(loss.sum(), codes)[0]

    return work


def enlarged(network: StyleGAN2, size: int) -> StyleGAN2:
    """A generator of `size` px with random weights: `network`'s widths, then half at each step."""
    widths = {
        resolution: network.synthesis.block(resolution).conv1.weight.shape[0]
        for resolution in network.synthesis.resolutions
    }
    last = network.image_size
    while last < size:
        widths[2 * last] = max(1, widths[last] // 2)
        last *= 2
    torch.manual_seed(0)
    return StyleGAN2(
        image_size=size, z_dim=network.z_dim, w_dim=network.w_dim, channels=widths
    ).eval().requires_grad_(False)  # fmt: skip
