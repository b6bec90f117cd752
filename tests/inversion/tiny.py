"""A tiny StyleGAN2 in float64, a smooth ruler and random pictures for the tests of tuning."""

from __future__ import annotations

import torch

from hw5.models.stylegan2 import StyleGAN2

SIZE = 16


def tiny_generator():
    torch.manual_seed(0)
    network = StyleGAN2(image_size=SIZE, z_dim=4, w_dim=4, channel_base=64, channel_max=4)
    return network.double().eval().requires_grad_(False)


def ruler(output, target):
    """A distance (N,) in the place of LPIPS: mean squared difference of horizontal neighbours."""
    steps = (output - target).diff(dim=3)
    return steps.square().mean(dim=(1, 2, 3))


def random_pictures(count, seed=1):
    rng = torch.Generator().manual_seed(seed)
    return torch.tanh(torch.randn(count, 3, SIZE, SIZE, generator=rng, dtype=torch.float64))


def bits(generator):
    return {name: p.detach().clone() for name, p in generator.named_parameters()}


def is_untouched(generator, before):
    parameters = dict(generator.named_parameters())
    return all(
        torch.equal(p, before[name]) and not p.requires_grad and p.grad is None
        for name, p in parameters.items()
    )
