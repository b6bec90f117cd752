"""The bundled encoders do what their cards say, on cats that they have not seen."""

from __future__ import annotations

import pytest
import torch

from hw5 import world, zoo
from hw5.metrics.pixels import mse, psnr
from hw5.world.dataset import split_factors

NAMES = ("encoder-conventional", "encoder", "encoder-offsets")


@pytest.fixture(scope="module")
def cats():
    return world.render(split_factors("test", 32)).image


@pytest.fixture(scope="module")
def generator():
    return zoo.load("stylegan2")


def spread(codes):
    """How far the layers' codes of a picture lie from each other, rms."""
    return (codes - codes.mean(dim=1, keepdim=True)).square().mean().sqrt()


@pytest.mark.parametrize("name", NAMES)
def test_pictures_come_back_as_nearly_as_the_card_says(name, cats, generator):
    with torch.no_grad():
        found = generator.synthesize(zoo.load(name)(cats)).clamp(-1, 1)
    # cats differ by 2.2 dB, so the mean of 32 strays by 0.4 from that of the card's 500
    assert psnr(found, cats).mean().item() == pytest.approx(
        zoo.card(name)["metrics"]["test_psnr"], abs=1.5
    )


def test_each_group_of_offsets_brings_the_picture_nearer(cats, generator):
    encoder = zoo.load("encoder-offsets")
    with torch.no_grad():
        codes = [encoder(cats, released=count) for count in (0, 4, 7, 10)]
        missed = [mse(generator.synthesize(each), cats).mean().item() for each in codes]
    assert missed == sorted(missed, reverse=True)
    assert missed[-1] < 0.8 * missed[0]
    torch.testing.assert_close(encoder(cats), codes[-1])  # all, unless fewer are asked for


def test_offsets_are_short_and_a_conventional_code_has_none(cats):
    conventional, guided, short = (spread(zoo.load(name)(cats)).item() for name in NAMES)
    assert conventional < 1e-6 * guided
    assert 0 < short < guided / 3
