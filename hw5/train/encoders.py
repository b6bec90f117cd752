"""What the trainings of all encoders share: settings, the loop, the grid of pairs, the figures.

Offers `Lesson` (one method: its networks and its loss), `train_encoder`, `fresh_encoder`,
`reconstruct` and `measure`. Read next, one published method each: encode_samples.py,
encode_domain.py, encode_offsets.py.
"""

from __future__ import annotations

import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from hw5.kit.precision import mixed, precision
from hw5.models.encoder import Encoder
from hw5.models.feature_network import FeatureNetwork
from hw5.models.stylegan2 import StyleGAN2
from hw5.train.loop import ExponentialAverage, Run, cosine, repeat
from hw5.train.quality import PACKAGES

# (how many, source of random numbers) -> pictures (N, 3, H, W) in [-1, 1] on the training device
Draw = Callable[[int, torch.Generator], Tensor]

COLUMNS = 8  # pictures in a row of the sample grid
LOG_EVERY = 50  # steps
_MEASURED = 50  # pictures at a time


@dataclass(frozen=True)
class EncoderSettings:
    """Numbers that every method has."""

    hours: float = 1.0  # wall clock
    batch: int = 16  # idinvert's, per device; pSp and e4e: 8
    # Adam's peak. idinvert, pSp and e4e: 1e-4, for 10^5 to 10^6 steps. Two cores take 10^4; over
    # their first 50, 3e-4 and 1e-3 were level and 3e-3 was behind
    rate: float = 1e-3
    half_life: float = 4_000  # of the weight average, pictures; as in regress.py
    go_on: bool = False  # the encoder is a shipped one: the average is worth its half-life
    seed: int = 0


class Lesson(ABC):
    """One way to teach an encoder: whose weights move, and by which loss."""

    columns: tuple[str, ...]  # names of the losses in the log

    def __init__(self, encoder: Encoder, generator: StyleGAN2, settings: EncoderSettings) -> None:
        """Freeze `generator`, and make the optimiser and the running average of `encoder`."""
        self.encoder = encoder.train().to(memory_format=torch.channels_last)
        self.generator = generator.eval().requires_grad_(False)
        self.settings = settings
        self.average = ExponentialAverage(
            encoder, half_life=settings.half_life, trained=settings.go_on
        )
        # betas of idinvert's Adam
        self.optimiser = torch.optim.Adam(encoder.parameters(), settings.rate, betas=(0.9, 0.99))
        self.device = next(encoder.parameters()).device
        self.dtype = precision(self.device)

    @abstractmethod
    def losses(self, progress: float, rng: torch.Generator) -> dict[str, Tensor]:
        """Losses of one batch by name; "loss" is the one that the encoder minimises."""

    def parts(self) -> dict[str, Any]:
        """What a checkpoint holds."""
        return {
            "encoder": self.encoder, "average": self.average.network, "optimiser": self.optimiser,
        }  # fmt: skip

    def step(self, seen: int, progress: float, rng: torch.Generator) -> dict[str, float]:
        """Take one step; the losses it started from.

        Args:
            seen: Pictures so far.
            progress: Share of the plan that is done, in [0, 1]; it sets the rate.
            rng: Source of the step's random numbers.
        """
        self.optimiser.param_groups[0]["lr"] = self.settings.rate * cosine(progress)
        with mixed(self.device, self.dtype):
            losses = self.losses(progress, rng)
        self.optimiser.zero_grad(set_to_none=True)
        losses["loss"].backward()
        self.optimiser.step()
        self.average.update(self.encoder, pictures=self.settings.batch, seen=seen)
        return {name: value.item() for name, value in losses.items()}


