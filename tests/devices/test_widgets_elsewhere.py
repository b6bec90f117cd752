"""The notebooks' widgets work with a generator that lives on another device.

What a thread would do is called here, as the pretended device holds in one thread only.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from hw5 import ui
from hw5.config import Drawing, LossWeights, Projection
from hw5.kit import seeding
from hw5.latents import sample_codes
from hw5.losses import Criterion
from hw5.models.stylegan2 import StyleGAN2
from hw5.projector import project
from hw5.testing.elsewhere import elsewhere
from hw5.ui.runs import Run

TINY = {"image_size": 16, "z_dim": 8, "w_dim": 8, "channel_base": 64, "channel_max": 8}
SKETCH = Path(__file__).parents[2] / "data" / "sketches" / "sparse.json"
SCRIBBLES = Criterion(LossWeights.for_scribbles())


@pytest.fixture
def place():
    with elsewhere() as device:
        yield device


@pytest.fixture
def network(place):
    torch.manual_seed(0)
    return StyleGAN2(**TINY).eval().requires_grad_(False).to(place)


@pytest.fixture
def at_once(monkeypatch):
    """Jobs run where they are begun."""
    monkeypatch.setattr(Run, "begin", Run._run)


@pytest.fixture
def ends(network):
    return sample_codes(network, "w+", 2, rng=seeding.make(0)).split(1)


def test_sliders_over_codes_show_pictures(network, ends):
    a, b = ends
    for panel in (
        ui.sampler(network),
        ui.walk(network, a, b, "w+"),
        ui.mixer(network, a, b),
    ):
        assert panel.pane.image.value, type(panel).__name__
        panel.latest._work(panel._values())


def test_a_scribble_is_answered(network, place, at_once):
    settings = Drawing(num_steps=2, num_mean=4, num_typical=4)
    paper = ui.sketch_picker()
    panel = ui.draw_live(network, SCRIBBLES, settings=settings, paper=paper)
    paper.take(SKETCH)
    assert panel.result is not None and panel.result.image.device == place


def test_a_projection_runs_as_a_job(network, place, at_once):
    target = torch.zeros(1, 3, 16, 16, device=place)
    settings = Projection(num_steps=2, num_mean=4)
    panel = ui.job(
        lambda **loop: project(
            network, target, criterion=SCRIBBLES, settings=settings, rng=seeding.make(0), **loop
        )
    )
    panel.run()
    assert panel.error is None and panel.state == "done"
    assert panel.result.image.device == place
