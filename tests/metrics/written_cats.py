"""Pictures that hold their cat's numbers, and a reader of them: rulers with known answers.

Offers `written`, `exact`, `column`, `pairs_of`, `NAMES`, `FIXED` and `EXACT_FLOOR`.
"""

from __future__ import annotations

import torch

from hw5 import world
from hw5.kit import seeding
from hw5.metrics.what_changed import NoiseFloor, ProbePairs, _dress
from hw5.world.factors import FACTORS, Factors
from hw5.world.targets import NUM_TARGETS, targets

NAMES = [factor.name for factor in FACTORS]
FIXED = ("eye_distance", "nose_length")
ONES = torch.ones(len(FACTORS))
EXACT_FLOOR = NoiseFloor(0.01 * ONES, ONES, ONES)


def written(cats):
    """Pictures (N, 3, 8, 8) that hold the numbers of their cats in their first pixels."""
    pixels = torch.zeros(len(cats), 192)
    pixels[:, :NUM_TARGETS] = targets(cats)
    return pixels.view(-1, 3, 8, 8)


def exact(images):
    """Reader that reads them."""
    return images.flatten(1)[:, :NUM_TARGETS].clone()


def column(name):
    """Which number of a reader a factor is, found by moving it on a cat that wears everything."""
    worn = {"hat": 1, "glasses": 1, "bow_tie": 1}
    start, end = (targets(world.neutral(1, **(worn | {name: value}))) for value in (0.1, 0.9))
    return int((end - start)[0].nonzero()[0])


def pairs_of(count, *, seed=0):
    """Written pairs of which every factor is drawn anew in every second one."""
    rng = seeding.make(seed)
    before, other = (world.sample(count, rng=rng) for _ in range(2))
    anew = torch.rand(before.table.shape, generator=rng) < 0.5
    after = Factors(torch.where(anew, other.table, before.table))
    before, after = (_dress(cats, count // 4) for cats in (before, after))
    return ProbePairs(written(before), written(after), before, after)
