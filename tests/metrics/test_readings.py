"""Figures of a reader, against scikit-free closed forms and readers whose flaws are known."""

from __future__ import annotations

import pytest
import torch

from hw5 import world
from hw5.kit import seeding
from hw5.kit.checks import InputError
from hw5.metrics.readings import r_squared, score_readings
from hw5.world.factors import FACTORS
from hw5.world.targets import NUM_TARGETS, targets


@pytest.fixture(scope="module")
def cats():
    return world.sample(2_000, rng=seeding.make(0))


def test_the_truth_scores_one_everywhere(cats):
    figures = score_readings(targets(cats), cats)
    assert min(figures.values()) > 1 - 1e-9
    fixed = {"eye_distance", "nose_length"}
    assert {factor.name for factor in FACTORS} - fixed <= set(figures)


def test_noise_of_known_size_costs_its_share_of_the_variance(cats):
    noise = torch.randn(len(cats), NUM_TARGETS, generator=seeding.make(1))
    wanted = targets(cats)
    figures = score_readings(wanted + 0.1 * noise, cats)
    column = [factor.name for factor in FACTORS].index("yaw")
    assert figures["yaw"] == pytest.approx(1 - 0.01 / wanted[:, column].var().item(), abs=0.01)


def test_the_mean_scores_nothing_and_worse_than_the_mean_less():
    true = torch.tensor([1.0, 2.0, 6.0])
    assert r_squared(torch.full((3,), 3.0), true) == pytest.approx(0.0)
    assert r_squared(torch.full((3,), 0.0), true) < 0


def test_never_is_mostly_right_about_glasses_and_still_only_half_right(cats):
    blind = targets(cats.replace(glasses=0.0))
    figures = score_readings(blind, cats)
    assert 0.9 < figures["glasses"] < 0.96
    assert figures["glasses, both alike"] == 0.5


def test_hues_on_both_sides_of_red_are_neighbours():
    cats = world.neutral(40, background_hue=torch.linspace(-20, 20, 40) % 360)
    shifted = targets(world.neutral(40, background_hue=(torch.linspace(-20, 20, 40) + 1) % 360))
    assert score_readings(shifted, cats)["background_hue"] > 0.9


def test_what_is_not_worn_is_not_judged(cats):
    numbers = targets(cats)
    worn = cats["hat"] > 0
    column = 0
    for factor in FACTORS:  # the place of the hat's hue among the numbers
        if factor.name == "hat_hue":
            break
        column += 2 if factor.name.endswith("hue") else 1
    spoiled = numbers.clone()
    spoiled[~worn, column : column + 2] = 5.0
    assert score_readings(spoiled, cats)["hat_hue"] > 1 - 1e-9


def test_one_answer_a_cat_is_required(cats):
    with pytest.raises(InputError, match="numbers"):
        score_readings(targets(cats)[:5], cats)
