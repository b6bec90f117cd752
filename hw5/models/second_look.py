"""A second look: what the world's reader read, corrected by the colours of the parts it found.

The colour of a coat and the warmth of the light that falls on it make one colour together. They
come apart when parts are compared: the light tints whites, nose and background alike, the coat
tints itself. A convolution that looks at an ear does not know the background; here the mean colours
of all parts lie side by side (region pooling, as in the style encoder of SEAN, Zhu et al. 2020,
arXiv:1911.12861), and a small network corrects the numbers by them.

Offers `SecondLook`, that network, and `Ruler`, the reader with its second look: what measures
edits. Read first: world_reader.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from hw5.kit.checks import InputError
from hw5.models.world_reader import Look, WorldReader

_COLOURS = 6  # per part: mean, spread, and the means of its left, right, upper and lower half
_FARTHEST = 6.0  # standard deviations beyond which a noticed number is not believed


class SecondLook(nn.Module):
    """Corrects the numbers of a first look; fresh, it leaves them as they are."""

    centre: Tensor  # (M,), mean of what is noticed over the training pictures
    scale: Tensor  # (M,), its standard deviation

    def __init__(
        self,
        num_outputs: int,  # numbers read from a picture, T
        num_classes: int = 10,  # parts, K
        *,
        summary_width: int = 384,  # S, the reader's hidden layer
        widths: Sequence[int] = (384, 256),  # of the hidden layers
        dropout: float = 0.1,  # in training
    ) -> None:
        """Build a network that corrects nothing yet."""
        super().__init__()
        noticed = num_outputs + summary_width + num_classes * (1 + 3 * _COLOURS)
        self.register_buffer("centre", torch.zeros(noticed))
        self.register_buffer("scale", torch.ones(noticed))
        layers: list[nn.Module] = []
        for narrow, wide in pairwise((noticed, *widths)):
            layers += [nn.Linear(narrow, wide), nn.GELU(), nn.Dropout(dropout)]
        self.body = nn.Sequential(*layers)
        self.correct = nn.Linear(widths[-1], num_outputs)
        for value in (self.correct.weight, self.correct.bias):
            nn.init.zeros_(value)

    def forward(self, noticed: Tensor) -> Tensor:
        """Numbers (N, T) of what `notice` gave, (N, M)."""
        first = noticed[:, : self.correct.out_features]
        known = ((noticed - self.centre) / self.scale).clamp(-_FARTHEST, _FARTHEST)
        return first + self.correct(self.body(known))

    def settle(self, noticed: Tensor) -> None:
        """Take over centre and scale from training pictures (N, M)."""
        self.centre.copy_(noticed.mean(dim=0))
        self.scale.copy_(noticed.std(dim=0).clamp(min=1e-3))


def notice(images: Tensor, look: Look) -> Tensor:
    """What a second look goes by, (N, M): the first look, and size and colours of each part."""
    shares = look.parts.softmax(dim=1)  # (N, K, H, W)
    height, width = images.shape[2] // 2, images.shape[3] // 2
    half = (slice(None),) * 3
    windows = [
        half, (*half, slice(width)), (*half, slice(width, None)),
        (*half[:2], slice(height)), (*half[:2], slice(height, None)),
    ]  # fmt: skip
    means = [_mean_colour(shares[window], images[window]) for window in windows]
    spread = (_mean_colour(shares, images.square()) - means[0].square()).clamp(min=1e-6).sqrt()
    size = (shares.sum(dim=(2, 3)) + 1.0).log()
    colours = torch.cat([*means, spread], dim=1)
    return torch.cat([look.numbers, look.summary, size, colours], dim=1)


def _mean_colour(shares: Tensor, images: Tensor) -> Tensor:
    """Mean colour of each part, (N, K * 3); near 0 for one that is hardly there."""
    total = torch.einsum("nkhw,nchw->nkc", shares, images)
    return (total / (shares.sum(dim=(2, 3)) + 1.0)[..., None]).flatten(1)


class Ruler(nn.Module):
    """A reader that looks twice: pictures (N, 3, 64, 64) in [-1, 1] to numbers, parts, embedding.

    It judges edits, and nothing is trained against it.
    """

    def __init__(self, reader: WorldReader, second_look: SecondLook) -> None:
        """Join the two.

        Raises:
            InputError: one answers with as many numbers as the other does not expect.
        """
        super().__init__()
        expected, got = reader.num_outputs, second_look.correct.out_features
        if expected != got:
            raise InputError.about("second look", expected=f"{expected} numbers", got=got)
        self.reader, self.second_look = reader, second_look
        self.image_size = reader.image_size

    def read(self, images: Tensor) -> Tensor:
        """Numbers (N, T), in the layout of the world's targets."""
        return self.read_and_segment(images)[0]

    def segment(self, images: Tensor) -> Tensor:
        """Logits of the parts, (N, K, 64, 64)."""
        return self.reader.segment(images)

    def embed(self, images: Tensor) -> Tensor:
        """Who it is: unit vectors (N, 64)."""
        return self.reader.embed(images)

    def read_and_segment(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return the results of `read` and of `segment` from one pass."""
        look = self.reader.look(images)
        return self.second_look(notice(images, look)), look.parts
