"""Projected discriminator: small heads on randomly mixed maps of a frozen feature network.

Offers `ProjectedDiscriminator`. Sauer et al. 2021, "Projected GANs converge faster",
arXiv 2111.01007. The feature networks are in features.py.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from hw5.models.feature_network import FeatureNetwork

SMALLEST_MAP = 4  # a head halves its map until it is at most this many cells wide


class ProjectedDiscriminator(nn.Module):
    """One head per feature layer, on maps mixed across channels and scales.

    Only `heads` are to be trained; the feature network and the mixing stay as they are.
    """

    def __init__(
        self,
        features: FeatureNetwork,
        layers: Sequence[str],  # names of feature layers, from shallow to deep
        *,
        image_size: int = 64,  # pixels; decides the depth of the heads
        mix_channels: int = 64,  # of every mixed map
        head_channels: int = 64,  # of the heads' first convolution, doubled at each halving
        max_channels: int = 256,  # no convolution of a head is wider
        batch_norm: bool = True,  # in the heads; pass real and made pictures separately
    ) -> None:
        """Freeze `features`, draw the random mixing and build the heads."""
        super().__init__()
        self.features = features.freeze()
        self.layers = tuple(layers)
        sizes = self._map_shapes(image_size)
        self.channel_mix = nn.ModuleList(
            _frozen_conv(channels, mix_channels, 1) for channels, _ in sizes
        )
        self.scale_mix = nn.ModuleList(_frozen_conv(mix_channels, mix_channels, 3) for _ in sizes)
        widths = (head_channels, max_channels)
        self.heads = nn.ModuleList(_head(mix_channels, widths, s, batch_norm) for _, s in sizes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, K), positive for real, of pictures (N, 3, H, W) in [-1, 1].

        K counts the cells of all heads: each judges its own part of the picture.
        """
        logits = [head(x).flatten(1) for head, x in zip(self.heads, self.mix(images), strict=True)]
        return torch.cat(logits, dim=1)

    def mix(self, images: Tensor) -> list[Tensor]:
        """Mixed maps (N, mix_channels, h, w), one per layer: what the heads get to see."""
        maps = list(self.features(images, self.layers).values())
        mixed: list[Tensor] = []
        for i in reversed(range(len(maps))):
            x = self.channel_mix[i](maps[i])
            if mixed:  # deeper maps flow into shallower ones (section 3.2, cross-scale mixing)
                x = x + F.interpolate(mixed[0], x.shape[2:], mode="bilinear")
            mixed.insert(0, self.scale_mix[i](x))
        return mixed

    def train(self, mode: bool = True) -> ProjectedDiscriminator:
        """Switch the heads between training and evaluation; the features stay frozen."""
        super().train(mode)
        self.features.eval()
        return self

    def requires_grad_(self, requires_grad: bool = True) -> ProjectedDiscriminator:
        """Switch gradients of the heads only; the features and the mixing stay frozen."""
        self.heads.requires_grad_(requires_grad)
        return self

    @torch.no_grad()
    def _map_shapes(self, image_size: int) -> list[tuple[int, int]]:
        """Channels and side of each layer's map."""
        weight = next(self.features.parameters())
        probe = weight.new_zeros(1, 3, image_size, image_size)
        return [(x.shape[1], x.shape[2]) for x in self.features(probe, self.layers).values()]


def _frozen_conv(in_channels: int, out_channels: int, kernel_size: int) -> nn.Conv2d:
    conv = nn.Conv2d(in_channels, out_channels, kernel_size, padding=kernel_size // 2, bias=False)
    nn.init.kaiming_normal_(conv.weight, nonlinearity="linear")
    return conv.requires_grad_(False)


def _head(channels: int, widths: tuple[int, int], size: int, batch_norm: bool) -> nn.Sequential:
    """Halve a map until it is small, then one logit per cell; `widths` are the first and last."""
    layers: list[nn.Module] = []
    width, widest = widths
    while size > SMALLEST_MAP:
        layers.append(spectral_norm(nn.Conv2d(channels, width, 4, 2, 1, bias=not batch_norm)))
        layers += [nn.BatchNorm2d(width)] if batch_norm else []
        layers.append(nn.LeakyReLU(0.2))
        channels, width, size = width, min(2 * width, widest), size // 2
    layers.append(spectral_norm(nn.Conv2d(channels, 1, 3, padding=1)))
    return nn.Sequential(*layers)
