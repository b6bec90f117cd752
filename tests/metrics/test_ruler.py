"""The noise floor of the ruler: on its card, true to it, measured where a card has none."""

from __future__ import annotations

import pytest
import torch

from hw5 import zoo
from hw5.metrics import ruler
from hw5.metrics.what_changed import NoiseFloor
from hw5.world.factors import FACTORS

NAMES = [factor.name for factor in FACTORS]


def same(found, wanted, **tolerance):
    for name in ("floors", "explained", "power"):
        torch.testing.assert_close(getattr(found, name), getattr(wanted, name), **tolerance)


@pytest.fixture
def measured(monkeypatch):
    """A stand-in for a floor that takes twenty seconds; infinite for the last factor."""
    floors = torch.linspace(1, 2, len(FACTORS))
    floors[-1] = torch.inf
    known = NoiseFloor(floors, torch.full_like(floors, 0.9), torch.full_like(floors, 1 / 3))
    monkeypatch.setattr(ruler, "measure_floor", lambda _ruler: known)
    return known


def test_the_bundled_ruler_has_its_floor_on_its_card(monkeypatch):
    monkeypatch.setattr(ruler, "measure_floor", None)  # nobody has to measure it
    found = ruler.known_floor()
    assert found.floors.shape == found.explained.shape == found.power.shape == (len(FACTORS),)
    assert "yaw" not in found.unread and "eye_distance" in found.unread


def test_what_a_card_holds_is_the_floor_again(measured, monkeypatch):
    card = {ruler.FLOOR: ruler.as_facts(measured)}
    assert card[ruler.FLOOR][NAMES[-1]] == [None, 0.9, 0.33333]
    monkeypatch.setattr(zoo, "card", lambda _name: card)
    monkeypatch.setattr(ruler, "measure_floor", None)
    same(ruler.known_floor(), measured, rtol=1e-4, atol=0)


@pytest.mark.parametrize("facts", [None, {"yaw": [1.0, 1.0, 1.0]}])
def test_a_card_without_the_floor_of_every_factor_is_not_believed(measured, monkeypatch, facts):
    monkeypatch.setattr(zoo, "card", lambda _name: {ruler.FLOOR: facts} if facts else {})
    assert ruler.known_floor() is measured


@pytest.mark.slow
def test_the_floor_on_the_card_is_that_of_todays_ruler_and_renderer():
    """If not: `zoo.amend_card` with `as_facts(measure_floor(open_ruler()))`, and look at both."""
    same(ruler.known_floor(), ruler.measure_floor(ruler.open_ruler()), rtol=0.02, atol=0.01)
