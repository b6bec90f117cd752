"""Discriminators: networks that tell real pictures from made ones, for training and inversion.

Offers `StyleGAN2Discriminator` (residual, ADA layout); that of DCGAN is in dcgan.py, the one on
frozen features in projected.py. All give logits (N,) or (N, K), positive for real.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

from hw5.kit.checks import check_shape
from hw5.models.stylegan2_layers import channel_schedule
from hw5.models.stylegan2_ops import EPSILON, Conv, FullyConnected, fir_filter


def minibatch_stddev(x: Tensor, group_size: int = 4, num_channels: int = 1) -> Tensor:
    """Append the spread within groups of pictures as extra feature maps.

    Pictures i, i + N/G, i + 2N/G, ... form a group. Karras et al. 2018 (PGGAN), section 3.

    Args:
        x: Features (N, C, H, W), C a multiple of `num_channels`.
        group_size: G; if it does not divide N, the next smaller number that does is taken.
        num_channels: Extra feature maps F, each the spread of C/F channels.

    Returns:
        Features (N, C + F, H, W).
    """
    N, C, H, W = x.shape
    G = next(g for g in range(min(group_size, N), 0, -1) if N % g == 0)
    groups = x.reshape(G, N // G, num_channels, C // num_channels, H, W)
    if x.dtype in (torch.float16, torch.bfloat16):  # squares of small spreads would vanish
        groups = groups.float()
    spread = (groups.var(dim=0, correction=0) + EPSILON).sqrt()  # (N/G, F, C/F, H, W)
    maps = spread.mean(dim=(2, 3, 4)).to(x.dtype)  # (N/G, F)
    maps = maps.repeat(G, 1)[:, :, None, None].expand(N, num_channels, H, W)
    return torch.cat([x, maps], dim=1)


class DiscriminatorBlock(nn.Module):
    """Two convolutions beside a 1x1 shortcut; halves height and width. StyleGAN2, figure 7c."""

    def __init__(
        self,
        img_channels: int,  # 0: reads features; else reads the picture
        in_channels: int,
        out_channels: int,
        clamp: float | None,
    ) -> None:
        """Build the block under the parameter names of ADA."""
        super().__init__()
        self.register_buffer("resample_filter", fir_filter())
        options = {"activation": "lrelu", "clamp": clamp}
        self.fromrgb = Conv(img_channels, in_channels, 1, **options) if img_channels else None
        self.conv0 = Conv(in_channels, in_channels, 3, **options)
        self.conv1 = Conv(in_channels, out_channels, 3, down=True, **options)
        self.skip = Conv(in_channels, out_channels, 1, bias=False, down=True)

    def forward(self, x: Tensor) -> Tensor:
        """Features (N, out_channels, H/2, W/2) of the picture or features x."""
        if self.fromrgb is not None:
            x = self.fromrgb(x)
        half = math.sqrt(0.5)  # two branches of equal variance add up to the same variance
        return self.skip(x, gain=half) + self.conv1(self.conv0(x), gain=half)


class DiscriminatorEpilogue(nn.Module):
    """Minibatch spread, one convolution at 4x4, two linear layers."""

    def __init__(
        self, channels: int, group_size: int, num_stddev: int, clamp: float | None
    ) -> None:
        """Build the block under the parameter names of ADA."""
        super().__init__()
        self.group_size, self.num_stddev = group_size, num_stddev
        self.conv = Conv(channels + num_stddev, channels, 3, activation="lrelu", clamp=clamp)
        self.fc = FullyConnected(channels * 16, channels, activation="lrelu")
        self.out = FullyConnected(channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N,) of features (N, channels, 4, 4)."""
        if self.num_stddev:
            x = minibatch_stddev(x, self.group_size, self.num_stddev)
        return self.out(self.fc(self.conv(x).flatten(1)))[:, 0]


class StyleGAN2Discriminator(nn.Module):
    """Residual discriminator of StyleGAN2 from pictures (N, 3, H, W) to logits (N,)."""

    def __init__(
        self,
        *,
        image_size: int = 64,  # pixels, a power of two from 8 on
        channel_base: int = 2048,  # channels at resolution r: channel_base / r ...
        channel_max: int = 256,  # ... but no more than this (ADA: 32768 and 512)
        channels: Mapping[int, int] | None = None,  # resolution -> channels; replaces the two
        img_channels: int = 3,
        group_size: int = 4,  # pictures per group of the minibatch spread
        num_stddev: int = 1,  # feature maps of the minibatch spread; 0: none
        conv_clamp: float | None = None,  # largest magnitude of features; ADA: 256 with float16
    ) -> None:
        """Build a discriminator with random weights."""
        super().__init__()
        widths = channel_schedule(image_size, channel_base, channel_max, channels)
        self.image_size, self.img_channels = image_size, img_channels
        self.resolutions = tuple(sorted(widths, reverse=True))[:-1]
        self.layer_names = tuple(f"b{size}" for size in self.resolutions)  # as `steps` yields them
        for size in self.resolutions:
            colours = img_channels if size == image_size else 0
            block = DiscriminatorBlock(colours, widths[size], widths[size // 2], conv_clamp)
            self.add_module(f"b{size}", block)
        self.b4 = DiscriminatorEpilogue(widths[4], group_size, num_stddev, conv_clamp)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N,), positive for real, of pictures (N, 3, H, W) in [-1, 1]."""
        *_, (_, x) = self.steps(images)
        return self.b4(x)

    def steps(self, images: Tensor) -> Iterator[tuple[str, Tensor]]:
        """Yield every block's name and result, half as high and wide as what it read."""
        check_shape("images", images, ("N", self.img_channels, self.image_size, self.image_size))
        # Convolutions with their channels last were 1.2 to 2 times as fast on a CPU.
        x = images.contiguous(memory_format=torch.channels_last)
        for name in self.layer_names:
            x = self.get_submodule(name)(x)
            yield name, x
