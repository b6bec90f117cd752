"""How well does a reader read? One figure per factor, against the factors that were rendered.

Offers `score_readings`. Choices are judged by the share that is right, everything else by R2, the
share of the variance that is read; hues by the R2 of the points that stand for them on the circle.
"""

from __future__ import annotations

import torch
from torch import Tensor

from hw5.kit.checks import check_shape
from hw5.world.factors import FACTORS, Factor, Factors
from hw5.world.targets import NUM_TARGETS, is_hue, readings, targets


def score_readings(numbers: Tensor, truth: Factors) -> dict[str, float]:
    """Figure of each factor that varies in `truth`, by name; 1 is perfect.

    R2 = 1 - sum (read - true)^2 / sum (true - mean)^2, below 0 for a reader worse than the mean.
    On/off factors also get "<name>, both alike", the mean share right over those with and without
    it: where 93 % of the cats wear nothing, "never" is right 93 % of the time and half right here.
    A factor without effect unless another one is on is judged where that one is on.

    Args:
        numbers: answers (N, T) in the layout of world/targets.py.
        truth: the N cats.

    Raises:
        InputError: not one answer a cat, or NaN.
    """
    check_shape("numbers", numbers, (len(truth), NUM_TARGETS), hint="one row a cat")
    read, wanted, found, place = readings(numbers), targets(truth), {}, 0
    for column, factor in enumerate(FACTORS):
        width = 2 if is_hue(factor) else 1
        pair = slice(place, place + width)
        place += width
        on = truth[factor.only_if] > 0 if factor.only_if else torch.ones(len(truth)).bool()
        true = truth[factor.name][on]
        if len(true) < 2 or bool((true == true[0]).all()):
            continue
        if is_hue(factor):
            found[factor.name] = r_squared(numbers[on, pair], wanted[on, pair])
        elif factor.unit == "choice":
            found |= _choices(factor, read[on, column], true)
        else:
            found[factor.name] = r_squared(read[on, column], true)
    return found


def r_squared(read: Tensor, true: Tensor) -> float:
    """Share of the variance of `true` (N,) or (N, D) that `read` gets right."""
    read, true = read.cpu().double(), true.cpu().double()
    missed = (read - true).square().sum()
    return float(1 - missed / (true - true.mean(dim=0)).square().sum())


def _choices(factor: Factor, read: Tensor, true: Tensor) -> dict[str, float]:
    """Share right, and for on/off factors the mean of the shares right of both kinds."""
    read, true = read.cpu(), true.cpu()
    right = (read.round().clamp(factor.low, factor.high) == true).double()
    found = {factor.name: float(right.mean())}
    if (factor.low, factor.high) == (0, 1):
        each = torch.stack([right[true == kind].mean() for kind in (0, 1)])
        found[f"{factor.name}, both alike"] = float(each.mean())
    return found
