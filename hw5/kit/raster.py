"""Lines and flood fills on a grid of pixels, without anti-aliasing and the same on every machine.

Offers `Canvas`, which strokes.py draws on. Only whole numbers and elementwise float64 sums and
products are used, which IEEE 754 fixes to the last bit; a graphics library's version or a
processor's fused instructions cannot change a pixel.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

Point = tuple[float, float]
Colour = tuple[int, int, int]

UNDRAWN = -1

# Half a pixel's diagonal is 0.707: with this radius even a hair line through pixel corners marks a
# centre.
MIN_RADIUS = 0.71


class Canvas:
    """A square of `size` x `size` pixels, each undrawn or of one colour."""

    def __init__(self, size: int) -> None:
        """Start with nothing drawn."""
        self.size = size
        self._ink = np.full((size, size), UNDRAWN, dtype=np.int32)  # colour as 0xRRGGBB, or UNDRAWN

    def line(self, points: Sequence[Point], width: float, colour: Colour | None) -> None:
        """Mark the pixels with centres within half of `width` of the line through `points`.

        Args:
            points: (x, y) in units of the side; one point is a dot.
            width: in units of the side.
            colour: what to draw with; None erases.
        """
        corners = [(x * self.size, y * self.size) for x, y in points]
        radius = max(width * self.size / 2, MIN_RADIUS)
        for start, end in zip(corners, corners[1:] or corners, strict=False):
            self._segment(start, end, radius, _packed(colour))

    def fill(self, points: Iterable[Point], colour: Colour | None) -> None:
        """Flood the patch of equal pixels, joined by edges, around each of `points` in turn."""
        for x, y in points:
            column, row = (min(int(value * self.size), self.size - 1) for value in (x, y))
            patch = _patch(self._ink == self._ink[row, column], row, column)
            self._ink[patch] = _packed(colour)

    def pixels(self) -> tuple[np.ndarray, np.ndarray]:
        """Return colours, uint8 (size, size, 3), and what is drawn, bool (size, size)."""
        drawn = self._ink != UNDRAWN
        ink = np.where(drawn, self._ink, 0)
        return np.dstack([ink >> 16, ink >> 8 & 255, ink & 255]).astype(np.uint8), drawn

    def _segment(self, start: Point, end: Point, radius: float, ink: int) -> None:
        """Give `ink` to the pixels with centres within `radius` pixels of a segment."""
        (x0, y0), (x1, y1) = start, end
        rows, columns = self._span(y0, y1, radius), self._span(x0, x1, radius)
        x = np.arange(columns.start, columns.stop) + 0.5 - x0  # (w,), from the segment's start
        y = (np.arange(rows.start, rows.stop) + 0.5 - y0)[:, None]  # (h, 1)
        dx, dy = x1 - x0, y1 - y0
        length_squared = dx * dx + dy * dy
        along = (x * dx + y * dy) / length_squared if length_squared > 0 else 0.0  # 0 start, 1 end
        along = np.clip(along, 0.0, 1.0)
        off_x, off_y = x - along * dx, y - along * dy
        near = off_x * off_x + off_y * off_y <= radius * radius
        self._ink[rows, columns][near] = ink

    def _span(self, a: float, b: float, radius: float) -> slice:
        """Return the pixels along one axis that a segment from `a` to `b` can reach."""
        low, high = int(min(a, b) - radius - 1), int(max(a, b) + radius + 2)
        return slice(max(low, 0), min(high, self.size))


def _packed(colour: Colour | None) -> int:
    """Return a colour as one whole number, 0xRRGGBB, or UNDRAWN for None."""
    return UNDRAWN if colour is None else colour[0] << 16 | colour[1] << 8 | colour[2]


def _patch(same: np.ndarray, row: int, column: int) -> np.ndarray:
    """Return the part of `same`, bool (H, W), joined by edges to the pixel at `row`, `column`."""
    height, width = same.shape
    found = np.zeros(height * width, dtype=bool)
    open_pixels = same.ravel().tolist()  # a list is several times faster to index than an array
    waiting = [row * width + column]
    while waiting:
        place = waiting.pop()
        if not open_pixels[place]:
            continue
        open_pixels[place] = False
        found[place] = True
        left_edge, right_edge = place % width == 0, place % width == width - 1
        waiting += [place - 1] * (not left_edge) + [place + 1] * (not right_edge)
        waiting += [n for n in (place - width, place + width) if 0 <= n < height * width]
    return found.reshape(height, width)
