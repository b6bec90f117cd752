"""Parts of the StyleGAN2 generator, under the parameter names of the published ADA checkpoints.

Offers `MappingNetwork`, `SynthesisNetwork` with its blocks and layers, and `channel_schedule`.
Their arithmetic is in stylegan2_ops.py; stylegan2.py runs them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from hw5.kit.checks import InputError, check_choice
from hw5.models.stylegan2_ops import (
    BRANCH_GAIN,
    LRELU_GAIN,
    Conv,
    FullyConnected,
    activate,
    fir_filter,
    modulated_conv,
    normalize_2nd_moment,
)

ARCHITECTURES = ("skip", "resnet", "orig")  # StyleGAN2, figure 7: b, c, a


class MappingNetwork(nn.Module):
    """Fully connected layers from z (N, z_dim) to w (N, w_dim). StyleGAN, section 2.

    A conditional network reads labels beside z: an embedding of the label is normalised like z and
    joined to it (ADA, appendix C). A discriminator's mapping reads labels alone: z_dim 0.
    """

    def __init__(
        self,
        z_dim: int,
        w_dim: int,
        num_layers: int,
        *,
        lr_multiplier: float = 0.01,  # the mapping learns 100 times more slowly (StyleGAN, app. C)
        width: int | None = None,  # of the layers between; None: w_dim (ADA's layer_features)
        c_dim: int = 0,  # classes; 0: no labels
        embed_features: int | None = None,  # width of a label's embedding; None: w_dim
        tracks_average: bool = True,  # a discriminator's mapping does not
    ) -> None:
        """Build layers fc0 ... and the average code `w_avg`, which starts at 0."""
        super().__init__()
        self.num_layers, self.z_dim, self.c_dim = num_layers, z_dim, c_dim
        embedded = (embed_features or w_dim) if c_dim else 0
        if c_dim:
            self.embed = FullyConnected(c_dim, embedded)
        widths = [z_dim + embedded, *[width or w_dim] * (num_layers - 1), w_dim]
        for i in range(num_layers):  # none: a label's normalised embedding is its map
            options = {"activation": "lrelu", "lr_multiplier": lr_multiplier}
            self.add_module(f"fc{i}", FullyConnected(widths[i], widths[i + 1], **options))
        if tracks_average:
            self.register_buffer("w_avg", torch.zeros(w_dim))

    def forward(self, z: Tensor | None, labels: Tensor | None = None) -> Tensor:
        """Map z (N, z_dim), of any length, and labels (N, c_dim), one-hot, to w (N, w_dim)."""
        parts = [normalize_2nd_moment(z)] if self.z_dim else []
        if self.c_dim:
            parts.append(normalize_2nd_moment(self.embed(labels)))
        x = torch.cat(parts, dim=1)
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

    def forward(self, x: Tensor, style: Tensor, noise: Tensor | None, gain: float = 1.0) -> Tensor:
        """Features (N, O, H, W) from x, style (N, I) and noise (1 or N, 1, H, W) or None.

        `gain` scales the result, and its limit with it.
        """
        fir = self.resample_filter if self.up else None
        factor = LRELU_GAIN * gain  # a leaky ReLU lets positive factors through
        x = modulated_conv(x, self.weight, style, self.bias, fir=fir, gain=factor)
        if noise is not None:
            x = x.add_((noise * (self.noise_strength * factor)).to(x.dtype))
        x = activate(x, "lrelu")
        return x if self.clamp is None else x.clamp(-self.clamp * gain, self.clamp * gain)


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
    """All layers of one resolution: conv0 doubles the size, conv1 keeps it, torgb reads it out.

    Where the architecture is "resnet" a shortcut runs beside conv0 and conv1; there and in "orig"
    only the last block has a torgb. StyleGAN2, figure 7.
    """

    def __init__(
        self,
        in_channels: int,  # 0: the first block, which starts from a learned constant
        out_channels: int,
        w_dim: int,
        resolution: int,  # of the result, pixels
        img_channels: int,
        clamp: float | None,
        *,
        architecture: str = "skip",
        is_last: bool = False,
    ) -> None:
        """Build the block under the parameter names of ADA."""
        super().__init__()
        self.register_buffer("resample_filter", fir_filter())
        self.architecture, self.torgb, self.skip = architecture, None, None
        if in_channels == 0:
            self.const = nn.Parameter(torch.randn(out_channels, resolution, resolution))
        else:
            self.conv0 = SynthesisLayer(
                in_channels, out_channels, w_dim, resolution, up=True, clamp=clamp
            )
        self.conv1 = SynthesisLayer(out_channels, out_channels, w_dim, resolution, clamp=clamp)
        if is_last or architecture == "skip":
            self.torgb = ToRGB(out_channels, img_channels, w_dim, clamp=clamp)
        if in_channels and architecture == "resnet":
            self.skip = Conv(in_channels, out_channels, 1, bias=False, up=True)

    def shortcut(self, x: Tensor) -> Tensor | None:
        """What is added to conv1's result for the block's input x; None without a shortcut."""
        return None if self.skip is None else self.skip(x, gain=BRANCH_GAIN)


class SynthesisNetwork(nn.Module):
    """Blocks b4, b8, ... up to the picture's size. StyleGAN2, figure 7 (b: output skips)."""

    def __init__(
        self,
        w_dim: int,
        channels: Mapping[int, int],
        img_channels: int,
        clamp: float | None,
        architecture: str = "skip",  # or "resnet", "orig"
    ) -> None:
        """Build one block for each resolution of `channels`, in rising order."""
        super().__init__()
        check_choice("architecture", architecture, ARCHITECTURES)
        self.resolutions = tuple(channels)
        previous = 0
        for size, width in channels.items():
            is_last = size == self.resolutions[-1]
            options = {"architecture": architecture, "is_last": is_last}
            block = SynthesisBlock(previous, width, w_dim, size, img_channels, clamp, **options)
            self.add_module(f"b{size}", block)
            previous = width

    def block(self, resolution: int) -> SynthesisBlock:
        """Return the block that ends at `resolution` pixels."""
        return self.get_submodule(f"b{resolution}")


def one_hot(label: int | None, c_dim: int, like: Tensor) -> Tensor | None:
    """Labels (N, c_dim), all of class `label`, for a batch `like` (N, ...); None if c_dim is 0.

    Raises:
        InputError: The network has classes and `label` is none of them.
    """
    if not c_dim:
        return None
    if label is None or not 0 <= label < c_dim:
        hint = "choose one when loading, as in FILE.pkl#3"
        raise InputError.about("label", expected=f"a class, 0 to {c_dim - 1}", got=label, hint=hint)
    labels = like.new_zeros(like.shape[0], c_dim)
    labels[:, label] = 1
    return labels


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
