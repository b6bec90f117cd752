"""A square that may reach beyond the photograph, and the mask of what is real."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms

from hw5.kit import decode, photo
from hw5.kit.checks import InputError

RAMP = np.broadcast_to((np.arange(120) * 2).astype(np.uint8)[None, :, None], (80, 120, 3))


def cut(box, size=16, array=RAMP):
    return photo.cut_photo(photo.open_photo(np.ascontiguousarray(array)), size=size, box=box)


def test_inside_the_photograph_everything_is_real():
    found = cut((20, 10, 48))
    assert not found.is_padded and found.mask.shape == (1, 1, 16, 16)
    inside = photo.crop_photo(np.ascontiguousarray(RAMP), size=16, box=(20, 10, 48))
    assert torch.equal(found.image, inside)


@pytest.mark.parametrize(
    ("box", "rows", "columns"),
    [
        ((-32, 0, 64), (0, 16), (8, 16)),
        ((88, 0, 64), (0, 16), (0, 8)),
        ((0, -20, 80), (4, 16), (0, 16)),
        ((0, 40, 80), (0, 8), (0, 16)),
        ((-20, -40, 160), (4, 12), (2, 14)),
    ],
)
def test_the_mask_is_where_the_photograph_is(box, rows, columns):
    mask = torch.zeros(1, 1, 16, 16)
    mask[:, :, slice(*rows), slice(*columns)] = 1
    assert torch.equal(cut(box).mask, mask)


def test_a_pixel_that_is_only_partly_on_the_photograph_does_not_count():
    assert cut((-1, 0, 64)).mask[0, 0, :, 0].sum() == 0


def test_what_is_real_does_not_move_because_of_the_padding():
    whole, beyond = cut((0, 0, 80), size=20), cut((-40, 0, 80), size=20)
    assert (whole.image[..., :10] - beyond.image[..., 10:]).abs().max() < 0.02


def test_beyond_the_edge_nothing_of_the_photograph_is_seen_again():
    dots = np.full((80, 120, 3), 100, np.uint8)
    dots[:, 6:12] = 255  # near the edge: a mirror would show it twice
    found = cut((-32, 0, 64), size=64, array=dots)
    assert float(found.image[..., 32:].max()) == 1
    made_up = found.image[..., :32]
    assert float(made_up.mean()) == pytest.approx(2 * 100 / 255 - 1, abs=0.1)
    assert float(made_up[..., :20].std()) < 0.02


def test_rows_that_go_on_beyond_the_edge_are_blurred():
    noise = np.random.default_rng(0).integers(0, 256, (80, 120, 3), dtype=np.uint8)
    found = cut((0, -40, 80), size=80, array=noise)
    assert found.image[..., :40, :].std() < 0.3 * found.image[..., 40:, :].std()


@pytest.mark.parametrize(
    "box", [(-70, 0, 80), (300, 0, 80), (0, 0, 4000), (0, 0, 3), (0, float("nan"), 50), (1, 2)]
)
def test_a_box_with_hardly_any_photograph_in_it_is_refused(box):
    with pytest.raises(InputError, match="photo: box: expected"):
        cut(box)


def test_a_reduced_photograph_is_cut_at_the_same_place():
    full = photo.open_photo(np.ascontiguousarray(RAMP))
    half = photo.Reduced(full.picture.reduce(2), full.size, full.name)
    a, b = (photo.cut_photo(each, size=12, box=(30, 8, 60)) for each in (full, half))
    assert (a.image - b.image).abs().max() < 0.03
    assert b.scale == pytest.approx(a.scale / 2)


def jpeg(picture: Image.Image, **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=95, **options)
    return buffer.getvalue()


def mean_colour(data: bytes) -> tuple[int, ...]:
    return tuple(np.asarray(decode.decode_picture(data, "x")).reshape(-1, 3).mean(0).astype(int))


def without_adobe(data: bytes) -> bytes:
    """The same JPEG without the segment that says that its inks are inverted."""
    start = data.index(b"\xff\xee")
    return data[:start] + data[start + 2 + int.from_bytes(data[start + 2 : start + 4], "big") :]


def test_inks_are_inverted_only_where_adobe_says_so():
    red = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    adobe = jpeg(red)
    assert mean_colour(adobe)[0] > 240 and max(mean_colour(adobe)[1:]) < 30
    # The same numbers, taken as they are: no ink where there was full ink.
    plain = mean_colour(without_adobe(adobe))
    assert plain[0] < 30


def test_a_colour_profile_is_followed():
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    grey = Image.new("RGB", (16, 16), (120, 130, 140))
    assert mean_colour(jpeg(grey, icc_profile=lab)) == mean_colour(jpeg(grey)), "does not fit RGB"
    assert mean_colour(jpeg(grey, icc_profile=b"nonsense")) == mean_colour(jpeg(grey))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert mean_colour(jpeg(grey, icc_profile=srgb)) == mean_colour(jpeg(grey))


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG"])
def test_an_animated_picture_gives_its_first_frame(tmp_path, form):
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue")]
    path = tmp_path / "a.bin"
    frames[0].save(path, form, save_all=True, append_images=frames[1:])
    red, _, blue = np.asarray(photo.open_photo(path).picture).reshape(-1, 3).mean(0)
    assert red > 200 and blue < 50


def test_whole_numbers_of_32_bits_that_are_bytes_are_not_read_as_black(tmp_path):
    Image.fromarray(np.full((20, 20), 200, np.int32)).save(tmp_path / "a.tif")
    with pytest.raises(InputError, match="would be black; save as 8 bits"):
        decode.open_picture(tmp_path / "a.tif")


def test_sixteen_bits_and_palettes_are_read(tmp_path):
    values = np.full((16, 16), 128 * 257, np.uint16)
    Image.fromarray(values).save(tmp_path / "a.png")
    Image.fromarray(values).save(tmp_path / "a.tif")
    Image.new("RGB", (16, 16), (128, 128, 128)).quantize(4).save(tmp_path / "p.png")
    for name in ("a.png", "a.tif", "p.png"):
        assert np.all(np.asarray(photo.open_photo(tmp_path / name).picture) == 128)
