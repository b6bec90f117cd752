"""Pictures too large to be held: decoded at a fraction of their size, in bounded memory.

Offers `open_reduced`. A picture of up to `MAX_PIXELS` is decoded as it is. A larger JPEG is
reduced by its own decoder, which leaves the fine waves out; a larger PNG or TIFF is decoded in
bands, each averaged before the next one is touched. So a poster of 20,000 x 20,000 pixels needs
less than half a gigabyte beside its file, a progressive JPEG 1.3 more, because all its scans must
be held. Other formats cannot be read in parts and are refused from there on. Read next:
huge_png.py, huge_tiff.py, jpeg.py, photo.py.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from hw5.kit import huge_png, huge_tiff, jpeg
from hw5.kit.bands import WholeOnly
from hw5.kit.decode import decode_picture, read_picture, upright
from hw5.kit.refusals import MAX_PIXELS, check_side, kind_of, refusal, too_large

MOST_SIDE, MOST_PIXELS = 1_000_000, 1 << 32  # beyond, a row is large itself, and all take minutes
REDUCED_PIXELS = MAX_PIXELS // 2  # at most, of what is left of a larger picture
ORIENTATION = 0x0112  # EXIF's tag
LYING = (5, 6, 7, 8)  # its values where width and height change places; others mean nothing

# What tells a file's size, and decodes it at a fraction.
KINDS = {"JPEG": jpeg, "PNG": huge_png, "TIFF": huge_tiff}


@dataclass(frozen=True)
class Reduced:
    """A picture, upright, and how large it is in its file."""

    picture: Image.Image  # RGB or RGBA
    size: tuple[int, int]  # (width, height) of the upright original, pixels
    name: str  # what to call it in messages

    @property
    def factor(self) -> float:
        """Pixels of the original's width for one of the picture's; 1 where nothing was reduced."""
        return self.size[0] / self.picture.width


def open_reduced(path: str | Path) -> Reduced:
    """Return the picture in the file at `path`, reduced if it has more than `MAX_PIXELS`.

    Raises:
        InputError: unreadable, or too large and of a kind that cannot be read in parts.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a corrupt note beside the pixels is no bad picture
        return _open(read_picture(path), str(path))


def _open(data: bytes, name: str) -> Reduced:
    kind = KINDS.get(kind_of(data))
    try:
        width, height = kind.stated_size(data) if kind else (0, 0)
    except Exception as error:  # Pillow and struct raise a dozen kinds on damaged headers
        raise refusal(name, data, Image.UnidentifiedImageError()) from error
    if width * height <= MAX_PIXELS:
        picture = decode_picture(data, name)
        return Reduced(picture, picture.size, name)
    check_side(name, (width, height))
    if max(width, height) > MOST_SIDE or width * height > MOST_PIXELS:
        raise too_large(name, f"{width:,} x {height:,}, too many even for reading in parts")
    try:
        small = kind.reduced(data, math.sqrt(width * height / REDUCED_PIXELS))
        lies = small.getexif().get(ORIENTATION, 1) in LYING
        return Reduced(upright(small), (height, width) if lies else (width, height), name)
    except WholeOnly as error:
        raise too_large(name, f"{width:,} x {height:,} {error}") from error
    except Exception as error:  # a dozen kinds again, on damaged pixels
        raise refusal(name, data, error) from error
