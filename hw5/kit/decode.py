"""The one door for picture files: bytes of any origin in, an upright 8-bit Pillow picture out.

Offers `open_picture` (a file) and `decode_picture` (bytes). Both give mode RGB, or RGBA where the
picture has any transparency. Read next: images.py, photo.py, strokes.py, which are built on it.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from hw5.kit.checks import InputError
from hw5.kit.files import read_bytes

# 8,000 x 8,000: beyond any phone's ordinary photograph, and decoded it still fits in 256 MB.
MAX_PIXELS = 64_000_000

# Below this nothing can be seen, and the smallest feature maps would vanish.
MIN_SIDE = 8

# Pure decoders only: some of Pillow's other formats start outside programs.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM")

_WITH_ALPHA = ("RGBA", "LA", "PA", "La", "RGBa")
_EXPECTED = "a PNG, JPEG, WebP, GIF, BMP, TIFF or PPM picture"


def open_picture(path: str | Path, *, min_side: int = MIN_SIDE) -> Image.Image:
    """Return the picture in the file at `path`; see `decode_picture`.

    Raises:
        InputError: the file cannot be read, or holds no usable picture.
    """
    return decode_picture(read_bytes(path, expected="a picture"), str(path), min_side=min_side)


def decode_picture(data: bytes, name: str, *, min_side: int = MIN_SIDE) -> Image.Image:
    """Return the first frame in `data`, turned upright by its EXIF note, as 8-bit RGB or RGBA.

    16-bit grey is scaled to 8 bits; palette, grey and CMYK become RGB.

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
                _check_size(name, picture.size, min_side)
                picture.load()
                return _plain(ImageOps.exif_transpose(picture))
    except InputError:
        raise
    except Image.DecompressionBombError as error:
        raise _too_large(name, "far more") from error
    except MemoryError as error:
        raise _too_large(name, "more than the memory left can hold") from error
    except Exception as error:  # Pillow's decoders raise a dozen kinds on damaged files
        raise _not_a_picture(name, data, error) from error


def _check_size(name: str, size: tuple[int, int], min_side: int) -> None:
    """Require a (width, height) within the limits, before any pixel is decoded."""
    width, height = size
    if width * height > MAX_PIXELS:
        raise _too_large(name, f"{width:,} x {height:,}")
    if min(width, height) < min_side:
        expected = f"a picture of at least {min_side} x {min_side} pixels"
        hint = "use the original, not a thumbnail"
        raise InputError.about(name, expected=expected, got=f"{width} x {height}", hint=hint)


def _plain(picture: Image.Image) -> Image.Image:
    """Return a copy of `picture` in mode RGB, or RGBA when its file speaks of transparency."""
    if picture.mode.startswith("I"):  # 16-bit grey in either byte order, up to 65,535
        grey = np.asarray(picture).astype(np.float64) / 257
        picture = Image.fromarray(np.rint(grey.clip(0, 255)).astype(np.uint8))
    elif picture.mode == "F":
        raise ValueError("floating-point pixels have no known range; save as 8 bits")
    transparent = picture.mode in _WITH_ALPHA or "transparency" in picture.info
    return picture.convert("RGBA" if transparent else "RGB")


def _too_large(name: str, got: str) -> InputError:
    """Return the error for a picture above the limit."""
    expected = f"at most {MAX_PIXELS // 1_000_000} million pixels"
    hint = "make it smaller or cut a part out"
    return InputError.about(name, expected=expected, got=got, hint=hint)


def _not_a_picture(name: str, data: bytes, error: Exception) -> InputError:
    """Return the error for bytes that Pillow refused, guessing the slip from how they start."""
    if isinstance(error, Image.UnidentifiedImageError):
        if data[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypavif"):
            got, hint = "HEIC or AVIF", "export it as JPEG"
        else:
            got = "text" if _looks_like_text(data) else "an unknown format or a damaged file"
            hint = "an ending does not make a file a picture; export it again as PNG"
    else:
        got = f"a damaged or unsupported one ({str(error)[:80] or type(error).__name__})"
        hint = "copy it again or export it as PNG"
    return InputError.about(name, expected=_EXPECTED, got=got, hint=hint)


def _looks_like_text(data: bytes) -> bool:
    """Say whether `data` starts like readable text."""
    try:
        return data[:256].decode("ascii").replace("\n", "").replace("\r", "").isprintable()
    except UnicodeDecodeError:
        return False
