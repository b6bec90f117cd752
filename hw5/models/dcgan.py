"""DCGAN generator and discriminator as in the starter code of CMU 16-726.

Offers `DCGAN` (a `Generator` driven by z alone) and `DCGANDiscriminator`. Radford et al. 2016,
arXiv 1511.06434, with instance norm in place of batch norm. The richer generator is stylegan2.py.
"""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor, nn

from hw5.kit.checks import check_shape
from hw5.models.generator import Generator

IMAGE_SIZE = 64  # the five layers fix it: 1 -> 4 -> 8 -> 16 -> 32 -> 64 pixels


def _deconv(in_channels: int, out_channels: int, *, first: bool = False) -> nn.Sequential:
    """Transposed convolution and instance norm; the first makes 4x4 of 1x1, others double."""
    stride, padding = (1, 0) if first else (2, 1)
    return nn.Sequential(
        nn.ConvTranspose2d(in_channels, out_channels, 4, stride, padding, bias=False),
        nn.InstanceNorm2d(out_channels),
    )


def _conv(in_channels: int, out_channels: int, *, norm: bool = True) -> nn.Sequential:
    """Convolution that halves height and width, with instance norm."""
    layers = [nn.Conv2d(in_channels, out_channels, 4, 2, 1, bias=False)]
    return nn.Sequential(*layers, *([nn.InstanceNorm2d(out_channels)] if norm else []))


class DCGAN(Generator):
    """Five transposed convolutions from z (N, z_dim) to pictures (N, 3, 64, 64) in (-1, 1)."""

    spaces = ("z",)
    image_size = IMAGE_SIZE
    num_layers = 1

    def __init__(
        self,
        *,
        z_dim: int = 100,
        conv_dim: int = 32,  # channels at 32 px; 8 times as many at 4 px
    ) -> None:
        """Build a generator with random weights."""
        super().__init__()
        self.z_dim = self.w_dim = z_dim
        self.deconv1 = _deconv(z_dim, 8 * conv_dim, first=True)  # (N, 256, 4, 4)
        self.deconv2 = _deconv(8 * conv_dim, 4 * conv_dim)  # (N, 128, 8, 8)
        self.deconv3 = _deconv(4 * conv_dim, 2 * conv_dim)  # (N, 64, 16, 16)
        self.deconv4 = _deconv(2 * conv_dim, conv_dim)  # (N, 32, 32, 32)
        self.deconv5 = nn.Sequential(nn.ConvTranspose2d(conv_dim, 3, 4, 2, 1, bias=False))

    def forward(self, z: Tensor) -> Tensor:
        """Pictures (N, 3, 64, 64) in (-1, 1) of z (N, z_dim)."""
        check_shape("z", z, ("N", self.z_dim))
        x = z[:, :, None, None]
        for layer in (self.deconv1, self.deconv2, self.deconv3, self.deconv4):
            x = layer(x).relu()
        return self.deconv5(x).tanh()


class DCGANDiscriminator(nn.Module):
    """Five convolutions from pictures (N, 3, 64, 64) to logits (N,), positive for real."""

    layer_names = ("conv1", "conv2", "conv3", "conv4")  # as `steps` yields them

    def __init__(
        self,
        *,
        conv_dim: int = 32,  # channels at 32 px; 8 times as many at 4 px
    ) -> None:
        """Build a discriminator with random weights."""
        super().__init__()
        self.conv1 = _conv(3, conv_dim, norm=False)  # (N, 32, 32, 32)
        self.conv2 = _conv(conv_dim, 2 * conv_dim)  # (N, 64, 16, 16)
        self.conv3 = _conv(2 * conv_dim, 4 * conv_dim)  # (N, 128, 8, 8)
        self.conv4 = _conv(4 * conv_dim, 8 * conv_dim)  # (N, 256, 4, 4)
        self.conv5 = nn.Sequential(nn.Conv2d(8 * conv_dim, 1, 4, bias=False))  # (N, 1, 1, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N,) of pictures (N, 3, 64, 64) in [-1, 1]."""
        *_, (_, x) = self.steps(images)
        return self.conv5(x)[:, 0, 0, 0]

    def steps(self, images: Tensor) -> Iterator[tuple[str, Tensor]]:
        """Yield every layer's name and result, after its leaky ReLU."""
        check_shape("images", images, ("N", 3, IMAGE_SIZE, IMAGE_SIZE))
        x = images
        for name in self.layer_names:
            x = nn.functional.leaky_relu(self.get_submodule(name)(x), 0.2)
            yield name, x
