"""A TIFF too large to be held, decoded a few strips or tiles at a time.

Offers `stated_size` and `reduced`. A TIFF packs its rows in strips, or squares of it in
tiles, each on its own. So some of them behind a header of their own are a TIFF again, which Pillow
decodes. Used by huge.py; read next: bands.py.
"""

from __future__ import annotations

import io
import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image, TiffImagePlugin

from hw5.kit.bands import BAND, WholeOnly, averaged
from hw5.kit.decode import grey_in_8_bits
from hw5.kit.refusals import MAX_PIXELS

Tags = TiffImagePlugin.ImageFileDirectory_v2

WIDTH, HEIGHT, BITS, PACKING, COLOURS = 256, 257, 258, 259, 262
STRIP_PLACES, CHANNELS, STRIP_ROWS, STRIP_BYTES, PLANES = 273, 277, 278, 279, 284
TILE_WIDTH, TILE_ROWS, TILE_PLACES, TILE_BYTES = 322, 323, 324, 325
ORIENTATION, PROFILE = 274, 34675
UNPACKED, YCBCR, APART = 1, 6, 2  # values of PACKING, COLOURS and PLANES

# What the pixels of a band mean as those of the whole do: bits, packing and its options, colours
# and palette, bit order, prediction, inks, alpha, kind of numbers, tables of a JPEG, its colours'
# resolution.
KEPT = (BITS, PACKING, COLOURS, 266, CHANNELS, 292, 293, 317, 320, 332, 338, 339, 347, 530)
SHORT, LONG, BYTES = 3, 4, 7  # types of values
TYPES = {SHORT: "H", LONG: "I", BYTES: "B"}  # as `struct` names them


@dataclass(frozen=True)
class Blocks:
    """The strips or tiles of a TIFF, row by row."""

    width: int  # pixels of one
    rows: int
    across: int  # how many lie side by side
    places: tuple[int, ...]  # in the file
    lengths: tuple[int, ...]


def stated_size(data: bytes) -> tuple[int, int]:
    """Return the (width, height) in the first header of a TIFF, as it is stored."""
    tags = TiffImagePlugin.TiffImageFile(io.BytesIO(data)).tag_v2
    return tags[WIDTH], tags[HEIGHT]


def reduced(data: bytes, at_least: float) -> Image.Image:
    """Return a TIFF averaged over squares of at least `at_least` pixels a side, with its notes.

    Raises:
        WholeOnly: too many of its rows are packed in one, or its channels lie apart.
    """
    tags = TiffImagePlugin.TiffImageFile(io.BytesIO(data)).tag_v2
    if tags.get(PLANES, 1) == APART:
        raise WholeOnly("in a TIFF whose channels lie apart")
    blocks = _blocks(tags)
    if blocks.width * blocks.across * blocks.rows > MAX_PIXELS:
        raise WholeOnly(f"in a TIFF that packs {blocks.rows:,} rows in one")
    small = averaged(_bands(data, tags, blocks), (tags[WIDTH], tags[HEIGHT]), math.ceil(at_least))
    if PROFILE in tags:
        small.info["icc_profile"] = tags[PROFILE]
    exif = Image.Exif()
    exif[ORIENTATION] = tags.get(ORIENTATION, 1)
    small.info["exif"] = exif.tobytes()
    return small


