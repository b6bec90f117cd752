"""Factors -> picture and segmentation.

Offers `render` and `Picture`. Steps: walk one cone for each block of 4x4 samples; where it comes
near the cat, walk a ray for each sample (2x2 a pixel) and shade what it meets; draw whiskers;
average the samples. Read first: cat.py (shape), coat.py (colour), shade.py (light), batch.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from hw5.kit.checks import InputError, check_choice
from hw5.world import cat, coat, sdf, whiskers
from hw5.world.backdrop import backdrop
from hw5.world.batch import chunks, pack, take
from hw5.world.camera import FAR, NEAR, Camera, Rays, camera, cast, cone_radius, plane
from hw5.world.cat import Geometry
from hw5.world.coat import Paint
from hw5.world.factors import PARTS, Factors
from hw5.world.sdf import March, Point
from hw5.world.shade import Light, Shaded, light, shade

SAMPLES = 2  # per pixel and axis
_BLOCK = 4  # samples per cone and axis
_COARSE_STEPS, _FINE_STEPS = 12, 7
_ROW = 1024  # samples that are computed side by side, all of one picture
_ROWS = {"cpu": 16}  # rows at a time: on a processor, what its cache holds
_MANY_ROWS = 1024  # on anything else
_NOWHERE = -9.0  # depth of the background


@dataclass(frozen=True)
class Picture:
    """Rendered cats: `image` `(N, 3, H, W)` in [-1, 1], `segmentation` `(N, H, W)` uint8.

    The segmentation holds indices into `factors.PARTS`.
    """

    image: Tensor
    segmentation: Tensor

    def mask(self, part: str) -> Tensor:
        """Pixels of one part, `(N, 1, H, W)` in {0, 1}."""
        check_choice("part", part, PARTS)
        return (self.segmentation == PARTS.index(part)).float()[:, None]


@dataclass(frozen=True)
class _Scene:
    """What the pixels of each picture are made from."""

    camera: Camera
    geometry: Geometry
    paint: Paint
    light: Light


@dataclass(frozen=True)
class _Kernels:
    """The heavy functions, plain or fused; fused ones want every call of the same shape."""

    advance: Callable[[Rays, March, Geometry, Tensor], March]
    distance: Callable[[Point, Geometry], Tensor]
    shade: Callable[..., Shaded]
    fused: bool


@dataclass(frozen=True)
class _Canvas:
    """Samples of all pictures; what is drawn later covers what was drawn before."""

    resolution: int
    x: Tensor  # (P,) picture plane
    y: Tensor
    colour: Tensor  # (N, 3, P) in [0, 1]
    depth: Tensor  # (N, P) world z of the surface
    part: Tensor  # (N, P) uint8
    hair: Tensor  # (N, P) opacity of the whiskers

    def samples(self, block: Tensor) -> Tensor:
        """Samples `(R, 16 T)` of the blocks `(R, T)`."""
        blocks = self.resolution // _BLOCK
        inside = torch.arange(_BLOCK, device=block.device)
        row = (block // blocks * _BLOCK)[..., None, None] + inside[:, None]
        column = (block % blocks * _BLOCK)[..., None, None] + inside
        return (row * self.resolution + column).flatten(1)


def render(factors: Factors, size: int = 64, *, compiled: bool = False) -> Picture:
    """Render cats at `size` x `size` pixels on the device of the factors.

    `compiled=True` fuses the heavy loops with `torch.compile`: a minute once, then several times
    faster; meant for data sets. Pictures agree with the uncompiled ones to within rounding.

    Raises:
        InputError: if the size is not a multiple of 8 between 16 and 1024.
    """
    if size % 8 or not 16 <= size <= 1024:
        raise InputError(f"size: expected a multiple of 8 from 16 to 1024, got {size}")
    kernels = _kernels(compiled)
    worn = cat.ACCESSORIES if compiled else cat.worn(factors)
    geometry = cat.geometry(factors, worn)
    scene = _Scene(camera(factors), geometry, coat.paint(factors), light(factors))
    canvas = _blank(factors, size * SAMPLES)
    _draw_cats(kernels, scene, canvas)
    _draw_whiskers(scene, factors, canvas, pixel=2.0 / size)
    return Picture(_average(canvas.colour, size) * 2.0 - 1.0, _vote(canvas, size))


def _blank(factors: Factors, resolution: int) -> _Canvas:
    """The background alone."""
    x, y = plane(resolution, factors.table.device)
    colour = backdrop(x[None], y[None], factors)
    empty = torch.zeros_like(colour[:, 0])
    depth = torch.full_like(empty, _NOWHERE)
    return _Canvas(resolution, x, y, colour, depth, empty.to(torch.uint8), empty)


def _num_rows(device: torch.device) -> int:
    return _ROWS.get(device.type, _MANY_ROWS)


def _draw_cats(kernels: _Kernels, scene: _Scene, canvas: _Canvas) -> None:
    starts = _approach(kernels, scene, canvas)
    rows = pack(starts < FAR, _ROW // _BLOCK**2)
    for some in chunks(rows, _num_rows(starts.device), full=kernels.fused):
        part, who = take(scene, some.picture), some.picture[:, None]
        sample = canvas.samples(some.unit)
        rays = cast(part.camera, canvas.x[sample], canvas.y[sample])
        t = starts[who, some.unit].repeat_interleave(_BLOCK**2, dim=1)
        t = _walk(kernels, rays, t, part.geometry, 0.0, _FINE_STEPS).nearest_t
        hit = sdf.along(rays.origin, rays.direction, t)
        surface = sdf.normal(lambda p, g=part.geometry: kernels.distance(p, g), hit)
        seen = kernels.shade(hit, surface, rays.direction, part.geometry, part.paint, part.light)
        behind, front = canvas.colour[who, :, sample], seen.colour.movedim(1, 2)
        share = seen.covered[..., None]
        canvas.colour[who, :, sample] = behind + share * (front - behind)
        solid = seen.covered > 0.5
        canvas.depth[who, sample] = torch.where(solid, NEAR + t * rays.direction[2], _NOWHERE)
        canvas.part[who, sample] = torch.where(solid, seen.part, 0)


def _approach(kernels: _Kernels, scene: _Scene, canvas: _Canvas) -> Tensor:
    """How far the cone of each block can go before it may touch the cat, `(N, blocks)`.

    It is `FAR` for blocks that hold background only.
    """
    blocks = canvas.resolution // _BLOCK
    x, y = plane(blocks, canvas.x.device)
    num_pictures = len(canvas.colour)
    starts = torch.empty(num_pictures, blocks**2, device=x.device)
    length = _ROW if kernels.fused else min(_ROW, blocks**2)
    rows = pack(torch.ones_like(starts, dtype=torch.bool), length)
    for some in chunks(rows, _num_rows(x.device), full=kernels.fused):
        part = take(scene, some.picture)
        rays = cast(part.camera, x[some.unit], y[some.unit])
        march = _walk(
            kernels, rays, torch.zeros_like(rays.origin[0]), part.geometry, cone_radius(blocks),
            _COARSE_STEPS,
        )  # fmt: skip
        starts[some.picture[:, None], some.unit] = march.t
    return starts


def _walk(
    kernels: _Kernels, rays: Rays, t: Tensor, g: Geometry, cone: float, num_steps: int
) -> March:
    """Walk rays from `t` towards the cat."""
    march, radius = sdf.start(t), torch.tensor(cone, device=t.device)
    for _ in range(num_steps):
        march = kernels.advance(rays, march, g, radius)
    return march


def _draw_whiskers(scene: _Scene, factors: Factors, canvas: _Canvas, pixel: float) -> None:
    pieces = whiskers.curves(scene.geometry, scene.camera, factors)
    x, y = plane(canvas.resolution // _BLOCK, canvas.x.device)
    radius = 2.0 * _BLOCK / canvas.resolution  # more than half the diagonal of a block
    near = whiskers.near(pieces, x[None], y[None], radius, pixel, factors)
    rows = pack(near, _ROW // _BLOCK**2)
    for some in chunks(rows, _num_rows(x.device), full=False):
        who, sample = some.picture[:, None], canvas.samples(some.unit)
        depth = canvas.depth[who, sample]
        hair = whiskers.opacity(
            take(pieces, some.picture), canvas.x[sample], canvas.y[sample], depth, pixel
        )
        behind = canvas.colour[who, :, sample]
        tint = whiskers.tint(factors)[some.picture]
        canvas.colour[who, :, sample] = behind + hair[..., None] * (tint - behind)
        canvas.hair[who, sample] = hair


def _advance(rays: Rays, march: March, g: Geometry, cone: Tensor) -> March:
    """One step of every ray towards the cat."""
    return sdf.advance(
        lambda p: cat.distances(p, g).nearest(), rays.origin, rays.direction, march, far=FAR,
        cone=cone,
    )  # fmt: skip


def _distance(p: Point, g: Geometry) -> Tensor:
    """Distance to the whole cat."""
    return cat.distances(p, g).nearest()


@cache
def _kernels(compiled: bool) -> _Kernels:
    if not compiled:
        return _Kernels(_advance, _distance, shade, fused=False)
    fused = [torch.compile(f, dynamic=False) for f in (_advance, _distance, shade)]
    return _Kernels(*fused, fused=True)


def _average(samples: Tensor, size: int) -> Tensor:
    """Mean of the samples of each pixel: `(N, C, P)` -> `(N, C, size, size)`."""
    side = size * SAMPLES
    return torch.nn.functional.avg_pool2d(samples.unflatten(2, (side, side)), SAMPLES)


def _vote(canvas: _Canvas, size: int) -> Tensor:
    """The most frequent part of each pixel, the first of PARTS at a tie.

    Whiskers win where they cover a third of it.
    """
    blocks = canvas.part.reshape(-1, size, SAMPLES, size, SAMPLES)
    votes = [blocks[:, :, i, :, j] for i in range(SAMPLES) for j in range(SAMPLES)]
    last = len(PARTS) - 1
    best = torch.zeros_like(votes[0])
    for vote in votes:
        count = torch.stack([vote == other for other in votes]).sum(0, dtype=torch.uint8)
        best = torch.maximum(best, count * len(PARTS) + (last - vote))
    winner = last - best % len(PARTS)
    hairy = _average(canvas.hair[:, None], size)[:, 0] > 0.33
    return torch.where(hairy, PARTS.index("whiskers"), winner)
