"""Train networks that read the factors and the parts of a picture, supervised.

`WorldFeatures` learns to see (pose, eyes, coat, light) what a perceptual loss at 64 px should see.
`WorldReader` is the ruler for edits: larger, and told to weigh all factors alike.
Offers `train_features` and `train_reader`. Read next: supervised.py, their loop, and recognise.py,
which teaches the reader whose cat it is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hw5.models.world_features import WorldFeatures
from hw5.models.world_reader import WorldReader
from hw5.train.batches import Batch
from hw5.train.pairs import factors_of, scores
from hw5.train.supervised import Supervision, supervise
from hw5.world.factors import PARTS
from hw5.world.targets import NUM_TARGETS, targets

PARTS_WEIGHT = 0.5  # of the segmentation's loss beside the factors' error
LEAST_VARIANCE = 0.03  # of a target, lest what is nearly always the same outweighs the rest
SEGMENTED = 0.25  # share of the reader's pictures that are also segmented, which learns sooner
BLURRED, NOISE = 0.4, 0.03  # share of training pictures that is roughened, and how noisy at most


def train_features(
    folder: Path, settings: Supervision, *, device: str = "auto", compiled: bool = True
) -> tuple[nn.Module, Mapping[str, float]]:
    """Train the feature network; return it and its last averages."""
    torch.manual_seed(settings.seed)
    network = WorldFeatures(NUM_TARGETS, len(PARTS))
    return supervise(network, feature_losses, folder, settings, device=device, compiled=compiled)


def train_reader(
    folder: Path, settings: Supervision, *, device: str = "auto", compiled: bool = True
) -> tuple[WorldReader, Mapping[str, float]]:
    """Train the ruler; return it and its last averages."""
    torch.manual_seed(settings.seed)
    network = WorldReader(NUM_TARGETS, len(PARTS))
    losses = partial(reader_losses, weights=target_weights(settings.pictures))
    return supervise(network, losses, folder, settings, device=device, compiled=compiled)


def feature_losses(network: WorldFeatures, batch: Batch, rng: torch.Generator) -> dict[str, Tensor]:
    """Squared error of the factors and cross-entropy of the parts, each a mean."""
    numbers, parts = network.read_and_segment(batch.images)
    wanted = targets(batch.factors()).to(numbers.device)
    # Colour factors range over less of [-1, 1] than others; unit weights treat them alike enough.
    factors = F.mse_loss(numbers.float(), wanted)
    segmentation = F.cross_entropy(parts.float(), batch.parts)
    loss = factors + PARTS_WEIGHT * segmentation
    return {"loss": loss, "factors": factors, "parts": segmentation}


def reader_losses(
    network: WorldReader, batch: Batch, rng: torch.Generator, *, weights: Tensor
) -> dict[str, Tensor]:
    """Share of the factors' variance missed, and cross-entropy plus Dice loss of the parts."""
    images = roughen(batch.images, rng=rng)
    few = math.ceil(SEGMENTED * len(images))
    numbers, parts = network.read_and_segment(images, few)
    wanted = targets(batch.factors()).to(numbers.device)
    missed = (weights.to(wanted) * (numbers.float() - wanted).square()).mean()
    labels = batch.parts[:few]
    segmentation = F.cross_entropy(parts.float(), labels) + dice_loss(parts, labels)
    loss = missed + PARTS_WEIGHT * segmentation
    return {"loss": loss, "missed": missed, "parts": segmentation}


def target_weights(count: int) -> Tensor:
    """One over the variance of each target in the training set, (T,): then every factor counts."""
    known = targets(factors_of(scores("train", torch.arange(count)), torch.zeros(count) > 0))
    variance = known.var(dim=0)
    return torch.where(variance > 1e-8, 1.0 / variance.clamp(min=LEAST_VARIANCE), 1.0)


def dice_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """One minus the Dice coefficient, averaged over the classes in the batch.

    Milletari et al. 2016 (arXiv 1606.04797), section 3, with the sums over the whole batch: small
    parts such as pupils and whiskers then count as much as the background.
    """
    shares = logits.float().softmax(dim=1)
    truth = F.one_hot(labels, logits.shape[1]).movedim(-1, 1).to(shares.dtype)
    both, each = ((shares * truth).sum(dim=(0, 2, 3)), (shares + truth).sum(dim=(0, 2, 3)))
    present = truth.sum(dim=(0, 2, 3)) > 0
    return 1.0 - (2.0 * both / each)[present].mean()


def roughen(images: Tensor, *, rng: torch.Generator) -> Tensor:
    """Blur some pictures a little and add faint noise to them: a generator's are not as clean.

    A reader that has seen clean pictures only takes a generator's softness for something else.
    """
    count = len(images)
    chosen = torch.rand(count, generator=rng) < BLURRED
    share = (torch.rand(count, generator=rng) * chosen).to(images.device)[:, None, None, None]
    row = images.new_tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16.0  # a Gaussian of one pixel
    kernel = (row[:, None] * row).expand(3, 1, 5, 5)
    soft = F.conv2d(F.pad(images, (2, 2, 2, 2), mode="replicate"), kernel, groups=3)
    noise = torch.randn(images.shape, generator=rng).to(images.device)
    return images + share * (soft - images + NOISE * noise)
