"""Sampling laws: each turns uniform draws in (0, 1) into values of a factor, by its inverse CDF.

Every random choice of the world goes through one uniform number, so a picture is a known function
of a point in the unit cube. Read next: factors.py, the table that uses them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


class Law(Protocol):
    """Anything with an inverse cumulative distribution function."""

    def quantile(self, u: Tensor) -> Tensor:
        """Value below which a share `u` of all draws lies; `u` in (0, 1), any shape."""


@dataclass(frozen=True)
class Always:
    """One fixed value."""

    value: float

    def quantile(self, u: Tensor) -> Tensor:
        """The value, in the shape of `u`."""
        return torch.full_like(u, self.value)


@dataclass(frozen=True)
class Uniform:
    """All values between `low` and `high` alike."""

    low: float
    high: float

    def quantile(self, u: Tensor) -> Tensor:
        """Linear in `u`."""
        return self.low + (self.high - self.low) * u


@dataclass(frozen=True)
class Normal:
    """A bell around `mean`, cut off `limit` standard deviations away (mass beyond sits there)."""

    mean: float
    std: float
    limit: float = 2.2

    def quantile(self, u: Tensor) -> Tensor:
        """Normal quantile, clamped."""
        score = torch.special.ndtri(u.double()).to(u.dtype)
        return self.mean + self.std * score.clamp(-self.limit, self.limit)


@dataclass(frozen=True)
class Sometimes:
    """Zero, or with probability `chance` uniform between `low` and `high`."""

    chance: float
    low: float = 1.0
    high: float = 1.0

    def quantile(self, u: Tensor) -> Tensor:
        """Zero for the lower part of the draws, then linear."""
        share = ((u - (1.0 - self.chance)) / max(self.chance, 1e-9)).clamp(0.0, 1.0)
        return torch.where(share > 0, self.low + (self.high - self.low) * share, 0.0)


@dataclass(frozen=True)
class Choice:
    """An index 0, 1, ... with the given probabilities."""

    shares: tuple[float, ...]

    def quantile(self, u: Tensor) -> Tensor:
        """Index of the slot of the unit interval that `u` falls into."""
        bounds = torch.tensor(self.shares, device=u.device, dtype=u.dtype).cumsum(0)
        return torch.bucketize(u.contiguous(), bounds[:-1]).to(u.dtype)


@dataclass(frozen=True)
class Mixture:
    """One of several uniform ranges `(share, low, high)`, chosen by where `u` falls."""

    ranges: tuple[tuple[float, float, float], ...]

    def quantile(self, u: Tensor) -> Tensor:
        """Which range, and how far into it, from the same number."""
        value, start = torch.zeros_like(u), 0.0
        for share, low, high in self.ranges:
            inside = ((u - start) / share).clamp(0.0, 1.0)
            value = torch.where(u >= start, low + (high - low) * inside, value)
            start += share
        return value
