"""Colours are those that a file's profile means: against the formulas of the colour spaces."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image

from hw5.kit import decode

# Columns: red, green and blue at full, as XYZ under D50 (ICC's white).
SRGB = np.array(
    [[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]]
)
DISPLAY_P3 = np.array(
    [[0.51512, 0.29198, 0.15710], [0.24120, 0.69225, 0.06657], [-0.00105, 0.04189, 0.78407]]
)
COLOUR = (200, 120, 60)


def fixed(*values: float) -> bytes:
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def profile(primaries: np.ndarray | None, gamma: float | np.ndarray, name: str) -> bytes:
    """An ICC profile by hand: a matrix and a curve for RGB, a curve alone for grey.

    A curve is a power, or a table from 0 to 1.
    """
    numbers = np.atleast_1d(gamma) * (256 if np.isscalar(gamma) else 65535)
    curve = b"curv" + struct.pack(">II", 0, len(numbers))
    curve += numbers.round().astype(">u2").tobytes()
    curve += bytes(-len(curve) % 4)
    text = name.encode() + b"\0"
    tags = {
        b"desc": b"desc" + struct.pack(">II", 0, len(text)) + text + bytes(78),
        b"cprt": b"text\0\0\0\0none\0",
        b"wtpt": b"XYZ \0\0\0\0" + fixed(0.9642, 1, 0.8249),
    }
    if primaries is None:
        tags[b"kTRC"] = curve
    else:
        for letter, column in zip((b"r", b"g", b"b"), primaries.T, strict=True):
            tags[letter + b"XYZ"] = b"XYZ \0\0\0\0" + fixed(*column)
            tags[letter + b"TRC"] = curve
    place, table, body = 132 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for key, value in tags.items():
        table += key + struct.pack(">II", place + len(body), len(value))
        body += value + bytes(-len(value) % 4)
    space = b"GRAY" if primaries is None else b"RGB "
    head = struct.pack(">IIIIII", place + len(body), 0, 0x02100000, 0, 0, 0)
    head = head[:12] + b"mntr" + space + b"XYZ " + bytes(12) + b"acsp"
    return head.ljust(68, b"\0") + fixed(0.9642, 1, 0.8249).ljust(60, b"\0") + table + body


def expected(colour: tuple[int, ...], primaries: np.ndarray, gamma: float) -> np.ndarray:
    """The levels in sRGB, by its formula."""
    linear = np.linalg.inv(SRGB) @ primaries @ (np.array(colour) / 255) ** gamma
    linear = linear.clip(0, 1)
    curved = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return 255 * curved


def read(picture: Image.Image, form: str, icc: bytes, **options) -> np.ndarray:
    buffer = io.BytesIO()
    picture.save(buffer, form, icc_profile=icc, **options)
    return np.asarray(decode.decode_picture(buffer.getvalue(), "x"))[0, 0].astype(float)


P3 = profile(DISPLAY_P3, 2.2, "Display P3")
LINEAR_GREY = profile(None, 1.0, "grey, linear")


@pytest.mark.parametrize(
    ("form", "options"),
    [("PNG", {}), ("TIFF", {}), ("JPEG", {"quality": 100}), ("WEBP", {"lossless": True})],
)
def test_a_phones_wide_colours_are_followed(form, options):
    found = read(Image.new("RGB", (16, 16), COLOUR), form, P3, **options)
    wanted = expected(COLOUR, DISPLAY_P3, 2.2)
    assert abs(wanted - COLOUR).max() > 10, "a profile that changes nothing shows nothing"
    assert np.abs(found - wanted).max() <= (3 if form == "JPEG" else 1)


def test_a_palette_and_transparency_are_no_reason_to_pass_it_over():
    palette = Image.new("P", (16, 16), 0)
    palette.putpalette(list(COLOUR))
    wanted = expected(COLOUR, DISPLAY_P3, 2.2)
    assert np.abs(read(palette, "PNG", P3) - wanted).max() <= 1
    found = read(Image.new("RGBA", (16, 16), (*COLOUR, 77)), "PNG", P3)
    assert np.abs(found[:3] - wanted).max() <= 1 and found[3] == 77


@pytest.mark.parametrize("mode", ["L", "LA", "I;16"])
def test_greys_have_profiles_too(mode):
    level = {"L": 100, "LA": (100, 255), "I;16": 100 * 257}[mode]
    found = read(Image.new(mode, (16, 16), level), "PNG", LINEAR_GREY)
    assert np.abs(found[:3] - expected((100,) * 3, SRGB, 1.0)).max() <= 1


def test_linear_srgb_is_not_taken_for_srgb_because_of_its_name():
    found = read(Image.new("RGB", (16, 16), COLOUR), "PNG", profile(SRGB, 1.0, "sRGB, linear"))
    assert np.abs(found - expected(COLOUR, SRGB, 1.0)).max() <= 1


def test_srgb_of_any_maker_changes_no_level():
    """There and back through a profile would round some of them."""
    stored = np.linspace(0, 1, 1024)
    curve = np.where(stored <= 0.04045, stored / 12.92, ((stored + 0.055) / 1.055) ** 2.4)
    icc = profile(SRGB, curve, "nameless")
    every = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(every).save(buffer, "PNG", icc_profile=icc)
    assert np.array_equal(np.asarray(decode.decode_picture(buffer.getvalue(), "x")), every)


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_profile_for_other_pictures_is_passed_over(mode):
    picture = Image.new("RGB", (16, 16), (100,) * 3).convert(mode)
    wrong = {"RGB": LINEAR_GREY, "L": P3}[mode]
    assert (read(picture, "PNG", wrong) == 100).all()
