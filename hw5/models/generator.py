"""What every generator offers, whatever its architecture.

Offers `Generator`, the base class of `StyleGAN2` (stylegan2.py) and `DCGAN` (dcgan.py).
Sampling, averaging and rendering of codes by space live in hw5/latents.py; read that next.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from hw5.kit.checks import InputError

Noise = str | Mapping[str, Tensor] | Sequence[Tensor]


class Generator(nn.Module, ABC):
    """Network from codes to pictures, float RGB in [-1, 1], (N, 3, H, W)."""

    image_size: int  # H = W of the pictures
    spaces: tuple[str, ...]  # codes it can be driven by: ("z",) or ("z", "w", "w+")
    z_dim: int  # width of z, drawn from a standard normal
    w_dim: int  # width of w; equal to z_dim where there is no w
    num_layers: int  # L of w+, (N, L, w_dim); 1 where there is no w+

    @abstractmethod
    def forward(self, z: Tensor) -> Tensor:
        """Pictures (N, 3, H, W) in [-1, 1] of z (N, z_dim)."""

    def map(self, z: Tensor) -> Tensor:
        """Intermediate codes w (N, 1, w_dim) of z (N, z_dim).

        Raises:
            InputError: This architecture has no w.
        """
        raise InputError(self._only_z("map"))

    def synthesize(self, w_plus: Tensor, *, noise: Noise = "fixed") -> Tensor:
        """Pictures (N, 3, H, W) of one code per layer, (N, num_layers, w_dim).

        Raises:
            InputError: This architecture has no w+.
        """
        raise InputError(self._only_z("synthesize"))

    def _only_z(self, method: str) -> str:
        name = type(self).__name__
        return (
            f"{method}: {name} has the spaces {self.spaces} only. "
            "Hint: call the generator with z (N, z_dim), or load a StyleGAN2 for w and w+"
        )
