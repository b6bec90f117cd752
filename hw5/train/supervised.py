"""The loop of networks that are told the right answer: factors and parts of the world's pictures.

Offers `Supervision`, its numbers, and `supervise`. Which question is asked is in read_factors.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from hw5.kit import devices
from hw5.kit.precision import mixed, precision
from hw5.train.batches import Batch, Pictures
from hw5.train.loop import Run, cosine, repeat

Network = TypeVar("Network", bound=nn.Module)
Losses = Callable[[nn.Module, Batch, torch.Generator], dict[str, Tensor]]  # "loss" is minimised


@dataclass(frozen=True)
class Supervision:
    """Numbers of the run; found by trying a few on two cores."""

    hours: float = 0.15  # wall clock
    pictures: int = 32_768  # size of the training set, mirror images not counted
    batch: int = 64
    rate: float = 2e-3  # Adam's peak learning rate; falls along half a cosine
    seed: int = 0


def supervise(
    network: Network, losses_of: Losses, folder: Path, settings: Supervision, *,
    device: str = "auto", compiled: bool = True,
) -> tuple[Network, Mapping[str, float]]:  # fmt: skip
    """Train `network` for `settings.hours`; return it with the last averages of its losses."""
    where = devices.pick(device)
    network = network.to(where, memory_format=torch.channels_last).train()
    optimiser = torch.optim.Adam(network.parameters(), lr=settings.rate)
    pictures = Pictures("train", settings.pictures, device=where, compiled=compiled)
    run, dtype = Run(folder, hours=settings.hours), precision(where)
    parts = {"network": network, "optimiser": optimiser}

    def step(seen: int, progress: float, rng: torch.Generator) -> dict[str, float]:
        for group in optimiser.param_groups:
            group["lr"] = settings.rate * cosine(progress)
        batch = pictures.batch(settings.batch, rng=rng)
        with mixed(where, dtype):
            losses = losses_of(network, batch, rng)
        optimiser.zero_grad(set_to_none=True)
        losses["loss"].backward()
        optimiser.step()
        return {name: value.item() for name, value in losses.items()}

    return network, repeat(run, parts, step, batch=settings.batch, seed=settings.seed, log_every=50)
