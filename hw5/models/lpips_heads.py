"""The learned part of LPIPS: one non-negative weight per channel of each tapped layer.

Offers `LpipsHeads`, a network like any other in the zoo, and `Taps`, which says where the layers
are tapped. metrics/perceptual.py puts them to work, train/calibrate_lpips.py trains them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from hw5.kit.checks import InputError


@dataclass(frozen=True)
class Taps:
    """Where a ruler listens: heads fit these taps and no others."""

    network: str  # class of the feature network
    layers: tuple[str, ...]  # tapped layers, shallow to deep
    size: int | None = None  # side in pixels at which the network sees pictures; None: their own


class LpipsHeads(nn.ModuleList):
    """Weights w_l of Zhang et al. 2018, eq. 1, for every tap.

    Non-negative by construction (the absolute value of what is trained), so that training cannot
    make two pictures nearer by letting them differ more. All start at 1: the lpips package's
    uncalibrated baseline.
    """

    def __init__(
        self,
        widths: Sequence[int],  # channels of each tap, in order
        *,
        network: str,
        layers: Sequence[str],
        size: int | None = None,
    ) -> None:
        """Build heads for the taps that the keywords describe, as in `Taps`."""
        if len(widths) != len(layers):
            expected = f"one width for each of {len(layers)} layers"
            raise InputError.about("widths", expected=expected, got=list(widths))
        super().__init__(_Head(count) for count in widths)
        self.widths = list(widths)
        self.taps = Taps(network, tuple(layers), size)

    def weights(self) -> Tensor:
        """All weights in a row, (sum of channels,), to go with `LpipsMetric.contributions`."""
        return torch.cat([head.weight.abs() for head in self])

    def config(self) -> dict[str, Any]:
        """Return the arguments that build these heads again, as `zoo.save` wants them."""
        taps = self.taps
        return {
            "widths": self.widths, "network": taps.network, "layers": list(taps.layers),
            "size": taps.size,
        }  # fmt: skip


class _Head(nn.Module):
    """A 1x1 convolution to one channel without bias, its weights taken as absolute values."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))

    def forward(self, difference: Tensor) -> Tensor:
        return functional.conv2d(difference, self.weight.abs().view(1, -1, 1, 1))
