"""A picture too large to be held is decoded at a fraction, and shows the same."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from hw5.kit import huge, huge_png, jpeg
from hw5.kit.checks import InputError

PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
WIDTH, HEIGHT = 203, 150
Y, X = np.mgrid[:HEIGHT, :WIDTH]
WAVES = np.stack([128 + 90 * np.sin(X / 30), 128 + 90 * np.cos(Y / 25), 60 + X * 0.5], axis=2)
PICTURE = Image.fromarray(WAVES.round().astype(np.uint8))


@pytest.fixture(autouse=True)
def small_limits(monkeypatch):
    """Every picture counts as huge, bands are a few rows."""
    monkeypatch.setattr(huge, "MAX_PIXELS", 5000)
    monkeypatch.setattr(huge, "REDUCED_PIXELS", 2500)
    monkeypatch.setattr(huge_png, "BAND", 5000)


def saved(tmp_path, picture: Image.Image, name: str, **options):
    picture.save(tmp_path / name, **options)
    return tmp_path / name


def likeness(found: huge.Reduced, expected: Image.Image) -> float:
    """Largest difference, in levels, from the ordinary picture averaged to the same size."""
    same = expected.convert(found.picture.mode).resize(found.picture.size, Image.Resampling.BOX)
    return float(np.abs(np.asarray(found.picture).astype(int) - np.asarray(same)).max())


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA", "LA"])
def test_a_png_of_any_eight_bit_mode_is_averaged(tmp_path, mode):
    picture = PICTURE.quantize(64) if mode == "P" else PICTURE.convert(mode)
    found = huge.open_reduced(saved(tmp_path, picture, "a.png"))
    assert found.size == (WIDTH, HEIGHT)
    assert found.picture.width * found.picture.height <= 2500
    assert found.picture.mode == ("RGBA" if mode in ("RGBA", "LA") else "RGB")
    at_once = picture.convert(found.picture.mode).reduce(4)
    assert np.array_equal(np.asarray(found.picture), np.asarray(at_once))


def test_every_prediction_of_a_row_is_followed_across_bands(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    smooth = np.asarray(PICTURE) // 2 + noise // 2  # Pillow then chooses all five filters
    path = saved(tmp_path, Image.fromarray(smooth), "a.png")
    packed = b"".join(part for kind, part in huge_png._chunks(path.read_bytes()) if kind == b"IDAT")
    assert len(set(zlib.decompress(packed)[:: WIDTH * 3 + 1])) > 1, "no predictions to follow"
    layout = huge_png.Layout(WIDTH, HEIGHT, depth=8, kind=huge_png.RGB, interlaced=False)
    bands = list(huge_png._bands(path.read_bytes(), layout))
    assert len(bands) > 5
    assert np.array_equal(np.concatenate(bands), smooth)


def test_a_palette_keeps_its_transparent_colour(tmp_path):
    picture = Image.new("P", (WIDTH, HEIGHT), 1)
    picture.putpalette([255, 0, 0, 0, 255, 0] + 254 * [9, 9, 9])  # few colours take fewer bits
    picture.paste(0, (0, 0, WIDTH // 2, HEIGHT))
    found = huge.open_reduced(saved(tmp_path, picture, "a.png", transparency=0, bits=8))
    assert found.picture.getpixel((2, 2))[3] == 0
    assert found.picture.getpixel((found.picture.width - 2, 2)) == (0, 255, 0, 255)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_jpeg_is_reduced_by_its_decoder(tmp_path, mode, progressive):
    options = {"quality": 95, "progressive": progressive}
    path = saved(tmp_path, PICTURE.convert(mode), "a.jpg", **options)
    found = huge.open_reduced(path)
    assert found.picture.mode == "RGB" and found.picture.size == (51, 38)  # a quarter
    assert likeness(found, PICTURE.convert(mode).convert("RGB")) <= 16


@pytest.mark.parametrize(
    ("mode", "subsampling", "waves"), [("RGB", 2, 1.5), ("RGB", 0, 3), ("L", 0, 1)]
)
def test_a_progressive_jpeg_is_held_as_a_whole_up_to_a_limit(
    tmp_path, monkeypatch, mode, subsampling, waves
):
    options = (
        {"progressive": True, "subsampling": subsampling}
        if mode == "RGB"
        else {"progressive": True}
    )
    path = saved(tmp_path, PICTURE.convert(mode), "a.jpg", **options)
    monkeypatch.setattr(jpeg, "MAX_HELD", round(2 * waves * WIDTH * HEIGHT))
    assert huge.open_reduced(path).size == (WIDTH, HEIGHT)
    monkeypatch.setattr(jpeg, "MAX_HELD", round(2 * waves * WIDTH * HEIGHT) - 1)
    with pytest.raises(InputError, match=r"got 203 x 150 in a progressive JPEG, whose scans must"):
        huge.open_reduced(path)


@pytest.mark.parametrize("name", ["a.jpg", "a.png"])
def test_it_is_turned_upright(tmp_path, name):
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned right: the left edge is on top
    found = huge.open_reduced(saved(tmp_path, PICTURE, name, exif=exif))
    assert found.size == (HEIGHT, WIDTH)
    assert found.picture.width < found.picture.height
    blue = np.asarray(found.picture)[..., 2]  # rises from the left edge of the stored picture
    assert blue[0].mean() < blue[-1].mean() - 50


@pytest.mark.parametrize("name", ["a.jpg", "a.png"])
@pytest.mark.parametrize("orientation", [0, 9, 255])
def test_an_orientation_that_does_not_exist_turns_nothing(tmp_path, name, orientation):
    exif = Image.Exif()
    exif[huge.ORIENTATION] = orientation
    found = huge.open_reduced(saved(tmp_path, PICTURE, name, exif=exif))
    assert found.size == (WIDTH, HEIGHT) and found.picture.width > found.picture.height


@pytest.mark.filterwarnings("error")
def test_a_corrupt_note_beside_the_pixels_is_passed_over_in_silence(tmp_path):
    broken = b"Exif\0\0II*\0\x08\0\0\0\x05\0\x12\x01\x03\0\xff\xff\0\0\0\0\xff\xff"
    for name in ("a.jpg", "a.png"):
        found = huge.open_reduced(saved(tmp_path, PICTURE, name, exif=broken))
        assert found.size == (WIDTH, HEIGHT)


def test_a_picture_within_the_limit_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(huge, "MAX_PIXELS", 10**6)
    found = huge.open_reduced(saved(tmp_path, PICTURE, "a.png"))
    assert found.factor == 1 and np.array_equal(np.asarray(found.picture), np.asarray(PICTURE))


def headed(width: int, height: int) -> bytes:
    """A PNG that says it is large, with hardly any pixels behind it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return PNG + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0"))


REFUSED = {
    "cut.jpg": (lambda: packed(PICTURE, "JPEG")[:-900], "truncated"),
    "cut.png": (lambda: packed(PICTURE, "PNG")[:400], "truncated"),
    "header.png": (lambda: headed(20_000, 20_000), "truncated"),
    "beyond.png": (lambda: headed(2**31 - 1, 2**31 - 1), "too many even for reading in parts"),
    "long.png": (lambda: headed(10_000_000, 8), "too many even for reading in parts"),
    "broad.png": (lambda: headed(80_000, 80_000), "too many even for reading in parts"),
    "thin.png": (lambda: headed(4, 20_000), "at least 8 x 8"),
    "no_header.png": (lambda: PNG + b"1234", "damaged"),
    "no_header.jpg": (lambda: JPEG + b"1234", "no_header.jpg"),
}


def packed(picture: Image.Image, form: str, **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_in_parts_is_refused_by_name(tmp_path, name):
    make, said = REFUSED[name]
    (tmp_path / name).write_bytes(make())
    with pytest.raises(InputError, match=name) as caught:
        huge.open_reduced(tmp_path / name)
    assert said in str(caught.value)
