"""A StyleGAN2 whose weights stay: all that does not depend on the code is computed ahead, once.

Offers `freeze`. A slider asks one network for picture after picture, and so does a search for a
code. Here gains are multiplied into weights, squared kernels are summed, noise joins the bias, and
all lies in memory as convolutions read it: half the time of `StyleGAN2.synthesize` on a CPU, three
quarters with gradients, and its pictures up to rounding. Gradients reach codes, not weights. Read
first: stylegan2.py.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from hw5.kit.checks import check_choice, check_shape
from hw5.models.generator import Generator
from hw5.models.stylegan2 import StyleGAN2
from hw5.models.stylegan2_layers import SynthesisBlock, SynthesisLayer, ToRGB
from hw5.models.stylegan2_ops import EPSILON, LRELU_GAIN, SLOPE, FullyConnected


def freeze(generator: Generator) -> Generator:
    """A generator of the same pictures that draws them faster, for code after code.

    Weights that torch changes (training, `load_state_dict`, a move to another device) are followed;
    a change behind torch's back, `weight.data += 1`, is not. Only StyleGAN2s with output skips,
    unlimited features and a separable filter can be frozen; any other generator is returned as it
    is.
    """
    return FrozenStyleGAN2(generator) if _can_freeze(generator) else generator


def _can_freeze(generator: Generator) -> bool:
    if not isinstance(generator, StyleGAN2) or any(w.is_inference() for w in _weights(generator)):
        return False
    block = generator.synthesis.block(4)
    is_plain = block.architecture == "skip" and block.conv1.clamp is None
    return is_plain and _is_separable(block.resample_filter)


class FrozenStyleGAN2(Generator):
    """What `freeze` gives: w and w+ to pictures; sampling is the network's own."""

    def __init__(self, network: StyleGAN2) -> None:
        """Compute nothing yet: the first picture does."""
        super().__init__()
        self.image_size, self.spaces = network.image_size, network.spaces
        self.z_dim, self.w_dim, self.num_layers = network.z_dim, network.w_dim, network.num_layers
        self.network, self._made_of, self._steps = network, (), ()

    def forward(self, z: Tensor) -> Tensor:
        """Pictures (N, 3, H, W) of z (N, z_dim)."""
        return self.synthesize(self.map(z).expand(-1, self.num_layers, -1))

    def map(self, z: Tensor) -> Tensor:
        """Intermediate codes w (N, 1, w_dim) of z (N, z_dim)."""
        return self.network.map(z)

    def synthesize(self, w_plus: Tensor, *, noise: str = "fixed") -> Tensor:
        """Pictures (N, 3, H, W) of one code per layer; gradients go to codes that ask for them.

        Args:
            w_plus: Codes (N, num_layers, w_dim).
            noise: "fixed"; other noise cannot be computed ahead.
        """
        check_shape("w_plus", w_plus, ("N", self.num_layers, self.w_dim))
        check_choice("noise", noise, ("fixed",))
        # what is computed ahead must be ordinary tensors, wherever the first picture is asked for
        with torch.inference_mode(False), torch.no_grad():
            self._renew()
        if w_plus.requires_grad and torch.is_grad_enabled():
            return self._draw(w_plus)
        with torch.inference_mode():
            image = self._draw(w_plus)
        return image.clone()  # an ordinary tensor again: autograd would refuse the other kind

    def _draw(self, w_plus: Tensor) -> Tensor:
        const = self.network.synthesis.block(4).const.detach()
        x, image = const.expand(len(w_plus), *const.shape), None
        for index, enlarge, step in self._steps:
            result = step(x, w_plus[:, index])
            if enlarge is None:
                x = result
            else:
                image = result if image is None else enlarge @ (image @ enlarge.T) + result
        return image

    def _renew(self) -> None:
        """Compute all anew if a weight has changed."""
        made_of = tuple((w.data_ptr(), w._version) for w in _weights(self.network))
        if made_of == self._made_of:
            return
        steps: list[tuple[int, Tensor | None, Callable[..., Tensor]]] = []
        for name, index in self.network.layer_index.items():
            layer = self.network.get_submodule(f"synthesis.{name}")
            if isinstance(layer, SynthesisLayer):
                steps.append((index, None, _frozen_conv(layer)))
            else:  # what it adds to is enlarged by its own block's filter
                block = self.network.get_submodule(f"synthesis.{name.partition('.')[0]}")
                steps.append((index, _enlarging(block), _frozen_to_rgb(layer)))
        self._steps, self._made_of = steps, made_of


