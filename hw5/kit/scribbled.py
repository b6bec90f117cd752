"""A picture as a sketch: strokes of a few colours, wide ones first, as a hand would lay them.

Offers `scribble`. The order is that of painterly rendering (Hertzmann, SIGGRAPH 1998): a wide brush
for what is large, narrower ones where the canvas still differs; colours come from a palette, so
that every stroke is one colour of a region. strokes.py keeps and draws the result; draw.py turns it
into a picture.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image, ImageFilter

from hw5.kit.checks import check_images, check_mask, check_number
from hw5.kit.images import resize, to_uint8
from hw5.kit.strokes import Sketch, Stroke
from hw5.shapes import Images, Mask

SIDE = 96  # pixels in which strokes are planned: finer than any brush needs
WIDTHS = (0.2, 0.12, 0.07)  # of the brushes, in units of the side; the bundled sketches have these
FITS = 0.8  # share of a brush's radius that must lie inside its region: a little over is repainted
SPECK = 5  # pixels; patches that a window of this side outvotes are not drawn
LONGEST = 12  # steps of a stroke, each as long as the brush's radius
DIRECTIONS = 16
WORTH = 0.25  # share of a brush's disc that must be new for a dab or a further step
UNPAINTED = -1

Place = tuple[int, int]  # row, column


def scribble(image: Images, *, mask: Mask | None = None, colours: int = 6) -> Sketch:
    """Return strokes that show `image` (1, 3, H, H) in `colours` colours.

    Args:
        image: in [-1, 1], square.
        mask: (1, 1, H, H) in {0, 1}; nothing is drawn where it is 0.
        colours: size of the palette, 2 to 64.

    Raises:
        InputError: no such picture, mask or number.
    """
    check_images("image", image, size=image.shape[-1])
    check_number("colours", colours, low=2, high=64, whole=True)
    regions, palette = _regions(image, colours)
    if mask is not None:
        check_mask("mask", mask, image)
        rows = ((np.arange(SIDE) + 0.5) * image.shape[-1] / SIDE).astype(int)
        regions[mask[0, 0].cpu().numpy()[rows][:, rows] == 0] = UNPAINTED
    canvas = np.full_like(regions, UNPAINTED)
    strokes = []
    for width in WIDTHS:
        brush = _Brush(width * SIDE / 2)
        for colour in _largest_first(regions):
            for line in _lines(regions == colour, canvas, colour, brush):
                points = tuple(((x + 0.5) / SIDE, (y + 0.5) / SIDE) for y, x in line)
                strokes.append(Stroke(points, palette[colour], width))
    return Sketch(tuple(strokes))


def _regions(image: Images, colours: int) -> tuple[np.ndarray, list[tuple[int, int, int]]]:
    """Return which colour each pixel has, int (SIDE, SIDE), and the colours, 0 to 255."""
    small = Image.fromarray(to_uint8(resize(image, SIDE).clamp(-1, 1))[0])
    flat = small.quantize(colours, kmeans=colours, dither=Image.Dither.NONE)
    listed = flat.getpalette()
    palette = [tuple(listed[i : i + 3]) for i in range(0, len(listed), 3)]
    index = Image.fromarray(np.asarray(flat)).filter(ImageFilter.ModeFilter(SPECK))
    return np.asarray(index).astype(int), palette


def _largest_first(regions: np.ndarray) -> list[int]:
    """Return the colours in use, the one with the most pixels first."""
    found, counts = np.unique(regions[regions != UNPAINTED], return_counts=True)
    return found[np.argsort(-counts, kind="stable")].tolist()


class _Brush:
    """A disc of `radius` pixels."""

    def __init__(self, radius: float) -> None:
        self.radius = radius
        reach = math.floor(radius)
        span = np.arange(-reach, reach + 1)
        self.disc = np.argwhere(span[:, None] ** 2 + span[None] ** 2 <= radius**2) - reach
        angles = np.arange(DIRECTIONS) * 2 * math.pi / DIRECTIONS
        self.steps = np.rint(radius * np.stack([np.sin(angles), np.cos(angles)], axis=1)).astype(
            int
        )

    def at(self, place: Place) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows and columns under the brush that lie on the canvas."""
        under = self.disc + place
        under = under[((under >= 0) & (under < SIDE)).all(axis=1)]
        return under[:, 0], under[:, 1]


def _lines(
    region: np.ndarray, canvas: np.ndarray, colour: int, brush: _Brush
) -> Iterator[list[Place]]:
    """Yield strokes inside `region`, painting them on `canvas`, until none is worth the ink."""
    from scipy.ndimage import distance_transform_edt  # here: scipy takes a while to import

    depth = distance_transform_edt(np.pad(region, 1, mode="edge"))[1:-1, 1:-1]  # edges are no end
    fits = depth >= FITS * brush.radius

    def gain(place: Place) -> float:
        """Share of the disc at `place` that the region still lacks."""
        under = brush.at(place)
        return float((region[under] & (canvas[under] != colour)).sum()) / len(brush.disc)

    for row, column in _deepest_first(depth, fits):
        if canvas[row, column] == colour or gain((row, column)) < WORTH:
            continue
        line = [(row, column)]
        canvas[brush.at(line[0])] = colour
        for end in (-1, 0):  # first from its end on, then from its beginning
            while len(line) < LONGEST:
                ahead = _best_step(line[end], fits, brush, gain)
                if ahead is None:
                    break
                line.insert(len(line) if end else 0, ahead)
                canvas[brush.at(ahead)] = colour
        yield line


def _deepest_first(depth: np.ndarray, fits: np.ndarray) -> list[Place]:
    """Return the places where a brush fits, those furthest from the region's edge first."""
    places = np.argwhere(fits)
    order = np.argsort(-depth[fits], kind="stable")
    return [tuple(place) for place in places[order].tolist()]


def _best_step(
    place: Place, fits: np.ndarray, brush: _Brush, gain: Callable[[Place], float]
) -> Place | None:
    """Return the neighbour of `place` that adds most; None where nothing worth it is left."""
    ahead = [tuple(each) for each in (brush.steps + place).tolist()]
    inside = [p for p in ahead if min(p) >= 0 and max(p) < SIDE and fits[p]]
    best = max(inside, key=gain, default=None)
    return best if best is not None and gain(best) >= WORTH else None
