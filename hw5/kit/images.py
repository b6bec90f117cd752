"""Pictures in and out: files, bytes for widgets, arrays; grids, strips, enlarging, GIFs.

Offers `load`, `save`, `to_uint8`, `from_uint8`, `to_png`, `to_jpeg`, `resize`, `enlarge`, `grid`,
`strip`, `save_gif`. Inside the package a picture is float RGB in [-1, 1], (N, 3, H, W); here is
the door to everything else. Read next: photo.py for photographs of any shape, strokes.py for
sketches.
"""

from __future__ import annotations

import io
import itertools
import math
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from hw5.kit.checks import InputError, check_finite, check_number, check_shape
from hw5.kit.decode import open_picture
from hw5.kit.files import atomic_write
from hw5.kit.refusals import MAX_PIXELS, MIN_SIDE
from hw5.shapes import Images

WHITE = 1.0

# File name endings that `save` accepts, and Pillow's name of the format.
_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}

# GIF counts time in hundredths of a second, and browsers slow anything under two of them down.
GIF_TICKS = 100
MAX_GIF_FPS = 50


def load(path: str | Path, *, size: int | None = None) -> Images:
    """Return the picture at `path` as (1, 3, H, W) in [-1, 1], or (1, 3, size, size).

    Transparent parts are shown on white, as a browser does. `size` only scales: a picture that is
    not square is refused, because how to cut it is the caller's choice (photo.crop_photo).

    Raises:
        InputError: unreadable, no picture, fully transparent, or not square when `size` is given.
    """
    picture = on_white(open_picture(path), str(path))
    if size is not None:
        check_number("size", size, low=MIN_SIDE, high=math.isqrt(MAX_PIXELS), whole=True)
        if picture.width != picture.height:
            got = f"{picture.width} x {picture.height}"
            hint = "cut a square out with photo.crop_photo"
            raise InputError.about(str(path), expected="a square picture", got=got, hint=hint)
        picture = picture.resize((size, size), Image.Resampling.LANCZOS)
    return from_uint8(np.asarray(picture))


def on_white(picture: Image.Image, name: str) -> Image.Image:
    """Return an RGB or RGBA Pillow picture as RGB, transparent parts filled with white.

    Raises:
        InputError: nothing of it is visible.
    """
    if picture.mode == "RGB":
        return picture
    if picture.getchannel("A").getextrema()[1] == 0:
        hint = "export it again, without transparency"
        raise InputError.about(
            name, expected="a visible picture", got="full transparency", hint=hint
        )
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, picture).convert("RGB")


