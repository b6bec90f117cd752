"""Factors as numbers that a network can be asked for: angles on the circle, all in [-1, 1].

Offers `targets` (what a reader should answer), `factors_from_targets` (the cats that answers stand
for), `readings` and `certainty` (the same in each factor's unit, not tidied, for measuring, and how
sure of its hues the reader is) and `NUM_TARGETS`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from hw5.kit.checks import check_finite, check_shape
from hw5.world.factors import FACTORS, Factor, Factors

WORN = 0.5  # value of an on/off factor from which it counts as on


def is_hue(factor: Factor) -> bool:
    """Whether a factor goes round: 360 degrees are 0."""
    return factor.name.endswith("hue")


NUM_TARGETS = sum(2 if is_hue(factor) else 1 for factor in FACTORS)


def targets(factors: Factors) -> Tensor:
    """What a reader should answer, `(N, T)`: angles as cosine and sine, the rest scaled to +-1.

    A factor that has no effect without another one (`only_if`) counts as zero without it.
    """
    columns = []
    for factor in FACTORS:
        value = factors[factor.name]
        shown = factors[factor.only_if] if factor.only_if else torch.ones_like(value)
        if is_hue(factor):
            angle = torch.deg2rad(value)
            columns += [shown * torch.cos(angle), shown * torch.sin(angle)]
        else:
            middle, half = _scale(factor)
            columns.append(shown * (value - middle) / half)
    return torch.stack(columns, dim=1)


def readings(numbers: Tensor) -> Tensor:
    """Answers `(N, T)` in each factor's own unit, `(N, F)`: neither clamped nor rounded.

    Hues are from 0 to 360. What a reader answers halfway between two choices stays halfway, so that
    small changes of it can be measured.

    Raises:
        InputError: another shape, or NaN.
    """
    check_shape("numbers", numbers, ("N", NUM_TARGETS), hint="the layout of world.targets")
    check_finite("numbers", numbers)
    columns, place = [], 0
    for factor in FACTORS:
        if is_hue(factor):
            angle = torch.atan2(numbers[:, place + 1], numbers[:, place])
            columns.append(torch.rad2deg(angle) % 360)
            place += 2
        else:
            middle, half = _scale(factor)
            columns.append(numbers[:, place] * half + middle)
            place += 1
    return torch.stack(columns, dim=1)


def certainty(numbers: Tensor) -> Tensor:
    """How sure a reader is of each hue in its answers `(N, T)`: `(N, F)`, 1 for all other factors.

    It is the length of the hue's two numbers. A network trained by squared error answers the mean
    of what it thinks possible: a point near the circle for one hue, the middle for any (Mardia and
    Jupp 2000, section 2.3). 0 also for the hue of what is not worn.
    """
    check_shape("numbers", numbers, ("N", NUM_TARGETS), hint="the layout of world.targets")
    columns, place = [], 0
    for factor in FACTORS:
        pair = numbers[:, place : place + 2]
        columns.append(pair.norm(dim=1) if is_hue(factor) else torch.ones_like(pair[:, 0]))
        place += 2 if is_hue(factor) else 1
    return torch.stack(columns, dim=1)


def factors_from_targets(numbers: Tensor) -> Factors:
    """Cats that answers `(N, T)` stand for: the inverse of `targets`, safe to render.

    Values are clamped into their range and choices rounded to the nearest. A factor that has no
    effect without another one, such as the hue of a hat that is not worn, takes its neutral value.

    Raises:
        InputError: another shape, or NaN.
    """
    read = readings(numbers)
    columns = {}
    for column, factor in enumerate(FACTORS):
        value = read[:, column].clamp(factor.low, factor.high)
        columns[factor.name] = value.round() if factor.unit == "choice" else value
    for factor in FACTORS:
        if factor.only_if:
            worn = columns[factor.only_if] >= WORN
            columns[factor.name] = columns[factor.name].where(worn, float(factor.neutral))
    return Factors(torch.stack([columns[factor.name] for factor in FACTORS], dim=1))


def _scale(factor: Factor) -> tuple[float, float]:
    """Middle of a factor's range, and half its width."""
    return (factor.high + factor.low) / 2, (factor.high - factor.low) / 2