def _enlarging(block: SynthesisBlock) -> Tensor:
    """`upsample` along one axis of the picture that this block adds to, as a matrix (2 h, h).

    Three channels twice times a matrix take a quarter of the seconds of a convolution.
    """
    taps = 2 * _taps(block.resample_filter)  # 2: one of two pixels was a zero
    axis = torch.eye(block.conv1.noise_const.shape[-1] // 2).to(taps)
    return F.conv_transpose1d(axis[:, None], taps[None, None], stride=2, padding=1)[:, 0].T


def _taps(fir: Tensor) -> Tensor:
    """The filter (K,) that does the same along both axes as `fir` (K, K)."""
    return fir.sum(dim=0) * fir.sum().rsqrt()


def _is_separable(fir: Tensor) -> bool:
    """Can it be had one axis after the other, both alike? Those of StyleGANs can."""
    taps = _taps(fir)
    return torch.allclose(torch.outer(taps, taps), fir)


def _weights(network: StyleGAN2) -> itertools.chain[Tensor]:
    return itertools.chain(network.parameters(), network.buffers())


@dataclass(frozen=True)
class _Conv:
    """A `SynthesisLayer`: modulated convolution, noise, bias, leaky ReLU. StyleGAN2, figure 2c."""

    style: Callable[[Tensor], Tensor]  # w (N, d) to gains of the input channels (N, I)
    weight: Tensor  # (O, I, 3, 3); (I, O, 3, 3) where it doubles the size
    energy: Tensor  # (I, O): kernels squared and summed over their places, / LRELU_GAIN ** 2
    offset: Tensor  # (1, O, H, W): noise and bias
    blur: Tensor | None  # (O, 1, 4, 4) where it doubles the size

    def __call__(self, x: Tensor, w: Tensor) -> Tensor:
        """Features (N, O, H, W) of x (N, I, h, w)."""
        style = self.style(w)
        factor = (style.square() @ self.energy).add_(EPSILON / LRELU_GAIN**2).rsqrt_()  # (N, O)
        x = x * style[:, :, None, None]
        if self.blur is None:
            x = F.conv2d(x, self.weight, padding=1)
        else:
            x = F.conv_transpose2d(x, self.weight, stride=2)
            x = F.conv2d(x, self.blur, padding=1, groups=len(self.blur))
        return F.leaky_relu_(torch.addcmul(self.offset, x, factor[:, :, None, None]), SLOPE)


@dataclass(frozen=True)
class _ToRGB:
    """A `ToRGB`: what a layer adds to the picture."""

    style: Callable[[Tensor], Tensor]
    weight: Tensor  # (3, I)
    bias: Tensor  # (3, 1)

    def __call__(self, x: Tensor, w: Tensor) -> Tensor:
        """Picture (N, 3, H, W) of x (N, I, H, W)."""
        kernels = self.weight * self.style(w)[:, None, :]  # (N, 3, I)
        return torch.baddbmm(self.bias, kernels, x.flatten(2)).unflatten(2, x.shape[2:])


def _frozen_conv(layer: SynthesisLayer) -> _Conv:
    weight, blur = layer.weight, None
    noise = layer.noise_const * layer.noise_strength
    offset = (noise + layer.bias[:, None, None]) * LRELU_GAIN  # (O, H, W)
    energy = weight.square().sum(dim=(2, 3)).T / LRELU_GAIN**2  # (I, O)
    if layer.up:
        weight = weight.transpose(0, 1)
        fir = 4 * layer.resample_filter.flip(0, 1)  # 4: three of four pixels were zeros
        blur = fir.expand(layer.weight.shape[0], 1, *fir.shape).contiguous()
    weight, offset = (
        t.contiguous(memory_format=torch.channels_last) for t in (weight, offset[None])
    )
    return _Conv(_linear(layer.affine), weight, energy.contiguous(), offset, blur)


def _frozen_to_rgb(layer: ToRGB) -> _ToRGB:
    weight = layer.weight[:, :, 0, 0] * layer.weight_gain
    return _ToRGB(_linear(layer.affine), weight, layer.bias[:, None].clone())


def _linear(layer: FullyConnected) -> Callable[[Tensor], Tensor]:
    """The map of a linear layer, its gains multiplied in."""
    weight, bias = layer.weight * layer.weight_gain, layer.bias * layer.bias_gain
    return lambda w: F.linear(w, weight, bias)