def save(path: str | Path, images: Images) -> None:
    """Write `images` (N, 3, H, W) to `path`, several as one grid; the ending names the format.

    Values outside [-1, 1] are clipped. A PNG keeps every 8-bit value; JPEG and WebP lose a little.

    Raises:
        InputError: an unknown ending, a wrong shape, NaN, or a place that cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in _FORMATS:
        expected = f"a name ending in {', '.join(_FORMATS)}"
        raise InputError.about(str(path), expected=expected, got=repr(path.suffix))
    data = _encode(images, _FORMATS[path.suffix.lower()], quality=95)
    with atomic_write(path) as temporary:
        temporary.write_bytes(data)


def to_uint8(images: Images) -> np.ndarray:
    """Return `images` as bytes: (N, 3, H, W) in [-1, 1] becomes uint8 (N, H, W, 3).

    Values outside [-1, 1], which generators produce, are clipped. Undoes `from_uint8` exactly.

    Raises:
        InputError: a wrong shape, or NaN.
    """
    check_shape("images", images, ("N", 3, "H", "W"))
    check_finite("images", images)
    levels = images.detach().float().clamp(-1, 1).add(1).mul(127.5).round().to(torch.uint8)
    return np.ascontiguousarray(levels.permute(0, 2, 3, 1).cpu().numpy())


def from_uint8(array: np.ndarray) -> Images:
    """Return bytes as pictures, float32 (N, 3, H, W) in [-1, 1].

    Takes uint8 (H, W, 3) for one, (N, H, W, 3) for several.

    Raises:
        InputError: another type or shape.
    """
    if not isinstance(array, np.ndarray) or array.dtype != np.uint8:
        got = getattr(array, "dtype", type(array).__name__)
        raise InputError.about("array", expected="a uint8 array, 0 to 255", got=got)
    if array.ndim not in (3, 4) or array.shape[-1] != 3 or 0 in array.shape:
        raise InputError.about("array", expected="(H, W, 3) or (N, H, W, 3)", got=array.shape)
    batch = torch.from_numpy(np.array(array.reshape(-1, *array.shape[-3:])))  # a copy: (N, H, W, 3)
    return batch.permute(0, 3, 1, 2).float().div(127.5).sub(1).contiguous()  # (N, 3, H, W)


def to_png(images: Images) -> bytes:
    """Return `images` as the bytes of a PNG, several as one grid; quick rather than small."""
    return _encode(images, "PNG", compress_level=1)


def to_jpeg(images: Images, quality: int = 90) -> bytes:
    """Return `images` as the bytes of a JPEG, several as one grid; `quality` from 1 to 95.

    Raises:
        InputError: `quality` out of range, a wrong shape, or NaN.
    """
    check_number("quality", quality, low=1, high=95, whole=True)
    # Colour at full resolution: halved, as is usual, it would bleed over small pictures.
    return _encode(images, "JPEG", quality=quality, subsampling=0)


def resize(images: Images, size: int | tuple[int, int]) -> Images:
    """Return `images` scaled to (N, 3, size, size), or to `size` = (H, W); differentiable.

    Bilinear with anti-aliasing: shrinking averages over the area covered, and no value leaves the
    input's range.

    Raises:
        InputError: a wrong shape or size.
    """
    check_shape("images", images, ("N", 3, "H", "W"))
    sides = size if isinstance(size, tuple) and len(size) == 2 else (size, size)
    for side in sides:
        check_number("size", side, low=1, whole=True)
    return F.interpolate(images, sides, mode="bilinear", antialias=True)


def enlarge(images: Images, factor: int) -> Images:
    """Return `images` with every pixel repeated to a crisp block of `factor` x `factor`.

    Raises:
        InputError: `factor` is not a whole number from 1, or a wrong shape.
    """
    check_shape("images", images, ("N", 3, "H", "W"))
    check_number("factor", factor, low=1, whole=True)
    return images.repeat_interleave(factor, dim=2).repeat_interleave(factor, dim=3)


def grid(images: Images, *, columns: int | None = None, gap: int = 2) -> Images:
    """Return one picture (1, 3, rows*H + gaps, columns*W + gaps) with `images` row by row on white.

    Args:
        images: (N, 3, H, W), N >= 1.
        columns: pictures per row; the default makes the grid as square as it can be.
        gap: white pixels between neighbours.

    Raises:
        InputError: an empty batch, a wrong shape, or a number out of range.
    """
    check_shape("images", images, ("N", 3, "H", "W"))
    num_pictures, _, height, width = images.shape
    check_number("the number of images", num_pictures, low=1, whole=True)
    columns = math.ceil(math.sqrt(num_pictures)) if columns is None else columns
    check_number("columns", columns, low=1, whole=True)
    check_number("gap", gap, low=0, whole=True)
    columns = min(columns, num_pictures)
    rows = math.ceil(num_pictures / columns)
    sheet = images.new_full(
        (1, 3, rows * (height + gap) - gap, columns * (width + gap) - gap), WHITE
    )
    for place, picture in enumerate(images):
        top, left = (place // columns) * (height + gap), (place % columns) * (width + gap)
        sheet[0, :, top : top + height, left : left + width] = picture
    return sheet


def strip(images: Images, *, gap: int = 2) -> Images:
    """Return `images` (N, 3, H, W) side by side as one picture (1, 3, H, N*W + gaps)."""
    check_shape("images", images, ("N", 3, "H", "W"))
    return grid(images, columns=max(1, images.shape[0]), gap=gap)


def save_gif(path: str | Path, frames: Images, *, fps: float = 20) -> None:
    """Write `frames` (T, 3, H, W) as an endless GIF of T / fps seconds.

    All frames share one palette, so that colours do not flicker. Frames that are equal to their
    neighbour are stored once and shown longer.

    Raises:
        InputError: no frames, `fps` not in (0, 50], a wrong shape, or a place that cannot be
            written.
    """
    check_number("fps", fps, low=0.1, high=MAX_GIF_FPS)
    if Path(path).suffix.lower() != ".gif":
        raise InputError.about(
            str(path), expected="a name ending in .gif", got=repr(Path(path).suffix)
        )
    stack = to_uint8(frames)
    check_number("the number of frames", len(stack), low=1, whole=True)
    # Times of all frames are rounded, not their durations: the errors of 1/30 s would add up.
    ticks = [round(GIF_TICKS * index / fps) for index in range(len(stack) + 1)]
    durations = [10 * (after - now) for now, after in itertools.pairwise(ticks)]  # ms
    palette = _shared_palette(stack)
    pages = [
        Image.fromarray(page).quantize(palette=palette, dither=Image.Dither.NONE) for page in stack
    ]
    with atomic_write(path) as temporary:
        pages[0].save(temporary, save_all=True, append_images=pages[1:], duration=durations, loop=0)


def _shared_palette(stack: np.ndarray) -> Image.Image:
    """Return a Pillow picture whose palette suits all of `stack`, uint8 (T, H, W, 3)."""
    spread = np.linspace(0, len(stack) - 1, num=min(16, len(stack))).round().astype(int)
    some = stack[spread]  # 16 frames over the whole length hold the colours of a smooth film
    return Image.fromarray(some.reshape(-1, some.shape[2], 3)).quantize(256)


def _encode(images: Images, kind: str, **options: int) -> bytes:
    """Return `images`, several as a grid, as the bytes of a file in Pillow's format `kind`."""
    check_shape("images", images, ("N", 3, "H", "W"))
    single = images if images.shape[0] == 1 else grid(images)
    buffer = io.BytesIO()
    Image.fromarray(to_uint8(single)[0]).save(buffer, kind, **options)
    return buffer.getvalue()
