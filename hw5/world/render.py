"""Factors -> picture and segmentation of cats.

Offers `render` and `Picture`. Cats are a world of tracer.py, which draws them on a background; then
whiskers are drawn over them, and the samples averaged.
Read first: cat.py (shape), coat.py (colour), shade.py (light), tracer.py (how rays meet them).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from hw5.kit.checks import InputError, check_choice
from hw5.world import cat, coat, tracer, whiskers
from hw5.world.backdrop import backdrop
from hw5.world.batch import take
from hw5.world.camera import Camera, Lens, plane
from hw5.world.canvas import Canvas, blank
from hw5.world.cat import Geometry
from hw5.world.coat import Paint
from hw5.world.factors import PARTS, Factors
from hw5.world.sdf import Point
from hw5.world.shade import Light, light, shade
from hw5.world.tracer import Scene, Shaded, World

_HALF_VIEW = 0.96  # half the visible height in head units
_LENS = Lens(centre_y=0.13, perspective=0.12, near=1.15, far=2.4)  # in head units
_SEEN = 0.33  # share of a pixel that whiskers cover where it is theirs

Look = tuple[Paint, Light]


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


def render(factors: Factors, size: int = 64, *, compiled: bool = False) -> Picture:
    """Render cats at `size` x `size` pixels on the device of the factors.

    `compiled=True` fuses the heavy loops with `torch.compile`: a minute once, then several times
    faster; meant for data sets. Pictures agree with the uncompiled ones to within rounding.

    Raises:
        InputError: if the size is not a multiple of 8 between 16 and 1024.
    """
    if size % 8 or not 16 <= size <= 1024:
        raise InputError(f"size: expected a multiple of 8 from 16 to 1024, got {size}")
    worn = cat.ACCESSORIES if compiled else cat.worn(factors)
    look = (coat.paint(factors), light(factors))
    scene = Scene(_camera(factors), cat.geometry(factors, worn), look)
    canvas = blank(size, lambda x, y: backdrop(x, y, factors), factors.table.device)
    tracer.draw(_CATS, scene, canvas, compiled=compiled)
    hair = _draw_whiskers(scene, factors, canvas)
    hairy = canvas.average(hair[:, None])[:, 0] > _SEEN
    segmentation = torch.where(hairy, PARTS.index("whiskers"), canvas.vote())
    return Picture(canvas.average(canvas.colour) * 2.0 - 1.0, segmentation)


def _camera(factors: Factors) -> Camera:
    """Zoom and position, seen as a moving camera."""
    zoom, x, y = (factors[name][:, None] for name in ("zoom", "position_x", "position_y"))
    return Camera(_HALF_VIEW / zoom, 2.0 * x, 2.0 * y, _LENS)  # a picture side is two plane units


def _draw_whiskers(scene: Scene[Geometry, Look], factors: Factors, canvas: Canvas) -> Tensor:
    """Draw them over the cats; their opacity at every sample, `(N, P)`."""
    pixel = 2.0 / canvas.size
    pieces = whiskers.curves(scene.form, scene.camera, factors)

    def opacity(picture: Tensor, x: Tensor, y: Tensor, depth: Tensor) -> Tensor:
        return whiskers.opacity(take(pieces, picture), x, y, depth, pixel)

    x, y = plane(canvas.blocks, canvas.x.device)
    radius = 2.0 / canvas.blocks  # more than half the diagonal of a block
    near = whiskers.near(pieces, x[None], y[None], radius, pixel, factors)
    return canvas.cover(near, whiskers.tint(factors), opacity)


def _distance(p: Point, g: Geometry) -> Tensor:
    """Distance to the whole cat."""
    return cat.distances(p, g).nearest()


def _shade(p: Point, normal: Point, view: Point, g: Geometry, look: Look) -> Shaded:
    """What is seen at points of the cat."""
    return shade(p, normal, view, g, *look)


_CATS = World(_distance, _shade)
