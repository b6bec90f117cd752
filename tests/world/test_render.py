"""Pictures against facts: symmetry, directions, areas, partitions, sizes, threads, batches."""

from __future__ import annotations

import pytest
import torch

from hw5.kit.checks import InputError
from hw5.world import PARTS, Factors, neutral, render, tracer
from tests.tolerances import assert_close

LEVEL = 1 / 127.5  # one of 256 levels, in units of [-1, 1]


def centre(mask):
    """Column and row `(N,)` of the middle of masks `(N, 1, H, W)`, as shares of the side."""
    size = mask.shape[-1]
    line = (torch.arange(size) + 0.5) / size
    weight = mask[:, 0] / mask.sum(dim=(1, 2, 3))[:, None, None]
    return (weight * line).sum(dim=(1, 2)), (weight * line[:, None]).sum(dim=(1, 2))


def cat_area(picture):
    return (picture.segmentation != 0).flatten(1).sum(1)


def test_pictures_are_in_range_and_of_their_shapes(small):
    assert small.image.shape == (4, 3, 32, 32) and small.image.dtype == torch.float32
    assert small.segmentation.shape == (4, 32, 32) and small.segmentation.dtype == torch.uint8
    assert small.image.min() >= -1 and small.image.max() <= 1


def test_every_pixel_is_of_exactly_one_part(small):
    total = sum(small.mask(part) for part in PARTS)
    assert small.mask("head").shape == (4, 1, 32, 32)
    assert (total == 1).all()


def test_every_part_is_to_be_seen(small):
    dressed = small.segmentation[1]
    plain = small.segmentation[[0, 2, 3]]
    assert (dressed == PARTS.index("accessory")).any()
    for part in set(PARTS) - {"accessory", "mouth"}:
        assert (plain == PARTS.index(part)).any(), part


def test_mirrored_cats_give_mirrored_pictures(cats, small):
    mirrored = render(cats.mirrored(), 32)
    away = (mirrored.image.flip(3) - small.image).abs().amax(1)
    # A ray that only grazes a silhouette may fall to either side of it by a rounding error.
    assert (away > 1.5 * LEVEL).float().mean() < 0.002
    other = (mirrored.segmentation.flip(2) != small.segmentation).float().mean()
    assert other < 0.002


def test_heads_turn_and_move_where_the_table_says():
    values = {"yaw": 25, "pitch": 15, "roll": 15, "position_x": 0.1, "position_y": 0.1}
    cats = neutral(6)
    for row, (name, value) in enumerate(values.items(), start=1):
        cats.table[row] = neutral(**{name: value}).table[0]
    picture = render(cats, 64)
    nose, ears = centre(picture.mask("nose")), centre(picture.mask("ears"))
    assert nose[0][1] > nose[0][0] + 0.05, "yaw: the nose to the right"
    assert nose[1][2] > nose[1][0] + 0.03, "pitch: the nose down"
    assert ears[0][3] < ears[0][0] - 0.03, "roll: the ears to the left"
    assert nose[0][4] - nose[0][0] == pytest.approx(0.1, abs=0.02)
    assert nose[1][0] - nose[1][5] == pytest.approx(0.1, abs=0.02)


def test_light_falls_from_its_side_and_has_its_colour():
    cats = neutral(4, coat_saturation=0.05)
    sides = cats.replace(
        light_azimuth=torch.tensor([-70.0, 70.0, 0.0, 0.0]),
        light_warmth=torch.tensor([0.0, 0.0, -1.0, 1.0]),
    )
    picture = render(sides, 32)
    head = picture.mask("head") * picture.image
    brightness = head.mean(1)
    left, right = brightness[..., :16].sum((1, 2)), brightness[..., 16:].sum((1, 2))
    assert left[0] > right[0] and left[1] < right[1]
    blueness = (head[:, 2] - head[:, 0]).sum((1, 2))
    assert blueness[2] > blueness[3]


