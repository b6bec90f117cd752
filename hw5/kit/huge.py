"""Pictures too large to be held: decoded at a fraction of their size, in bounded memory.

Offers `open_reduced`. A picture of up to `MAX_PIXELS` is decoded as it is. A larger JPEG is
reduced by its own decoder, which leaves the fine waves out; a larger PNG is decoded in bands, each
averaged before the next one is touched. So a poster of 20,000 x 20,000 pixels needs less than half
a gigabyte instead of one and a half. Other formats cannot be read in parts and are refused from
there on. Read next: photo.py.
"""

from __future__ import annotations

import io
import math
import struct
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, JpegImagePlugin

from hw5.kit.checks import InputError
from hw5.kit.decode import MAX_PIXELS, check_side, decode_picture, refusal, too_large, upright
from hw5.kit.files import read_bytes

JPEG, PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
REDUCED_PIXELS = MAX_PIXELS // 2  # at most, of what is left of a larger picture
BAND = 1 << 24  # bytes of pixels of a PNG decoded at a time
UNPREDICTED = b"\0"  # in front of a row of plain bytes
PALETTE = 3  # PNG's colour type
ORIENTATION = 0x0112  # EXIF's tag
LYING = (5, 6, 7, 8)  # its values where width and height change places; others mean nothing

# PNG's colour types with 8 bits a channel -> channels, and the type whose bytes Pillow hands out
# unchanged: rows are predicted from neighbouring bytes, whatever those mean.
CHANNELS = {0: 1, 2: 3, PALETTE: 1, 4: 2, 6: 4}
AS_BYTES = {1: (0, "L"), 2: (4, "LA"), 3: (2, "RGB"), 4: (6, "RGBA")}


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
        InputError: unreadable, or too large and neither a baseline JPEG nor a PNG with 8 bits.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a corrupt note beside the pixels is no bad picture
        return _open(read_bytes(path, expected="a picture"), str(path))


def _open(data: bytes, name: str) -> Reduced:
    try:
        width, height = _stated_size(data)
    except Exception as error:  # Pillow and struct raise a dozen kinds on damaged headers
        raise refusal(name, data, error) from error
    if width * height <= MAX_PIXELS:
        picture = decode_picture(data, name)
        return Reduced(picture, picture.size, name)
    check_side(name, (width, height))
    decode = _reduced_jpeg if data.startswith(JPEG) else _reduced_png
    try:
        small, orientation = decode(data, name)
        size = (height, width) if orientation in LYING else (width, height)
        return Reduced(upright(small), size, name)
    except InputError:
        raise
    except Exception as error:  # as above, for damaged pixels
        raise refusal(name, data, error) from error


def _stated_size(data: bytes) -> tuple[int, int]:
    """Return the (width, height) in the header of a JPEG or PNG; (0, 0) for other formats."""
    if data.startswith(JPEG):
        return JpegImagePlugin.JpegImageFile(io.BytesIO(data)).size
    return struct.unpack(">II", data[16:24]) if data.startswith(PNG) else (0, 0)


