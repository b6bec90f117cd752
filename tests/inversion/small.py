"""What the tests of the searches share: small generators whose answers are known.

Offers `tiny_stylegan`, `linear_encoder` and `agrees_with_finite_differences`; the linear generator
and the small features are those of hw5/checking/fakes.py.
"""

from __future__ import annotations

import torch

from hw5.models.stylegan2 import StyleGAN2
from hw5.checking.fakes import LAYERS, PIXELS, WIDTH


def tiny_stylegan(seed=0):
    """A StyleGAN2 of 8 px with random weights, float64, frozen; its pictures lie in [-1, 1]."""
    torch.manual_seed(seed)
    network = StyleGAN2(image_size=8, z_dim=6, w_dim=6, channel_max=8).double()
    for name, value in network.state_dict().items():
        if name.endswith("torgb.weight"):
            value.mul_(0.15)
        elif name.endswith("noise_strength"):
            value.fill_(0.1)
    return network.requires_grad_(False)


def linear_encoder(generator):
    """The exact inverse of a LinearGenerator: its pictures to their w+ codes."""
    matrix = generator.matrix.detach().permute(1, 0, 2).reshape(PIXELS, LAYERS * WIDTH)
    inverse = torch.linalg.pinv(matrix)
    with torch.no_grad():
        zero = generator.synthesize(torch.zeros(1, LAYERS, WIDTH, dtype=matrix.dtype))

    def encoder(images):
        return ((images - zero).flatten(1) @ inverse.T).view(-1, LAYERS, WIDTH)

    return encoder


def agrees_with_finite_differences(function, point):
    """Is the gradient of each of `function`'s numbers what small steps around `point` measure?"""
    return torch.autograd.gradcheck(function, point.detach().clone().requires_grad_())
