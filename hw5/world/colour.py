"""Colours as tuples of three tensors in [0, 1], linear mixing, and smooth masks; no cats.

Planar for the same reason as the points of sdf.py. Read next: coat.py.
"""

from __future__ import annotations

import torch
from torch import Tensor

Colour = tuple[Tensor, Tensor, Tensor]


def hsv(hue: Tensor, saturation: Tensor | float, value: Tensor | float) -> Colour:
    """Hue in degrees, saturation and value in [0, 1] -> RGB (Smith 1978)."""
    sector = hue / 60.0

    def channel(shift: float) -> Tensor:
        k = (sector + shift) % 6.0
        return value - value * saturation * torch.minimum(k, 4.0 - k).clamp(0.0, 1.0)

    return channel(5.0), channel(3.0), channel(1.0)


def grey(like: Tensor, rgb: tuple[float, float, float]) -> Colour:
    """A constant colour in the shape of `like`."""
    return tuple(torch.full_like(like, channel) for channel in rgb)


def mix(a: Colour, b: Colour | tuple[float, float, float], share: Tensor) -> Colour:
    """`a` where `share` is 0, `b` where it is 1."""
    return tuple(u + (v - u) * share for u, v in zip(a, b, strict=True))


def scale(a: Colour, factor: Tensor | float) -> Colour:
    """Every channel times a factor."""
    return tuple(u * factor for u in a)


def step(x: Tensor, width: float) -> Tensor:
    """Smooth step from 0 to 1 around 0, of the given width, with compact support."""
    t = (x / width + 0.5).clamp(0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)
