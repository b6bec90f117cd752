"""Numbers for networks and back: the round trip, its limits, and what a picture makes of it."""

from __future__ import annotations

import pytest
import torch

from hw5.kit import seeding
from hw5.kit.checks import InputError
from hw5.world import neutral, render, sample
from hw5.world.factors import BY_NAME, FACTORS
from hw5.world.targets import (
    NUM_TARGETS,
    certainty,
    factors_from_targets,
    is_hue,
    readings,
    targets,
)

NAMES = [factor.name for factor in FACTORS]


@pytest.fixture(scope="module")
def drawn():
    """Cats with everything, whose hues cover the circle."""
    return sample(500, distribution="scenes", rng=seeding.make(2))


def place(name):
    """First number of a factor, found by moving it."""
    cats = neutral(2, glasses=1, hat=1, bow_tie=1, **{name: BY_NAME[name].low})
    cats.table[1, NAMES.index(name)] = (BY_NAME[name].low + 2 * BY_NAME[name].high) / 3
    numbers = targets(cats)
    return int((numbers[0] - numbers[1]).nonzero()[0])


@pytest.mark.parametrize("name", ["glasses", "hat", "bow_tie"])
def test_the_colour_of_an_accessory_that_is_not_worn_is_not_asked(name):
    a = targets(neutral(1).replace(**{name: 0.0, f"{name}_hue": 10.0}))
    b = targets(neutral(1).replace(**{name: 0.0, f"{name}_hue": 200.0}))
    assert torch.equal(a, b)


def test_targets_stay_within_one(drawn):
    found = targets(drawn)
    assert found.shape == (500, NUM_TARGETS)
    assert found.abs().max() <= 1.0 + 1e-5


def test_the_ends_of_a_range_are_minus_one_and_one():
    ends = targets(neutral(2, yaw=torch.tensor([-50.0, 50.0])))[:, place("yaw")]
    assert ends.tolist() == [-1, 1]


def test_the_way_there_and_back_leaves_the_cat(drawn):
    again = factors_from_targets(targets(drawn))
    for factor in FACTORS:
        worn = drawn[factor.only_if] == 1 if factor.only_if else torch.ones(500).bool()
        away = again[factor.name] - drawn[factor.name]
        away = (away + 180) % 360 - 180 if is_hue(factor) else away
        assert away[worn].abs().max() <= 1e-5 * (factor.high - factor.low), factor.name
        assert (again[factor.name][~worn] == factor.neutral).all(), factor.name
    torch.testing.assert_close(targets(again), targets(drawn), atol=1e-5, rtol=0)


def test_the_way_there_and_back_leaves_the_picture(cats, small):
    away = render(factors_from_targets(targets(cats)), 32).image - small.image
    assert (away.abs() > 1 / 127.5).float().mean() < 1e-3


def test_any_answer_is_a_cat_that_can_be_drawn(rng):
    cats = factors_from_targets(3 * torch.randn(300, NUM_TARGETS, generator=rng))
    for factor in FACTORS:
        values = cats[factor.name]
        assert values.min() >= factor.low and values.max() <= factor.high, factor.name
        if factor.unit == "choice":
            assert torch.equal(values, values.round()), factor.name
            assert len(values.unique()) == factor.high - factor.low + 1, factor.name
    assert render(cats.select([0, 1]), 16).image.isfinite().all()


def test_a_hue_is_the_angle_of_its_two_numbers_however_long():
    numbers = targets(neutral(4))
    column = place("coat_hue")
    pairs = [[1.0, 0.0], [0.0, 0.3], [-2.0, 0.0], [0.0, -0.1]]
    numbers[:, column : column + 2] = torch.tensor(pairs)
    found = factors_from_targets(numbers)["coat_hue"]
    torch.testing.assert_close(found, torch.tensor([0.0, 90.0, 180.0, 270.0]))


def test_readings_are_neither_clamped_nor_rounded():
    numbers = targets(neutral(1, mouth=1))
    numbers[0, place("yaw")] = 1.2
    numbers[0, place("mouth")] = -0.5
    read = readings(numbers)[0]
    assert read[NAMES.index("yaw")].item() == pytest.approx(60)
    assert read[NAMES.index("mouth")].item() == pytest.approx(0.5)
    assert factors_from_targets(numbers)["yaw"].item() == 50


def test_certainty_is_the_length_of_a_hue_and_one_for_the_rest(drawn):
    known = certainty(targets(drawn))
    worn = torch.stack([drawn[f.only_if] if f.only_if else torch.ones(500) for f in FACTORS], dim=1)
    torch.testing.assert_close(known, worn)
    numbers = targets(neutral(1))
    column = place("eye_hue")
    numbers[:, column : column + 2] = torch.tensor([0.3, -0.4])
    assert certainty(numbers)[0, NAMES.index("eye_hue")].item() == pytest.approx(0.5)


@pytest.mark.parametrize("convert", [readings, factors_from_targets])
@pytest.mark.parametrize(
    "numbers",
    [torch.zeros(2, 3), torch.zeros(NUM_TARGETS), torch.full((1, NUM_TARGETS), torch.nan)],
)
def test_unfit_answers_are_refused(convert, numbers):
    with pytest.raises(InputError, match="numbers"):
        convert(numbers)
