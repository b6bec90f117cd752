"""Discriminators: networks that tell real pictures from made ones, for training and inversion.

Offers `StyleGAN2Discriminator` (ADA layout, conditional or not); that of DCGAN is in dcgan.py, the
one on frozen features in projected.py. All give logits (N,) or (N, K), positive for real.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

from hw5.kit.checks import check_choice, check_shape
from hw5.models.stylegan2_layers import ARCHITECTURES, MappingNetwork, channel_schedule, one_hot
from hw5.models.stylegan2_ops import (
    BRANCH_GAIN,
    EPSILON,
    Conv,
    FullyConnected,
    downsample,
    fir_filter,
)


def minibatch_stddev(x: Tensor, group_size: int | None = 4, num_channels: int = 1) -> Tensor:
    """Append the spread within groups of pictures as extra feature maps.

    Pictures i, i + N/G, i + 2N/G, ... form a group. Karras et al. 2018 (PGGAN), section 3.

    Args:
        x: Features (N, C, H, W), C a multiple of `num_channels`.
        group_size: G; if it does not divide N, the next smaller number that does is taken. None:
            the whole batch.
        num_channels: Extra feature maps F, each the spread of C/F channels.

    Returns:
        Features (N, C + F, H, W).
    """
    N, C, H, W = x.shape
    G = next(g for g in range(min(group_size or N, N), 0, -1) if N % g == 0)
    groups = x.reshape(G, N // G, num_channels, C // num_channels, H, W)
    if x.dtype in (torch.float16, torch.bfloat16):  # squares of small spreads would vanish
        groups = groups.float()
    spread = (groups.var(dim=0, correction=0) + EPSILON).sqrt()  # (N/G, F, C/F, H, W)
    maps = spread.mean(dim=(2, 3, 4)).to(x.dtype)  # (N/G, F)
    maps = maps.repeat(G, 1)[:, :, None, None].expand(N, num_channels, H, W)
    return torch.cat([x, maps], dim=1)


class DiscriminatorBlock(nn.Module):
    """Two convolutions, in a "resnet" beside a 1x1 shortcut; halves height and width.

    StyleGAN2, figure 7 (c: "resnet").
    """

    def __init__(
        self,
        img_channels: int,  # 0: reads features only; else reads the picture
        in_channels: int,
        out_channels: int,
        clamp: float | None,
        architecture: str = "resnet",
    ) -> None:
        """Build the block under the parameter names of ADA."""
        super().__init__()
        self.register_buffer("resample_filter", fir_filter())
        options = {"activation": "lrelu", "clamp": clamp}
        self.fromrgb = Conv(img_channels, in_channels, 1, **options) if img_channels else None
        self.conv0 = Conv(in_channels, in_channels, 3, **options)
        self.conv1 = Conv(in_channels, out_channels, 3, down=True, **options)
        self.skip = None
        if architecture == "resnet":
            self.skip = Conv(in_channels, out_channels, 1, bias=False, down=True)

    def forward(self, x: Tensor | None, image: Tensor | None) -> Tensor:
        """Features (N, out_channels, H/2, W/2) of features x, a picture of their size, or both."""
        if self.fromrgb is not None:
            colours = self.fromrgb(image)
            x = colours if x is None else x + colours
        if self.skip is None:
            return self.conv1(self.conv0(x))
        return self.skip(x, gain=BRANCH_GAIN) + self.conv1(self.conv0(x), gain=BRANCH_GAIN)


class DiscriminatorEpilogue(nn.Module):
    """Minibatch spread, one convolution at 4x4, two linear layers."""

    def __init__(
        self,
        channels: int,
        group_size: int | None,
        num_stddev: int,
        clamp: float | None,
        *,
        img_channels: int = 0,  # above 0: reads the picture too ("skip"), without a limit (ADA)
        cmap_dim: int = 0,  # above 0: the logit is a projection on a mapped label
    ) -> None:
        """Build the block under the parameter names of ADA."""
        super().__init__()
        self.group_size, self.num_stddev, self.cmap_dim = group_size, num_stddev, cmap_dim
        self.fromrgb = Conv(img_channels, channels, 1, activation="lrelu") if img_channels else None
        self.conv = Conv(channels + num_stddev, channels, 3, activation="lrelu", clamp=clamp)
        self.fc = FullyConnected(channels * 16, channels, activation="lrelu")
        self.out = FullyConnected(channels, cmap_dim or 1)

    def forward(self, x: Tensor, image: Tensor | None, cmap: Tensor | None) -> Tensor:
        """Logits (N,) of features (N, channels, 4, 4).

        Args:
            x: Features.
            image: The picture at 4x4, for "skip".
            cmap: Mapped labels (N, cmap_dim) of a conditional network. Miyato and Koyama 2018.
        """
        if self.fromrgb is not None:
            x = x + self.fromrgb(image)
        if self.num_stddev:
            x = minibatch_stddev(x, self.group_size, self.num_stddev)
        x = self.out(self.fc(self.conv(x).flatten(1)))  # (N, 1 or cmap_dim)
        return x[:, 0] if cmap is None else (x * cmap).sum(dim=1) / math.sqrt(self.cmap_dim)


class StyleGAN2Discriminator(nn.Module):
    """Discriminator of StyleGAN2 from pictures (N, 3, H, W) to logits (N,).

    A conditional one asks whether a picture is a real one of class `label`.
    """

    def __init__(
        self,
        *,
        image_size: int = 64,  # pixels, a power of two from 8 on
        channel_base: int = 2048,  # channels at resolution r: channel_base / r ...
        channel_max: int = 256,  # ... but no more than this (ADA: 32768 and 512)
        channels: Mapping[int, int] | None = None,  # resolution -> channels; replaces the two
        img_channels: int = 3,
        group_size: int | None = 4,  # pictures per group of the minibatch spread; None: all
        num_stddev: int = 1,  # feature maps of the minibatch spread; 0: none
        conv_clamp: float | None = None,  # largest magnitude of features; ADA: 256 with float16
        architecture: str = "resnet",  # or "skip", "orig" (ADA for CIFAR-10): StyleGAN2, figure 7
        c_dim: int = 0,  # classes of a conditional network; 0: none
        cmap_dim: int | None = None,  # width of a mapped label; None: channels at 4 px (ADA)
        num_mapping_layers: int = 8,  # from a label to its map (ADA); 0: embedded only
        mapping_lr_multiplier: float = 0.01,
        label: int | None = None,  # the class to ask for, 0 to c_dim - 1
    ) -> None:
        """Build a discriminator with random weights."""
        super().__init__()
        check_choice("architecture", architecture, ARCHITECTURES)
        widths = channel_schedule(image_size, channel_base, channel_max, channels)
        self.image_size, self.img_channels = image_size, img_channels
        self.architecture, self.c_dim, self.label = architecture, c_dim, label
        self.resolutions = tuple(sorted(widths, reverse=True))[:-1]
        self.layer_names = tuple(f"b{size}" for size in self.resolutions)  # as `steps` yields them
        for size in self.resolutions:
            colours = img_channels if size == image_size or architecture == "skip" else 0
            channels_here = (colours, widths[size], widths[size // 2])
            block = DiscriminatorBlock(*channels_here, conv_clamp, architecture)
            self.add_module(f"b{size}", block)
        cmap_dim = (cmap_dim or widths[4]) if c_dim else 0
        if c_dim:
            options = {"lr_multiplier": mapping_lr_multiplier, "tracks_average": False}
            self.mapping = MappingNetwork(0, cmap_dim, num_mapping_layers, c_dim=c_dim, **options)
        last = {"img_channels": img_channels if architecture == "skip" else 0, "cmap_dim": cmap_dim}
        self.b4 = DiscriminatorEpilogue(widths[4], group_size, num_stddev, conv_clamp, **last)

    def forward(self, images: Tensor, *, label: int | None = None) -> Tensor:
        """Logits (N,), positive for real, of pictures (N, 3, H, W) in [-1, 1].

        Args:
            images: Pictures.
            label: Class of a conditional network; None: the network's own `label`.
        """
        labels = one_hot(self.label if label is None else label, self.c_dim, images)
        cmap = None if labels is None else self.mapping(None, labels)
        *_, (_, x, image) = self._run(images)
        return self.b4(x, image, cmap)

    def steps(self, images: Tensor) -> Iterator[tuple[str, Tensor]]:
        """Yield every block's name and result, half as high and wide as what it read."""
        return ((name, x) for name, x, _ in self._run(images))

    def _run(self, images: Tensor) -> Iterator[tuple[str, Tensor, Tensor | None]]:
        """Yield every block's name, its result, and the picture at that size ("skip" only)."""
        check_shape("images", images, ("N", self.img_channels, self.image_size, self.image_size))
        # Convolutions with their channels last were 1.2 to 2 times as fast on a CPU.
        x, image = None, images.contiguous(memory_format=torch.channels_last)
        for name in self.layer_names:
            block = self.get_submodule(name)
            x = block(x, image)
            is_skip = self.architecture == "skip"
            image = downsample(image, block.resample_filter) if is_skip else None
            yield name, x, image
