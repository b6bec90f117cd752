"""Arithmetic of StyleGAN2 in plain torch: equalised layers, FIR resampling, modulated convolution.

Offers small functions on (N, C, H, W) features and the layers `FullyConnected` and `Conv` that the
generator (stylegan2.py) and the discriminator (discriminators.py) are built from. Read those next.

Written from the papers; names, shapes and arithmetic agree with the published ADA checkpoints.
StyleGAN: arXiv 1812.04948. StyleGAN2: arXiv 1912.04958. ADA: arXiv 2006.06676.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hw5.kit.checks import check_choice

SLOPE = 0.2  # of the leaky ReLU for negative input (StyleGAN2)
LRELU_GAIN = math.sqrt(2)  # keeps the variance through a leaky ReLU (He et al. 2015)
BRANCH_GAIN = math.sqrt(0.5)  # two branches of equal variance add up to the same variance
FIR_TAPS = (1, 3, 3, 1)  # binomial low-pass filter (StyleGAN2, appendix B)
EPSILON = 1e-8  # in every normalisation


def normalize_2nd_moment(x: Tensor) -> Tensor:
    """Rows of x (N, D) divided by their root mean square. StyleGAN, appendix C of PGGAN."""
    return x * (x.square().mean(dim=1, keepdim=True) + EPSILON).rsqrt()


def activate(x: Tensor, activation: str) -> Tensor:
    """Apply a leaky ReLU, overwriting x, for "lrelu"; leave x as it is for "linear"."""
    return F.leaky_relu(x, SLOPE, inplace=True) if activation == "lrelu" else x


def fir_filter(taps: Sequence[float] = FIR_TAPS) -> Tensor:
    """Two-dimensional low-pass filter (K, K) with sum 1 from one-dimensional taps."""
    total = sum(taps) ** 2
    return torch.tensor([[a * b / total for b in taps] for a in taps], dtype=torch.float32)


def _blur(x: Tensor, fir: Tensor, padding: int, stride: int = 1) -> Tensor:
    channels = x.shape[1]
    # A convolution in the mathematical sense: torch correlates, hence the flip.
    kernel = fir.flip(0, 1).to(x.dtype).expand(channels, 1, *fir.shape)
    return F.conv2d(x, kernel, padding=padding, stride=stride, groups=channels)


def upsample(x: Tensor, fir: Tensor) -> Tensor:
    """Features (N, C, H, W) to (N, C, 2H, 2W): zeros between pixels, then the 4-tap filter."""
    channels = x.shape[1]
    kernel = (4 * fir).to(x.dtype).expand(channels, 1, *fir.shape)  # 4: three of four are zeros
    return F.conv_transpose2d(x, kernel, stride=2, padding=1, groups=channels)


def downsample(x: Tensor, fir: Tensor) -> Tensor:
    """Features (N, C, H, W) to (N, C, H/2, W/2): the 4-tap filter, then every second pixel."""
    return _blur(x, fir, padding=1, stride=2)


def conv_up(x: Tensor, weight: Tensor, fir: Tensor) -> Tensor:
    """Insert zeros, convolve with weight (O, I, 3, 3), low-pass: (N, I, H, W) to (N, O, 2H, 2W).

    The transposed convolution followed by a depthwise filter does a quarter of the multiplications
    of one 6x6 kernel that holds both, and was 2 to 3 times as fast on a CPU.
    """
    x = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)  # (N, O, 2H + 1, 2W + 1)
    return _blur(x, 4 * fir, padding=1)


def demodulation(weight: Tensor, style: Tensor) -> Tensor:
    """Factors (N, O) that give each modulated kernel unit norm. StyleGAN2, eq. 3.

    Args:
        weight: Kernels shared by the batch, (O, I, k, k).
        style: Gain of each input channel, (N, I).
    """
    # Summed in full precision: a rounding here changes the contrast of a whole feature map.
    with torch.autocast(weight.device.type, enabled=False):
        energy = weight.square().sum(dim=(2, 3))  # (O, I)
        return (style.to(weight.dtype).square() @ energy.T + EPSILON).rsqrt()


def modulated_conv(
    x: Tensor,  # (N, I, H, W) features
    weight: Tensor,  # (O, I, k, k) kernels shared by the batch, k odd
    style: Tensor,  # (N, I) gain of each input channel
    bias: Tensor,  # (O,)
    *,
    fir: Tensor | None = None,  # low-pass filter; if given, height and width double
    gain: float = 1.0,  # of the whole result
) -> Tensor:
    """Convolution with kernels weight * style scaled to unit norm, plus bias. StyleGAN2, eq. 1, 3.

    Scaling the features before and after one shared convolution is the same sum as scaling the
    kernels of each picture, and spares a grouped convolution, which is slow on a CPU.
    """
    x = x * style.to(x.dtype)[:, :, None, None]
    same = weight.shape[2] // 2
    x = F.conv2d(x, weight, padding=same) if fir is None else conv_up(x, weight, fir)
    factor = demodulation(weight, style).to(x.dtype)[:, :, None, None] * gain  # (N, O, 1, 1)
    return torch.addcmul((bias * gain).to(x.dtype)[:, None, None], x, factor)


class FullyConnected(nn.Module):
    """Linear layer with equalised learning rate: the stored weight is scaled when used."""

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        activation: str = "linear",  # or "lrelu"
        lr_multiplier: float = 1.0,  # below 1 the layer learns more slowly (0.01 in the mapping)
        bias_init: float = 0.0,
    ) -> None:
        """Draw the weight from N(0, 1 / lr_multiplier) and set the bias."""
        super().__init__()
        check_choice("activation", activation, ("linear", "lrelu"))
        self.activation = activation
        self.weight = nn.Parameter(torch.randn(out_features, in_features) / lr_multiplier)
        self.bias = nn.Parameter(torch.full((out_features,), float(bias_init)))
        self.weight_gain = lr_multiplier / math.sqrt(in_features)
        self.bias_gain = lr_multiplier

    def forward(self, x: Tensor) -> Tensor:
        """Apply to x (N, in_features); returns (N, out_features)."""
        gain = LRELU_GAIN if self.activation == "lrelu" else 1.0  # see Conv.forward
        weight, bias = self.weight * (self.weight_gain * gain), self.bias * (self.bias_gain * gain)
        return activate(F.linear(x, weight, bias), self.activation)


class Conv(nn.Module):
    """Convolution with equalised learning rate, optional FIR resampling and leaky ReLU."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,  # odd
        *,
        bias: bool = True,
        activation: str = "linear",  # or "lrelu"
        down: bool = False,  # halve height and width?
        up: bool = False,  # double them? For kernels of 1x1
        clamp: float | None = None,  # largest magnitude let through; None: no limit
    ) -> None:
        """Draw the weight from a standard normal; the bias starts at 0."""
        super().__init__()
        check_choice("activation", activation, ("linear", "lrelu"))
        shape = (out_channels, in_channels, kernel_size, kernel_size)
        self.activation, self.down, self.up, self.clamp = activation, down, up, clamp
        self.weight = nn.Parameter(torch.randn(shape))
        self.bias = nn.Parameter(torch.zeros(out_channels)) if bias else None
        self.weight_gain = 1 / math.sqrt(in_channels * kernel_size**2)
        self.register_buffer("resample_filter", fir_filter())

    def forward(self, x: Tensor, gain: float = 1.0) -> Tensor:
        """Apply to x (N, in_channels, H, W); `gain` scales the result."""
        # A leaky ReLU lets positive factors through: scaling the small weight spares a pass.
        factor = gain * (LRELU_GAIN if self.activation == "lrelu" else 1.0)
        bias = None if self.bias is None else self.bias * factor
        x = self._convolve(x, self.weight * (self.weight_gain * factor), bias)
        x = activate(x, self.activation)
        return x if self.clamp is None else x.clamp(-self.clamp * gain, self.clamp * gain)

    def _convolve(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        size = weight.shape[2]
        if self.up:
            return upsample(F.conv2d(x, weight, bias), self.resample_filter)
        if not self.down:
            return F.conv2d(x, weight, bias, padding=size // 2)
        if size == 1:
            return F.conv2d(downsample(x, self.resample_filter), weight, bias)
        return F.conv2d(_blur(x, self.resample_filter, padding=2), weight, bias, stride=2)