def _blocks(tags: Tags) -> Blocks:
    """Return where the pixels of a TIFF lie."""
    width, height = tags[WIDTH], tags[HEIGHT]
    if TILE_PLACES in tags:
        across = -(-width // tags[TILE_WIDTH])
        return Blocks(
            tags[TILE_WIDTH], tags[TILE_ROWS], across, tags[TILE_PLACES], tags[TILE_BYTES]
        )
    rows = min(tags.get(STRIP_ROWS, height), height)
    if tags.get(PACKING, UNPACKED) != UNPACKED or tags.get(COLOURS) == YCBCR:
        return Blocks(width, rows, 1, tags[STRIP_PLACES], tags[STRIP_BYTES])
    # Rows that are not packed can be taken one by one, however many lie in a strip.
    row_bytes = -(-width * sum(_bits(tags)) // 8)
    places = tuple(
        place + row_bytes * row
        for index, place in enumerate(tags[STRIP_PLACES])
        for row in range(min(rows, height - index * rows))
    )
    return Blocks(width, 1, 1, places, (row_bytes,) * len(places))


def _bits(tags: Tags) -> tuple[int, ...]:
    """Return the bits of each channel of a pixel."""
    bits, channels = tags.get(BITS, (1,)), tags.get(CHANNELS, 1)
    return bits if len(bits) == channels else bits[:1] * channels


def _bands(data: bytes, tags: Tags, blocks: Blocks) -> Iterator[Image.Image]:
    """Yield bands of a TIFF's rows, 8 bits a channel, from the top."""
    width, height = tags[WIDTH], tags[HEIGHT]
    down = max(1, BAND * 8 // (blocks.width * blocks.across * blocks.rows * sum(_bits(tags))))
    for first in range(0, height, down * blocks.rows):
        index = first // blocks.rows * blocks.across
        some = slice(index, index + down * blocks.across)
        size = (width, min(down * blocks.rows, height - first))
        pieces = [
            data[place : place + length]
            for place, length in zip(blocks.places[some], blocks.lengths[some], strict=True)
        ]
        file = io.BytesIO(_as_file(tags, blocks, size, pieces))
        with Image.open(file, formats=("TIFF",)) as band:
            band.load()
            yield _in_8_bits(band)


def _in_8_bits(band: Image.Image) -> Image.Image:
    """Return a band in a mode that can be averaged.

    Raises:
        WholeOnly: 32 bits a channel, whose range only the whole shows.
    """
    if band.mode in ("I", "F"):
        raise WholeOnly("with 32 bits a channel")
    if band.mode.startswith("I"):
        return grey_in_8_bits(band)
    return band.convert({"1": "L", "P": "RGB", "PA": "RGBA"}.get(band.mode, band.mode))


def _as_file(tags: Tags, blocks: Blocks, size: tuple[int, int], pieces: list[bytes]) -> bytes:
    """Return some blocks as a TIFF of their own: its start, the blocks, and what they mean."""
    order = ">" if tags.prefix == b"MM" else "<"
    starts, lengths, place = [], [], 8
    for piece in pieces:
        starts.append(place)
        lengths.append(len(piece))
        place += len(piece)
    values = {tag: tags[tag] for tag in KEPT if tag in tags}
    values |= {WIDTH: size[0], HEIGHT: size[1]}
    if TILE_PLACES in tags:
        values |= {TILE_WIDTH: blocks.width, TILE_ROWS: blocks.rows}
        values |= {TILE_PLACES: tuple(starts), TILE_BYTES: tuple(lengths)}
    else:
        values |= {STRIP_ROWS: blocks.rows}
        values |= {STRIP_PLACES: tuple(starts), STRIP_BYTES: tuple(lengths)}
    place += place % 2  # a directory stands at an even place
    start = tags.prefix + struct.pack(order + "HI", 42, place)
    body = b"".join(pieces)
    return (start + body).ljust(place, b"\0") + _directory(order, values, place)


def _directory(order: str, values: dict[int, object], place: int) -> bytes:
    """Return tags as the directory that stands at `place` of a TIFF."""
    entries, behind = b"", b""
    place += 2 + 12 * len(values) + 4  # where what does not fit into an entry goes
    for tag, value in sorted(values.items()):
        numbers = (value,) if isinstance(value, int) else value
        kind = BYTES if isinstance(value, bytes) else SHORT if max(numbers) < 1 << 16 else LONG
        packed = struct.pack(f"{order}{len(numbers)}{TYPES[kind]}", *numbers)
        entry = packed.ljust(4, b"\0")
        if len(packed) > 4:
            entry = struct.pack(order + "I", place + len(behind))
            behind += packed + bytes(len(packed) % 2)
        entries += struct.pack(order + "HHI", tag, kind, len(numbers)) + entry
    return struct.pack(order + "H", len(values)) + entries + bytes(4) + behind
