"""The search that is ready to call: its curvature is measured once, and again when it must be."""

from __future__ import annotations

import pytest
import torch

from hw5 import zoo
from hw5.inversion import ready
from hw5.inversion.curvature import Curvature


@pytest.fixture
def measured(monkeypatch):
    """A stand-in for half a minute of measuring, and how often it was asked."""
    calls = []

    def measure(generator, criterion, *, rng):
        calls.append(rng.initial_seed())
        size = generator.num_layers * generator.w_dim
        return Curvature(torch.eye(size)[:, :3].contiguous(), torch.tensor([3.0, 2.0, 1.0]))

    monkeypatch.setattr(ready, "measure_curvature", measure)
    return calls


def test_the_curvature_is_measured_once(measured, tmp_path):
    first = ready.open_fastest(folder=tmp_path)
    again = ready.open_fastest(folder=tmp_path)
    assert measured == [0]
    assert torch.equal(first.curvature.basis, again.curvature.basis)
    assert torch.equal(first.curvature.values, again.curvature.values)


def test_other_weights_have_a_curvature_of_their_own(measured, tmp_path, monkeypatch):
    ready.open_fastest(folder=tmp_path)
    other = zoo.Entry("x", "stylegan2", "", "", "", sha256="changed")
    monkeypatch.setattr(zoo, "describe", lambda name: other)
    assert ready._digest() not in next(tmp_path.iterdir()).name


def test_a_damaged_file_is_measured_anew(measured, tmp_path):
    ready.open_fastest(folder=tmp_path)
    next(tmp_path.iterdir()).write_bytes(b"half a fi")
    ready.open_fastest(folder=tmp_path)
    assert len(measured) == 2


def test_it_inverts_and_its_answer_is_better_than_the_encoders(measured, tmp_path):
    search = ready.open_fastest(folder=tmp_path)
    target = torch.zeros(2, 3, 64, 64)
    found = search(target, settings=ready.Fastest(num_evaluations=4))
    assert found.evaluations == 4
    first, last = found.history[0].losses, found.loss
    assert all(after < before for before, after in zip(first, last.tolist(), strict=True))
