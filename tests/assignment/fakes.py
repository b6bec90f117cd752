"""Small networks whose answers are known: a linear generator, and features of three resolutions.

Offers `LinearGenerator`, `OnlyZ`, `SmallFeatures` and `least_squares`, the best possible code. All
in float64, so that closed forms hold to many digits.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn

SIZE, WIDTH, LAYERS = 8, 5, 3  # pictures 3 x 8 x 8, codes of 5, three layers
PIXELS = 3 * SIZE * SIZE


def fixed_draw(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def per_picture(*numbers: float) -> torch.Tensor:
    """One number per picture, (N,)."""
    return torch.tensor(numbers, dtype=torch.float64)


class LinearGenerator(nn.Module):
    """picture = sum over layers of A_l w_l + base + 0.05 noise; w = M z + m."""

    spaces = ("z", "w", "w+")
    image_size, z_dim, w_dim, num_layers = SIZE, WIDTH, WIDTH, LAYERS

    def __init__(self):
        super().__init__()
        self.matrix = nn.Parameter(0.04 * fixed_draw(1, LAYERS, PIXELS, WIDTH))
        self.base = nn.Parameter(0.1 * fixed_draw(2, PIXELS))
        self.mapping = nn.Parameter(0.5 * fixed_draw(3, WIDTH, WIDTH))
        self.centre = nn.Parameter(fixed_draw(4, WIDTH))
        self.register_buffer("grain", fixed_draw(5, SIZE, SIZE))
        self.rendered = 0  # pictures so far

    def map(self, z):
        return (z @ self.mapping.T + self.centre)[:, None]

    def noise_maps(self):
        return {"grain": self.grain[None, None]}

    def synthesize(self, w_plus, *, noise="fixed"):
        self.rendered += len(w_plus)
        grain = noise["grain"] if isinstance(noise, dict) else self.grain[None, None]
        flat = torch.einsum("lpd,nld->np", self.matrix, w_plus) + self.base
        return flat.view(-1, 3, SIZE, SIZE) + 0.05 * grain

    def forward(self, z):
        return self.synthesize(self.map(z).repeat(1, LAYERS, 1))


class OnlyZ(nn.Module):
    """A generator like a DCGAN: called on z, and nothing else. picture = tanh(A z)."""

    spaces = ("z",)
    image_size, z_dim, w_dim, num_layers = SIZE, WIDTH, WIDTH, 1

    def __init__(self):
        super().__init__()
        self.matrix = nn.Parameter(0.1 * fixed_draw(6, PIXELS, WIDTH))

    def forward(self, z):
        return torch.tanh(z @ self.matrix.T).view(-1, 3, SIZE, SIZE)


class SmallFeatures(nn.Module):
    """Six convolutions in three stages, named like those of VGG-19; counts its calls."""

    layer_names = ("conv_1_1", "conv_1_2", "conv_2_1", "conv_2_2", "conv_3_1", "conv_3_2")

    def __init__(self):
        super().__init__()
        sizes = [3, 4, 4, 6, 6, 8, 8]
        pairs = pairwise(sizes)
        self.kernels = nn.ParameterList(
            0.3 * fixed_draw(10 + i, after, before, 3, 3) for i, (before, after) in enumerate(pairs)
        )
        self.requires_grad_(False)
        self.calls = 0

    def forward(self, images, layers):
        self.calls += 1
        found = {}
        for name, kernel in zip(self.layer_names, self.kernels, strict=True):
            if name in ("conv_2_1", "conv_3_1"):
                images = F.avg_pool2d(images, 2)
            images = torch.tanh(F.conv2d(images, kernel, padding=1))
            found[name] = images
        return {name: found[name] for name in layers}


def least_squares(generator, target, start, *, penalty=0.0, mask=None):
    """The w+ code of lowest mean squared error + penalty * mean squared delta; exact."""
    matrix = generator.matrix.detach().permute(1, 0, 2).reshape(PIXELS, LAYERS * WIDTH)
    with torch.no_grad():
        missing = (target - generator.synthesize(start)).flatten()
    weight = torch.ones(PIXELS, dtype=matrix.dtype)
    if mask is not None:
        weight = mask.expand(1, 3, SIZE, SIZE).flatten()
    weight = weight / weight.sum()
    normal = matrix.T @ (weight[:, None] * matrix)
    normal = normal + penalty / (LAYERS * WIDTH) * torch.eye(LAYERS * WIDTH, dtype=matrix.dtype)
    delta = torch.linalg.solve(normal, matrix.T @ (weight * missing))
    return start + delta.view(1, LAYERS, WIDTH)
