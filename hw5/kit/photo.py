"""Anyone's photograph as a picture that a generator can take: upright, square, small.

Offers `crop_photo` for a square inside the photograph, `cut_photo` for one that may reach beyond
its edge, with the mask of what is real, `open_photo` for cutting more than once, and
`sample_photo`. Files are read by huge.py; faces are found by cat_face.py. Read next: strokes.py.

Shrinking is Lanczos on the values as they are stored, as in FFHQ and ADA. Measured on rendered
cats, 256 to 64 px, against the same cats rendered at 64 px (edges there: 23.2 levels from pixel to
pixel): 22.2, and 0.9 % of the pixels leave the range of their surroundings. In linear light the
edges are 23.3, but a dark side sinks to black (40 of 40 levels, here 13), 1.9 % leave the range,
and the picture is further from the rendered one (34.8 dB, here 35.8). Averaging has no halos and
blurs (21.0).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageFilter

from hw5.kit.checks import InputError, brief, check_number
from hw5.kit.huge import Reduced, open_reduced
from hw5.kit.images import from_uint8, on_white
from hw5.kit.refusals import MAX_PIXELS, MIN_SIDE
from hw5.shapes import Images, Mask

Box = tuple[float, float, float]  # left, top, side in pixels of the upright photograph
LEAST_REAL = 0.25  # share of a square that must lie on the photograph; the rest is made up

# The face in scikit-image's 451 x 300 cat photograph: left, top, side, in pixels.
SAMPLE_BOX = (80, 0, 300)


def crop_photo(
    photo: str | Path | np.ndarray, *, size: int = 64, box: tuple[int, int, int] | None = None
) -> Images:
    """Return a square of a photograph as (1, 3, size, size) in [-1, 1].

    Args:
        photo: a picture file of any kind and mode (turned upright by its EXIF note first), or
            uint8 (H, W, 3).
        size: pixels per side of the result; shrinking is anti-aliased.
        box: (left, top, side) of the square in pixels of the upright photograph, from its top left
            corner; the default is the largest square in the middle.

    Raises:
        InputError: an unreadable photograph, or a box that does not lie inside it.
    """
    opened = open_photo(photo)
    if box is not None:
        _check_inside(opened.name, box, opened.size)
    return cut_photo(opened, size=size, box=box).image


@dataclass(frozen=True)
class Cut:
    """A square of a photograph, and which of its pixels are real."""

    image: Images  # (1, 3, size, size); beyond the photograph its edge goes on, blurred
    mask: Mask  # (1, 1, size, size): 1 where the photograph is
    box: Box  # where the square lies in the upright photograph
    scale: float  # pixels of what was decoded for one of the result; below 1 it was enlarged

    @property
    def is_padded(self) -> bool:
        """Does the square reach beyond the photograph?"""
        return not bool(self.mask.all())


def open_photo(photo: str | Path | np.ndarray) -> Reduced:
    """Return a photograph, transparent parts filled with white.

    Args:
        photo: a picture file of any kind and mode, JPEG, PNG and TIFF of any size, or uint8
            (H, W, 3).

    Raises:
        InputError: unreadable, or nothing of it is visible.
    """
    if isinstance(photo, np.ndarray):
        picture = _from_array(photo)
        return Reduced(picture, picture.size, "photo")
    opened = open_reduced(photo)
    return replace(opened, picture=on_white(opened.picture, opened.name))


def cut_photo(photo: Reduced, *, size: int = 64, box: Box | None = None) -> Cut:
    """Return a square of a photograph that may reach beyond its edge.

    Args:
        photo: from `open_photo`.
        size: pixels per side of the result.
        box: (left, top, side), fractions allowed; None: the largest square in the middle.

    Raises:
        InputError: a box of which less than `LEAST_REAL` is on the photograph.
    """
    check_size("size", size)
    box = _middle(photo.size) if box is None else _check_box(photo.name, box)
    (left, width), (top, height) = (
        _whole_pixels(start, box[2], size, limit)
        for start, limit in zip(box[:2], photo.size, strict=True)
    )
    if width * height < LEAST_REAL * size * size:
        expected = f"a square with at least a quarter of it on {photo.size[0]} x {photo.size[1]}"
        got = f"{_words(box)} with {width * height / size**2:.0%}"
        raise InputError.about(f"{photo.name}: box", expected=expected, got=got)
    step = box[2] / size / photo.factor  # decoded pixels for one of the result
    corner = (box[0] / photo.factor + left * step, box[1] / photo.factor + top * step)
    real = _shrunk(photo.picture, corner, (width, height), step)
    around = ((top, size - top - height), (left, size - left - width))
    mask = np.pad(np.ones((height, width), np.float32), around)
    pixels = _continued(np.pad(np.asarray(real), (*around, (0, 0)), mode="edge"), mask)
    return Cut(from_uint8(pixels), torch.from_numpy(mask)[None, None], box, step)


def check_size(name: str, size: int) -> None:
    """Require a side that a picture can be cut to.

    Raises:
        InputError: too small, too large, or no whole number.
    """
    check_number(name, size, low=MIN_SIDE, high=math.isqrt(MAX_PIXELS), whole=True)


def sample_photo(size: int = 64) -> Images:
    """Return a real cat's face, (1, 3, size, size) in [-1, 1]: scikit-image's `chelsea`."""
    from skimage.data import chelsea  # here, because scikit-image takes a while to import

    return crop_photo(chelsea(), size=size, box=SAMPLE_BOX)


def _whole_pixels(start: float, side: float, size: int, limit: int) -> tuple[int, int]:
    """Return the first pixel of the result that lies on [0, limit] along one axis, and how many."""
    slack = 1e-6  # a square that ends on the edge shall not lose its last pixel to rounding
    first = max(0, math.ceil(-start * size / side - slack))
    end = min(size, math.floor((limit - start) * size / side + slack))
    return first, max(0, end - first)


def _shrunk(
    picture: Image.Image, corner: tuple[float, float], size: tuple[int, int], step: float
) -> Image.Image:
    """Return (width, height) pixels from `corner` on, each of `step` x `step` of the picture's."""
    limits = zip(corner, size, picture.size, strict=True)
    spans = [(max(0.0, at), min(at + step * count, limit)) for at, count, limit in limits]
    # Cropped before it is scaled: the filter would otherwise reach beyond the box.
    (x0, x1), (y0, y1) = ((math.floor(low), math.ceil(high)) for low, high in spans)
    (left, right), (top, bottom) = spans
    box = (left - x0, top - y0, right - x0, bottom - y0)
    return picture.crop((x0, y0, x1, y1)).resize(size, Image.Resampling.LANCZOS, box=box)


