"""Teach the world's reader to look twice: which numbers follow from the colours of the parts.

What a finished reader notices in the training pictures is written down first, a few times over,
mirrored and roughened anew each time; then the small network of models/second_look.py learns from
that alone. Offers `train_second_look` and its settings. Read first: read_factors.py.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from hw5.kit import seeding
from hw5.kit.files import atomic_write
from hw5.models.second_look import SecondLook, notice
from hw5.models.world_reader import WorldReader
from hw5.train.batches import Pictures
from hw5.train.loop import cosine
from hw5.train.read_factors import roughen, target_weights
from hw5.world.factors import PARTS
from hw5.world.targets import NUM_TARGETS, targets

_BATCH = 64  # pictures looked at together


@dataclass(frozen=True)
class SecondLookSettings:
    """Numbers of the run; found by trying a few on two cores."""

    pictures: int = 32_768  # size of the training set
    looks: int = 3  # times that as many pictures are drawn from it; 5 minutes each on one core
    # after 6,000 of them with 2 looks, light and coat read no better than after 5,000
    steps: int = 9_000
    batch: int = 256
    rate: float = 1e-3  # AdamW's peak learning rate; falls along half a cosine
    decay: float = 0.05  # AdamW's
    seed: int = 0


def train_second_look(
    reader: WorldReader, folder: Path, settings: SecondLookSettings, *, compiled: bool = True
) -> tuple[SecondLook, dict[str, float]]:
    """Train a second look for a finished reader; return it with the share of variance missed.

    A look that is written down in `folder` is not taken again: a run that was killed goes on.
    """
    torch.manual_seed(settings.seed)
    device = next(reader.parameters()).device
    looks = _looks(reader, folder, settings, compiled=compiled)
    noticed, wanted = (torch.cat(each).to(device) for each in zip(*looks, strict=True))
    network = SecondLook(NUM_TARGETS, len(PARTS)).to(device).train()
    network.settle(noticed)
    missed = _teach(network, noticed, wanted, settings)
    return network.eval(), {"pictures": float(len(noticed)), "missed": missed}


def _teach(
    network: SecondLook, noticed: Tensor, wanted: Tensor, settings: SecondLookSettings
) -> float:
    """Fit `wanted` (P, T) to `noticed` (P, M); a running mean of the share of variance missed."""
    weights = target_weights(settings.pictures).to(noticed)
    optimiser = torch.optim.AdamW(network.parameters(), settings.rate, weight_decay=settings.decay)
    rng, missed = torch.Generator().manual_seed(settings.seed), torch.nan
    for step in range(settings.steps):
        optimiser.param_groups[0]["lr"] = settings.rate * cosine(step / settings.steps)
        chosen = torch.randint(len(noticed), (settings.batch,), generator=rng).to(noticed.device)
        error = network(noticed[chosen]) - wanted[chosen]
        loss = (weights * error.square()).mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        missed = loss.item() if step == 0 else 0.99 * missed + 0.01 * loss.item()
    return missed


def _looks(
    reader: WorldReader, folder: Path, settings: SecondLookSettings, *, compiled: bool
) -> Iterator[tuple[Tensor, Tensor]]:
    """What is noticed (P, M) and the true numbers (P, T), once for each look."""
    device, pictures = next(reader.parameters()).device, None
    folder.mkdir(parents=True, exist_ok=True)
    for look in range(settings.looks):
        path = folder / f"look-{settings.seed}-{look}-{settings.pictures}.pt"
        if not path.exists():
            pictures = pictures or Pictures(
                "train", settings.pictures, device=device, compiled=compiled
            )
            rng = seeding.part(settings.seed, look)
            with atomic_write(path) as temporary:
                torch.save(_look(reader, pictures, rng), temporary)
            print(f"looked {look + 1} of {settings.looks} times", file=sys.stderr, flush=True)
        yield torch.load(path, weights_only=True)


@torch.no_grad()
def _look(reader: WorldReader, pictures: Pictures, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """One look at as many pictures as there are."""
    noticed, wanted = [], []
    for _ in range(0, len(pictures), _BATCH):
        batch = pictures.batch(_BATCH, rng=rng)
        images = roughen(batch.images, rng=rng)
        noticed.append(notice(images, reader.look(images)).cpu())
        wanted.append(targets(batch.factors()))
    return torch.cat(noticed), torch.cat(wanted)
