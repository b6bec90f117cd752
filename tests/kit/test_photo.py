"""Anyone's photograph becomes a small upright square."""

import numpy as np
import pytest
import torch
from PIL import Image

from hw5.kit import photo
from hw5.kit.checks import InputError
from tests.tolerances import assert_close

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def flag(tall: bool = False) -> np.ndarray:
    """Three squares of 30 px in a row (or a column): red, green, blue."""
    colours = np.array([RED, GREEN, BLUE], np.uint8).repeat(30, axis=0)  # (90, 3)
    row = np.broadcast_to(colours, (30, 90, 3))
    return np.ascontiguousarray(row.transpose(1, 0, 2) if tall else row)


def colour_of(picture: torch.Tensor) -> tuple[int, ...]:
    """The colour of a picture of one colour."""
    levels = ((picture + 1) * 127.5).round().int()[0].flatten(1)
    assert (levels == levels[:, :1]).all(), "more than one colour"
    return tuple(levels[:, 0].tolist())


class TestCropPhoto:
    @pytest.mark.parametrize("tall", [False, True])
    def test_the_default_is_the_square_in_the_middle(self, tall):
        assert colour_of(photo.crop_photo(flag(tall), size=16)) == GREEN

    @pytest.mark.parametrize(("left", "colour"), [(0, RED), (30, GREEN), (60, BLUE)])
    def test_a_box_takes_left_top_side(self, left, colour):
        assert colour_of(photo.crop_photo(flag(), size=16, box=(left, 0, 30))) == colour
        assert colour_of(photo.crop_photo(flag(True), size=16, box=(0, left, 30))) == colour

    def test_the_result_has_the_size_asked_for(self):
        assert photo.crop_photo(flag(), size=48).shape == (1, 3, 48, 48)

    def test_a_box_counts_in_the_upright_photograph(self, tmp_path):
        picture = Image.fromarray(flag())
        exif = picture.getexif()
        exif[0x0112] = 8  # stored turned right: seen upright, red (left) is at the bottom
        picture.save(tmp_path / "a.png", exif=exif)
        assert colour_of(photo.crop_photo(tmp_path / "a.png", size=8, box=(0, 60, 30))) == RED

    def test_a_file_and_its_array_give_the_same(self, tmp_path):
        Image.fromarray(flag()).save(tmp_path / "a.png")
        assert_close(photo.crop_photo(tmp_path / "a.png"), photo.crop_photo(flag()), "exact")

    def test_shrinking_averages_instead_of_picking(self):
        checkers = (np.indices((64, 64)).sum(axis=0) % 2 * 255).astype(np.uint8)
        small = photo.crop_photo(checkers[..., None].repeat(3, axis=2), size=8)
        assert small.abs().max() < 0.1

    @pytest.mark.parametrize(
        "box",
        [
            (0, 0, 31),
            (61, 0, 30),
            (-1, 0, 20),
            (0, 0, 7),
            (0, 0, 0),
            (0, 0),
            (0, 0, 20, 20),
            (0.5, 0, 20),
            ("a", 0, 20),
            7,
        ],
    )
    def test_a_box_outside_the_photograph_is_refused(self, box):
        with pytest.raises(InputError, match=r"photo: box: expected .* inside 90 x 30"):
            photo.crop_photo(flag(), box=box)

    @pytest.mark.parametrize(
        "array", [flag().astype(float), flag()[..., 0], flag()[:5], np.zeros((0, 0, 3), np.uint8)]
    )
    def test_other_arrays_are_refused(self, array):
        with pytest.raises(InputError, match="photo: expected uint8"):
            photo.crop_photo(array)

    def test_a_missing_file_is_refused(self, tmp_path):
        with pytest.raises(InputError, match="no such file"):
            photo.crop_photo(tmp_path / "a.jpg")


class TestSamplePhoto:
    def test_it_is_a_ginger_cat_with_green_eyes(self):
        cat = photo.sample_photo(64)
        assert cat.shape == (1, 3, 64, 64)
        red, green, blue = cat.mean(dim=(0, 2, 3)).tolist()
        assert red > green > blue, "ginger fur all over"
        eyes = torch.stack(
            [cat[0, :, 16:24, 13:24].mean((1, 2)), cat[0, :, 24:30, 48:53].mean((1, 2))]
        )
        assert (eyes[:, 1] - eyes[:, 0] > cat[0, 1].mean() - cat[0, 0].mean()).all(), (
            "eyes in place"
        )
