"""Signed-distance primitives and a sphere tracer, batched in torch; knows nothing of cats.

A point is a tuple `(x, y, z)` of tensors of one shape `(N, P)`: N pictures, P samples each. Planar
tuples rather than a trailing dimension of 3 keep every operation contiguous, which is what makes
this quick without a GPU and lets `torch.compile` fuse a whole shape into one loop.
Distances are negative inside. Sources: Hart 1996 (sphere tracing), Quilez (primitives, unions).
Read next: cat.py, which builds a shape from these, and tracer.py, which draws one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

Point = tuple[Tensor, Tensor, Tensor]
Size = float | Tensor
Vector = Sequence[Size]
Distance = Callable[[Point], Tensor]

_TINY = 1e-9  # under square roots: keeps the value and its derivative finite at the centre


def square(x: Tensor, y: Tensor, z: Tensor) -> Tensor:
    """Squared length of a vector given by its components."""
    return torch.addcmul(torch.addcmul(x * x, y, y), z, z)


def length(x: Tensor, y: Tensor, z: Tensor) -> Tensor:
    """Euclidean length of a vector given by its components."""
    return torch.sqrt(square(x, y, z) + _TINY)


def normalise(x: Tensor, y: Tensor, z: Tensor) -> Point:
    """The unit vector in the same direction."""
    inverse = torch.rsqrt(square(x, y, z) + _TINY)
    return x * inverse, y * inverse, z * inverse


def dot(a: Vector, b: Vector) -> Size:
    """Inner product of two vectors."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def along(origin: Point, direction: Point, t: Size) -> Point:
    """The point `origin + t * direction`."""
    return tuple(o + t * d for o, d in zip(origin, direction, strict=True))


def ellipsoid(p: Point, centre: tuple[Size, ...], radii: tuple[Size, ...]) -> Tensor:
    """Distance to an ellipsoid: exact for a sphere, first order near the surface otherwise."""
    inverse = [1.0 / r for r in radii]
    q = [(axis - c) * i for axis, c, i in zip(p, centre, inverse, strict=True)]
    scaled = square(*q)
    slope = square(*(component * i for component, i in zip(q, inverse, strict=True)))
    return (scaled - torch.sqrt(scaled + _TINY)) * torch.rsqrt(slope + _TINY)


def round_cone(p: Point, a: tuple[Size, ...], b: tuple[Size, ...], ra: Size, rb: Size) -> Tensor:
    """Distance to a capsule from `a` to `b` whose radius goes linearly from `ra` to `rb`."""
    ab = [end - start for start, end in zip(a, b, strict=True)]
    ap = [axis - start for start, axis in zip(a, p, strict=True)]
    h = (dot(ap, ab) / dot(ab, ab)).clamp(0.0, 1.0)
    return length(*(u - h * v for u, v in zip(ap, ab, strict=True))) - (ra + (rb - ra) * h)


def torus(p: Point, centre: tuple[Size, ...], ring: Size, tube: Size) -> Tensor:
    """Distance to a torus that lies in the x-y plane: ring radius `ring`, tube radius `tube`."""
    x, y, z = (axis - c for axis, c in zip(p, centre, strict=True))
    around = torch.sqrt(x * x + y * y + _TINY) - ring
    return torch.sqrt(around * around + z * z + _TINY) - tube


def box(p: Point, centre: tuple[Size, ...], half: tuple[Size, ...], rounding: Size = 0.0) -> Tensor:
    """Distance to an axis-aligned box of half-sizes `half`, edges rounded by `rounding`."""
    q = [(axis - c).abs() - h for axis, c, h in zip(p, centre, half, strict=True)]
    outside = length(*(component.clamp(min=0.0) for component in q))
    inside = torch.maximum(q[0], torch.maximum(q[1], q[2])).clamp(max=0.0)
    return outside + inside - rounding


def smooth_union(a: Tensor, b: Tensor, reach: float) -> Tensor:
    """Union with a fillet. Exactly the smaller one wherever the two differ by `reach` or more."""
    overlap = (reach - (a - b).abs()).clamp(min=0.0)
    return torch.minimum(a, b) - overlap * overlap / (4.0 * reach)


