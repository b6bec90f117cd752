"""What the tests of the searches share: small generators, pictures, and what is asked of both.

Offers `tiny_stylegan` (8 px, pictures within [-1, 1]), `tiny_generator` (16 px, plain),
`random_pictures` for it, `ruler`, `bits`, `is_untouched`, `linear_encoder` and
`agrees_with_finite_differences`; the linear generator and the small features are those of
tests/assignment/fakes.py.
"""

from __future__ import annotations

import torch

from hw5.models.stylegan2 import StyleGAN2
from tests.assignment.fakes import LAYERS, PIXELS, WIDTH

SIZE = 16  # of tiny_generator


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


def tiny_generator():
    """A StyleGAN2 of 16 px with random weights, float64, frozen."""
    torch.manual_seed(0)
    network = StyleGAN2(image_size=SIZE, z_dim=4, w_dim=4, channel_base=64, channel_max=4)
    return network.double().eval().requires_grad_(False)


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
