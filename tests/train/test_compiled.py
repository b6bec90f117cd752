"""Compiled passes of the duel against the plain ones.

Traced and differentiated ahead of time as always, but run by torch itself: what would be fused
after that needs a C++ compiler and a minute, and is torch's own affair.
"""

from __future__ import annotations

import pytest
import torch

from hw5.models.stylegan2 import StyleGAN2
from hw5.train.adversarial import AdversarialSettings, Duel
from hw5.train.batches import Pictures
from tests.train import tiny


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    """A few pictures at 16 px."""
    monkeypatch.setenv("HW5_CACHE", str(tmp_path))
    cpu = torch.device("cpu")
    return Pictures("train", 24, device=cpu, compiled=False, size=tiny.SIZE)


def rounds(pictures: Pictures, *, compiled: bool) -> list[dict[str, float]]:
    """Losses of three rounds of tiny players: R1 in the first, no head start."""
    settings = AdversarialSettings(
        batch=4, head_start=0, layers=("conv1_1", "conv2_1"), relativistic=True, mixing=0.5
    )
    torch.manual_seed(0)
    generator = StyleGAN2(**{**tiny.GENERATOR, "z_dim": 64}).train()
    judge = tiny.build("stylegan2-discriminator").train()
    duel = Duel(generator, judge, tiny.build("world-features"), settings, compiled=compiled)
    duel.dtype = torch.float32
    rng = torch.Generator().manual_seed(0)
    return [duel.round(pictures, seen, rng) for seen in (0, 4, 8)]


def test_compiled_rounds_have_the_losses_of_plain_ones(pictures, monkeypatch):
    wrapped, compile_ = [], torch.compile

    def traced(function, **options):
        wrapped.append(function)
        return compile_(function, backend="aot_eager", **options)

    monkeypatch.setattr(torch, "compile", traced)
    compiled, plain = rounds(pictures, compiled=True), rounds(pictures, compiled=False)
    assert len(wrapped) == 3  # generator, judge, paired loss
    for ours, theirs in zip(compiled, plain, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-3, abs=1e-4)
