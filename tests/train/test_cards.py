"""Cards beside the shipped weights, and the rule that none may be stale."""

from __future__ import annotations

import pytest

from hw5 import zoo
from hw5.train import cards
from hw5.train.recipes import RECIPES

BUNDLED = [name for name in zoo.names() if zoo.describe(name).file]


def test_no_shipped_weight_is_stale():
    assert cards.stale() == []


def test_a_weight_is_stale_once_what_it_was_trained_on_has_changed(monkeypatch):
    real = cards.digest_of
    changed = "world-features"
    monkeypatch.setattr(
        cards, "digest_of", lambda name: "0" * 64 if name == changed else real(name)
    )
    found = cards.stale()
    assert {"stylegan2", "dcgan"} <= set(found)
    assert changed not in found


def test_what_was_trained_on_a_stale_weight_is_stale_too(monkeypatch):
    chain = {"a": {}, "b": {"a": "old"}, "c": {"b": cards.digest_of("dcgan")}}
    entry = zoo.describe("dcgan")
    monkeypatch.setattr(cards.zoo, "names", lambda: tuple(chain))
    monkeypatch.setattr(cards.zoo, "describe", lambda name: entry)
    monkeypatch.setattr(cards.zoo, "card", lambda name: {"trained_on": chain[name]})
    assert cards.stale() == ["b", "c"]


def test_a_changed_renderer_is_told_and_makes_nothing_stale(monkeypatch):
    own = zoo.card("dcgan")["renderer"]
    monkeypatch.setattr(cards, "renderer_digest", lambda: own)
    assert "dcgan" not in cards.of_earlier_renderers()
    monkeypatch.setattr(cards, "renderer_digest", lambda: "0" * 12)
    assert cards.of_earlier_renderers() == BUNDLED
    assert cards.stale() == []


@pytest.mark.parametrize("name", BUNDLED)
def test_every_shipped_weight_has_a_card_that_says_how_it_was_made(name):
    card = zoo.card(name)
    assert {"what", "command", "data", "seed", "device", "metrics", "trained_on"} <= set(card)


def test_every_shipped_weight_has_a_recipe():
    made = set(RECIPES) | {name for recipe in RECIPES.values() for name in recipe.also}
    assert set(BUNDLED) <= made
