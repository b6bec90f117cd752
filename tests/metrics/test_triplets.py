"""Triplets: scoring with constructed distances, Wilson's interval, and what the world renders."""

from __future__ import annotations

import pytest
import torch
from torchvision.transforms.functional import gaussian_blur

from hw5 import world
from hw5.kit.checks import InputError
from hw5.metrics.triplets import Triplets, make_triplets, move_towards, ordered_triplets, wilson


def brightness(a, b):
    """A distance that sees mean brightness only."""
    return (a - b).mean(dim=(1, 2, 3)).abs()


def grey(*values):
    return torch.tensor(values).view(-1, 1, 1, 1).expand(-1, 3, 4, 4)


def pixel_distance(a, b):
    return (a - b).abs().mean(dim=(1, 2, 3))


@pytest.fixture(scope="module")
def made():
    return make_triplets(12, size=32, rng=torch.Generator().manual_seed(0))


def test_the_share_counts_near_before_far_and_ties_as_wrong():
    batch = Triplets(grey(0.0, 0.0, 0.0, 0.0), grey(0.1, 0.2, 0.5, -0.3), grey(0.2, 0.4, 0.5, 0.2))
    share = ordered_triplets(brightness, {"kind": batch})["kind"]
    assert (share.correct, share.total, share.value) == (2, 4, 0.5)


def test_all_kinds_are_pooled():
    right = Triplets(grey(0.0, 0.0), grey(0.1, 0.1), grey(0.2, 0.2))
    wrong = Triplets(grey(0.0), grey(0.2), grey(0.1))
    shares = ordered_triplets(brightness, {"right": right, "wrong": wrong})
    assert (shares["all"].correct, shares["all"].total) == (2, 3)
    assert list(shares) == ["right", "wrong", "all"]


def test_a_constant_distance_orders_nothing(made):
    shares = ordered_triplets(lambda a, _b: torch.ones(len(a)), made)
    assert shares["all"].correct == 0


@pytest.mark.parametrize(
    ("correct", "total", "low", "high"),
    [  # Newcombe 1998, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_matches_published_intervals(correct, total, low, high):
    assert wilson(correct, total) == pytest.approx((low, high), abs=5e-5)


def test_wilson_is_mirrored_and_narrows_with_more_triplets():
    low, high = wilson(30, 40)
    assert wilson(10, 40) == pytest.approx((1 - high, 1 - low))
    wide, narrow = wilson(30, 40), wilson(300, 400)
    assert wide[0] < narrow[0] < 0.75 < narrow[1] < wide[1]


@pytest.mark.parametrize(("correct", "total"), [(-1, 5), (6, 5), (0, 0)])
def test_impossible_counts_are_refused(correct, total):
    with pytest.raises(InputError, match="total"):
        wilson(correct, total)


def test_no_triplets_are_refused():
    with pytest.raises(InputError, match="triplets"):
        ordered_triplets(brightness, {})


def test_unequal_batches_are_refused():
    with pytest.raises(InputError, match="odd far"):
        ordered_triplets(brightness, {"odd": Triplets(grey(0.0), grey(0.0), grey(0.0, 1.0))})


@pytest.mark.parametrize("answer", [torch.tensor(1.0), torch.full((1,), torch.nan)])
def test_a_distance_must_give_one_finite_value_a_picture(answer):
    batch = Triplets(grey(0.0), grey(0.0), grey(1.0))
    with pytest.raises(InputError, match="distance"):
        ordered_triplets(lambda _a, _b: answer, {"kind": batch})


def test_every_kind_has_as_many_pictures_as_asked(made):
    assert list(made) == ["factors", "noise", "subtle", "shift", "blur"]
    for batch in made.values():
        for images in (batch.anchor, batch.near, batch.far):
            assert images.shape == (12, 3, 32, 32) and images.abs().max() <= 1


def test_near_and_far_both_differ_from_the_anchor(made):
    for batch in made.values():
        assert (pixel_distance(batch.near, batch.anchor) > 0).all()
        assert (pixel_distance(batch.far, batch.anchor) > 0).all()


def test_noise_has_the_promised_strength(made):
    inside = made["noise"].anchor.abs() < 0.8  # elsewhere the range cuts it
    noise = (made["noise"].near - made["noise"].anchor)[inside]
    assert noise.std().item() == pytest.approx(0.05, rel=0.05)


def test_subtle_changes_lie_between_the_same_picture_and_another_cat(made):
    change = pixel_distance(made["subtle"].far, made["subtle"].anchor)
    other = pixel_distance(made["noise"].far, made["noise"].anchor)
    assert 0 < change.mean() < 0.7 * other.mean()


def test_a_shift_moves_by_one_pixel_of_32_and_goes_both_ways(made):
    anchor, near = made["shift"].anchor, made["shift"].near
    left = (anchor[..., 1:] == near[..., :-1]).flatten(1).all(dim=1)
    right = (anchor[..., :-1] == near[..., 1:]).flatten(1).all(dim=1)
    assert (left ^ right).all() and left.any() and right.any()


def test_blur_is_torchvisions_with_a_fortieth_of_the_side(made):
    anchor, far = made["blur"].anchor, made["blur"].far
    torch.testing.assert_close(far, gaussian_blur(anchor, 7, 32 / 40), atol=1e-5, rtol=0)


def test_pixel_distance_orders_noise_but_errs_on_blur(made):
    shares = ordered_triplets(pixel_distance, made)
    assert shares["noise"].value == 1 and shares["factors"].value > 0.8
    assert shares["blur"].value < 0.6


def test_the_same_seed_gives_the_same_triplets():
    first, second = (
        make_triplets(2, size=16, kinds=("noise",), rng=torch.Generator().manual_seed(1))["noise"]
        for _ in range(2)
    )
    torch.testing.assert_close(first.near, second.near)


def test_unknown_kinds_are_refused(rng):
    with pytest.raises(InputError, match="noise"):
        make_triplets(1, kinds=("nois",), rng=rng)


def test_moving_goes_from_one_cat_to_the_other_but_keeps_choices(rng):
    start, end = (world.sample(20, distribution="scenes", rng=rng) for _ in range(2))
    assert torch.equal(move_towards(start, end, 0.0).table, start.table)
    arrived = move_towards(start, end, 1.0)
    for factor in world.FACTORS:
        goal = start if factor.unit == "choice" else end
        torch.testing.assert_close(arrived[factor.name], goal[factor.name], rtol=1e-4, atol=1e-3)


def test_hues_take_the_short_way_round():
    start = world.neutral().replace(eye_hue=350)
    moved = move_towards(start, world.neutral().replace(eye_hue=30), 0.75)
    torch.testing.assert_close(moved["eye_hue"], torch.tensor([20.0]))
