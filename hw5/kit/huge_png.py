"""A PNG too large to be held, decoded in bands of rows.

Offers `stated_size` and `reduced`. Pillow decodes a band that is handed over as a picture
of its own; what its first row is predicted from goes along. Used by huge.py; read next: bands.py.
"""

from __future__ import annotations

import io
import math
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

from hw5.kit.bands import BAND, WholeOnly, averaged

START = b"\x89PNG\r\n\x1a\n"
UNPREDICTED = b"\0"  # in front of a row of plain bytes
GREY, RGB, PALETTE, GREY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6  # PNG's colour types
CHANNELS = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGB_ALPHA: 4}

# Bytes a pixel -> the type with 8 bits a channel that has as many, and Pillow's mode for it. Rows
# are predicted from neighbouring bytes, whatever those mean.
AS_BYTES = {1: (GREY, "L"), 2: (GREY_ALPHA, "LA"), 3: (RGB, "RGB"), 4: (RGB_ALPHA, "RGBA")}


@dataclass(frozen=True)
class Layout:
    """How the pixels of a PNG lie, as its header says."""

    width: int
    height: int
    depth: int  # bits a channel: 1, 2, 4, 8 or 16
    kind: int
    interlaced: bool

    @property
    def channels(self) -> int:
        """Channels of a pixel."""
        return CHANNELS[self.kind]

    @property
    def row_bytes(self) -> int:
        """Bytes of a row as it is stored."""
        return -(-self.width * self.channels * self.depth // 8)


def stated_size(data: bytes) -> tuple[int, int]:
    """Return the (width, height) in a PNG's header."""
    return struct.unpack(">II", data[16:24])


def reduced(data: bytes, at_least: float) -> Image.Image:
    """Return a PNG averaged over squares of at least `at_least` pixels a side, with its notes.

    Raises:
        WholeOnly: its rows are interlaced.
        EOFError: pixels are missing.
    """
    notes = {kind: bytes(part) for kind, part in _chunks(data) if kind != b"IDAT"}
    layout = Layout(*struct.unpack(">IIBBxxB", notes[b"IHDR"]))
    if layout.interlaced:
        raise WholeOnly("in an interlaced PNG, whose passes must all be held at once")
    factor = math.ceil(at_least)
    mode = "RGBA" if b"tRNS" in notes or layout.kind in (GREY_ALPHA, RGB_ALPHA) else "RGB"
    bands = (_coloured(band, layout, notes).convert(mode) for band in _bands(data, layout))
    small = averaged(bands, (layout.width, layout.height), factor)
    _take_over(notes, small)
    return small


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Yield the (kind, contents) of each chunk of a PNG."""
    place, view = len(START), memoryview(data)
    while place + 8 <= len(data):
        length, kind = struct.unpack(">I4s", view[place : place + 8])
        yield kind, view[place + 8 : place + 8 + length]
        place += 12 + length


def _bands(data: bytes, layout: Layout) -> Iterator[np.ndarray]:
    """Yield a PNG's rows with 8 bits a channel, uint8 (rows, width, channels), from the top.

    The row above, which a band's first row is predicted from, goes along in front as plain bytes.
    Of 16 bits only the upper eight are looked at: they are predicted from upper ones alone.
    """
    pixels = _Inflated(part for kind, part in _chunks(data) if kind == b"IDAT")
    per_band = max(1, BAND // max(layout.row_bytes, layout.width * layout.channels))
    kept = layout.row_bytes // 2 if layout.depth == 16 else layout.row_bytes
    each = layout.channels if layout.depth >= 8 else 1  # bytes a pixel, or a byte of pixels
    above = bytes(kept)
    for first in range(0, layout.height, per_band):
        count = min(per_band, layout.height - first)
        rows = pixels.read(count * (layout.row_bytes + 1))  # each behind how it is predicted
        if layout.depth == 16:
            both = np.frombuffer(rows, np.uint8).reshape(count, -1)
            rows = np.concatenate([both[:, :1], both[:, 1::2]], axis=1).tobytes()
        band = _decoded(UNPREDICTED + above + rows, kept // each, count + 1, each)[1:]
        above = band[-1].tobytes()
        yield band if layout.depth >= 8 else _spread(band[..., 0], layout)


def _spread(rows: np.ndarray, layout: Layout) -> np.ndarray:
    """Return bytes of several pixels as (rows, width, 1): indices, or grey up to 255."""
    shifts = np.arange(8 - layout.depth, -1, -layout.depth, dtype=np.uint8)  # first pixels on top
    most = (1 << layout.depth) - 1
    values = (rows[..., None] >> shifts & most).reshape(len(rows), -1)[:, : layout.width, None]
    return values if layout.kind == PALETTE else values * (255 // most)


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
    file = START + b"".join(
        struct.pack(">I", len(part)) + name + part + struct.pack(">I", zlib.crc32(name + part))
        for name, part in parts
    )
    with Image.open(io.BytesIO(file), formats=("PNG",)) as picture:
        if picture.mode != mode:
            raise ValueError(f"expected mode {mode}, got {picture.mode}")
        return np.asarray(picture).reshape(height, width, channels)


def _coloured(band: np.ndarray, layout: Layout, notes: dict[bytes, bytes]) -> Image.Image:
    """Return rows of bytes as the picture that they mean: palette and transparent colour set."""
    clear = notes.get(b"tRNS")
    picture = Image.fromarray(band[..., 0] if layout.channels == 1 else band)
    if layout.kind == PALETTE:
        picture = picture.convert("L")
        picture.putpalette(notes[b"PLTE"])
    if clear is not None:
        picture.info["transparency"] = clear if layout.kind == PALETTE else _level(clear, layout)
    return picture


def _level(clear: bytes, layout: Layout) -> int | tuple[int, ...]:
    """Return the grey or colour that stands for nothing, on the scale of the decoded bands."""
    most = (1 << layout.depth) - 1
    levels = struct.unpack(f">{layout.channels}H", clear[: 2 * layout.channels])
    scaled = tuple(level >> 8 if layout.depth == 16 else level * (255 // most) for level in levels)
    return scaled[0] if len(scaled) == 1 else scaled


def _take_over(notes: dict[bytes, bytes], small: Image.Image) -> None:
    """Give `small` the colour profile and EXIF of its file, where `upright` looks for them."""
    if b"iCCP" in notes:
        packed = notes[b"iCCP"].partition(b"\0")[2][1:]  # after a name and the kind of packing
        small.info["icc_profile"] = zlib.decompressobj().decompress(packed, BAND)
    if b"eXIf" in notes:
        exif = Image.Exif()
        exif.load(notes[b"eXIf"])
        small.info["exif"] = exif.tobytes()
