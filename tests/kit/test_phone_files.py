"""What phones, scanners and web pages hand out: every orientation, AVIF, HEIC, odd shapes."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, features

from hw5.kit import images, photo, refusals, strokes
from hw5.kit.checks import InputError

HAS_AVIF = "avif" in features.modules and features.check("avif")
needs_avif = pytest.mark.skipif(not HAS_AVIF, reason="this Pillow has no AVIF")

# What EXIF 2.32 says of its values 1 to 8: the side on which the first stored row and the first
# stored column are seen.
SIDES = {
    1: ("top", "left"), 2: ("top", "right"), 3: ("bottom", "right"), 4: ("bottom", "left"),
    5: ("left", "top"), 6: ("right", "top"), 7: ("right", "bottom"), 8: ("left", "bottom"),
}  # fmt: skip
CORNERS = np.array([[(255, 0, 0), (0, 255, 0)], [(0, 0, 255), (255, 255, 0)]], np.uint8)
UPRIGHT = CORNERS.repeat(16, axis=0).repeat(24, axis=1)  # 32 rows, 48 columns
EXACT = {"quality": 100, "subsampling": 0}
FORMS = {
    "jpg": EXACT, "png": {}, "tif": {}, "webp": {"lossless": True}, "mpo": {"quality": 100},
}  # fmt: skip


def stored(orientation: int) -> np.ndarray:
    """The rows as a camera held that way stores them."""
    row, column = SIDES[orientation]
    rows = UPRIGHT if row in ("top", "bottom") else UPRIGHT.swapaxes(0, 1)
    rows = rows[::-1] if row in ("bottom", "right") else rows
    return np.ascontiguousarray(rows[:, ::-1] if column in ("bottom", "right") else rows)


@pytest.mark.parametrize("orientation", SIDES)
@pytest.mark.parametrize("form", [*FORMS, pytest.param("avif", marks=needs_avif)])
def test_it_is_seen_as_it_was_taken(tmp_path, form, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    note = {"tiffinfo": {0x0112: orientation}} if form == "tif" else {"exif": exif}
    path = tmp_path / f"a.{form}"
    Image.fromarray(stored(orientation)).save(path, **FORMS.get(form, {"quality": 100}), **note)
    found = np.asarray(photo.open_photo(path).picture).astype(int)
    assert found.shape == UPRIGHT.shape
    for y, x in ((4, 4), (4, -5), (-5, 4), (-5, -5)):
        assert np.abs(found[y, x] - UPRIGHT[y, x]).max() <= 30, (form, orientation, y, x)


@needs_avif
def test_avif_is_read_by_every_door(tmp_path):
    picture = Image.fromarray(UPRIGHT)
    picture.save(tmp_path / "a.avif", quality=100)
    cut = photo.crop_photo(tmp_path / "a.avif", size=8, box=(0, 0, 16))
    assert cut[0, :, 4, 4].tolist() == pytest.approx([1, -1, -1], abs=0.1)
    assert images.load(tmp_path / "a.avif").shape == (1, 3, 32, 48)
    clear = picture.convert("RGBA")
    clear.paste((0, 0, 0, 0), (24, 0, 48, 32))
    clear.crop((0, 0, 32, 32)).save(tmp_path / "s.avif", quality=100)
    colour, mask = strokes.load_sketch(tmp_path / "s.avif", 32)
    assert mask[0, 0, 8, 8] == 1 and mask[0, 0, 8, 30] == 0
    assert colour[0, :, 8, 8].tolist() == pytest.approx([1, -1, -1], abs=0.1)


@needs_avif
@pytest.mark.parametrize("share", [0.3, 0.99])
def test_a_cut_avif_is_refused(tmp_path, share):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.avif")
    data = (tmp_path / "a.avif").read_bytes()
    (tmp_path / "a.avif").write_bytes(data[: int(share * len(data))])
    with pytest.raises(InputError, match=r"got a damaged .*copy it again"):
        photo.open_photo(tmp_path / "a.avif")


@pytest.mark.parametrize("brands", [(b"heic", b"mif1"), (b"mif1", b"heic"), (b"heix",)])
def test_heic_is_named_and_told_what_to_do(tmp_path, brands):
    box = b"ftyp" + brands[0] + bytes(4) + b"".join(brands)
    (tmp_path / "a.heic").write_bytes((4 + len(box)).to_bytes(4, "big") + box + bytes(60))
    with pytest.raises(InputError, match=r"a\.heic: .*got HEIC\. Hint: export it as JPEG \(iPhone"):
        photo.open_photo(tmp_path / "a.heic")


@pytest.mark.parametrize("brand", [b"avif", b"mif1"])
def test_avif_without_a_decoder_asks_for_a_newer_pillow(tmp_path, monkeypatch, brand):
    monkeypatch.setattr(refusals, "FORMATS", ("PNG",))
    box = b"ftyp" + brand + bytes(4) + b"mif1avif"
    (tmp_path / "a.avif").write_bytes(bytes(3) + b"\x18" + box + bytes(60))
    with pytest.raises(InputError, match=r"got AVIF.*pip install -U pillow, or export it as JPEG"):
        photo.open_photo(tmp_path / "a.avif")


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP", "GIF"])
def test_a_file_that_ends_in_its_header_is_called_damaged_not_misnamed(tmp_path, form):
    buffer = io.BytesIO()
    Image.fromarray(UPRIGHT).save(buffer, form)
    (tmp_path / "a.bin").write_bytes(buffer.getvalue()[:13])
    with pytest.raises(InputError, match=r"got a damaged .*copy it again") as caught:
        photo.open_photo(tmp_path / "a.bin")
    assert "an ending does not make" not in str(caught.value)


@pytest.mark.parametrize("size", [(1, 1), (7, 4000), (20000, 3)])
def test_what_is_smaller_than_a_feature_is_refused(tmp_path, size):
    Image.new("RGB", size).save(tmp_path / "a.png")
    with pytest.raises(InputError, match=rf"at least 8 x 8 pixels, got {size[0]} x {size[1]}"):
        photo.open_photo(tmp_path / "a.png")


@pytest.mark.parametrize("size", [(60_000, 8), (9, 60_000)])
def test_a_very_long_one_gives_the_square_in_its_middle(tmp_path, size):
    picture = Image.new("RGB", size, "red")
    middle = tuple(side // 2 for side in size)
    picture.paste("blue", (middle[0] - 50, middle[1] - 50, middle[0] + 50, middle[1] + 50))
    picture.save(tmp_path / "a.png")
    found = photo.crop_photo(tmp_path / "a.png", size=16)
    assert (found[0].mean(dim=(1, 2)) == found.new_tensor([-1, -1, 1])).all()


def test_what_is_too_large_for_a_door_is_told_which_one_takes_it(tmp_path, monkeypatch):
    monkeypatch.setattr("hw5.kit.decode.MAX_PIXELS", 1000)
    picture = Image.fromarray(UPRIGHT)
    picture.save(tmp_path / "a.png")
    picture.save(tmp_path / "a.bmp")
    with pytest.raises(InputError, match=r"million pixels, got 48 x 32.*python -m hw5 crop"):
        images.load(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"or a plain JPEG, PNG or TIFF, got 48 x 32"):
        images.load(tmp_path / "a.bmp")


@pytest.mark.parametrize(("start", "limit"), [(b"BM", 512), (b"II*\0", 1280)])
def test_a_file_that_is_too_large_is_told_what_to_do(tmp_path, start, limit):
    with (tmp_path / "a.tif").open("wb") as file:
        file.write(start)
        file.truncate((limit << 20) + (1 << 19))  # takes no room
    said = rf"{limit:,}\.5 MiB.*limit is {limit:,} MiB; save it smaller, as JPEG or PNG"
    with pytest.raises(InputError, match=said):
        photo.open_photo(tmp_path / "a.tif")


@pytest.mark.parametrize("mode", ["LA", "PA", "RGBA", "P"])
def test_transparent_parts_are_white_whatever_colour_they_hide(tmp_path, mode):
    picture = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    picture.paste((51, 51, 51, 255), (0, 0, 20, 40))
    path = tmp_path / ("a.tif" if mode == "PA" else "a.png")
    (picture.quantize(4) if mode == "P" else picture.convert(mode)).save(path)
    found = photo.crop_photo(path, size=40)
    assert found[0, :, 20, 35].tolist() == [1, 1, 1]
    assert found[0, :, 20, 5].tolist() == pytest.approx([-0.6] * 3, abs=1e-6)
    # At the border of the two the hidden black does not shine through.
    assert float(photo.crop_photo(path, size=8).min()) > -0.75