def feature_loss(features: FeatureNetwork, layer: str, output: Tensor, target: Tensor) -> Tensor:
    """Mean squared difference of one layer's features, the perceptual term of the published loss.

    Args:
        features: Frozen network.
        layer: One of its layers.
        output: (N, 3, H, W), the only one that the gradient reaches.
        target: (N, 3, H, W) in [-1, 1].
    """
    with torch.no_grad():
        wanted = features(target, (layer,))[layer].float()
    return F.mse_loss(features(output, (layer,))[layer].float(), wanted)


def fresh_encoder(generator: StyleGAN2, config: Mapping[str, Any] | None = None) -> Encoder:
    """An encoder for `generator` that answers with its average w; `config`: the builder's rest."""
    encoder = Encoder(
        w_dim=generator.w_dim,
        num_layers=generator.num_layers,
        image_size=generator.image_size,
        **(config or {}),
    )
    encoder.start_at(generator.mapping.w_avg)
    return encoder.to(generator.mapping.w_avg.device)


def train_encoder(
    lesson: Lesson, shown: Tensor, folder: Path, *, hours: float
) -> tuple[Encoder, dict[str, float]]:
    """Train for `hours`; return the average of the encoder's weights and the last losses.

    Args:
        lesson: What to teach.
        shown: Pictures (N, 3, H, W) of the sample grids, which show them over what became of them.
        folder: Of the run: checkpoint, log, grids; a run that is there goes on.
        hours: Wall clock.
    """
    run, average = Run(folder, hours=hours), lesson.average.network

    def show(seen: int) -> None:
        found = reconstruct(average, lesson.generator, shown)
        run.snapshot(average, pairs(shown, found.to(shown)), seen)

    return average, repeat(
        run, lesson.parts(), lesson.step, batch=lesson.settings.batch, seed=lesson.settings.seed,
        columns=lesson.columns, log_every=LOG_EVERY, on_save=show,
    )  # fmt: skip


def pairs(above: Tensor, below: Tensor) -> Tensor:
    """Both batches (N, 3, H, W) in one, ordered so that a grid shows each pair in one column."""
    rows = zip(above.split(COLUMNS), below.split(COLUMNS), strict=True)
    return torch.cat([picture for row in rows for picture in row])


@torch.no_grad()
def reconstruct(encoder: Encoder, generator: StyleGAN2, images: Tensor) -> Tensor:
    """What the generator makes of the encoder's codes, (N, 3, H, W), not clamped."""
    where = next(encoder.parameters()).device
    made = [generator.synthesize(encoder(part.to(where))) for part in images.split(_MEASURED)]
    return torch.cat(made)


def measure(
    encoder: Encoder, generator: StyleGAN2, images: Tensor, *, split: str = "test"
) -> dict[str, float]:
    """MSE, PSNR and LPIPS of reconstructions, means over pictures.

    MSE is per channel and pixel on [-1, 1]. No LPIPS where the packages for it are missing: a bare
    machine trains, another one measures.

    Args:
        encoder: In evaluation mode.
        generator: The one it was trained for.
        images: (N, 3, H, W) in [-1, 1].
        split: What the figures are named after: train if the encoder has seen the pictures.
    """
    found = reconstruct(encoder, generator, images).clamp(-1.0, 1.0).cpu()
    images = images.cpu()
    error = (found - images).square().mean(dim=(1, 2, 3))  # (N,)
    figures = {
        f"{split}_mse": error.mean().item(),
        f"{split}_psnr": (10.0 * (4.0 / error).log10()).mean().item(),
        f"{split}_pictures": float(len(images)),
    }
    if all(importlib.util.find_spec(name) for name in ("lpips", *PACKAGES)):
        figures[f"{split}_lpips"] = _lpips(found, images)
    return figures


@torch.no_grad()
def _lpips(found: Tensor, images: Tensor) -> float:
    from hw5.metrics.perceptual import lpips_metric  # needs lpips, which a bare machine has not

    ruler = lpips_metric()
    both = zip(found.split(_MEASURED), images.split(_MEASURED), strict=True)
    return torch.cat([ruler(ours, theirs) for ours, theirs in both]).mean().item()
