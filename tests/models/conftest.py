"""The tiny StyleGAN2 that several files ask about; a file may have another `generator`."""

from __future__ import annotations

import pytest
import torch

from hw5.models.stylegan2 import StyleGAN2


@pytest.fixture
def generator() -> StyleGAN2:
    """A tiny generator, float64, whose every parameter matters."""
    torch.manual_seed(1)
    network = StyleGAN2(image_size=16, z_dim=6, w_dim=5, channels={4: 4, 8: 3, 16: 2}).double()
    for name, value in network.state_dict().items():
        if name.endswith(("bias", "noise_strength", "w_avg")):
            value.add_(0.3 * torch.randn(value.shape, dtype=value.dtype))
    return network.requires_grad_(False)


@pytest.fixture
def w_plus(generator, rng) -> torch.Tensor:
    shape = (2, generator.num_layers, generator.w_dim)
    return torch.randn(shape, generator=rng, dtype=torch.float64)
