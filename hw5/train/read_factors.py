"""Train `WorldFeatures`: read the factors and the parts of a picture, supervised.

What it learns to see (pose, eyes, coat, light) is what a perceptual loss at 64 px should see.
Offers `train_features`. Read next: regress.py, which uses the network as its judge.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hw5.models.world_features import WorldFeatures
from hw5.train.batches import Batch, Pictures
from hw5.train.loop import Run, cosine, pick_device
from hw5.world.factors import PARTS
from hw5.world.targets import NUM_TARGETS, targets


@dataclass(frozen=True)
class FeatureSettings:
    """Numbers of the run; found by trying a few on two cores."""

    hours: float = 0.15  # wall clock
    pictures: int = 32_768  # size of the training set, mirror images not counted
    batch: int = 64
    rate: float = 2e-3  # Adam's peak learning rate
    parts_weight: float = 0.5  # of the segmentation's cross-entropy beside the factors' error
    seed: int = 0


def reading_loss(network: WorldFeatures, batch: Batch, parts_weight: float) -> dict[str, Tensor]:
    """Squared error of the factors and cross-entropy of the parts, each a mean."""
    numbers, parts = network.read_and_segment(batch.images)
    wanted = targets(batch.factors()).to(numbers.device)
    # Colour factors range over less of [-1, 1] than others; unit weights treat them alike enough.
    factors = F.mse_loss(numbers, wanted)
    segmentation = F.cross_entropy(parts, batch.parts)
    return {
        "loss": factors + parts_weight * segmentation,
        "factors": factors,
        "parts": segmentation,
    }


def train_features(
    folder: Path, settings: FeatureSettings, *, device: str = "auto", compiled: bool = True
) -> tuple[nn.Module, Mapping[str, float]]:
    """Train for `settings.hours`; return the network and its last averages."""
    where = pick_device(device)
    torch.manual_seed(settings.seed)
    network = WorldFeatures(NUM_TARGETS, len(PARTS)).to(where, memory_format=torch.channels_last)
    optimiser = torch.optim.Adam(network.parameters(), lr=settings.rate)
    pictures = Pictures("train", settings.pictures, device=where, compiled=compiled)
    run = Run(folder, hours=settings.hours)
    parts = {"network": network, "optimiser": optimiser}
    seen = run.resume(parts)
    rng = torch.Generator().manual_seed(settings.seed + seen)
    averages: dict[str, float] = {}
    while not run.finished():
        for group in optimiser.param_groups:
            group["lr"] = settings.rate * cosine(run.progress())
        losses = reading_loss(
            network, pictures.batch(settings.batch, rng=rng), settings.parts_weight
        )
        optimiser.zero_grad(set_to_none=True)
        losses["loss"].backward()
        optimiser.step()
        seen += settings.batch
        for name, value in losses.items():
            averages[name] = 0.99 * averages.get(name, value.item()) + 0.01 * value.item()
        if seen % (50 * settings.batch) == 0:
            run.log({"pictures": seen, **averages})
        if run.due():
            run.save(parts, seen)
    run.save(parts, seen)
    return network, {"pictures": seen, "seconds": run.seconds, **averages}
