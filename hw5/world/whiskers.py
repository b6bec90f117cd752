"""Whiskers: thin curves drawn on the picture plane, hidden where the head is in front of them.

Far thinner than a sample, they would break up in ray tracing; drawn by their distance in the plane
they stay smooth at every size. Offers `curves`, `near` and `opacity`. Read next: render.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from hw5.world import cat, sdf
from hw5.world.camera import Camera
from hw5.world.factors import Factors
from hw5.world.sdf import Point

_ROWS = (-1.0, 0.0, 1.0)  # three to a side, fanned out
_WIDTH = 0.0075  # half-width at the root, picture-plane units
_SHORTEST = 0.02  # value of the factor up to which there are none


@dataclass(frozen=True)
class Segment:
    """A straight piece: its ends on the picture plane with their depth, and its half-width."""

    a: Point
    b: Point
    width: float

    def away(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Distance of picture-plane points, and how far along the nearest point of the piece is."""
        dx, dy = self.b[0] - self.a[0], self.b[1] - self.a[1]
        px, py = x - self.a[0], y - self.a[1]
        h = ((px * dx + py * dy) / (dx * dx + dy * dy + 1e-6)).clamp(0.0, 1.0)
        return torch.sqrt((px - h * dx) ** 2 + (py - h * dy) ** 2 + 1e-9), h

    def softness(self, pixel: float) -> float:
        """Distance at which the piece has faded out."""
        return max(0.5 * pixel, self.width)


def curves(g: cat.Geometry, camera: Camera, factors: Factors) -> tuple[Segment, ...]:
    """Two pieces for every whisker."""
    pieces = []
    for points in _bends(g, factors["whiskers"][:, None]):
        ends = [camera.project(sdf.unrotate(p, g.yaw, g.pitch, g.roll)) for p in points]
        for i, (a, b) in enumerate(pairwise(ends)):
            pieces.append(Segment(a, b, _WIDTH * (1.0 - 0.4 * i)))
    return tuple(pieces)


def tint(factors: Factors) -> Tensor:
    """Grey level of the whiskers, `(N, 1, 1)`."""
    return torch.where(factors["coat_brightness"][:, None, None] < 0.3, 0.80, 0.98)


def near(
    pieces: tuple[Segment, ...], x: Tensor, y: Tensor, radius: float, pixel: float, factors: Factors
) -> Tensor:
    """Whether any whisker comes within `radius` of picture-plane points `(1, P)`; `(N, P)`."""
    hits = [piece.away(x, y)[0] < piece.softness(pixel) + radius for piece in pieces]
    return torch.stack(hits).any(0) & (factors["whiskers"][:, None] > _SHORTEST)


def opacity(
    pieces: tuple[Segment, ...], x: Tensor, y: Tensor, depth: Tensor, pixel: float
) -> Tensor:
    """Opacity `(N, P)` of the whiskers at picture-plane points, `depth` the surface's world z."""
    total = torch.zeros_like(depth)
    for piece in pieces:
        total = torch.maximum(total, _cover(piece, x, y, depth, pixel))
    return 0.9 * total


def _cover(piece: Segment, x: Tensor, y: Tensor, depth: Tensor, pixel: float) -> Tensor:
    """Opacity of one piece: thinner than a pixel means fainter, not thinner."""
    away, h = piece.away(x, y)
    soft = piece.softness(pixel)
    line = (1.0 - away / soft).clamp(0.0, 1.0) * min(1.0, 2.4 * piece.width / soft)
    z = piece.a[2] + h * (piece.b[2] - piece.a[2])
    return line * ((z - depth) / 0.05 + 1.0).clamp(0.0, 1.0)


def _bends(g: cat.Geometry, length: Tensor) -> Iterator[tuple[Point, Point, Point]]:
    """Root, middle and tip of every whisker, in head coordinates."""
    for side in (-1.0, 1.0):
        for row in _ROWS:
            root_y = g.muzzle_y + 0.035 * row + 0.01
            spread = 0.13 + 0.62 * length
            root = (side * torch.full_like(root_y, 0.14), root_y, g.muzzle_z + 0.09)
            middle = (side * 0.6 * spread, root_y + 0.05 * row + 0.03, g.muzzle_z + 0.03)
            tip = (side * spread, root_y + 0.12 * row - 0.02, g.muzzle_z - 0.16)
            yield root, middle, tip
