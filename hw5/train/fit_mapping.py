"""Teach a mapping network which w belongs to which z, by plain regression.

The pairs (z, w) are known and cost nothing to draw (pairs.py), so the mapping network sees millions
of them within a minute or two. Read next: adversarial.py, which trains it on, with the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from hw5.models.stylegan2 import StyleGAN2
from hw5.train.loop import cosine
from hw5.train.pairs import (
    NUM_COORDINATES,
    codes_of,
    factors_of,
    rotation,
    styles_of,
    visible,
)
from hw5.world.factors import NUM_DRAWS


@dataclass(frozen=True)
class MappingSettings:
    """Numbers of the fit; found by trying a few on two cores."""

    steps: int = 6_000
    batch: int = 512  # codes
    rate: float = 0.3  # Adam's peak learning rate, before the network's own multiplier of 0.1
    seed: int = 0


def fit_mapping(
    generator: StyleGAN2,
    settings: MappingSettings,
    *,
    on_step: Callable[[float], None] = lambda loss: None,
) -> float:
    """Train `generator.mapping` in place; return the share of w's variance that it misses.

    The loss counts errors by how much of a picture they change (pairs.py, `visible`).
    """
    where = next(generator.parameters()).device
    look_along_the_scores(generator)
    optimiser = torch.optim.Adam(generator.mapping.parameters(), betas=(0.9, 0.99))
    rng = torch.Generator().manual_seed(settings.seed)
    missed = 1.0
    for step in range(settings.steps):
        optimiser.param_groups[0]["lr"] = settings.rate * cosine(step / settings.steps)
        score = torch.randn(settings.batch, NUM_DRAWS, generator=rng)
        plain = torch.zeros(settings.batch)
        z = codes_of(score, generator.z_dim, mirrored=plain, rng=rng).to(where)
        w = styles_of(factors_of(score, plain), generator.w_dim).to(where)
        miss = generator.mapping(z) - w
        loss = visible(miss).square().mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        generator.mapping.track_average(w)
        missed = 0.99 * missed + 0.01 * (miss.square().mean() / w.var()).item()
        on_step(missed)
    return missed


@torch.no_grad()
def look_along_the_scores(generator: StyleGAN2) -> None:
    """Start the first layer with one score per unit, each unit with a threshold of its own.

    Most of w is a function of one score with jumps (a hat or none, a hue that goes round). Units
    that already look along the scores' directions make that a matter of weighing thresholds; random
    units find little more than the linear part in the same time.
    """
    first = generator.mapping.fc0
    rows = torch.arange(first.weight.shape[0])
    which = rows % NUM_COORDINATES
    rounds = rows.max() // NUM_COORDINATES + 1
    threshold = torch.special.ndtri((rows // NUM_COORDINATES + 0.5) / rounds)
    directions = rotation(generator.z_dim)[which].to(first.weight)
    first.weight.copy_(directions / first.weight_gain)  # weights are stored without their gain
    first.bias.copy_(-threshold.to(first.bias) / first.bias_gain)
    last = generator.mapping.get_submodule(f"fc{generator.mapping.num_layers - 1}")
    last.weight.mul_(0.1)  # begin near the mean; unlearning large random answers takes long
