"""The codes that know their cat: normal, rotated, the same function of the seed as the world."""

from __future__ import annotations

import pytest
import torch

from hw5.models.stylegan2 import StyleGAN2
from hw5.train.fit_mapping import MappingSettings, fit_mapping
from hw5.train.pairs import (
    NUM_COORDINATES,
    _handicaps,
    codes_of,
    coordinates,
    factors_of,
    rotation,
    scores,
    styles_of,
    visible,
)
from hw5.world import dataset, sample
from hw5.world.factors import COAT_KIND_SHARES, FACTORS, NUM_DRAWS, Factors, from_uniforms
from hw5.world.targets import targets

HUE = [factor.name for factor in FACTORS].index("background_hue")
PLAIN = [i for i in range(len(FACTORS)) if i != HUE]
FEW = torch.arange(400)


def never(count: int) -> torch.Tensor:
    return torch.zeros(count, dtype=torch.bool)


def test_scores_are_standard_normal():
    found = scores("train", FEW)
    assert found.mean(0).abs().max() < 0.25
    assert (found.std(0) - 1).abs().max() < 0.2


def test_scores_give_back_the_factors_of_the_split():
    found = factors_of(scores("test", FEW[:50]), never(50)).table
    wanted = dataset.split_factors("test", 50).table
    assert torch.allclose(found, wanted, atol=2e-2, rtol=1e-3)


def test_rotation_is_orthogonal():
    r = rotation(100)
    assert torch.allclose(r @ r.T, torch.eye(100), atol=1e-5)


def test_every_code_has_the_norm_that_the_mapping_network_normalises_to(rng):
    z = codes_of(scores("train", FEW), 128, mirrored=never(400), rng=rng)
    assert torch.allclose(z.norm(dim=1), torch.full((400,), 128**0.5), atol=1e-3)


def test_codes_have_the_covariance_of_a_standard_normal(rng):
    many = torch.randn(6000, NUM_DRAWS, generator=rng)
    z = codes_of(many, 128, mirrored=never(6000), rng=rng)
    assert (z.T @ z / len(z) - torch.eye(128)).abs().max() < 0.1


def test_the_coordinates_are_normal_one_by_one(rng):
    found = coordinates(torch.randn(20_000, NUM_DRAWS, generator=rng), rng)
    assert found.shape[1] == NUM_COORDINATES
    assert found.mean(0).abs().max() < 0.05
    assert (found.std(0) - 1).abs().max() < 0.04
    assert (found.pow(3).mean(0)).abs().max() < 0.25  # no skew
    assert (found.pow(4).mean(0) - 3).abs().max() < 0.5  # tails of a normal law, not of a uniform


def read(known: torch.Tensor) -> Factors:
    """The cats that coordinates stand for: scores, the angle of a pair, the winner of six."""
    plain, pair, race = known.split([len(PLAIN), 2, len(COAT_KIND_SHARES)], dim=1)
    draws = torch.full((len(known), NUM_DRAWS), 0.5, dtype=torch.float64)
    draws[:, PLAIN] = torch.special.ndtr(plain.double())
    angle = torch.atan2(pair[:, 1], pair[:, 0]) / (2 * torch.pi) % 1.0
    draws[:, HUE] = angle.double()
    ends = torch.tensor(COAT_KIND_SHARES, dtype=torch.float64).cumsum(0)
    kind = (race + _handicaps()).argmax(1)
    draws[:, -1] = ends[kind] - 0.01  # anywhere inside the kind's share
    return from_uniforms(draws.float())


def agreement(found: Factors, wanted: Factors) -> float:
    # Rare switches (odd eyes) may sit on their threshold; everything else must agree.
    return torch.isclose(found.table, wanted.table, atol=2e-2, rtol=2e-3).float().mean().item()


def test_a_code_holds_its_cat_and_draws_the_rest_afresh(rng):
    found = scores("train", FEW)
    a = codes_of(found, 128, mirrored=never(400), rng=rng) @ rotation(128).T
    b = codes_of(found, 128, mirrored=never(400), rng=rng) @ rotation(128).T
    cats = dataset.split_factors("train", 400)
    for z in (a, b):
        assert agreement(read(z[:, :NUM_COORDINATES]), cats) > 0.999
    assert not torch.allclose(a[:, NUM_COORDINATES:], b[:, NUM_COORDINATES:], atol=1e-1)


def test_a_mirrored_code_is_the_code_of_the_mirrored_cat(rng):
    both = torch.ones(400, dtype=torch.bool)
    turned = codes_of(scores("train", FEW), 128, mirrored=both, rng=rng) @ rotation(128).T
    wanted = dataset.split_factors("train", 400).mirrored()
    assert agreement(read(turned[:, :NUM_COORDINATES]), wanted) > 0.999


def test_styles_have_about_unit_variance_and_hold_the_targets(rng):
    cats = sample(3000, rng=rng)
    w = styles_of(cats, 128)
    spread = targets(cats).std(0)
    expected = (spread / spread.clamp(min=0.35)).square().mean()  # one, less the rare accessories
    assert w.var().item() == pytest.approx(expected.item(), rel=0.05)
    # Least squares reads every target back: nothing of a cat is lost in its w.
    read = torch.linalg.lstsq(torch.cat([w, torch.ones(3000, 1)], 1), targets(cats)).solution
    again = torch.cat([w, torch.ones(3000, 1)], 1) @ read
    assert (again - targets(cats)).abs().max() < 1e-2


@pytest.mark.slow
def test_a_mapping_network_learns_its_pairs(rng):
    network = StyleGAN2(
        image_size=16, channel_base=64, channel_max=8, mapping_lr_multiplier=0.1, mapping_width=256
    )
    score = torch.randn(500, NUM_DRAWS, generator=rng)
    z = codes_of(score, 128, mirrored=never(500), rng=rng)
    w = styles_of(factors_of(score, never(500)), 128)
    fit_mapping(network, MappingSettings(steps=200, batch=256))
    missed = visible(network.mapping(z) - w).square().mean()
    assert missed < 0.75 * visible(w - w.mean(0)).square().mean()
