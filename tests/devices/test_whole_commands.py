"""compare, semantics and the report on an accelerator: a real one, or one that is pretended.

Minutes where it is pretended (conftest.py), so the quick tests beside it hold what they found.
"""

from __future__ import annotations

import json
import math
from functools import partial

import pytest
import torch

from hw5 import zoo
from hw5.cli import inverting, main, methods
from hw5.cli.methods import Method
from hw5.config import LossWeights
from hw5.defaults import open_generator
from hw5.inversion import fastest, in_domain, ready
from hw5.inversion.inverted import Inverted
from hw5.kit import seeding
from hw5.latents import render, sample_noise
from hw5.losses import Criterion
from hw5.models.dcgan import DCGAN
from hw5.models.stylegan2 import StyleGAN2
from report import desk, drawings

pytestmark = pytest.mark.gpu
COUNT = 24
METHODS = ("conventional", "image2stylegan", "in-domain", "ours")


@pytest.fixture
def few_steps(monkeypatch, tmp_path):
    """Searches of two steps, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    short = partial(in_domain.refine, settings=in_domain.InDomain(num_steps=2))
    monkeypatch.setattr(in_domain, "refine", short)
    few = fastest.Fastest(num_evaluations=2)
    short = fastest.fastest
    monkeypatch.setattr(ready, "fastest", lambda *a, settings, **k: short(*a, settings=few, **k))


def test_compare_goes_on_here_from_what_was_made_there(few_steps, place, tmp_path):
    words = [*METHODS, "--count", "2", "--batch", "2", "--steps", "2", "--out", "c"]
    with place() as device:
        assert main(["compare", *words, "--device", str(device)]) == 0
    rows = json.loads((tmp_path / "c" / "table.json").read_text())["rows"]
    assert set(rows) == set(METHODS)
    assert all(math.isfinite(value) for row in rows.values() for value in row.values())
    assert main(["compare", *words]) == 0
    again = json.loads((tmp_path / "c" / "table.json").read_text())["rows"]
    for name, row in rows.items():
        assert again[name] == pytest.approx(row, rel=1e-2), name


def test_semantics_says_there_what_it_says_here(place, tmp_path, monkeypatch):
    """Codes of samples, and those samples as the pictures that were inverted."""
    here = open_generator("stylegan2")
    codes = sample_noise(here, "w+", COUNT, rng=seeding.make(1))
    with torch.no_grad():
        pictures = render(here, codes, "w+").clamp(-1, 1)

    def method(images, first, on_step):
        part = codes[first : first + len(images)].to(images.device)
        return Inverted("echo", images, part, "w+", torch.zeros(len(images)), 1.0, 1)

    monkeypatch.chdir(tmp_path)
    echo = {"ours": Method((), 1, lambda: method)}
    monkeypatch.setattr(methods, "available", lambda settings: echo)
    monkeypatch.setattr(inverting, "held_out", lambda asked: pictures.to(asked.place()))
    words = ["semantics", "--count", str(COUNT), "--batch", str(COUNT), "--samples", "400"]
    assert main([*words, "--out", "here"]) == 0
    with place() as device:
        assert main([*words, "--out", "there", "--device", str(device)]) == 0
    found = [
        json.loads((tmp_path / place / "semantics.json").read_text())["methods"]["ours"]["push"]
        for place in ("here", "there")
    ]
    for name, figures in found[0].items():
        assert found[1][name] == pytest.approx(figures, rel=1e-2), name


def test_the_report_runs_there(place, tmp_path, monkeypatch):
    stylegan = {"z_dim": 8, "w_dim": 8, "channel_base": 64, "channel_max": 4}
    networks = {"stylegan2": (StyleGAN2, stylegan), "dcgan": (DCGAN, {"z_dim": 8, "conv_dim": 2})}
    torch.manual_seed(0)
    for kind, (make, config) in networks.items():
        path = tmp_path / f"{kind}.safetensors"
        zoo.save(path, make(**config), kind=kind, config=config, card={})
    numbers = "--adam-steps 2 --lbfgs-evaluations 2 --drawing-steps 2 --num-mean 4 --num-frames 3"
    names = ["--stylegan", str(tmp_path / "stylegan2.safetensors")]
    names += ["--dcgan", str(tmp_path / "dcgan.safetensors"), "--num-hero", "4"]
    for module in (desk, drawings):  # the network behind the perceptual loss: see test_project
        monkeypatch.setattr(
            module, "build_criterion", lambda *_: Criterion(LossWeights(perceptual=0))
        )
    monkeypatch.chdir(tmp_path)
    with place() as device:
        assert main(["report", *numbers.split(), *names, "--device", str(device)]) == 0
    found = json.loads((tmp_path / "report/media/results.json").read_text())
    assert len(found["projections"]) == 4 * 4 * 2
