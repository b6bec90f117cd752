"""Kept states: what a button brings back is what was there, and a wrong one moves nothing."""

from __future__ import annotations

import json

import ipywidgets as widgets
import pytest
import torch

from hw5 import latents, ui, world
from hw5.kit import seeding
from hw5.kit.checks import InputError
from hw5.models.stylegan2 import StyleGAN2
from hw5.ui.presets import SHIPPED


@pytest.fixture
def panel(tiny):
    return ui.sampler(tiny)


def test_a_kept_state_is_brought_back_with_its_picture(panel):
    panel.seed.value, panel.truncation.value = 7, 0.5
    panel.settle()
    kept, picture = ui.presets(panel), panel.picture
    kept.keep("seven")
    panel.seed.value, panel.truncation.value = 1, 1.0
    panel.settle()
    assert panel.picture != picture
    kept.choose("seven")
    panel.settle()
    assert panel.values == {"seed": 7, "truncation": 0.5, "count": 1}
    assert panel.picture == picture


def test_a_state_that_names_some_controls_leaves_the_others(panel):
    panel.truncation.value = 0.7
    ui.presets(panel, {"three": {"seed": 3}}).choose("three")
    assert panel.values == {"seed": 3, "truncation": 0.7, "count": 1}


@pytest.mark.parametrize(
    "wrong", [{"seed": 2, "sed": 1}, {"seed": 2, "truncation": 9.0}, {"seed": 2, "count": 5},
              {"seed": 2, "truncation": "much"}],
)  # fmt: skip
def test_a_state_that_does_not_fit_moves_nothing(panel, wrong):
    before = panel.values
    with pytest.raises(InputError, match=r"sed|truncation|count"):
        ui.presets(panel, {"wrong": wrong}).choose("wrong")
    assert panel.values == before


def test_kept_states_are_there_in_the_next_notebook(panel, tmp_path):
    file = tmp_path / "mine.json"
    panel.seed.value = 9
    ui.presets(panel, file=file).keep(" nine ")
    again = ui.presets(panel, file=file)
    assert again.known == {"nine": {"seed": 9, "truncation": 1.0, "count": 1}}
    assert json.loads(file.read_text("utf-8")) == again.known


def test_ones_own_state_counts_more_than_a_shipped_one_of_its_name(panel, tmp_path):
    file = tmp_path / "mine.json"
    panel.seed.value = 5
    ui.presets(panel, file=file).keep("a")
    assert ui.presets(panel, {"a": {"seed": 1}}, file=file).known["a"]["seed"] == 5


def test_what_is_kept_stands_beside_what_was_kept_before(panel):
    kept = ui.presets(panel, {"shipped": {"seed": 1}})
    for seed, name in ((2, "two"), (3, "three"), (4, "two")):
        panel.seed.value = seed
        kept.keep(name)
    seeds = {name: state["seed"] for name, state in kept.known.items()}
    assert seeds == {"shipped": 1, "two": 4, "three": 3}


def test_there_is_a_button_for_each_and_it_works(panel):
    kept = ui.presets(panel, {"a": {"seed": 1}, "b": {"seed": 2}})
    found = {b.description: b for b in kept._buttons.children if isinstance(b, widgets.Button)}
    assert list(found) == ["a", "b"]
    found["b"].click()
    assert panel.seed.value == 2


def test_a_button_says_what_is_wrong_instead_of_raising(panel):
    kept = ui.presets(panel, {"a": {"<b>": 1}})
    kept._buttons.children[0].click()
    assert "expected one of seed" in kept.message
    assert "<b>" not in kept._said.value
    kept.known["a"] = {"seed": 1}
    kept._buttons.children[0].click()
    assert kept.message == ""


@pytest.mark.parametrize("name", ["", "  ", "x" * 61])
def test_a_name_has_to_fit_a_button(panel, name):
    with pytest.raises(InputError, match="60 characters"):
        ui.presets(panel).keep(name)


@pytest.mark.parametrize("text", ["[1]", '{"a": 3}', '{"a": {"seed": [1]}}', "seed"])
def test_a_file_of_something_else_is_refused(panel, text, tmp_path):
    file = tmp_path / "mine.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"mine\.json"):
        ui.presets(panel, file=file)


def test_a_panel_without_controls_has_nothing_to_keep():
    with pytest.raises(InputError, match="a panel with sliders"):
        ui.presets(ui.job(lambda on_step, should_stop: None))


def test_every_panel_with_sliders_can_be_kept(tiny):
    a, b = latents.sample_codes(tiny, "w", 2, rng=seeding.make(3)).split(1)
    for panel in (
        ui.walk(tiny, a, b, "w"),
        ui.mixer(tiny, a, b),
        ui.weights(lambda pixel: f"{pixel}", pixel=3),
    ):
        before = panel.values
        assert before
        ui.presets(panel, {"here": before}).choose("here")
        assert panel.values == before


def test_an_unknown_set_is_refused_with_those_that_are_there(panel):
    with pytest.raises(InputError, match="world"):
        ui.presets(panel, "wrld")


def test_what_is_kept_leaves_the_shipped_set_alone(tmp_path):
    panel, shipped = ui.world(), (SHIPPED / "world.json").read_bytes()
    ui.presets(panel, "world", file=tmp_path / "mine.json").keep("mine")
    assert "mine" in ui.presets(panel, "world", file=tmp_path / "mine.json").known
    assert (SHIPPED / "world.json").read_bytes() == shipped


def test_every_shipped_cat_is_one_the_world_can_draw():
    panel = ui.world()
    kept = ui.presets(panel, "world")
    assert len(kept.known) >= 4
    seen = set()
    for name in kept.known:
        kept.choose(name)
        seen.add(tuple(panel.factors.table[0].tolist()))
        assert world.render(panel.factors, size=32).image.isfinite().all()
    assert len(seen) == len(kept.known)


def test_every_shipped_state_of_codes_fits_its_panel():
    """As many layers as the shipped generator has, with random weights; all states differ."""
    torch.manual_seed(0)
    network = StyleGAN2(image_size=64, z_dim=4, w_dim=4, channel_base=64, channel_max=4)
    a, b = latents.sample_codes(network, "w", 2, rng=seeding.make(0)).split(1)
    for name, panel in (("sampler", ui.sampler(network)), ("mixer", ui.mixer(network, a, b))):
        kept = ui.presets(panel, name)
        states = []
        for state in kept.known:
            kept.choose(state)
            states.append(tuple(panel.values.values()))
        assert len(set(states)) == len(states) >= 4
        assert all(set(state) == set(panel.controls) for state in kept.known.values())


def test_each_shipped_set_has_its_test():
    assert {path.stem for path in SHIPPED.glob("*.json")} == {"world", "sampler", "mixer"}
