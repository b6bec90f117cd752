"""The adversarial phase against closed forms."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from hw5.models.dcgan import DCGAN
from hw5.models.stylegan2 import StyleGAN2
from hw5.train.adversarial import AdversarialSettings, make, r1_step
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


def test_without_mixing_the_pictures_are_those_of_the_codes(rng):
    network = StyleGAN2(image_size=16, channel_base=64, channel_max=16, z_dim=8, w_dim=8)
    z = torch.randn(4, 8, generator=rng)
    made, w = make(network, z, mixing=0.0, noise="fixed", rng=rng)
    assert made.shape == (4, 3, 16, 16)
    assert torch.equal(w, network.map(z))


def test_a_generator_without_layers_is_called_plainly(rng):
    network = DCGAN().eval()
    z = torch.randn(2, network.z_dim, generator=rng)
    made, w = make(network, z, mixing=1.0, noise="fixed", rng=rng)
    assert w is None
    assert torch.equal(made, network(z))


def test_feature_distance_is_zero_for_equal_pictures_and_relative_to_the_target():
    def features(images, layers):
        return {name: images * 10.0 for name in layers}

    x = torch.full((2, 3, 4, 4), 0.5)
    assert feature_distance(features, ("a", "b"), x, x).item() == 0.0
    assert feature_distance(features, ("a",), 1.5 * x, x).item() == pytest.approx(0.5)
    assert math.isclose(
        feature_distance(features, ("a", "b"), 1.5 * x, x).item(), 0.5, rel_tol=1e-6
    )