def _reduced_jpeg(data: bytes, name: str) -> tuple[Image.Image, int]:
    """Return a JPEG decoded at a half, a quarter or an eighth, and its EXIF orientation."""
    picture = JpegImagePlugin.JpegImageFile(io.BytesIO(data))  # Image.open would refuse its size
    width, height = picture.size
    if picture.info.get("progressive"):
        got = f"{width:,} x {height:,} in a progressive JPEG, whose scans must all be held at once"
        raise too_large(name, got)
    needed = math.sqrt(width * height / REDUCED_PIXELS)
    scale = next((scale for scale in (2, 4, 8) if scale >= needed), 0)
    if not scale:
        raise too_large(name, f"{width:,} x {height:,}")
    picture.draft(None, (width // scale, height // scale))
    picture.load()
    return picture, picture.getexif().get(ORIENTATION, 1)


# ---------------------------------------------------------------- PNG, band by band


def _reduced_png(data: bytes, name: str) -> tuple[Image.Image, int]:
    """Return a PNG averaged over squares of whole pixels, and its EXIF orientation."""
    notes = {kind: bytes(part) for kind, part in _chunks(data) if kind != b"IDAT"}
    width, height, depth, kind, _, _, interlaced = struct.unpack(">IIBBBBB", notes[b"IHDR"])
    if depth != 8 or interlaced or kind not in CHANNELS:
        got = f"{width:,} x {height:,}, {depth} bits a channel" + ", interlaced" * interlaced
        raise too_large(name, got)
    factor = math.ceil(math.sqrt(width * height / REDUCED_PIXELS))
    mode = "RGBA" if b"tRNS" in notes or kind in (4, 6) else "RGB"
    small = Image.new(mode, (-(-width // factor), -(-height // factor)))
    row = 0
    for band in _bands(data, width, height, CHANNELS[kind], factor):
        small.paste(_coloured(band, notes).convert(mode).reduce(factor), (0, row // factor))
        row += len(band)
    return small, _take_over(notes, small)


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Yield the (kind, contents) of each chunk of a PNG."""
    place, view = len(PNG), memoryview(data)
    while place + 8 <= len(data):
        length, kind = struct.unpack(">I4s", view[place : place + 8])
        yield kind, view[place + 8 : place + 8 + length]
        place += 12 + length


def _bands(
    data: bytes, width: int, height: int, channels: int, factor: int
) -> Iterator[np.ndarray]:
    """Yield a PNG's rows, uint8 (rows, width, channels), some at a time, from the top.

    Pillow decodes a band that is handed over as a picture of its own. The row above, which the
    band's first row is predicted from, goes along in front as plain bytes.
    """
    row_bytes = width * channels
    per_band = max(1, BAND // (row_bytes * factor)) * factor  # whole squares
    pixels = _Inflated(part for kind, part in _chunks(data) if kind == b"IDAT")
    above = bytes(row_bytes)
    for first in range(0, height, per_band):
        count = min(per_band, height - first)
        rows = pixels.read(count * (row_bytes + 1))  # each behind a byte that names its prediction
        band = _decoded(UNPREDICTED + above + rows, width, count + 1, channels)[1:]
        above = band[-1].tobytes()
        yield band


class _Inflated:
    """What zlib packed into several pieces, as many bytes at a time as are asked for."""

    def __init__(self, pieces: Iterator[memoryview]) -> None:
        self._pieces, self._inflate, self._waiting = pieces, zlib.decompressobj(), b""

    def read(self, count: int) -> bytes:
        """Return the next `count` bytes.

        Raises:
            EOFError: there are fewer.
        """
        found = bytearray()
        while len(found) < count:
            packed = self._waiting or next(self._pieces, None)
            if packed is None:
                raise EOFError("image file is truncated")
            found += self._inflate.decompress(packed, count - len(found))
            self._waiting = self._inflate.unconsumed_tail
        return bytes(found)


def _decoded(rows: bytes, width: int, height: int, channels: int) -> np.ndarray:
    """Return predicted rows as uint8 (height, width, channels)."""
    kind, mode = AS_BYTES[channels]
    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 0)), (b"IEND", b""))
    file = PNG + b"".join(
        struct.pack(">I", len(part)) + name + part + struct.pack(">I", zlib.crc32(name + part))
        for name, part in parts
    )
    with Image.open(io.BytesIO(file), formats=("PNG",)) as picture:
        if picture.mode != mode:
            raise ValueError(f"expected mode {mode}, got {picture.mode}")
        return np.asarray(picture).reshape(height, width, channels)


def _coloured(band: np.ndarray, notes: dict[bytes, bytes]) -> Image.Image:
    """Return rows of bytes as the picture that they mean: palette and transparent colour set."""
    kind, clear = notes[b"IHDR"][9], notes.get(b"tRNS")
    picture = Image.fromarray(band[..., 0] if band.shape[2] == 1 else band)
    if kind == PALETTE:
        picture = picture.convert("L")
        picture.putpalette(notes[b"PLTE"])
    if clear is not None:
        levels = struct.unpack(f">{len(clear) // 2}H", clear) if kind != PALETTE else ()
        picture.info["transparency"] = clear if kind == PALETTE else (
            levels[0] if len(levels) == 1 else levels
        )  # fmt: skip
    return picture


def _take_over(notes: dict[bytes, bytes], small: Image.Image) -> int:
    """Give `small` the colour profile and EXIF of its file; return the EXIF orientation."""
    if b"iCCP" in notes:
        packed = notes[b"iCCP"].partition(b"\0")[2][1:]  # after a name and the kind of packing
        small.info["icc_profile"] = zlib.decompressobj().decompress(packed, BAND)
    exif = Image.Exif()
    if b"eXIf" in notes:
        exif.load(notes[b"eXIf"])
        small.info["exif"] = exif.tobytes()  # where `upright` looks
    return exif.get(ORIENTATION, 1)
