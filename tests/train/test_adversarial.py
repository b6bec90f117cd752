"""The adversarial phase against closed forms."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from hw5.models.dcgan import DCGAN
from hw5.models.stylegan2 import StyleGAN2
from hw5.train.adversarial import (
    AdversarialSettings,
    discriminator_loss,
    generator_loss,
    mix,
    r1_step,
)
from hw5.train.regress import feature_distance


class Tilted(nn.Module):
    """D(x) = sum(slope * x): its gradient at every picture is `slope`, everywhere the same."""

    def __init__(self, slope: float) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.tensor(slope))

    def forward(self, images):
        return (self.slope * images).flatten(1).sum(1)


def test_r1_of_a_linear_discriminator_is_its_squared_slope():
    network = Tilted(0.5)
    step = torch.optim.SGD(network.parameters(), lr=0.0)
    found = r1_step(network, torch.randn(4, 3, 8, 8), step, AdversarialSettings())
    assert found["r1"] == pytest.approx(0.25 * 3 * 8 * 8, rel=1e-5)


def test_r1_pulls_the_slope_towards_zero_by_gamma_times_the_interval():
    network, settings = Tilted(0.5), AdversarialSettings(r1=0.2, r1_every=4)
    step = torch.optim.SGD(network.parameters(), lr=1e-3)
    r1_step(network, torch.randn(4, 3, 8, 8), step, settings)
    gradient = settings.r1 / 2 * settings.r1_every * 2 * 0.5 * 3 * 8 * 8
    assert network.slope.item() == pytest.approx(0.5 - 1e-3 * gradient, rel=1e-5)


def test_without_mixing_the_codes_are_those_of_z(rng):
    network = StyleGAN2(image_size=16, channel_base=64, channel_max=16, z_dim=8, w_dim=8)
    z = torch.randn(4, 8, generator=rng)
    codes, w = mix(network, z, mixing=0.0, rng=rng)
    assert torch.equal(w, network.map(z))
    assert torch.equal(codes, w.expand(-1, network.num_layers, -1))


def test_mixed_codes_are_ones_own_up_to_a_layer_and_the_neighbours_after_it(rng):
    network = StyleGAN2(image_size=16, channel_base=64, channel_max=16, z_dim=8, w_dim=8)
    for _ in range(20):
        codes, w = mix(network, torch.randn(3, 8, generator=rng), mixing=1.0, rng=rng)
        own = (codes == w).all(dim=2)  # (N, L)
        assert own[:, 0].all() and not own[:, -1].any()
        assert torch.equal(codes[~own], w.roll(1, 0).expand_as(codes)[~own])
        assert all(row.tolist() == sorted(row.tolist(), reverse=True) for row in own)


def test_a_generator_without_layers_is_driven_by_z_itself(rng):
    network = DCGAN().eval()
    z = torch.randn(2, network.z_dim, generator=rng)
    codes, w = mix(network, z, mixing=1.0, rng=rng)
    assert w is None
    assert codes is z


def test_losses_of_a_judge_that_cannot_tell_are_logarithms_of_two():
    same = torch.tensor([0.0, 0.0])
    half = math.log(2.0)
    assert discriminator_loss(same, same, relativistic=False).item() == pytest.approx(2 * half)
    assert discriminator_loss(same, same, relativistic=True).item() == pytest.approx(half)
    assert generator_loss(None, same).item() == pytest.approx(half)


def test_relativistic_losses_see_differences_within_pairs_only():
    real, fake = torch.tensor([3.0, -1.0]), torch.tensor([1.0, -2.0])
    odds = [1 + math.exp(-2.0), 1 + math.exp(-1.0)]
    expected = sum(math.log(each) for each in odds) / 2
    for shift in (0.0, 5.0):
        found = discriminator_loss(real + shift, fake + shift, relativistic=True)
        assert found.item() == pytest.approx(expected, rel=1e-5)
    # what the judge gains from a pair is what the generator loses by it
    assert generator_loss(fake, real).item() == pytest.approx(expected, rel=1e-5)


def test_feature_distance_is_zero_for_equal_pictures_and_relative_to_the_target():
    def features(images, layers):
        return {name: images * 10.0 for name in layers}

    x = torch.full((2, 3, 4, 4), 0.5)
    assert feature_distance(features, ("a", "b"), x, x).item() == 0.0
    assert feature_distance(features, ("a",), 1.5 * x, x).item() == pytest.approx(0.5)
    assert math.isclose(
        feature_distance(features, ("a", "b"), 1.5 * x, x).item(), 0.5, rel_tol=1e-6
    )
