"""The table of factors, the two distributions, and the splits."""

from __future__ import annotations

import pytest
import torch

from hw5.kit import seeding
from hw5.kit.checks import InputError
from hw5.world import dataset
from hw5.world.factors import (
    BACKGROUNDS,
    BY_NAME,
    COAT_KIND_SHARES,
    DISTRIBUTIONS,
    FACTORS,
    NUM_DRAWS,
    PARTS,
    Factors,
    from_uniforms,
    neutral,
    sample,
)

COUNT = 20_000
FIXED = ("eye_distance", "nose_length")


@pytest.fixture(scope="module")
def drawn():
    return {d: sample(COUNT, distribution=d, rng=seeding.make(1)) for d in DISTRIBUTIONS}


def share(condition):
    return condition.float().mean().item()


def near(probability):
    """Within four standard deviations of a share of COUNT draws."""
    spread = 4 * (probability * (1 - probability) / COUNT) ** 0.5
    return pytest.approx(probability, abs=spread)


def test_names_are_unique_and_every_entry_makes_sense():
    assert len(BY_NAME) == len(FACTORS)
    for factor in FACTORS:
        assert factor.low <= factor.neutral <= factor.high, factor.name
        assert factor.region and factor.region <= set(PARTS), factor.name
        assert factor.only_if is None or factor.only_if in BY_NAME, factor.name
        assert factor.meaning and factor.unit, factor.name


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_no_draw_leaves_the_range_of_its_factor(drawn, distribution):
    corners = torch.cat([torch.zeros(1, NUM_DRAWS), torch.ones(1, NUM_DRAWS)])
    extreme = from_uniforms(corners, distribution=distribution)
    for factor in FACTORS:
        for values in (drawn[distribution][factor.name], extreme[factor.name]):
            assert values.min() >= factor.low - 1e-4, factor.name
            assert values.max() <= factor.high + 1e-4, factor.name


@pytest.mark.parametrize(("distribution", "chance"), [("portraits", 0.07), ("scenes", 0.30)])
@pytest.mark.parametrize("name", ["glasses", "bow_tie", "hat"])
def test_accessories_are_as_common_as_documented(drawn, name, distribution, chance):
    assert share(drawn[distribution][name] == 1) == near(chance)
    assert share(drawn[distribution][name] == 0) == near(1 - chance)


def test_portraits_have_plain_backgrounds_and_scenes_have_all(drawn):
    assert set(drawn["portraits"]["background"].unique().tolist()) == {0.0, 1.0}
    assert drawn["scenes"]["background"].unique().numel() == len(BACKGROUNDS)


def test_odd_eyes_are_rare_and_as_often_left_as_right(drawn):
    odd = drawn["portraits"]["odd_eyes"]
    assert share(odd == -1) == near(0.01)
    assert share(odd == 1) == near(0.01)
    assert share(odd == 0) == near(0.98)


def test_poses_are_centred(drawn):
    for name in ("yaw", "pitch", "roll", "position_x", "position_y"):
        values = drawn["portraits"][name]
        assert abs(values.mean()) < 4 * values.std() / COUNT**0.5, name


def test_each_kind_of_coat_has_its_share(drawn):
    cats = drawn["portraits"]
    saturation, brightness = cats["coat_saturation"], cats["coat_brightness"]
    ginger = (saturation >= 0.55 - 1e-4) & (brightness >= 0.72 - 1e-4)
    grey = (cats["coat_hue"] > 100) & (brightness > 0.3)
    black = brightness < 0.23
    assert share(ginger) == near(COAT_KIND_SHARES[0])
    assert share(grey) == near(COAT_KIND_SHARES[1])
    assert share(black) == near(COAT_KIND_SHARES[2])


def test_coats_differ_within_a_kind(drawn):
    cats = drawn["portraits"]
    black = cats.table[cats["coat_brightness"] < 0.23]
    assert Factors(black)["coat_hue"].unique().numel() > 1000


def test_the_same_generator_draws_the_same_cats():
    again = [sample(5, rng=seeding.make(3)).table for _ in range(2)]
    torch.testing.assert_close(*again, rtol=0, atol=0)
    assert not torch.equal(again[0], sample(5, rng=seeding.make(4)).table)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize("split", dataset.SPLITS)
def test_two_factors_are_fixed_in_every_split(split, distribution):
    cats = dataset.split_factors(split, 200, distribution=distribution)
    for name in FIXED:
        assert (cats[name] == 0).all(), name


def test_a_cat_of_a_split_is_the_same_however_it_is_asked_for():
    whole = dataset.split_factors("validation", 8).table
    later = dataset.split_factors("validation", 3, first=5).table
    earlier = dataset.split_factors("validation", 5).table
    torch.testing.assert_close(torch.cat([earlier, later]), whole, rtol=0, atol=0)


def test_no_cat_is_in_two_splits():
    starts = sorted(dataset.SPLITS.values())
    with pytest.raises(InputError, match="within"):
        dataset.split_factors("train", 2, first=starts[1] - starts[0] - 1)
    last = dataset.split_factors("train", 1, first=starts[1] - starts[0] - 1)
    tables = [dataset.split_factors(split, 100).table for split in dataset.SPLITS]
    rows = torch.cat([last.table, *tables])
    assert rows.unique(dim=0).shape[0] == len(rows)


def test_mirroring_twice_changes_nothing(rng):
    cats = sample(10, rng=rng)
    torch.testing.assert_close(cats.mirrored().mirrored().table, cats.table, rtol=0, atol=0)
    assert (cats.mirrored()["yaw"] == -cats["yaw"]).all()
    assert (cats.mirrored()["pitch"] == cats["pitch"]).all()


def test_neutral_cats_take_the_values_they_are_given():
    cats = neutral(2, yaw=20, mouth=torch.tensor([0.0, 1.0]))
    assert cats["yaw"].tolist() == [20, 20]
    assert cats["mouth"].tolist() == [0, 1]
    assert (neutral()["zoom"] == 1).all()


def test_replacing_leaves_the_original_alone():
    cat = neutral()
    cat.replace(yaw=30)
    assert cat["yaw"].item() == 0


def test_a_batch_can_be_walked_through():
    cats = neutral(3, yaw=torch.tensor([1.0, 2.0, 3.0]))
    assert [cat["yaw"].item() for cat in cats] == [1, 2, 3]
    assert cats.select([2, 0])["yaw"].tolist() == [3, 1]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: Factors(torch.zeros(2, 5)), "shape"),
        (lambda: Factors(torch.full((1, len(FACTORS)), torch.nan)), "NaN"),
        (lambda: neutral()["tail"], "factor"),
        (lambda: neutral().replace(yau=3), "yaw"),
        (lambda: sample(1, distribution="portrait", rng=seeding.make(0)), "portraits"),
        (lambda: from_uniforms(torch.zeros(2, 3)), "uniform"),
        (lambda: dataset.split_factors("valid", 1), "validation"),
        (lambda: dataset.split_factors("test", 0), "0"),
        (lambda: dataset.split_factors("test", 1, first=-1), "-1"),
    ],
)
def test_bad_input_gets_one_clear_line(wrong, message):
    with pytest.raises(InputError, match=message):
        wrong()
