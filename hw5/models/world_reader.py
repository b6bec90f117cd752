"""The measuring eye: reads the factors of a picture, finds its parts, and says who it is.

Offers `WorldReader`, a U-Net (Ronneberger et al. 2015, arXiv 1505.04597) of residual blocks (He et
al. 2016, arXiv 1512.03385) with a reader at its deepest map. World features (world_features.py)
answer the same questions with plain convolutions that losses can look through; this one is made to
be right, and no method is trained against it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hw5.kit.checks import check_shape


class Look(NamedTuple):
    """All that one pass over N pictures gives."""

    numbers: Tensor  # (N, num_outputs)
    parts: Tensor  # logits (N, num_classes, 64, 64)
    summary: Tensor  # (N, head_width)


class WorldReader(nn.Module):
    """Pictures (N, 3, 64, 64) in [-1, 1] to numbers, parts and an embedding.

    The embedding stands in for a face recogniser: cosine similarities of rows of `embed` tell the
    same cat in another pose and light from another cat. It is trained apart, on the finished eye.
    """

    image_size = 64  # the reader is fully connected at its deepest map: one size fits it

    def __init__(
        self,
        num_outputs: int,  # numbers read from a picture
        num_classes: int = 10,  # parts in the segmentation
        *,
        fine_width: int = 16,  # channels at full size, for the segmenter alone
        widths: Sequence[int] = (32, 64, 128, 256),  # channels at 1/2, 1/4, 1/8 and 1/16 of it
        head_width: int = 384,  # of the reader's hidden layer
        identity_width: int = 64,  # of the embedding
    ) -> None:
        """Build a network with random weights."""
        super().__init__()
        self.num_outputs, self.num_classes = num_outputs, num_classes
        self.fine = nn.Sequential(*_conv(3, fine_width), nn.ReLU())
        self.stem = nn.Sequential(*_conv(3, widths[0], stride=2), nn.ReLU())
        steps = list(pairwise(widths))
        self.blocks = nn.ModuleList([Residual(widths[0], widths[0])])
        self.blocks.extend(Residual(narrow, wide, stride=2) for narrow, wide in steps)
        self.deep = nn.Sequential(*(Residual(widths[-1], widths[-1]) for _ in range(2)))
        ups = [*reversed(steps), (fine_width, widths[0])]
        self.up = nn.ModuleList(
            nn.Sequential(*_conv(wide + narrow, narrow), nn.ReLU()) for narrow, wide in ups
        )
        self.classify = nn.Conv2d(fine_width, num_classes, 1)
        cells = widths[-1] * (self.image_size >> len(widths)) ** 2
        # Without the norm nearly all of its units died in the first hundred steps, never to return.
        self.hidden = nn.Sequential(
            nn.Linear(cells, head_width, bias=False), nn.BatchNorm1d(head_width), nn.ReLU()
        )
        self.readout = nn.Linear(head_width, num_outputs)
        self.identity = nn.Sequential(
            nn.Linear(head_width, head_width), nn.ReLU(), nn.Linear(head_width, identity_width)
        )

    def read(self, images: Tensor) -> Tensor:
        """Numbers (N, num_outputs), in the layout of the world's targets."""
        return self._read(self._maps(images)[-1])

    def segment(self, images: Tensor) -> Tensor:
        """Logits of the parts, (N, num_classes, 64, 64)."""
        return self._segment(images, self._maps(images))

    def embed(self, images: Tensor) -> Tensor:
        """Who it is: unit vectors (N, identity_width)."""
        return F.normalize(self.identity(self.summary(images)), dim=1)

    def read_and_segment(
        self, images: Tensor, num_segmented: int | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the results of `read` and of `segment` from one pass.

        Only the first `num_segmented` pictures are segmented, if given: it costs as much again.
        """
        maps = self._maps(images)
        few = slice(num_segmented)
        return self._read(maps[-1]), self._segment(images[few], [each[few] for each in maps])

    def look(self, images: Tensor) -> Look:
        """Return the results of `read`, `segment` and `summary` from one pass."""
        maps = self._maps(images)
        summary = self._summary(maps[-1])
        return Look(self.readout(summary), self._segment(images, maps), summary)

    def summary(self, images: Tensor) -> Tensor:
        """The reader's hidden layer, (N, head_width): all it knows of a picture."""
        return self._summary(self._maps(images)[-1])

    def _maps(self, images: Tensor) -> list[Tensor]:
        """One map per scale, from (N, 32, 32, 32) to (N, 256, 4, 4)."""
        check_shape("images", images, ("N", 3, self.image_size, self.image_size))
        x, maps = self.stem(images.contiguous(memory_format=torch.channels_last)), []
        for block in self.blocks:
            x = block(x)
            maps.append(x)
        return [*maps[:-1], self.deep(x)]

    def _summary(self, deepest: Tensor) -> Tensor:
        return self.hidden(deepest.flatten(1))

    def _read(self, deepest: Tensor) -> Tensor:
        return self.readout(self._summary(deepest))

    def _segment(self, images: Tensor, maps: list[Tensor]) -> Tensor:
        """From deep to shallow: enlarge, put beside the map of that scale, convolve."""
        skips = [*reversed(maps[:-1]), self.fine(images)]
        x = maps[-1]
        for block, skip in zip(self.up, skips, strict=True):
            x = block(torch.cat([F.interpolate(x, scale_factor=2.0), skip], dim=1))
        return self.classify(x)


class Residual(nn.Module):
    """Two convolutions beside a shortcut, each followed by batch norm; the first may halve."""

    def __init__(self, in_channels: int, out_channels: int, *, stride: int = 1) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_conv(in_channels, out_channels, stride=stride),
            nn.ReLU(),
            *_conv(out_channels, out_channels),
        )
        same = stride == 1 and in_channels == out_channels
        self.shortcut = nn.Identity() if same else nn.Conv2d(in_channels, out_channels, 1)
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C', H / stride, W / stride)."""
        # Averaged, not skipped: a whisker must not fall between the pixels that are kept.
        short = F.avg_pool2d(x, self.stride) if self.stride > 1 else x
        return (self.body(x) + self.shortcut(short)).relu()


def _conv(in_channels: int, out_channels: int, *, stride: int = 1) -> list[nn.Module]:
    conv = nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False)
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    return [conv, nn.BatchNorm2d(out_channels)]
