"""What tests of the races share: small networks, a quick ruler, a cache of their own."""

from __future__ import annotations

import pytest
import torch

from hw5.config import LossWeights
from hw5.inversion.curvature import measure_curvature
from hw5.inversion.ready import FastestKit
from hw5.kit import seeding
from hw5.latents import mean_code
from hw5.losses import Criterion
from hw5.models.stylegan2 import StyleGAN2


class Ruler(torch.nn.Module):
    """A distance (N,) in the place of LPIPS: the mean squared difference."""

    def forward(self, output, target):
        return (output - target).square().mean(dim=(1, 2, 3))


class Encoder(torch.nn.Module):
    """Answers with one code, whatever it is shown."""

    def __init__(self, code):
        super().__init__()
        self.register_buffer("code", code)

    def forward(self, images):
        return self.code.repeat(len(images), 1, 1)


@pytest.fixture
def small_kit(monkeypatch, tmp_path) -> FastestKit:
    """What `open_fastest` gives, of 16 px; what it measures is kept in a cache of its own."""
    monkeypatch.setenv("HW5_CACHE", str(tmp_path / "cache"))
    torch.manual_seed(0)
    network = StyleGAN2(image_size=16, z_dim=4, w_dim=4, channel_base=64, channel_max=4)
    network.eval().requires_grad_(False)
    criterion = Criterion(LossWeights(pixel=1.0, norm="l2", perceptual=0.0))
    curvature = measure_curvature(network, criterion, num_probes=16, rank=8, rng=seeding.make(0))
    start = mean_code(network, "w+", num_samples=100, rng=seeding.make(0))
    return FastestKit(network, criterion, Encoder(start), curvature)


@pytest.fixture
def ruler() -> Ruler:
    return Ruler()


class Cut:
    """Stands for a function and raises KeyboardInterrupt in the place of its call number `at`."""

    def __init__(self, function, at=None):
        self.function, self.at, self.calls = function, at, []

    def __call__(self, *given, **named):
        if len(self.calls) == self.at:
            raise KeyboardInterrupt
        self.calls.append(given)
        return self.function(*given, **named)


@pytest.fixture
def cut(monkeypatch):
    """Puts a `Cut` in the place of a module's function, and returns it."""

    def cut(module, name, at=None):
        function = getattr(module, name)
        stand_in = Cut(getattr(function, "function", function), at)
        monkeypatch.setattr(module, name, stand_in)
        return stand_in

    return cut
