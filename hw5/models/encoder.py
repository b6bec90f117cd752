"""Encoder from pictures to w+: one w for all layers, and an offset from it for each layer.

Offers `Encoder`. One architecture serves three published methods, which differ in how it is taught
(hw5/train/encode_samples.py, encode_domain.py, encode_offsets.py). Starting at the mean code and
adding a w and offsets is from pSp (Richardson et al. 2021, arXiv:2008.00951, section 3) and e4e
(Tov et al. 2021, arXiv:2102.02766, section 4); their ResNet-50 and its pyramid are not needed at
64 px. hw5/inversion/encode.py uses it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hw5.kit.checks import InputError, check_number, check_shape

GRID = 4  # cells per side of the deepest features: coarse places survive


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut; halves height and width. He et al. 2016.

    Without normalisation: the second convolution starts at zero, and a fresh block is its shortcut
    (Fixup: Zhang et al. 2019, arXiv:1901.09321).
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        """Build the block with random weights."""
        super().__init__()
        self.conv0 = _he_conv(in_channels, out_channels, 3, stride=2)
        self.conv1 = _he_conv(out_channels, out_channels, 3)
        nn.init.zeros_(self.conv1.weight)
        self.shortcut = _he_conv(in_channels, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Features (N, out_channels, H/2, W/2) of features (N, in_channels, H, W)."""
        # Averaged before the 1x1 convolution: a strided one would look at every fourth pixel only.
        shortcut = self.shortcut(F.avg_pool2d(x, 2))
        return (shortcut + self.conv1(self.conv0(x).relu())).relu()


class Encoder(nn.Module):
    """Residual network from pictures (N, 3, H, W) to codes w+ (N, num_layers, w_dim).

    code_l = mean + w + offset_l for the first `released` layers, mean + w for the others. A fresh
    encoder answers with the mean code, whatever it is shown.

    The in-domain encoder's authors advise batch normalisation (genforce/idinvert, issue 16). Here
    it was behind: after 800 pictures the domain-guided error was 0.077 with it, 0.069 without; and
    without it pictures have nothing to do with each other in training either.
    """

    mean: Tensor  # (w_dim,), the generator's average w

    def __init__(
        self,
        *,
        w_dim: int = 128,
        num_layers: int = 10,  # L of w+
        image_size: int = 64,  # pixels, a power of two from 8 on
        widths: Sequence[int] = (48, 96, 160, 256),  # channels from half the picture's size down
        head_width: int = 64,  # channels that the head reads, at 4 x 4
        released: int | None = None,  # layers with an offset of their own; None: all
    ) -> None:
        """Build an encoder with random weights; `start_at` the generator's mean afterwards.

        Raises:
            InputError: `widths` do not lead from `image_size` to 4 px, or `released` is beyond L.
        """
        super().__init__()
        if image_size != 2 * GRID * 2 ** (len(widths) - 1):
            expected = f"{image_size} px halved {len(widths)} times to give {GRID}"
            raise InputError.about("widths", expected=expected, got=tuple(widths))
        self.w_dim, self.num_layers, self.image_size = w_dim, num_layers, image_size
        self.released = num_layers if released is None else released
        check_number("released", self.released, low=0, high=num_layers, whole=True)
        self.stem = _he_conv(3, widths[0], 3, stride=2)
        self.blocks = nn.Sequential(*(ResidualBlock(*pair) for pair in pairwise(widths)))
        self.squeeze = _he_conv(widths[-1], head_width, 1)
        self.to_w = nn.Linear(head_width * GRID**2, w_dim)
        self.to_offsets = nn.Linear(head_width * GRID**2, num_layers * w_dim)
        for head in (self.to_w, self.to_offsets):
            nn.init.zeros_(head.weight)
            nn.init.zeros_(head.bias)
        self.register_buffer("mean", torch.zeros(w_dim))

    def start_at(self, mean: Tensor) -> Encoder:
        """Make `mean` (w_dim,) the code that w and offsets are added to; returns the encoder."""
        check_shape("mean", mean, (self.w_dim,))
        self.mean.copy_(mean.detach())
        return self

    def forward(self, images: Tensor, *, released: int | None = None) -> Tensor:
        """Codes w+ (N, L, w_dim) of pictures (N, 3, H, W) in [-1, 1].

        Args:
            images: Of the size that the encoder was built for.
            released: Layers with an offset of their own, from the first; None: as built.
        """
        w, offsets = self.parts(images)
        return self.join(w, offsets, self.released if released is None else released)

    def join(self, w: Tensor, offsets: Tensor, released: int) -> Tensor:
        """Codes w+ (N, L, w_dim) of w (N, 1, w_dim), and offsets (N, L, w_dim) where released."""
        free = torch.arange(self.num_layers, device=w.device) < released
        return self.mean + w + torch.where(free[:, None], offsets, 0)

    def parts(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The w (N, 1, w_dim), counted from the mean, and the offsets (N, L, w_dim) from it."""
        size = self.image_size
        check_shape("images", images, ("N", 3, size, size), hint=f"this encoder reads {size} px")
        # Convolutions with their channels last were 1.2 to 2 times as fast on a CPU.
        x = images.contiguous(memory_format=torch.channels_last)
        x = self.blocks(self.stem(x).relu())
        x = self.squeeze(x).relu().flatten(1)
        return self.to_w(x)[:, None], self.to_offsets(x).unflatten(1, (self.num_layers, self.w_dim))


def _he_conv(in_channels: int, out_channels: int, size: int, *, stride: int = 1) -> nn.Conv2d:
    """Convolution that keeps the variance through the ReLU after it. He et al. 2015."""
    conv = nn.Conv2d(in_channels, out_channels, size, stride=stride, padding=size // 2)
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    nn.init.zeros_(conv.bias)
    return conv
