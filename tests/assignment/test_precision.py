"""Searches in bfloat16: only where asked for, and close to those in float32."""

from __future__ import annotations

import math

import pytest
import torch

from hw5.config import Projection
from hw5.kit import precision, seeding
from hw5.kit.checks import InputError
from hw5.losses import Loss
from hw5.models.stylegan2 import StyleGAN2
from hw5.projector import project

CPU = torch.device("cpu")


@pytest.fixture
def network():
    torch.manual_seed(0)
    made = StyleGAN2(image_size=16, z_dim=8, w_dim=8, channel_base=256, channel_max=16)
    return made.eval().requires_grad_(False)


def squares(image, target, mask, delta):
    loss = (image - target).square().mean(dim=(1, 2, 3))
    return Loss(loss, {"pixel": loss})


def search(network, **settings):
    target = network(torch.randn(1, 8, generator=seeding.make(5))).clamp(-1, 1)
    wanted = Projection(num_steps=60, num_mean=16, **settings)
    return project(network, target, criterion=squares, settings=wanted, rng=seeding.make(0))


def test_a_search_in_bfloat16_ends_within_a_decibel_of_one_in_float32(network):
    coarse, fine = search(network, precision="bfloat16"), search(network)
    begun = fine.history[0].loss
    assert fine.loss < 0.2 * begun, "the search has to have found something"
    assert abs(10 * math.log10(coarse.loss / fine.loss)) < 1
    assert coarse.loss != fine.loss


def test_pictures_and_codes_of_a_coarse_search_are_float32(network):
    found = search(network, precision="bfloat16")
    assert found.image.dtype == found.code.dtype == torch.float32
    rounded = found.image.bfloat16().float()
    assert (found.image != rounded).float().mean() > 0.9, (
        "the picture's parts are summed in float32"
    )


@pytest.mark.parametrize("faster", [torch.float32, torch.bfloat16])
def test_auto_takes_what_a_trial_of_the_machine_finds_faster(network, monkeypatch, faster):
    monkeypatch.setattr(precision, "precision", lambda device: faster)
    name = str(faster).removeprefix("torch.")
    assert search(network, precision="auto").loss == search(network, precision=name).loss


@pytest.mark.parametrize(("gain", "dtype"), [(1.1, torch.float32), (1.3, torch.bfloat16)])
def test_bfloat16_has_to_be_a_fifth_faster(monkeypatch, gain, dtype):
    seconds = {torch.float32: gain, torch.bfloat16: 1.0}
    monkeypatch.setattr(precision, "_time_convolutions", lambda device, kind: seconds[kind])
    precision.precision.cache_clear()
    assert precision.precision(CPU) == dtype
    precision.precision.cache_clear()


@pytest.mark.parametrize("name", ["bfloat16", "auto"])
def test_a_line_search_stays_in_float32(name):
    with pytest.raises(InputError, match="float32 with lbfgs"):
        Projection(optimiser="lbfgs", precision=name)


def test_an_unknown_precision_is_refused():
    with pytest.raises(InputError, match="precision"):
        Projection(precision="half")
