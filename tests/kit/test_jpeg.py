"""A JPEG is read if all its pixels are there, whatever its end; a cut one is never shown grey."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from skimage.data import chelsea

from hw5.kit import decode, huge, jpeg
from hw5.kit.checks import InputError

END = b"\xff\xd9"
CAT = Image.fromarray(chelsea()[:200, :296])
KINDS = {
    "baseline": {},
    "colour at full resolution": {"subsampling": 0},
    "progressive": {"progressive": True},
    "restarts": {"restart_marker_blocks": 5},
    "a restart behind every block": {"restart_marker_blocks": 1},
    "own codes": {"optimize": True},
}


def encoded(picture: Image.Image = CAT, **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=80, **options)
    return buffer.getvalue()


def pixels(data: bytes) -> np.ndarray:
    """What Pillow makes of a whole file, and of whatever has an end."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


def read(data: bytes) -> np.ndarray:
    return np.asarray(decode.decode_picture(data, "a.jpg")).astype(int)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("kind", KINDS)
def test_without_its_end_marker_or_with_half_of_it_all_pixels_are_read(kind, mode):
    data = encoded(CAT.convert(mode), **KINDS[kind])
    assert data.endswith(END)
    for cut in (data[:-2], data[:-1]):
        assert np.array_equal(read(cut), read(data))


@pytest.mark.parametrize("level", [0, 128, 255])
@pytest.mark.parametrize("options", [{}, {"optimize": True}, {"progressive": True}])
def test_a_picture_of_one_level_is_not_taken_for_what_a_cut_leaves(level, options):
    data = encoded(Image.new("RGB", (200, 100), (level,) * 3), **options)
    assert np.array_equal(read(data[:-2]), np.full((100, 200, 3), level))


@pytest.mark.parametrize("share", [0.99, 0.9, 0.5])
@pytest.mark.parametrize("end", [b"", END], ids=["cut", "cut and closed"])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_cut_file_is_refused_even_if_an_end_was_put_behind_it(kind, mode, end, share):
    data = encoded(CAT.convert(mode), **KINDS[kind])
    cut = data[: int(share * len(data))] + end
    if end:
        assert pixels(cut).shape == (200, 296, 3), "what Pillow alone would let pass"
    with pytest.raises(InputError, match=r"a\.jpg: expected .* got a damaged .*truncated"):
        decode.decode_picture(cut, "a.jpg")


def test_it_is_said_how_much_is_missing():
    data = encoded()
    cut = data[: int(0.6 * len(data))]
    there = np.flatnonzero((pixels(cut + END) != pixels(data)).any(axis=(1, 2)))[0]
    with pytest.raises(OSError, match=r"the lower \d+%") as caught:
        jpeg.whole(cut)
    said = int(str(caught.value).split("%")[0].split()[-1])
    assert said == pytest.approx(100 * (1 - there / 200), abs=5)  # a row of blocks is 8 %


def test_a_copy_whose_last_part_was_reserved_and_never_filled_is_refused():
    data = encoded()
    with pytest.raises(InputError, match="zeros where pixels should be"):
        decode.decode_picture(data[:-3000] + bytes(3000), "a.jpg")


@pytest.mark.parametrize("number", [1, 2, 5])
def test_a_file_cut_between_two_scans_is_refused(number):
    """All of the scans that are there are complete, so no byte is missing from them."""
    data = encoded(progressive=True)
    places = [place for place, kind in jpeg._markers(data) if kind == jpeg.START_OF_SCAN]
    tables = data.rindex(b"\xff\xc4", 0, places[number])  # they stand in front of their scan
    assert tables > places[number - 1]
    for cut, said in ((tables, "scans of it are missing"), (places[number] + 6, "in a header")):
        with pytest.raises(InputError, match=f"truncated: .*{said}"):
            decode.decode_picture(data[:cut], "a.jpg")


def test_an_end_inside_a_note_is_not_the_end():
    data = encoded()
    note = b"a thumbnail" + END
    data = data[:2] + b"\xff\xfe" + (2 + len(note)).to_bytes(2, "big") + note + data[2:]
    assert np.array_equal(read(data[:-2]), read(data))
    with pytest.raises(InputError, match="truncated"):
        decode.decode_picture(data[:-900] + END, "a.jpg")


def test_what_a_phone_puts_behind_its_picture_does_not_count(tmp_path):
    CAT.save(tmp_path / "a.mpo", save_all=True, append_images=[CAT.rotate(180)], quality=95)
    data = (tmp_path / "a.mpo").read_bytes()
    both = read(data)
    assert np.abs(both - np.asarray(CAT)).mean() < 3, "the first of two"
    assert np.array_equal(read(data[: int(0.8 * len(data))]), both), "the second one is cut"
    assert np.array_equal(read(encoded() + bytes(2000) + END), read(encoded()))
    with pytest.raises(InputError, match="truncated"):
        decode.decode_picture(data[: int(0.4 * len(data))], "a.mpo")


@pytest.mark.parametrize("options", [{}, {"restart_marker_blocks": 5}])
def test_a_huge_one_is_held_to_the_same(tmp_path, monkeypatch, options):
    monkeypatch.setattr(huge, "MAX_PIXELS", 5000)
    monkeypatch.setattr(huge, "REDUCED_PIXELS", 5000)
    data = encoded(**options)
    (tmp_path / "whole.jpg").write_bytes(data)
    (tmp_path / "open.jpg").write_bytes(data[:-2])
    (tmp_path / "cut.jpg").write_bytes(data[:-600] + END)
    whole, unclosed = (huge.open_reduced(tmp_path / f"{name}.jpg") for name in ("whole", "open"))
    assert whole.picture.size == (74, 50)
    assert np.array_equal(np.asarray(whole.picture), np.asarray(unclosed.picture))
    with pytest.raises(InputError, match="truncated: the lower"):
        huge.open_reduced(tmp_path / "cut.jpg")
