"""Parts of the StyleGAN2 generator, under the parameter names of the published ADA checkpoints.

Offers `MappingNetwork`, `SynthesisNetwork` with its blocks and layers, and `channel_schedule`.
Their arithmetic is in stylegan2_ops.py; stylegan2.py runs them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from hw5.kit.checks import InputError
from hw5.models.stylegan2_ops import (
    LRELU_GAIN,
    FullyConnected,
    activate,
    fir_filter,
    modulated_conv,
    normalize_2nd_moment,
)


class MappingNetwork(nn.Module):
    """Fully connected layers from z (N, z_dim) to w (N, w_dim). StyleGAN, section 2."""

    def __init__(
        self,
        z_dim: int,
        w_dim: int,
        num_layers: int,
        *,
        lr_multiplier: float = 0.01,  # the mapping learns 100 times more slowly (StyleGAN, app. C)
        width: int | None = None,  # of the layers between; None: w_dim (ADA's layer_features)
    ) -> None:
        """Build layers fc0 ... and the average code `w_avg`, which starts at 0."""
        super().__init__()
        self.num_layers = num_layers
        widths = [z_dim, *[width or w_dim] * (num_layers - 1), w_dim]
        for i, (before, after) in enumerate(itertools.pairwise(widths)):
            layer = FullyConnected(before, after, activation="lrelu", lr_multiplier=lr_multiplier)
            self.add_module(f"fc{i}", layer)
        self.register_buffer("w_avg", torch.zeros(w_dim))

    def forward(self, z: Tensor) -> Tensor:
        """Map z (N, z_dim), of any length, to w (N, w_dim)."""
        x = normalize_2nd_moment(z)
        for i in range(self.num_layers):
            x = self.get_submodule(f"fc{i}")(x)
        return x

    @torch.no_grad()
    def track_average(self, w: Tensor, decay: float = 0.995) -> None:
        """Move `w_avg` towards the mean of w (N, w_dim); training calls this once a step (ADA)."""
        self.w_avg.lerp_(w.detach().to(self.w_avg.dtype).mean(dim=0), 1 - decay)


class SynthesisLayer(nn.Module):
    """Modulated 3x3 convolution, noise, bias, leaky ReLU. StyleGAN2, figure 2c."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        w_dim: int,
        resolution: int,  # of the result, pixels
        *,
        up: bool = False,  # double height and width?
        clamp: float | None = None,  # largest magnitude let through; None: no limit
    ) -> None:
        """Draw kernels and the fixed noise map; noise starts with strength 0."""
        super().__init__()
        self.up, self.clamp, self.resolution = up, clamp, resolution
        self.affine = FullyConnected(w_dim, in_channels, bias_init=1)
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, 3, 3))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.noise_strength = nn.Parameter(torch.zeros(()))
        self.register_buffer("noise_const", torch.randn(resolution, resolution))
        self.register_buffer("resample_filter", fir_filter())

    def forward(self, x: Tensor, style: Tensor, noise: Tensor | None) -> Tensor:
        """Features (N, O, H, W) from x, style (N, I) and noise (1 or N, 1, H, W) or None."""
        fir = self.resample_filter if self.up else None
        x = modulated_conv(x, self.weight, style, self.bias, fir=fir, gain=LRELU_GAIN)
        if noise is not None:
            x = x.add_((noise * (self.noise_strength * LRELU_GAIN)).to(x.dtype))
        x = activate(x, "lrelu")
        return x if self.clamp is None else x.clamp(-self.clamp, self.clamp)


class ToRGB(nn.Module):
    """Modulated 1x1 convolution to the picture's channels, without demodulation."""

    def __init__(
        self,
        in_channels: int,
        img_channels: int,
        w_dim: int,
        *,
        clamp: float | None = None,  # largest magnitude let through; None: no limit
    ) -> None:
        """Draw the kernel from a standard normal; the bias starts at 0."""
        super().__init__()
        self.clamp = clamp
        self.affine = FullyConnected(w_dim, in_channels, bias_init=1)
        self.weight = nn.Parameter(torch.randn(img_channels, in_channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(img_channels))
        self.weight_gain = 1 / math.sqrt(in_channels)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """Picture (N, img_channels, H, W) from x (N, I, H, W) and style (N, I)."""
        kernels = self.weight[:, :, 0, 0] * (style * self.weight_gain)[:, None, :]  # (N, 3, I)
        rgb = torch.baddbmm(self.bias[:, None], kernels.to(x.dtype), x.flatten(2))
        rgb = rgb.unflatten(2, x.shape[2:])
        return rgb if self.clamp is None else rgb.clamp(-self.clamp, self.clamp)


class SynthesisBlock(nn.Module):
    """All layers of one resolution: conv0 doubles the size, conv1 keeps it, torgb reads it out."""

    def __init__(
        self,
        in_channels: int,  # 0: the first block, which starts from a learned constant
        out_channels: int,
        w_dim: int,
        resolution: int,  # of the result, pixels
        img_channels: int,
        clamp: float | None,
    ) -> None:
        """Build the block under the parameter names of ADA."""
        super().__init__()
        self.register_buffer("resample_filter", fir_filter())
        if in_channels == 0:
            self.const = nn.Parameter(torch.randn(out_channels, resolution, resolution))
        else:
            self.conv0 = SynthesisLayer(
                in_channels, out_channels, w_dim, resolution, up=True, clamp=clamp
            )
        self.conv1 = SynthesisLayer(out_channels, out_channels, w_dim, resolution, clamp=clamp)
        self.torgb = ToRGB(out_channels, img_channels, w_dim, clamp=clamp)


class SynthesisNetwork(nn.Module):
    """Blocks b4, b8, ... up to the picture's size. StyleGAN2, figure 7b (output skips)."""

    def __init__(
        self,
        w_dim: int,
        channels: Mapping[int, int],
        img_channels: int,
        clamp: float | None,
    ) -> None:
        """Build one block for each resolution of `channels`, in rising order."""
        super().__init__()
        self.resolutions = tuple(channels)
        previous = 0
        for size, width in channels.items():
            block = SynthesisBlock(previous, width, w_dim, size, img_channels, clamp)
            self.add_module(f"b{size}", block)
            previous = width

    def block(self, resolution: int) -> SynthesisBlock:
        """Return the block that ends at `resolution` pixels."""
        return self.get_submodule(f"b{resolution}")


def channel_schedule(
    image_size: int,
    channel_base: int,
    channel_max: int,
    channels: Mapping[int | str, int] | None = None,
) -> dict[int, int]:
    """Channels by resolution, 4 to `image_size`, for a generator or discriminator.

    Raises:
        InputError: The size is no power of two from 8 on, or `channels` lists other resolutions.
    """
    if image_size < 8 or image_size & (image_size - 1):
        raise InputError(f"image_size: expected a power of two from 8 on, got {image_size}")
    sizes = [2**i for i in range(2, image_size.bit_length())]
    if channels is None:
        widths = {size: min(channel_base // size, channel_max) for size in sizes}
    else:
        widths = {int(size): width for size, width in channels.items()}  # JSON has string keys
    if sorted(widths) != sizes or min(widths.values()) < 1:
        raise InputError.about("channels", expected=f"one or more at each of {sizes}", got=widths)
    return {size: widths[size] for size in sizes}
