"""A huge PNG of any depth shows the same in bands as at once: against files written by hand."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from hw5.kit import huge, huge_png
from hw5.kit.checks import InputError

HEIGHT, WIDTH = 61, 83
FACTOR = 3
START = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(autouse=True)
def small_limits(monkeypatch):
    """Every picture counts as huge and is reduced by three; a band is some rows."""
    monkeypatch.setattr(huge, "MAX_PIXELS", 1000)
    monkeypatch.setattr(huge, "REDUCED_PIXELS", HEIGHT * WIDTH / FACTOR**2)
    monkeypatch.setattr(huge_png, "BAND", 1500)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def predicted(row: np.ndarray, above: np.ndarray, each: int, how: int) -> bytes:
    """A row behind its filter, by the formulas of the PNG specification; `each` bytes a pixel."""
    raw, up = row.astype(int), above.astype(int)
    left = np.concatenate([np.zeros(each, int), raw[:-each]])
    corner = np.concatenate([np.zeros(each, int), up[:-each]])
    guess = left + up - corner
    off = np.stack([abs(guess - left), abs(guess - up), abs(guess - corner)])
    paeth = np.choose(off.argmin(axis=0), [left, up, corner])
    of = [np.zeros_like(raw), left, up, (left + up) // 2, paeth][how]
    return bytes([how]) + ((raw - of) % 256).astype(np.uint8).tobytes()


def png(rows: np.ndarray, depth: int, kind: int, each: int, *notes: bytes) -> bytes:
    """A PNG of stored rows, uint8 (HEIGHT, bytes); the five filters take turns."""
    header = struct.pack(">IIBBBBB", WIDTH, len(rows), depth, kind, 0, 0, 0)
    above = np.concatenate([np.zeros_like(rows[:1]), rows[:-1]])
    packed = zlib.compress(
        b"".join(predicted(rows[i], above[i], each, i % 5) for i in range(len(rows)))
    )
    parts = [chunk(b"IHDR", header), *notes, chunk(b"IDAT", packed), chunk(b"IEND", b"")]
    return START + b"".join(parts)


def averaged(levels: np.ndarray) -> np.ndarray:
    """Means of squares of `FACTOR` x `FACTOR`, (H, W, C); those at the edges are cut."""
    rows = [levels[i : i + FACTOR] for i in range(0, HEIGHT, FACTOR)]
    return np.array(
        [
            [row[:, j : j + FACTOR].mean(axis=(0, 1)) for j in range(0, WIDTH, FACTOR)]
            for row in rows
        ]
    )


def read(tmp_path, data: bytes) -> np.ndarray:
    (tmp_path / "a.png").write_bytes(data)
    found = huge.open_reduced(tmp_path / "a.png")
    assert found.size == (WIDTH, HEIGHT)
    return np.asarray(found.picture).astype(float)


def noise(channels: int, most: int) -> np.ndarray:
    return np.random.default_rng(channels).integers(0, most, (HEIGHT, WIDTH, channels))


@pytest.mark.parametrize(("kind", "channels"), [(0, 1), (2, 3)])
def test_sixteen_bits_without_transparency(tmp_path, kind, channels):
    values = noise(channels, 65536)
    rows = values.astype(">u2").view(np.uint8).reshape(HEIGHT, -1)
    found = read(tmp_path, png(rows, 16, kind, 2 * channels))
    wanted = averaged(values / 257).repeat(3 // channels, axis=2)
    assert np.abs(found - wanted).max() <= 1.5  # the lower eight bits are left out


@pytest.mark.parametrize(("kind", "channels"), [(4, 2), (6, 4)])
def test_sixteen_bits_with_transparency(tmp_path, kind, channels):
    values = noise(channels, 65536)
    values[..., -1] = 65535  # an average of colours does not depend on it then
    values[:30, :, -1] = 0
    rows = values.astype(">u2").view(np.uint8).reshape(HEIGHT, -1)
    found = read(tmp_path, png(rows, 16, kind, 2 * channels))
    wanted = averaged(values / 257)
    assert np.abs(found[..., 3] - wanted[..., -1]).max() <= 1
    seen = slice(30 // FACTOR, None)
    colours = wanted[seen, :, :-1].repeat(3 if kind == 4 else 1, axis=2)
    assert np.abs(found[seen, :, :3] - colours).max() <= 1.5


def packed(values: np.ndarray, depth: int) -> np.ndarray:
    """Values of `depth` bits, the first in the upper bits of a byte, rows filled up with zeros."""
    bits = np.unpackbits(values.astype(np.uint8)[..., None], axis=2)[..., -depth:]
    return np.packbits(bits.reshape(HEIGHT, -1), axis=1)


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_greys_of_few_bits(tmp_path, depth):
    values = noise(1, 1 << depth)
    found = read(tmp_path, png(packed(values[..., 0], depth), depth, 0, 1))
    wanted = averaged(values * 255 / ((1 << depth) - 1))
    assert np.abs(found - wanted).max() <= 1


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_palettes(tmp_path, depth):
    colours = np.random.default_rng(0).integers(0, 256, (1 << depth, 3))
    values = noise(1, 1 << depth)[..., 0]
    rows = packed(values, depth) if depth < 8 else values.astype(np.uint8)
    note = chunk(b"PLTE", colours.astype(np.uint8).tobytes())
    found = read(tmp_path, png(rows, depth, 3, 1, note))
    assert np.abs(found - averaged(colours[values])).max() <= 1


def test_the_level_that_means_nothing_is_on_the_scale_of_its_bits(tmp_path):
    values = np.full((HEIGHT, WIDTH), 2)
    values[:30] = 1
    clear = chunk(b"tRNS", struct.pack(">H", 1))
    found = read(tmp_path, png(packed(values, 2), 2, 0, 1, clear))
    assert (found[: 30 // FACTOR, :, 3] == 0).all() and (found[30 // FACTOR :, :, 3] == 255).all()
    assert (found[30 // FACTOR :, :, 0] == 170).all()


def test_an_interlaced_one_is_refused_with_what_to_do(tmp_path):
    data = bytearray(png(noise(3, 256).astype(np.uint8).reshape(HEIGHT, -1), 8, 2, 3))
    data[28] = 1
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    with pytest.raises(InputError, match=r"got 83 x 61 in an interlaced PNG.*make it smaller"):
        read(tmp_path, bytes(data))


def test_files_written_here_are_right():
    """Pillow reads them at once."""
    values = noise(3, 256).astype(np.uint8)
    with Image.open(io.BytesIO(png(values.reshape(HEIGHT, -1), 8, 2, 3))) as picture:
        assert np.array_equal(np.asarray(picture), values)
