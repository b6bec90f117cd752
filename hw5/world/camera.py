"""The camera: from the picture plane to the world and back.

The plane spans [-1, 1] with X to the right and Y up. Things nearer than the middle of the head look
a little larger. Offers `Camera`, `camera`, `plane` and `cast`. Read next: render.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from hw5.world import sdf
from hw5.world.factors import Factors
from hw5.world.sdf import Point

_HALF_VIEW, _CENTRE_Y = 0.96, 0.13  # half the visible height in head units; what is in the middle
_PERSPECTIVE = 0.12  # share by which things one unit nearer look larger
NEAR, FAR = 1.15, 2.4  # rays start at this z, and give up after walking this far


@dataclass(frozen=True)
class Camera:
    """Where the camera looks; all `(N, 1)`."""

    half: Tensor
    x: Tensor
    y: Tensor

    def project(self, p: Point) -> Point:
        """World point -> picture-plane X, Y and world depth z (larger is nearer)."""
        size = self.half * (1.0 - _PERSPECTIVE * p[2])
        return p[0] / size + self.x, (p[1] - _CENTRE_Y) / size + self.y, p[2]


@dataclass(frozen=True)
class Rays:
    """Origin and unit direction of rays, each `(N, P)`."""

    origin: Point
    direction: Point


def camera(factors: Factors) -> Camera:
    """Zoom and position, seen as a moving camera."""
    zoom, x, y = (factors[name][:, None] for name in ("zoom", "position_x", "position_y"))
    return Camera(_HALF_VIEW / zoom, 2.0 * x, 2.0 * y)  # a picture side is two plane units


def plane(resolution: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """X and Y `(P,)` of the middles of a square grid's cells, row by row from the top left."""
    line = (torch.arange(resolution, device=device) + 0.5) * (2.0 / resolution) - 1.0
    y, x = torch.meshgrid(-line, line, indexing="ij")
    return x.reshape(-1), y.reshape(-1)


def cast(view: Camera, x: Tensor, y: Tensor) -> Rays:
    """Rays `(N, P)` through picture-plane points `(N, P)`."""
    across, up = (x - view.x) * view.half, (y - view.y) * view.half
    near = 1.0 - _PERSPECTIVE * NEAR
    origin = (across * near, up * near + _CENTRE_Y, torch.full_like(across, NEAR))
    outward = (_PERSPECTIVE * across, _PERSPECTIVE * up, torch.full_like(across, -1.0))
    return Rays(origin, sdf.normalise(*outward))


def cone_radius(view: Camera, cells: int) -> Tensor:
    """Radius `(N, 1)` of cones that cover the cells of a `cells` x `cells` grid at every depth."""
    widest = 1.0 + _PERSPECTIVE * (FAR - NEAR)
    return math.sqrt(0.5) * (2.0 / cells) * widest * view.half
