"""The learned part of LPIPS: one non-negative weight per channel of each tapped layer.

Offers `Heads` (trainable, saved as safetensors in the lpips package's naming) and `Taps`, which
says where the layers are tapped. perceptual.py puts them to work.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from hw5.kit.checks import InputError, check_finite, check_shape
from hw5.kit.files import atomic_write


@dataclass(frozen=True)
class Taps:
    """Where a ruler listens: heads fit these taps and no others."""

    network: str  # class of the feature network
    layers: tuple[str, ...]  # tapped layers, shallow to deep
    size: int | None = None  # side in pixels at which the network sees pictures; None: their own


class Heads(nn.ModuleList):
    """Weights w_l of Zhang et al. 2018, eq. 1, for every tap.

    Non-negative by construction (the absolute value of what is trained), so that training cannot
    make two pictures nearer by letting them differ more. All start at 1: the lpips package's
    uncalibrated baseline.

    Args:
        channels: width of each tap, in order.
    """

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__(_Head(count) for count in channels)

    def weights(self) -> Tensor:
        """All weights in a row, (sum of channels,), to go with `LpipsMetric.contributions`."""
        return torch.cat([head.weight.abs() for head in self])

    def save(self, path: str | Path, taps: Taps) -> None:
        """Write the weights and the taps that they belong to."""
        tensors = {
            _key(i): head.weight.detach().abs().view(1, -1, 1, 1).cpu().contiguous()
            for i, head in enumerate(self)
        }
        with atomic_write(path) as temporary:
            save_file(tensors, temporary, metadata={"config": json.dumps(asdict(taps))})

    @classmethod
    def load(cls, path: str | Path) -> tuple[Heads, Taps]:
        """Read what `save` wrote; the second value says which taps the heads fit.

        Raises:
            InputError: missing or damaged file, or weights that are negative or not finite.
        """
        try:
            with safe_open(path, framework="pt") as file:
                stored = {key: file.get_tensor(key) for key in list(file.keys())}
                config = json.loads(file.metadata()["config"])
            taps = Taps(config["network"], tuple(config["layers"]), config["size"])
            rows = [stored[_key(i)] for i in range(len(taps.layers))]
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
            raise InputError.about(
                str(path),
                expected="safetensors written by Heads.save",
                got=f"{type(error).__name__} on reading",
                hint="copy or train it again",
            ) from error
        for index, row in enumerate(rows):
            _check_weights(f"{path}: {_key(index)}", row)
        heads = cls([row.shape[1] for row in rows])
        with torch.no_grad():
            for head, row in zip(heads, rows, strict=True):
                head.weight.copy_(row.flatten())
        return heads, taps


class _Head(nn.Module):
    """A 1x1 convolution to one channel without bias, its weights taken as absolute values."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))

    def forward(self, difference: Tensor) -> Tensor:
        return functional.conv2d(difference, self.weight.abs().view(1, -1, 1, 1))


def _key(index: int) -> str:
    """The lpips package's name for a head's weight."""
    return f"lin{index}.model.1.weight"


def _check_weights(name: str, weights: Tensor) -> None:
    check_shape(name, weights, (1, "C", 1, 1))
    check_finite(name, weights)
    if (weights < 0).any():
        raise InputError.about(name, expected="weights of at least 0", got="negative ones")
