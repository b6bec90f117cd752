"""Small networks whose answers are known: a linear generator, and features of three resolutions.

Offers `LinearGenerator`, `OnlyZ`, `SmallFeatures`, `fixed_draw` and `least_squares`, the best
possible code. All in float64, so that closed forms hold to many digits. The checks and the tests
share them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SIZE, WIDTH, LAYERS = 8, 5, 3  # pictures 3 x 8 x 8, codes of 5, three layers
PIXELS = 3 * SIZE * SIZE


def fixed_draw(seed: int, *shape: int) -> Tensor:
    """Standard normal numbers that are the same for the same seed."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def per_picture(*numbers: float) -> Tensor:
    """One number per picture, (N,)."""
    return torch.tensor(numbers, dtype=torch.float64)


class LinearGenerator(nn.Module):
    """picture = sum over layers of A_l w_l + base + 0.05 noise; w = M z + m."""

    spaces = ("z", "w", "w+")
    image_size, z_dim, w_dim, num_layers = SIZE, WIDTH, WIDTH, LAYERS

    def __init__(self) -> None:
        """Draw A, M and the rest, always the same."""
        super().__init__()
        self.matrix = nn.Parameter(0.04 * fixed_draw(1, LAYERS, PIXELS, WIDTH))
        self.base = nn.Parameter(0.1 * fixed_draw(2, PIXELS))
        self.mapping = nn.Parameter(0.5 * fixed_draw(3, WIDTH, WIDTH))
        self.centre = nn.Parameter(fixed_draw(4, WIDTH))
        self.register_buffer("grain", fixed_draw(5, SIZE, SIZE))
        self.rendered = 0  # pictures so far

    def map(self, z: Tensor) -> Tensor:
        """Codes w (N, 1, d) of z (N, d)."""
        return (z @ self.mapping.T + self.centre)[:, None]

    def noise_maps(self) -> dict[str, Tensor]:
        """One map, (1, 1, H, W)."""
        return {"grain": self.grain[None, None]}

    def synthesize(self, w_plus: Tensor, *, noise: str | Mapping[str, Tensor] = "fixed") -> Tensor:
        """Pictures (N, 3, H, W) of w+ (N, L, d)."""
        flat = torch.einsum("lpd,nld->np", self.matrix, w_plus)
        return self.finish(flat, noise["grain"] if isinstance(noise, dict) else None)

    def forward(self, z: Tensor) -> Tensor:
        """Pictures of z (N, d): every layer gets the same w."""
        return self.finish(self.map(z)[:, 0] @ self.matrix.sum(dim=0).T)

    def finish(self, flat: Tensor, grain: Tensor | None = None) -> Tensor:
        """Numbers (N, P) to pictures: base and noise are added."""
        self.rendered += len(flat)
        grain = self.grain[None, None] if grain is None else grain
        return (flat + self.base).view(-1, 3, SIZE, SIZE) + 0.05 * grain


class OnlyZ(nn.Module):
    """A generator like a DCGAN: called on z, and nothing else. picture = tanh(A z)."""

    spaces = ("z",)
    image_size, z_dim, w_dim, num_layers = SIZE, WIDTH, WIDTH, 1

    def __init__(self) -> None:
        """Draw A, always the same."""
        super().__init__()
        self.matrix = nn.Parameter(0.1 * fixed_draw(6, PIXELS, WIDTH))

    def forward(self, z: Tensor) -> Tensor:
        """Pictures (N, 3, H, W) of z (N, d)."""
        return torch.tanh(z @ self.matrix.T).view(-1, 3, SIZE, SIZE)


class SmallFeatures(nn.Module):
    """Six convolutions in three stages, named like those of VGG-19; counts its calls."""

    layer_names = ("conv_1_1", "conv_1_2", "conv_2_1", "conv_2_2", "conv_3_1", "conv_3_2")

    def __init__(self) -> None:
        """Draw the kernels, always the same."""
        super().__init__()
        sizes = [3, 4, 4, 6, 6, 8, 8]
        pairs = pairwise(sizes)
        self.kernels = nn.ParameterList(
            0.3 * fixed_draw(10 + i, after, before, 3, 3) for i, (before, after) in enumerate(pairs)
        )
        self.requires_grad_(False)
        self.calls = 0

    def forward(self, images: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        """Features of the named layers, name -> (N, C, h, w)."""
        self.calls += 1
        found = {}
        for name, kernel in zip(self.layer_names, self.kernels, strict=True):
            if name in ("conv_2_1", "conv_3_1"):
                images = F.avg_pool2d(images, 2)
            images = torch.tanh(F.conv2d(images, kernel, padding=1))
            found[name] = images
        return {name: found[name] for name in layers}


def least_squares(
    generator: LinearGenerator,
    target: Tensor,
    start: Tensor,
    *,
    penalty: float = 0.0,
    mask: Tensor | None = None,
) -> Tensor:
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
