"""Factors -> picture and segmentation.

Offers `render` and `Picture`. Steps: walk one cone for each block of 4x4 samples; where it comes
near the cat, walk a ray for each sample (2x2 a pixel), boldly, and those that found nothing again
with care; shade what they met; draw whiskers; average the samples.
Read first: cat.py (shape), coat.py (colour), shade.py (light), batch.py (rows of samples).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from hw5.kit.checks import InputError, check_choice
from hw5.world import cat, coat, sdf, whiskers
from hw5.world.backdrop import backdrop
from hw5.world.batch import Rows, chunks, pack, take
from hw5.world.camera import FAR, Camera, Rays, camera, cast, cone_radius, plane
from hw5.world.cat import Geometry
from hw5.world.coat import Paint
from hw5.world.factors import PARTS, Factors
from hw5.world.sdf import March, Point
from hw5.world.shade import Light, Shaded, light, shade

SAMPLES = 2  # per pixel and axis
_BLOCK = 4  # samples per cone and axis
_CONE_STEPS, _BOLD_STEPS, _CAREFUL_STEPS = 20, 7, 12
_ROUNDS = 2  # of careful steps; what is still on its way afterwards stays where it is
_BOLDEST = 5.0  # times the safe step
_MET = 0.004  # head units within which a ray has met the cat
_TOUCHED = 0.03  # head units within which it may be seen at all (shade.py: coverage)
_ROW = 1024  # samples that are computed side by side, all of one picture
_ROWS, _FUSED_ROWS = 16, 32  # rows at a time on a processor: what its cache holds
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

    advance: Callable[[Rays, March, Geometry, Tensor, Tensor], March]
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


@dataclass(frozen=True)
class _Hits:
    """Where each ray is, where it came nearest to the cat, and how near; each `(N, P)`."""

    t: Tensor
    nearest_t: Tensor
    nearest: Tensor


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


def _draw_cats(kernels: _Kernels, scene: _Scene, canvas: _Canvas) -> None:
    hits = _meet(kernels, scene, canvas)
    for some in _rows(kernels, hits.nearest < _TOUCHED, 1):
        who, sample, part = some.picture[:, None], some.unit, take(scene, some.picture)
        rays, t = cast(part.camera, canvas.x[sample], canvas.y[sample]), hits.nearest_t[who, sample]
        p = sdf.along(rays.origin, rays.direction, t)
        surface = sdf.normal(lambda q, g=part.geometry: kernels.distance(q, g), p)
        seen = kernels.shade(p, surface, rays.direction, part.geometry, part.paint, part.light)
        behind, front = canvas.colour[who, :, sample], seen.colour.movedim(1, 2)
        share = seen.covered[..., None]
        canvas.colour[who, :, sample] = behind + share * (front - behind)
        solid = seen.covered > 0.5
        canvas.depth[who, sample] = torch.where(solid, p[2], _NOWHERE)
        canvas.part[who, sample] = torch.where(solid, seen.part, 0)


def _rows(kernels: _Kernels, wanted: Tensor, samples: int) -> Iterator[Rows]:
    """Units of so many samples each, a chunk of rows at a time; fused kernels want full ones."""
    length = _ROW // samples
    if not kernels.fused:
        length = min(length, wanted.shape[1])
    num_rows = _FUSED_ROWS if kernels.fused else _ROWS
    if wanted.device.type != "cpu":
        num_rows = _MANY_ROWS
    return chunks(pack(wanted, length), num_rows, full=kernels.fused)


def _meet(kernels: _Kernels, scene: _Scene, canvas: _Canvas) -> _Hits:
    """Walk every ray that may meet the cat, from where its cone had to stop."""
    starts = _approach(kernels, scene, canvas.resolution // _BLOCK)
    hits = _Hits(*(torch.full_like(canvas.depth, value) for value in (FAR, FAR, FAR)))
    for some in _rows(kernels, starts < FAR, _BLOCK**2):
        sample = canvas.samples(some.unit)
        t = starts[some.picture[:, None], some.unit].repeat_interleave(_BLOCK**2, dim=1)
        hits.t[some.picture[:, None], sample] = t
        _walk_on(kernels, scene, canvas, hits, Rows(some.picture, sample), _BOLDEST, _BOLD_STEPS)
    for _ in range(_ROUNDS):
        for some in _rows(kernels, (hits.nearest > _MET) & (hits.t < FAR), 1):
            _walk_on(kernels, scene, canvas, hits, some, 1.0, _CAREFUL_STEPS)
    return hits


def _walk_on(
    kernels: _Kernels, scene: _Scene, canvas: _Canvas, hits: _Hits, rows: Rows,
    boldest: float, num_steps: int,
) -> None:  # fmt: skip
    """Walk some rays; after bold steps, which may have jumped too far, the next start over."""
    who, sample = rows.picture[:, None], rows.unit
    part = take(scene, rows.picture)
    rays = cast(part.camera, canvas.x[sample], canvas.y[sample])
    cone = torch.zeros_like(part.camera.half)
    t = hits.t[who, sample]
    march = _walk(kernels, rays, t, part.geometry, cone, boldest, num_steps)
    nearer = march.nearest < hits.nearest[who, sample]
    old_t, old = hits.nearest_t[who, sample], hits.nearest[who, sample]
    hits.nearest_t[who, sample] = torch.where(nearer, march.nearest_t, old_t)
    hits.nearest[who, sample] = torch.where(nearer, march.nearest, old)
    if boldest == 1.0:
        hits.t[who, sample] = march.t


def _approach(kernels: _Kernels, scene: _Scene, blocks: int) -> Tensor:
    """How far the cone of each block can go before it may touch the cat, `(N, blocks ** 2)`.

    It is `FAR` for blocks that hold background only.
    """
    half = scene.camera.half
    x, y = plane(blocks, half.device)
    starts = torch.empty(len(half), blocks**2, device=half.device)
    for some in _rows(kernels, torch.ones_like(starts, dtype=torch.bool), 1):
        part = take(scene, some.picture)
        rays = cast(part.camera, x[some.unit], y[some.unit])
        cone = cone_radius(part.camera, blocks)
        t = torch.zeros_like(rays.origin[0])
        march = _walk(kernels, rays, t, part.geometry, cone, 1.0, _CONE_STEPS)
        starts[some.picture[:, None], some.unit] = march.t
    return starts


def _walk(
    kernels: _Kernels, rays: Rays, t: Tensor, g: Geometry, cone: Tensor, boldest: float,
    num_steps: int,
) -> March:  # fmt: skip
    """Walk rays, or cones of radius `(N, 1)`, from `t` towards the cat."""
    march, limit = sdf.start(t), torch.tensor(boldest, device=t.device)
    for _ in range(num_steps):
        march = kernels.advance(rays, march, g, cone, limit)
    return march


def _draw_whiskers(scene: _Scene, factors: Factors, canvas: _Canvas, pixel: float) -> None:
    pieces = whiskers.curves(scene.geometry, scene.camera, factors)
    x, y = plane(canvas.resolution // _BLOCK, canvas.x.device)
    radius = 2.0 * _BLOCK / canvas.resolution  # more than half the diagonal of a block
    near = whiskers.near(pieces, x[None], y[None], radius, pixel, factors)
    rows = pack(near, _ROW // _BLOCK**2)
    for some in chunks(rows, _MANY_ROWS, full=False):
        who, sample = some.picture[:, None], canvas.samples(some.unit)
        depth = canvas.depth[who, sample]
        hair = whiskers.opacity(
            take(pieces, some.picture), canvas.x[sample], canvas.y[sample], depth, pixel
        )
        behind = canvas.colour[who, :, sample]
        tint = whiskers.tint(factors)[some.picture]
        canvas.colour[who, :, sample] = behind + hair[..., None] * (tint - behind)
        canvas.hair[who, sample] = hair


def _advance(rays: Rays, march: March, g: Geometry, cone: Tensor, boldest: Tensor) -> March:
    """One step of every ray towards the cat."""

    def distance(p: Point) -> Tensor:
        return _distance(p, g)

    return sdf.advance(
        distance, rays.origin, rays.direction, march, far=FAR, cone=cone, boldest=boldest
    )


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
