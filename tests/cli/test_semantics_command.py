"""`hw5 semantics` on the shipped networks, with a method whose codes are the samples themselves."""

from __future__ import annotations

import json

import pytest
import torch

from hw5.cli import inverting
from hw5.defaults import open_generator
from hw5.inversion.inverted import Inverted
from hw5.kit import seeding
from hw5.latents import render, sample_noise

COUNT = 24


@pytest.fixture
def echo(monkeypatch):
    """Held-out "pictures" that are samples, and a method that knows their codes."""
    generator = open_generator("stylegan2")
    codes = sample_noise(generator, "w+", COUNT, rng=seeding.make(1))
    with torch.no_grad():
        pictures = render(generator, codes, "w+").clamp(-1, 1)

    def method(images, first):
        part = codes[first : first + len(images)]
        return Inverted("echo", images, part, "w+", torch.zeros(len(images)), 1.0, 1)

    monkeypatch.setattr(inverting, "available", lambda settings: {"ours": lambda: method})
    monkeypatch.setattr(inverting, "held_out", lambda asked: pictures[: asked.count])


@pytest.mark.slow
def test_codes_that_are_the_samples_can_be_pushed_and_the_page_says_so(run, tmp_path, echo):
    answer = run(
        "semantics", "ours", "--count", COUNT, "--batch", COUNT, "--samples", 200, "--out", "s"
    )
    assert answer.status == 0, answer.err
    found = json.loads((tmp_path / "s" / "semantics.json").read_text())
    pushed = found["methods"]["ours"]["push"]
    assert pushed["yaw"]["flipped"] > 0.8
    assert pushed["coat_brightness"]["moved"] > 1
    assert pushed["yaw"]["identity"] < 0.999
    page = (tmp_path / "s" / "semantics.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 4
    assert "Looks right" in page and "://" not in page.replace("http://www.w3.org", "")
    assert "pushed across yaw" in answer.out
