"""The section on the networks shows what the cards say, and says when they say nothing."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from report import networks

DESK = SimpleNamespace(settings=SimpleNamespace(stylegan="stylegan2", dcgan="dcgan"))
CARDS = {
    "stylegan2": {
        "metrics": {"fid": 12.34, "fid_floor": 2.0, "fid_over_floor": 6.17, "precision": 0.5},
        "curve": {"warm": [[1000, 90.0], [2000, 40.0]], "duel": [[2500, 30.0], [3000, 12.0]]},
    },
    "dcgan": {"metrics": {"fid": 45.0}},
}


@pytest.fixture
def cards(monkeypatch):
    monkeypatch.setattr(networks.zoo, "card", lambda name: CARDS[name])


def test_the_table_quotes_the_cards_and_admits_gaps(cards):
    html = networks.quality(DESK, 2)
    assert "<td>12.3</td><td>45.0</td>" in html
    assert "<td>0.50</td><td>not measured</td>" in html


def test_the_curve_has_a_line_for_each_phase_and_the_floor(cards):
    html = networks.learning(DESK, 9)
    assert html.count("<polyline") == 3
    assert "StyleGAN2 warm" in html and "floor, of 10,000" in html


def test_weights_without_a_curve_say_so(monkeypatch):
    monkeypatch.setattr(networks.zoo, "card", lambda _name: {"metrics": {"fid_floor": 2.0}})
    assert "no curve" in networks.learning(DESK, 9)