def test_the_silhouette_grows_with_zoom():
    zooms = torch.tensor([0.8, 0.95, 1.1, 1.25])
    assert (cat_area(render(neutral(4, zoom=zooms), 32)).diff() > 0).all()


def test_kittens_have_larger_eyes_for_their_heads():
    picture = render(neutral(2, age=torch.tensor([0.0, 1.0]), eye_openness=1.0), 64)
    eyes = picture.mask("eyes") + picture.mask("pupils")
    share = eyes.sum((1, 2, 3)) / (picture.mask("head") + eyes).sum((1, 2, 3))
    assert share[0] > 1.15 * share[1]


def test_shut_eyes_show_next_to_nothing_and_wide_pupils_are_wide():
    cats = neutral(3, eye_openness=torch.tensor([0.0, 1.0, 1.0]))
    picture = render(cats.replace(pupil_width=torch.tensor([0.4, 0.0, 1.0])), 64)
    eyes, pupils = (picture.mask(part).sum((1, 2, 3)) for part in ("eyes", "pupils"))
    assert eyes[0] + pupils[0] < 0.1 * (eyes[1] + pupils[1])
    assert pupils[2] > 2 * pupils[1]


@pytest.mark.parametrize("size", [64, 128, 256])
def test_larger_pictures_averaged_down_are_the_small_ones(cats, small, size):
    one = cats.select([0])
    large = render(one, size)
    assert large.image.shape == (1, 3, size, size)
    shrunk = torch.nn.functional.avg_pool2d(large.image, size // 32)
    assert (shrunk - small.image[:1]).abs().mean() < 4 * LEVEL
    near = torch.nn.functional.interpolate(small.segmentation[:1, None].float(), size=size)[:, 0]
    assert (near == large.segmentation).float().mean() > 0.9


def test_a_picture_does_not_depend_on_its_batch(cats, small):
    alone = render(cats.select([2]), 32)
    assert_close(alone.image, small.image[[2]], "pixel")
    turned = render(cats.select([3, 2, 1, 0]), 32)
    assert_close(turned.image, small.image.flip(0), "pixel")


def test_a_picture_does_not_depend_on_the_number_of_threads(cats, small):
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2 if before == 1 else 1)
        other = render(cats.select([0, 1]), 32)
    finally:
        torch.set_num_threads(before)
    assert_close(other.image, small.image[:2], "pixel")
    assert (other.segmentation == small.segmentation[:2]).float().mean() > 0.999


def test_the_layout_for_fused_kernels_draws_the_same_pictures(cats, small, monkeypatch):
    """Rows of one size, all accessories computed; the fusing itself is left out, being slow."""
    tracer.kernels_of.cache_clear()
    monkeypatch.setattr(torch, "compile", lambda function, **_: function)
    try:
        fused = render(cats, 32, compiled=True)
    finally:
        tracer.kernels_of.cache_clear()
    assert_close(fused.image, small.image, "pixel")
    torch.testing.assert_close(fused.segmentation, small.segmentation, rtol=0, atol=0)


def test_a_cat_outside_the_picture_leaves_the_background():
    picture = render(neutral(position_x=9, background=0), 16)
    assert (picture.segmentation == 0).all()
    assert torch.isfinite(picture.image).all()


def test_no_cats_give_no_pictures():
    picture = render(Factors(neutral().table[:0]), 16)
    assert picture.image.shape == (0, 3, 16, 16)
    assert picture.segmentation.shape == (0, 16, 16)


@pytest.mark.parametrize("size", [0, 12, 63, 2048])
def test_a_wrong_size_is_refused(size):
    with pytest.raises(InputError, match="size"):
        render(neutral(), size)


def test_an_unknown_part_is_refused(small):
    with pytest.raises(InputError, match="whiskers"):
        small.mask("whisker")


@pytest.mark.parametrize("background", [-1, 6, 9])
def test_a_background_that_is_none_is_refused(background):
    with pytest.raises(InputError, match=f"0 to 5: plain, .*got {background}"):
        render(neutral(background=background), 16)
