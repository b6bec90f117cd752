"""A super-resolver: it draws the world's small pictures twice as large, and they are sharp.

What a generator's new block has to add to a picture is not a matter of taste: half the world's
pixels say where the others are. The network is EDSR's (Lim et al. 2017, arXiv:1707.02921, figure
2c: residual blocks without batch norm) with the sub-pixel convolution of Shi et al. 2016
(arXiv:1609.05158, eq. 4), beside the bilinear picture. It is shown softened pictures as well as
clean ones, as a generator's are soft. Offers `Enlarger` and `train_enlarger`. Read next:
distil.py, which hands on to a generator what it knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hw5.kit.precision import mixed, precision
from hw5.models.feature_network import FeatureNetwork
from hw5.train.batches import Pictures, same_window
from hw5.train.loop import ExponentialAverage, Run, cosine, repeat
from hw5.train.read_factors import roughen
from hw5.train.regress import Comparison, feature_distance


@dataclass(frozen=True)
class EnlargerSettings:
    """Numbers of the run; found by trying, where no source stands beside them."""

    hours: float = 0.2  # on one core PSNR is then 37.9 dB, where bilinear enlargement has 31.3
    batch: int = 16  # EDSR's
    rate: float = 1e-3  # Adam's peak learning rate; falls along half a cosine
    window: int = 64  # side of the large patches it learns from, pixels
    perceptual: float = 0.1  # weight of the feature distance beside the pixel distance
    layers: tuple[str, ...] = ("conv1_2", "conv2_2")  # of WorldFeatures
    half_life: float = 4_000  # of the weight average, pictures
    seed: int = 0


class Enlarger(nn.Module):
    """Pictures (N, 3, H, W) to (N, 3, 2H, 2W); fresh, it enlarges bilinearly."""

    def __init__(self, *, width: int = 40, num_blocks: int = 5) -> None:
        """Build with random weights; the last layer's are 0."""
        super().__init__()
        self.head = nn.Conv2d(3, width, 3, padding=1)
        self.body = nn.Sequential(*(_Residual(width) for _ in range(num_blocks)))
        self.tail = _silent(nn.Conv2d(width, 3 * 4, 3, padding=1))

    def forward(self, images: Tensor) -> Tensor:
        """Twice as large."""
        images = images.contiguous(memory_format=torch.channels_last)
        plain = F.interpolate(images, scale_factor=2.0, mode="bilinear")
        return plain + F.pixel_shuffle(self.tail(self.body(self.head(images).relu())), 2)


class _Residual(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv0 = nn.Conv2d(width, width, 3, padding=1)
        self.conv1 = _silent(nn.Conv2d(width, width, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W), shape kept."""
        return x + self.conv1(self.conv0(x).relu())


def _silent(layer: nn.Conv2d) -> nn.Conv2d:
    """The layer, answering 0 to begin with."""
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def train_enlarger(
    features: FeatureNetwork,
    pictures: Pictures,
    folder: Path,
    settings: EnlargerSettings,
    *,
    compiled: bool = False,
) -> tuple[Enlarger, dict[str, float]]:
    """Train on patches of large pictures and their halves; return the average and the losses.

    Args:
        features: judges beside the pixels.
        pictures: of the size wanted.
        folder: of the run, which goes on if it is there.
        settings: see there.
        compiled: fuse the network's passes; a minute's work.
    """
    network = Enlarger().to(pictures.pictures.device, memory_format=torch.channels_last)
    average = ExponentialAverage(network, half_life=settings.half_life)
    optimiser = torch.optim.Adam(network.parameters(), settings.rate, betas=(0.9, 0.99))
    run = Run(folder, hours=settings.hours, again=False)
    parts = {"network": network, "average": average.network, "optimiser": optimiser}
    compare = comparison(network, features, settings, compiled=compiled)

    def step(seen: int, progress: float, rng: torch.Generator) -> dict[str, float]:
        optimiser.param_groups[0]["lr"] = settings.rate * cosine(progress)
        (large,) = same_window(settings.window, rng, pictures.batch(settings.batch, rng=rng).images)
        small = roughen(F.avg_pool2d(large, 2), rng=rng)
        pixel, perceptual = compare(small.contiguous(), large.contiguous())
        optimiser.zero_grad(set_to_none=True)
        (pixel + settings.perceptual * perceptual).backward()
        optimiser.step()
        average.update(network, pictures=settings.batch, seen=seen)
        return {"pixel": pixel.item(), "perceptual": perceptual.item()}

    return average.network, repeat(run, parts, step, batch=settings.batch, seed=settings.seed)


def comparison(
    network: Enlarger, features: FeatureNetwork, settings: EnlargerSettings, *, compiled: bool
) -> Comparison:
    """Return the function (small, large) -> (pixel, perceptual) distance of what is made of it."""
    device = next(network.parameters()).device
    dtype = precision(device)

    def compare(small: Tensor, large: Tensor) -> tuple[Tensor, Tensor]:
        with mixed(device, dtype):
            made = network(small).float()
            return F.l1_loss(made, large), feature_distance(features, settings.layers, made, large)

    return torch.compile(compare, dynamic=False) if compiled else compare
