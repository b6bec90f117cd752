"""Warm start of a generator: show it the picture that belongs to each code.

Generative latent optimisation (Bojanowski et al. 2018, eq. 1) with the codes known beforehand
(pairs.py) instead of learned: minimise |G(w) - x| plus a perceptual distance. It teaches where
eyes and ears go within minutes on two cores, what a discriminator alone needs hours for; it is
blind to fine texture, which adversarial.py adds afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from hw5.models.feature_network import FeatureNetwork
from hw5.models.generator import Generator
from hw5.train.batches import Batch, Pictures
from hw5.train.loop import ExponentialAverage, Run, cosine, sample_codes
from hw5.train.pairs import codes_of, styles_of


@dataclass(frozen=True)
class RegressSettings:
    """Numbers of the warm start; found by trying a few on two cores."""

    hours: float = 0.6
    # picture size and share of the hours; small first: at 16 px a step costs a quarter
    stages: tuple[tuple[int, float], ...] = ((16, 0.2), (32, 0.3), (64, 0.5))
    pictures: int = 32_768  # size of the training set, mirror images not counted
    batch: int = 8  # small: at equal time, 8 was far ahead of 32
    rate: float = 4e-3  # Adam's peak learning rate
    perceptual: float = 0.3  # weight of the feature distance beside the pixel distance
    layers: tuple[str, ...] = ("conv1_2", "conv2_2", "conv3_3")  # of WorldFeatures
    half_life: float = 4_000  # of the weight average, pictures
    seed: int = 0


def feature_distance(
    features: FeatureNetwork, layers: tuple[str, ...], output: Tensor, target: Tensor
) -> Tensor:
    """Mean absolute difference of feature maps, each layer relative to its own mean size."""
    with torch.no_grad():
        wanted = features(target, layers)
    found = features(output, layers)
    return sum(
        (found[name] - wanted[name]).abs().mean() / wanted[name].abs().mean() for name in layers
    ) / len(layers)


def regress(
    generator: Generator,
    features: FeatureNetwork,
    pictures: Pictures,
    folder: Path,
    settings: RegressSettings,
) -> tuple[Generator, dict[str, float]]:
    """Train `generator` on pairs for `settings.hours`; return its average and the last losses."""
    average = ExponentialAverage(generator, half_life=settings.half_life)
    optimiser = torch.optim.Adam(taught(generator), settings.rate, betas=(0.9, 0.99))
    run = Run(folder, hours=settings.hours)
    parts = {"generator": generator, "average": average.network, "optimiser": optimiser}
    seen = run.resume(parts)
    rng = torch.Generator().manual_seed(settings.seed + seen)
    grid, means = sample_codes(generator), {}
    while not run.finished():
        optimiser.param_groups[0]["lr"] = settings.rate * cosine(run.progress())
        batch = pictures.batch(settings.batch, rng=rng)
        losses = pair_losses(generator, features, batch, settings, run.progress(), rng)
        optimiser.zero_grad(set_to_none=True)
        (losses["pixel"] + settings.perceptual * losses["perceptual"]).backward()
        optimiser.step()
        seen += settings.batch
        average.update(generator, pictures=settings.batch, seen=seen)
        for name, value in losses.items():
            means[name] = 0.98 * means.get(name, value.item()) + 0.02 * value.item()
        if (seen // settings.batch) % 100 == 0:
            run.log({"pictures": seen, "seconds": run.elapsed(), **means})
        if run.due():
            run.save(parts, seen)
            run.snapshot(average.network, grid, seen)
    run.save(parts, seen)
    run.snapshot(average.network, grid, seen)
    return average.network, {"pictures": seen, "seconds": run.seconds, **means}


def pair_losses(
    generator: Generator, features: FeatureNetwork, batch: Batch, settings: RegressSettings,
    progress: float, rng: torch.Generator,
) -> dict[str, Tensor]:  # fmt: skip
    """Pixel and perceptual distance between the picture of a code and the one that belongs to it.

    A style-based generator is given w; its mapping network is taught afterwards (fit_mapping.py).
    """
    where, size, target = batch.images.device, batch.images.shape[-1], batch.images
    if "w" in generator.spaces:
        w = styles_of(batch.factors(), generator.w_dim).to(where)
        size = stage_size(settings.stages, progress)
        output = generator.coarse(w[:, None].expand(-1, generator.num_layers, -1), size)
        target = F.interpolate(target, (size, size), mode="area")
    else:
        z = codes_of(batch.scores, generator.z_dim, mirrored=batch.mirrored, rng=rng)
        output = generator(z.to(where))
    losses = {"pixel": F.l1_loss(output, target), "perceptual": output.new_zeros(())}
    if size >= 32:  # the feature network has not seen smaller pictures
        losses["perceptual"] = feature_distance(features, settings.layers, output, target)
    return losses


def stage_size(stages: tuple[tuple[int, float], ...], progress: float) -> int:
    """Side in pixels of the pictures at this share of the hours."""
    for size, share in stages:
        progress -= share
        if progress < 0:
            return size
    return stages[-1][0]


def taught(generator: Generator) -> list[torch.nn.Parameter]:
    """The weights that the pairs teach: all but those of a mapping network."""
    return [p for name, p in generator.named_parameters() if not name.startswith("mapping.")]
