"""Factors as numbers that a network can be asked for: angles on the circle, all within [-1, 1].

Offers `targets` and `NUM_TARGETS`. Used by read_factors.py (what to read) and pairs.py (codes).
"""

from __future__ import annotations

import torch
from torch import Tensor

from hw5.world.factors import FACTORS, Factors


def targets(factors: Factors) -> Tensor:
    """What a reader should answer, `(N, T)`: angles as cosine and sine, the rest scaled to +-1.

    A factor that has no effect without another one (`only_if`) counts as zero without it.
    """
    columns = []
    for factor in FACTORS:
        value = factors[factor.name]
        shown = factors[factor.only_if] if factor.only_if else torch.ones_like(value)
        if factor.name.endswith("hue"):
            angle = torch.deg2rad(value)
            columns += [shown * torch.cos(angle), shown * torch.sin(angle)]
        else:
            middle, half = (factor.high + factor.low) / 2, (factor.high - factor.low) / 2
            columns.append(shown * (value - middle) / half)
    return torch.stack(columns, dim=1)


NUM_TARGETS = sum(2 if factor.name.endswith("hue") else 1 for factor in FACTORS)