def _continued(pixels: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return (H, W, 3) with what is made up blurred: a mirror would give a close-up a second face.

    The blur, a sixteenth of the side, takes the streaks out of edge rows that go on and on.
    """
    if mask.all():
        return pixels
    blurred = Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(len(pixels) / 16))
    return np.where(mask[..., None] > 0, pixels, np.asarray(blurred))


def _from_array(array: np.ndarray) -> Image.Image:
    """Return uint8 (H, W, 3) as a Pillow picture.

    Raises:
        InputError: another type or shape, or too small.
    """
    is_rgb = array.dtype == np.uint8 and array.ndim == 3 and array.shape[2] == 3
    if not is_rgb or min(array.shape[:2]) < MIN_SIDE:
        expected = f"uint8 (H, W, 3) of at least {MIN_SIDE} x {MIN_SIDE} pixels"
        raise InputError.about("photo", expected=expected, got=f"{array.dtype} {array.shape}")
    return Image.fromarray(np.ascontiguousarray(array))


def _middle(size: tuple[int, int]) -> tuple[int, int, int]:
    """Return (left, top, side) of the largest square in the middle of a (width, height)."""
    side = min(size)
    return (size[0] - side) // 2, (size[1] - side) // 2, side


def _check_box(name: str, box: Box) -> Box:
    """Require (left, top, side): finite numbers, and a side of at least `MIN_SIDE`."""
    try:
        left, top, side = box
        for value, low in ((left, -MAX_PIXELS), (top, -MAX_PIXELS), (side, MIN_SIDE)):
            check_number("box", value, low=low, high=MAX_PIXELS)
    except (TypeError, ValueError) as error:
        expected = f"(left, top, side) in pixels, side from {MIN_SIDE}"
        raise InputError.about(f"{name}: box", expected=expected, got=_words(box)) from error
    return float(left), float(top), float(side)


def _check_inside(name: str, box: tuple[int, int, int], size: tuple[int, int]) -> None:
    """Require (left, top, side) in whole pixels inside a picture of (width, height)."""
    width, height = size
    expected = f"(left, top, side) in whole pixels inside {width} x {height}, side from {MIN_SIDE}"
    try:
        left, top, side = box
        for value, low in ((left, 0), (top, 0), (side, MIN_SIDE)):
            check_number("box", value, low=low, whole=True)
    except (TypeError, ValueError) as error:
        raise InputError.about(f"{name}: box", expected=expected, got=_words(box)) from error
    if left + side > width or top + side > height:
        hint = f"the largest side from there is {min(width - left, height - top)}"
        raise InputError.about(f"{name}: box", expected=expected, got=_words(box), hint=hint)


def _words(box: object) -> str:
    """Return a box as a message shows it."""
    if isinstance(box, tuple) and all(isinstance(value, float) for value in box):
        return "(" + ", ".join(f"{value:g}" for value in box) + ")"
    return brief(box)
