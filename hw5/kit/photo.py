"""Anyone's photograph as a picture that a generator can take: upright, square, small.

Offers `crop_photo` and `sample_photo`. Uses decode.py for files; read next: strokes.py.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from PIL import Image

from hw5.kit.checks import InputError, check_number
from hw5.kit.decode import MAX_PIXELS, MIN_SIDE, open_picture
from hw5.kit.images import from_uint8, on_white
from hw5.shapes import Images

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
    check_number("size", size, low=MIN_SIDE, high=math.isqrt(MAX_PIXELS), whole=True)
    if isinstance(photo, np.ndarray):
        name, picture = "photo", _from_array(photo)
    else:
        name, picture = str(photo), on_white(open_picture(photo), str(photo))
    left, top, side = _middle(picture.size) if box is None else _check_box(name, box, picture.size)
    # Cropped before it is scaled: the filter would otherwise reach beyond the box.
    square = picture.crop((left, top, left + side, top + side))
    small = square.resize((size, size), Image.Resampling.LANCZOS)
    return from_uint8(np.asarray(small))


def sample_photo(size: int = 64) -> Images:
    """Return a real cat's face, (1, 3, size, size) in [-1, 1]: scikit-image's `chelsea`."""
    from skimage.data import chelsea  # here, because scikit-image takes a while to import

    return crop_photo(chelsea(), size=size, box=SAMPLE_BOX)


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


def _check_box(name: str, box: tuple[int, int, int], size: tuple[int, int]) -> tuple[int, int, int]:
    """Return `box` = (left, top, side) if it lies inside a picture of (width, height)."""
    width, height = size
    expected = f"(left, top, side) in whole pixels inside {width} x {height}, side from {MIN_SIDE}"
    try:
        left, top, side = box
        for value, low in ((left, 0), (top, 0), (side, MIN_SIDE)):
            check_number("box", value, low=low, whole=True)
    except (TypeError, ValueError) as error:
        raise InputError.about(f"{name}: box", expected=expected, got=box) from error
    if left + side > width or top + side > height:
        hint = f"the largest side from there is {min(width - left, height - top)}"
        raise InputError.about(f"{name}: box", expected=expected, got=box, hint=hint)
    return left, top, side