def rotate(p: Point, yaw: Tensor, pitch: Tensor, roll: Tensor) -> Point:
    """World to object coordinates for an object turned by roll, then pitch, then yaw (radians)."""
    x, y, z = p
    c, s = torch.cos(roll), torch.sin(roll)
    x, y = c * x + s * y, c * y - s * x
    c, s = torch.cos(pitch), torch.sin(pitch)
    y, z = c * y + s * z, c * z - s * y
    c, s = torch.cos(yaw), torch.sin(yaw)
    x, z = c * x - s * z, c * z + s * x
    return x, y, z


def unrotate(p: Point, yaw: Tensor, pitch: Tensor, roll: Tensor) -> Point:
    """Object to world coordinates: the inverse of `rotate`."""
    x, y, z = p
    c, s = torch.cos(yaw), torch.sin(yaw)
    x, z = c * x + s * z, c * z - s * x
    c, s = torch.cos(pitch), torch.sin(pitch)
    y, z = c * y - s * z, c * z + s * y
    c, s = torch.cos(roll), torch.sin(roll)
    x, y = c * x - s * y, c * y + s * x
    return x, y, z


class March(NamedTuple):
    """State of a walk along rays, each `(N, P)`.

    Where it is, the last step, the distance before it, and where it was nearest to the surface.
    """

    t: Tensor
    step: Tensor
    before: Tensor
    nearest_t: Tensor
    nearest: Tensor


def start(t: Tensor) -> March:
    """Begin walking at `t`; the first step is then a plain one."""
    far_away = torch.full_like(t, 9.0)
    return March(t, torch.ones_like(t), far_away, t, far_away)


def advance(
    distance: Distance,
    origin: Point,
    direction: Point,
    march: March,
    *,
    far: float,
    cone: Size = 0.0,
    boldest: Size = 1.0,
) -> March:
    """One step of sphere tracing (Hart 1996), lengthened up to `boldest` times on grazing rays.

    How fast the distance fell over the last step tells the angle; dividing by it (the secant
    method) makes grazing rays converge as fast as frontal ones. Beside one convex shape that is
    safe; a bold step may jump through something thin behind it, a step of `boldest=1` never does.
    With `cone > 0` the ray is the axis of a cone of that radius and stops before the cone touches
    anything, so that a coarse grid of cones gives safe starting points for a fine grid of rays.
    """
    now = distance(along(origin, direction, march.t)) - cone
    nearer = now.abs() < march.nearest
    fall = (march.before - now) / torch.where(march.step.abs() < 1e-5, 1.0, march.step)
    stride = torch.minimum(1.0 / fall.clamp(0.01, 1.0), torch.as_tensor(boldest))
    t = (march.t + now.clamp(-0.1, 0.5) * stride).clamp(0.0, far)
    return March(
        t,
        t - march.t,
        now,
        torch.where(nearer, march.t, march.nearest_t),
        torch.where(nearer, now.abs(), march.nearest),
    )


def normal(distance: Distance, p: Point, step: float = 0.004) -> Point:
    """Unit outward normal by four samples on a tetrahedron (two fewer than central differences).

    Left of x = 0 the tetrahedron is mirrored, so that mirrored shapes have mirrored normals.
    """
    x, y, z = p
    side = torch.where(x < 0, -step, step)
    corners = ((1, -1, -1), (-1, -1, 1), (-1, 1, -1), (1, 1, 1))
    at = [distance((x + i * side, y + j * step, z + k * step)) for i, j, k in corners]
    gradient = [
        sum(corner[axis] * value for corner, value in zip(corners, at, strict=True))
        for axis in range(3)
    ]
    return normalise(torch.where(x < 0, -gradient[0], gradient[0]), gradient[1], gradient[2])


def edge(distance: Tensor, softness: Size) -> Tensor:
    """Coverage of a sample: 1 inside, 0 outside, a smooth ramp of width `softness` around 0."""
    return (0.5 - distance / softness).clamp(0.0, 1.0)
