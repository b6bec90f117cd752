"""Ray tracing of any world that has a distance function, batched; knows nothing of cats.

Offers `World`, `Scene`, `Shaded`, `Walk` and `draw`. Steps: walk one cone for each block of 4x4
samples; where it comes near anything, walk a ray for each sample, boldly, and those that found
nothing again with care; shade what they met. Two functions describe a world; what they read of each
picture is up to them, as long as it is tensors `(N, ...)` in dataclasses or tuples.
Read first: sdf.py (distances), camera.py, batch.py (rows of samples), canvas.py. Read next:
render.py, the cats' picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Generic, NamedTuple, TypeVar

import torch
from torch import Tensor

from hw5.world import sdf
from hw5.world.batch import MANY_ROWS, ROW, Rows, chunks, pack, take
from hw5.world.camera import Camera, Rays, cast, cone_radius, plane
from hw5.world.canvas import BLOCK, NOWHERE, Canvas
from hw5.world.sdf import March, Point

_ROWS, _FUSED_ROWS = 16, 32  # rows at a time on a processor: what its cache holds

Form = TypeVar("Form")  # what the distances of each picture are made of
Look = TypeVar("Look")  # what its colours are made of beside the form


class Shaded(NamedTuple):
    """Colour `(N, 3, P)` in [0, 1], coverage `(N, P)` and index of the part `(N, P)` uint8."""

    colour: Tensor
    covered: Tensor
    part: Tensor


@dataclass(frozen=True)
class Walk:
    """How rays walk. Lengths are in the world's units, of which a picture shows about two.

    A step is half a unit at most, and a lens's `far` has to be within reach of the cones.
    """

    cone_steps: int = 20
    bold_steps: int = 7
    careful_steps: int = 12
    rounds: int = 2  # of careful steps; what is still on its way afterwards stays where it is
    boldest: float = 5.0  # times the safe step
    met: float = 0.004  # within which a ray has met something
    touched: float = 0.03  # within which it may be seen at all: how far coverage reaches outwards


@dataclass(frozen=True)
class World(Generic[Form, Look]):
    """What can be met, and how it looks.

    `distance(p, form)` is the signed distance `(N, P)` of points from everything there is.
    `shade(p, normal, view, form, look)` is what is seen at points that rays of the unit direction
    `view` met, or nearly met. Parts are numbered from 1 to at most `canvas.MOST_PARTS - 1`.
    """

    distance: Callable[[Point, Form], Tensor]
    shade: Callable[[Point, Point, Point, Form, Look], Shaded]
    walk: Walk = Walk()


@dataclass(frozen=True)
class Scene(Generic[Form, Look]):
    """What the pixels of each picture are made from."""

    camera: Camera
    form: Form
    look: Look


@dataclass(frozen=True)
class _Kernels:
    """The heavy functions, plain or fused; fused ones want every call of the same shape."""

    advance: Callable[[Rays, March, Form, Tensor, Tensor], March]
    distance: Callable[[Point, Form], Tensor]
    shade: Callable[..., Shaded]
    walk: Walk
    fused: bool


@dataclass(frozen=True)
class _Hits:
    """Where each ray is, where it came nearest to anything, and how near; each `(N, P)`."""

    t: Tensor
    nearest_t: Tensor
    nearest: Tensor


def draw(
    world: World[Form, Look], scene: Scene[Form, Look], canvas: Canvas, *, compiled: bool = False
) -> None:
    """Draw the scene of each picture over what is on the canvas.

    `compiled=True` fuses the heavy loops with `torch.compile`, once a world: a minute, then several
    times faster.
    """
    kernels = kernels_of(world, scene.camera.lens.far, compiled)
    hits = _meet(kernels, scene, canvas)
    for some in _rows(kernels, hits.nearest < kernels.walk.touched, 1):
        who, sample, part = some.picture[:, None], some.unit, take(scene, some.picture)
        rays, t = cast(part.camera, canvas.x[sample], canvas.y[sample]), hits.nearest_t[who, sample]
        p = sdf.along(rays.origin, rays.direction, t)
        surface = sdf.normal(lambda q, form=part.form: kernels.distance(q, form), p)
        seen = kernels.shade(p, surface, rays.direction, part.form, part.look)
        behind, front = canvas.colour[who, :, sample], seen.colour.movedim(1, 2)
        share = seen.covered[..., None]
        canvas.colour[who, :, sample] = behind + share * (front - behind)
        solid = seen.covered > 0.5
        canvas.depth[who, sample] = torch.where(solid, p[2], NOWHERE)
        canvas.part[who, sample] = torch.where(solid, seen.part, 0)


@cache
def kernels_of(world: World, far: float, compiled: bool) -> _Kernels:
    """The functions of a world, made once: compiling takes long."""

    def advance(rays: Rays, march: March, form: Form, cone: Tensor, boldest: Tensor) -> March:
        def distance(p: Point) -> Tensor:
            return world.distance(p, form)

        return sdf.advance(
            distance, rays.origin, rays.direction, march, far=far, cone=cone, boldest=boldest
        )

    functions = (advance, world.distance, world.shade)
    if compiled:
        functions = [torch.compile(f, dynamic=False) for f in functions]
    return _Kernels(*functions, walk=world.walk, fused=compiled)


def _rows(kernels: _Kernels, wanted: Tensor, samples: int) -> Iterator[Rows]:
    """Units of so many samples each, a chunk of rows at a time; fused kernels want full ones."""
    length = ROW // samples
    if not kernels.fused:
        length = min(length, wanted.shape[1])
    num_rows = _FUSED_ROWS if kernels.fused else _ROWS
    if wanted.device.type != "cpu":
        num_rows = MANY_ROWS
    return chunks(pack(wanted, length), num_rows, full=kernels.fused)


def _meet(kernels: _Kernels, scene: Scene, canvas: Canvas) -> _Hits:
    """Walk every ray that may meet something, from where its cone had to stop."""
    walk, far = kernels.walk, scene.camera.lens.far
    starts = _approach(kernels, scene, canvas.blocks)
    hits = _Hits(*(torch.full_like(canvas.depth, far) for _ in range(3)))
    for some in _rows(kernels, starts < far, BLOCK**2):
        sample = canvas.samples(some.unit)
        t = starts[some.picture[:, None], some.unit].repeat_interleave(BLOCK**2, dim=1)
        hits.t[some.picture[:, None], sample] = t
        rows = Rows(some.picture, sample)
        _walk_on(kernels, scene, canvas, hits, rows, walk.boldest, walk.bold_steps)
    for _ in range(walk.rounds):
        for some in _rows(kernels, (hits.nearest > walk.met) & (hits.t < far), 1):
            _walk_on(kernels, scene, canvas, hits, some, 1.0, walk.careful_steps)
    return hits


def _walk_on(
    kernels: _Kernels, scene: Scene, canvas: Canvas, hits: _Hits, rows: Rows,
    boldest: float, num_steps: int,
) -> None:  # fmt: skip
    """Walk some rays; after bold steps, which may have jumped too far, the next start over."""
    who, sample = rows.picture[:, None], rows.unit
    part = take(scene, rows.picture)
    rays = cast(part.camera, canvas.x[sample], canvas.y[sample])
    cone = torch.zeros_like(part.camera.half)
    t = hits.t[who, sample]
    march = _walk(kernels, rays, t, part.form, cone, boldest, num_steps)
    nearer = march.nearest < hits.nearest[who, sample]
    old_t, old = hits.nearest_t[who, sample], hits.nearest[who, sample]
    hits.nearest_t[who, sample] = torch.where(nearer, march.nearest_t, old_t)
    hits.nearest[who, sample] = torch.where(nearer, march.nearest, old)
    if boldest == 1.0:
        hits.t[who, sample] = march.t


def _approach(kernels: _Kernels, scene: Scene, blocks: int) -> Tensor:
    """How far the cone of each block can go before it may touch anything, `(N, blocks ** 2)`.

    It is the lens's `far` for blocks that hold background only.
    """
    half = scene.camera.half
    x, y = plane(blocks, half.device)
    starts = torch.empty(len(half), blocks**2, device=half.device)
    for some in _rows(kernels, torch.ones_like(starts, dtype=torch.bool), 1):
        part = take(scene, some.picture)
        rays = cast(part.camera, x[some.unit], y[some.unit])
        cone = cone_radius(part.camera, blocks)
        t = torch.zeros_like(rays.origin[0])
        march = _walk(kernels, rays, t, part.form, cone, 1.0, kernels.walk.cone_steps)
        starts[some.picture[:, None], some.unit] = march.t
    return starts


def _walk(
    kernels: _Kernels, rays: Rays, t: Tensor, form: Form, cone: Tensor, boldest: float,
    num_steps: int,
) -> March:  # fmt: skip
    """Walk rays, or cones of radius `(N, 1)`, from `t` towards whatever is there."""
    march, limit = sdf.start(t), torch.tensor(boldest, device=t.device)
    for _ in range(num_steps):
        march = kernels.advance(rays, march, form, cone, limit)
    return march
