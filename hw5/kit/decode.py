"""The one door for picture files: bytes of any origin in, an upright 8-bit Pillow picture out.

Offers `open_picture` (a file) and `decode_picture` (bytes). Both give mode RGB, or RGBA where the
picture has any transparency, in the colours of sRGB. For the file next door, which reads what is
too large to be held, also `upright`, `check_side`, `too_large` and `refusal`. Read next: huge.py,
then images.py, photo.py, strokes.py, which are built on these two.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops, ImageCms, ImageOps

from hw5.kit.checks import InputError
from hw5.kit.files import read_bytes

# 8,000 x 8,000: beyond any phone's ordinary photograph, and decoded it still fits in 256 MB.
MAX_PIXELS = 64_000_000

# Below this nothing can be seen, and the smallest feature maps would vanish.
MIN_SIDE = 8

# Pure decoders only: some of Pillow's other formats start outside programs.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM")

_WITH_ALPHA = ("RGBA", "LA", "PA", "La", "RGBa")
_PROFILED = ("RGB", "RGBA", "CMYK", "L")  # modes whose colour profile can be followed
_PHONE_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1", b"avif", b"avis")
_EXPECTED = "a PNG, JPEG, WebP, GIF, BMP, TIFF or PPM picture"


def open_picture(path: str | Path, *, min_side: int = MIN_SIDE) -> Image.Image:
    """Return the picture in the file at `path`; see `decode_picture`.

    Raises:
        InputError: the file cannot be read, or holds no usable picture.
    """
    return decode_picture(read_bytes(path, expected="a picture"), str(path), min_side=min_side)


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
                _check_size(name, picture.size, min_side)
                picture.load()
                return upright(picture)
    except InputError:
        raise
    except Exception as error:  # Pillow's decoders raise a dozen kinds on damaged files
        raise refusal(name, data, error) from error


def _check_size(name: str, size: tuple[int, int], min_side: int) -> None:
    """Require a (width, height) within the limits, before any pixel is decoded."""
    width, height = size
    if width * height > MAX_PIXELS:
        raise too_large(name, f"{width:,} x {height:,}")
    check_side(name, size, min_side)


def check_side(name: str, size: tuple[int, int], min_side: int = MIN_SIDE) -> None:
    """Require at least `min_side` pixels of both sides of a (width, height)."""
    width, height = size
    if min(width, height) < min_side:
        expected = f"a picture of at least {min_side} x {min_side} pixels"
        hint = "use the original, not a thumbnail"
        raise InputError.about(name, expected=expected, got=f"{width} x {height}", hint=hint)


def upright(picture: Image.Image) -> Image.Image:
    """Return a decoded picture turned by its EXIF note, as sRGB in 8 bits, mode RGB or RGBA.

    Raises:
        ValueError: pixels without a known range.
    """
    # Pillow takes every CMYK JPEG for one of Adobe's, whose inks are inverted; others are not.
    if (picture.format, picture.mode) == ("JPEG", "CMYK") and "adobe" not in picture.info:
        picture = ImageChops.invert(picture)
    is_tiff = picture.format == "TIFF"  # forgotten by the next line
    picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith("I"):  # 16-bit grey in either byte order, up to 65,535
        grey = np.asarray(picture).astype(np.float64) / 257
        if is_tiff and picture.mode == "I" and 0 < grey.max() * 257 <= 255:
            raise ValueError("32-bit pixels of 0 to 255 would be black; save as 8 bits")
        picture = Image.fromarray(np.rint(grey.clip(0, 255)).astype(np.uint8))
    elif picture.mode == "F":
        raise ValueError("floating-point pixels have no known range; save as 8 bits")
    transparent = picture.mode in _WITH_ALPHA or "transparency" in picture.info
    return _in_srgb(picture, "RGBA" if transparent else "RGB")


def _in_srgb(picture: Image.Image, mode: str) -> Image.Image:
    """Return `picture` in `mode`, its colour profile followed where it has a usable one."""
    profile = picture.info.get("icc_profile")
    if not profile or picture.mode not in _PROFILED:
        return picture.convert(mode)
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(source):
            return picture.convert(mode)  # the way there and back would only round
        target = ImageCms.createProfile("sRGB")
        kept = mode if picture.mode == mode else "RGB"  # alpha is carried along as it is
        return ImageCms.profileToProfile(picture, source, target, outputMode=kept).convert(mode)
    except (ImageCms.PyCMSError, OSError):  # a damaged note about its colours is no bad picture
        return picture.convert(mode)


def too_large(name: str, got: str) -> InputError:
    """Return the error for a picture above the limit."""
    expected = f"at most {MAX_PIXELS // 1_000_000} million pixels, or a plain JPEG or PNG"
    hint = "make it smaller or cut a part out"
    return InputError.about(name, expected=expected, got=got, hint=hint)


def refusal(name: str, data: bytes, error: Exception) -> InputError:
    """Return the error for bytes that Pillow refused, guessing the slip from how they start."""
    if isinstance(error, Image.DecompressionBombError):
        return too_large(name, "far more")
    if isinstance(error, MemoryError):
        return too_large(name, "more than the memory left can hold")
    if isinstance(error, Image.UnidentifiedImageError):
        if data[4:8] == b"ftyp":  # the box that files of phones begin with; the brand is next
            got = "HEIC or AVIF" if data[8:12] in _PHONE_BRANDS else "a film or a phone's format"
            hint = "export it as JPEG (iPhone: share it, or Settings, Camera, Most Compatible)"
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
