"""Sampling laws against their closed forms, over a fine grid of the unit interval."""

from __future__ import annotations

from statistics import NormalDist

import pytest
import torch

from hw5.world.laws import Always, Choice, Mixture, Normal, Sometimes, Uniform

COUNT = 10_000
GRID = (torch.arange(COUNT, dtype=torch.float64) + 0.5) / COUNT
ALL = [
    Always(2.0),
    Uniform(-3, 5),
    Normal(1, 2),
    Sometimes(0.3, 0.5, 1.0),
    Choice((0.2, 0.5, 0.3)),
    Mixture(((0.25, 0, 1), (0.75, 10, 20))),
]


def share(condition):
    return condition.double().mean().item()


@pytest.mark.parametrize("law", ALL, ids=lambda law: type(law).__name__)
def test_a_quantile_never_falls_as_the_share_grows(law):
    assert (law.quantile(GRID).diff() >= 0).all()


@pytest.mark.parametrize("law", ALL, ids=lambda law: type(law).__name__)
def test_single_precision_gives_single_precision_of_the_same_shape(law):
    draws = GRID[:12].float().reshape(3, 4)
    assert law.quantile(draws).dtype == torch.float32
    assert law.quantile(draws).shape == (3, 4)


def test_always_is_one_value():
    assert (Always(2.0).quantile(GRID) == 2.0).all()


def test_uniform_is_a_line():
    torch.testing.assert_close(Uniform(-3, 5).quantile(GRID), -3 + 8 * GRID)


def test_normal_is_the_bell_of_the_textbook_cut_off():
    bell = NormalDist(1, 2)
    expected = [min(max(bell.inv_cdf(u), 1 - 4.4), 1 + 4.4) for u in GRID[::97].tolist()]
    actual = Normal(1, 2, limit=2.2).quantile(GRID[::97])
    torch.testing.assert_close(actual, torch.tensor(expected, dtype=torch.float64))


def test_sometimes_is_zero_but_for_its_chance():
    values = Sometimes(0.3, 0.5, 1.0).quantile(GRID)
    assert share(values != 0) == pytest.approx(0.3, abs=2 / COUNT)
    there = values[values != 0]
    assert there.min() >= 0.5 and there.max() <= 1.0
    assert there.mean().item() == pytest.approx(0.75, abs=1e-3)


def test_choice_gives_each_index_its_share():
    values = Choice((0.2, 0.5, 0.3)).quantile(GRID)
    shares = [share(values == i) for i in range(3)]
    assert shares == pytest.approx([0.2, 0.5, 0.3], abs=2 / COUNT)


def test_mixture_gives_each_range_its_share_and_fills_it_evenly():
    values = Mixture(((0.25, 0, 1), (0.75, 10, 20))).quantile(GRID)
    low, high = values[values <= 1], values[values >= 10]
    assert len(low) + len(high) == COUNT
    assert len(low) / COUNT == pytest.approx(0.25, abs=2 / COUNT)
    assert high.mean().item() == pytest.approx(15, abs=1e-2)
    assert share(high < 12) == pytest.approx(0.2, abs=1e-3)
