"""Pixels as strokes: a picture with transparency becomes a sketch that can be drawn on.

Offers `trace`. Its strokes give exactly these pixels back when rasterised at the same size. Read
first: strokes.py.
"""

from __future__ import annotations

import itertools

import numpy as np

from hw5.kit.checks import check_mask, check_shape
from hw5.kit.images import to_uint8
from hw5.kit.strokes import Sketch, Stroke
from hw5.shapes import Images, Mask


def trace(colour: Images, mask: Mask) -> Sketch:
    """One line for each horizontal run of equal pixels.

    A line of width 0 from the centre of a run's first pixel to that of its last reaches 0.71 of a
    pixel far (raster.py), so no further than the run.

    Args:
        colour: (1, 3, S, S) in [-1, 1].
        mask: (1, 1, S, S), 1 where drawn.

    Raises:
        InputError: shapes that do not fit.
    """
    check_shape("colour", colour, (1, 3, "S", "S"))
    check_mask("mask", mask, colour)
    pixels = to_uint8(colour)[0].astype(int)  # (S, S, 3)
    ink = pixels[..., 0] << 16 | pixels[..., 1] << 8 | pixels[..., 2]
    ink = np.where(mask[0, 0].cpu().numpy() > 0, ink, -1)  # (S, S)
    return Sketch(tuple(s for row, inks in enumerate(ink.tolist()) for s in _runs(row, inks)))


def _runs(row: int, inks: list[int]) -> list[Stroke]:
    """Strokes of one row of pixels, given as 0xRRGGBB or -1."""
    size, column, found = len(inks), 0, []
    for ink, run in itertools.groupby(inks):
        first, column = column, column + len(list(run))
        if ink >= 0:
            y = (row + 0.5) / size
            ends = ((first + 0.5) / size, y), ((column - 0.5) / size, y)
            points = ends[:1] if column - first == 1 else ends
            found.append(Stroke(points, (ink >> 16, ink >> 8 & 255, ink & 255)))
    return found
