"""The camera: from the picture plane to the world and back; knows nothing of cats.

The plane spans [-1, 1] with X to the right and Y up. Things nearer than the world's origin look a
little larger. Offers `Lens`, `Camera`, `plane`, `cast` and `cone_radius`. Read next: tracer.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from hw5.world import sdf
from hw5.world.sdf import Point


@dataclass(frozen=True)
class Lens:
    """What the cameras of a world have in common, in its units."""

    centre_y: float  # height of the point in the middle of the picture
    perspective: float  # share by which things one unit nearer look larger
    near: float  # z where rays start
    far: float  # how far they walk before they give up


@dataclass(frozen=True)
class Camera:
    """Where the camera of each picture looks; all `(N, 1)` but the lens."""

    half: Tensor  # half the visible height at z = 0, in the world's units
    x: Tensor  # where the world's point (0, centre_y, 0) is on the picture plane
    y: Tensor
    lens: Lens

    def project(self, p: Point) -> Point:
        """World point -> picture-plane X, Y and world depth z (larger is nearer)."""
        size = self.half * (1.0 - self.lens.perspective * p[2])
        return p[0] / size + self.x, (p[1] - self.lens.centre_y) / size + self.y, p[2]


@dataclass(frozen=True)
class Rays:
    """Origin and unit direction of rays, each `(N, P)`."""

    origin: Point
    direction: Point


def plane(resolution: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """X and Y `(P,)` of the middles of a square grid's cells, row by row from the top left."""
    line = (torch.arange(resolution, device=device) + 0.5) * (2.0 / resolution) - 1.0
    y, x = torch.meshgrid(-line, line, indexing="ij")
    return x.reshape(-1), y.reshape(-1)


def cast(view: Camera, x: Tensor, y: Tensor) -> Rays:
    """Rays `(N, P)` through picture-plane points `(N, P)`."""
    lens = view.lens
    across, up = (x - view.x) * view.half, (y - view.y) * view.half
    near = 1.0 - lens.perspective * lens.near
    origin = (across * near, up * near + lens.centre_y, torch.full_like(across, lens.near))
    outward = (lens.perspective * across, lens.perspective * up, torch.full_like(across, -1.0))
    return Rays(origin, sdf.normalise(*outward))


def cone_radius(view: Camera, cells: int) -> Tensor:
    """Radius `(N, 1)` of cones that cover the cells of a `cells` x `cells` grid at every depth."""
    widest = 1.0 + view.lens.perspective * (view.lens.far - view.lens.near)
    return math.sqrt(0.5) * (2.0 / cells) * widest * view.half
