"""The one door for picture files: bytes of any origin in, an upright 8-bit Pillow picture out.

Offers `open_picture` (a file) and `decode_picture` (bytes). Both give mode RGB, or RGBA where the
picture has any transparency, in the colours of sRGB. For the file next door, which reads what is
too large to be held, also `read_picture`, `upright` and `grey_in_8_bits`. Read next: refusals.py
(what is taken), huge.py, then images.py, photo.py, strokes.py, which are built on these.
"""

from __future__ import annotations

import io
import warnings
from contextlib import suppress
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops, ImageOps

from hw5.kit import jpeg
from hw5.kit.checks import InputError
from hw5.kit.files import MEBIBYTE, read_bytes
from hw5.kit.refusals import (
    FORMATS,
    MAX_PIXELS,
    MIN_SIDE,
    check_side,
    kind_of,
    refusal,
    too_large,
)  # fmt: skip
from hw5.kit.srgb import in_srgb

MAX_FILE = 512 * MEBIBYTE  # what 64 million pixels take at most: 16 bits, with transparency
MAX_TIFF = 1280 * MEBIBYTE  # 20,000 x 20,000 in 8 bits and three colours, not packed

_WITH_ALPHA = ("RGBA", "LA", "PA", "La", "RGBa")
_TIFF_COLOURS = 262  # TIFF's tag for what its numbers mean


def open_picture(path: str | Path, *, min_side: int = MIN_SIDE) -> Image.Image:
    """Return the picture in the file at `path`; see `decode_picture`.

    Raises:
        InputError: the file cannot be read, or holds no usable picture.
    """
    return decode_picture(read_picture(path), str(path), min_side=min_side)


def read_picture(path: str | Path) -> bytes:
    """Return the bytes of a picture file.

    Raises:
        InputError: the file cannot be read, or is larger than can be held.
    """
    hint = "save it smaller, as JPEG or PNG"
    return read_bytes(path, expected="a picture", limit=_limit(Path(path)), too_large=hint)


def _limit(path: Path) -> int:
    """Return how many bytes of a file are read: the pixels of a TIFF often lie there unpacked."""
    with suppress(OSError):
        if path.is_file():  # to open a pipe would wait for somebody to write into it
            with path.open("rb") as file:
                return MAX_TIFF if kind_of(file.read(12)) == "TIFF" else MAX_FILE
    return MAX_FILE


def decode_picture(data: bytes, name: str, *, min_side: int = MIN_SIDE) -> Image.Image:
    """Return the first frame in `data`, turned upright by its EXIF note, as 8-bit RGB or RGBA.

    16-bit grey is scaled to 8 bits; palette, grey and CMYK become RGB; a colour profile in the
    file, as phones and print shops write it, is followed to sRGB.

    Args:
        data: the bytes of a picture file.
        name: what to call it in messages.
        min_side: smallest accepted height and width, in pixels.

    Raises:
        InputError: no picture, a damaged one, smaller than `min_side`, or more than `MAX_PIXELS`
            pixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # every case warned about is refused below or harmless
            with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
                size = picture.size  # no pixel is decoded before it is known
            if size[0] * size[1] > MAX_PIXELS:
                raise too_large(name, f"{size[0]:,} x {size[1]:,}", kind=kind_of(data))
            check_side(name, size, min_side)
            if kind_of(data) == "JPEG":
                data = jpeg.whole(data)
            with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
                picture.load()
                return upright(picture)
    except InputError:
        raise
    except Exception as error:  # Pillow's decoders raise a dozen kinds on damaged files
        raise refusal(name, data, error) from error


def upright(picture: Image.Image) -> Image.Image:
    """Return a decoded picture turned by its EXIF note, as sRGB in 8 bits, mode RGB or RGBA.

    Raises:
        ValueError: pixels without a known range.
    """
    # Pillow takes every CMYK JPEG for one of Adobe's, whose inks are inverted; others are not.
    if (picture.format, picture.mode) == ("JPEG", "CMYK") and "adobe" not in picture.info:
        picture = ImageChops.invert(picture)
    ImageOps.exif_transpose(picture, in_place=True)  # a copy would be another 256 MB
    if picture.mode.startswith("I"):
        is_wide = (picture.format, picture.mode) == ("TIFF", "I")
        if is_wide and 0 < picture.getextrema()[1] <= 255:
            raise ValueError("32-bit pixels of 0 to 255 would be black; save as 8 bits")
        picture = grey_in_8_bits(picture)
    elif picture.mode == "F":
        raise ValueError("floating-point pixels have no known range; save as 8 bits")
    transparent = picture.mode in _WITH_ALPHA or "transparency" in picture.info
    return in_srgb(picture, "RGBA" if transparent else "RGB")


def grey_in_8_bits(picture: Image.Image) -> Image.Image:
    """Return a 16-bit grey picture, up to 65,535 in either byte order, in 8 bits."""
    grey = np.rint(np.asarray(picture).astype(np.float32).clip(0, 65535) / 257).astype(np.uint8)
    # Of other numbers of bits Pillow knows itself that a TIFF's 0 may mean white.
    is_negative = picture.format == "TIFF" and picture.tag_v2.get(_TIFF_COLOURS) == 0
    found = Image.fromarray(255 - grey if is_negative else grey)
    found.info = {key: picture.info[key] for key in ("icc_profile",) if key in picture.info}
    return found
