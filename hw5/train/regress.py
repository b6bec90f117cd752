"""Warm start of a generator: show it the picture that belongs to each code.

Generative latent optimisation (Bojanowski et al. 2018, eq. 1) with the codes known beforehand
(pairs.py) instead of learned: minimise |G(w) - x| plus a perceptual distance. It teaches where
eyes and ears go within minutes on two cores, what a discriminator alone needs hours for; it is
blind to fine texture, which adversarial.py adds afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from hw5.kit.precision import mixed, precision
from hw5.models.feature_network import FeatureNetwork
from hw5.models.generator import Generator
from hw5.train.batches import Batch, Pictures
from hw5.train.loop import ExponentialAverage, Run, cosine, repeat
from hw5.train.pairs import codes_of, factors_of, styles_of
from hw5.world.factors import NUM_DRAWS

Comparison = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
SMALLEST_JUDGED = 32  # pixels; the feature network has seen nothing smaller


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
        (found[name].float() - wanted[name]).abs().mean() / wanted[name].float().abs().mean()
        for name in layers
    ) / len(layers)


def regress(
    generator: Generator,
    features: FeatureNetwork,
    pictures: Pictures,
    folder: Path,
    settings: RegressSettings,
    *,
    compiled: bool = False,
) -> tuple[Generator, dict[str, float]]:
    """Train `generator` on pairs for `settings.hours`; return its average and the last losses."""
    average = ExponentialAverage(generator, half_life=settings.half_life)
    optimiser = torch.optim.Adam(taught(generator), settings.rate, betas=(0.9, 0.99))
    run = Run(folder, hours=settings.hours, again=False)
    parts = {"generator": generator, "average": average.network, "optimiser": optimiser}
    compare = comparison(generator, features, settings, compiled=compiled)
    grid = torch.randn(64, NUM_DRAWS, generator=torch.Generator().manual_seed(1))

    def step(seen: int, progress: float, rng: torch.Generator) -> dict[str, float]:
        optimiser.param_groups[0]["lr"] = settings.rate * cosine(progress)
        batch = pictures.batch(settings.batch, rng=rng)
        losses = pair_losses(generator, batch, settings, progress, rng, compare)
        optimiser.zero_grad(set_to_none=True)
        (losses["pixel"] + settings.perceptual * losses["perceptual"]).backward()
        optimiser.step()
        average.update(generator, pictures=settings.batch, seen=seen)
        return {name: value.item() for name, value in losses.items()}

    def show(seen: int) -> None:
        run.snapshot(average.network, known_cats(average.network, grid), seen)

    return average.network, repeat(
        run, parts, step, batch=settings.batch, seed=settings.seed, on_save=show
    )


def pair_losses(
    generator: Generator, batch: Batch, settings: RegressSettings, progress: float,
    rng: torch.Generator, compare: Comparison,
) -> dict[str, Tensor]:  # fmt: skip
    """Pixel and perceptual distance between the picture of a code and the one that belongs to it.

    A style-based generator is given w; its mapping network is taught afterwards (fit_mapping.py).
    """
    target = batch.images
    if "w" in generator.spaces:
        code = styles_of(batch.factors(), generator.w_dim)
        size = stage_size(settings.stages, progress)
        target = F.interpolate(target, (size, size), mode="area")
    else:
        code = codes_of(batch.scores, generator.z_dim, mirrored=batch.mirrored, rng=rng)
    pixel, perceptual = compare(code.to(target.device), target)
    return {"pixel": pixel, "perceptual": perceptual}


def comparison(
    generator: Generator, features: FeatureNetwork, settings: RegressSettings, *, compiled: bool
) -> Comparison:
    """Return the function (codes, targets) -> (pixel, perceptual) distance.

    Compiled it is about 1.2 times as fast on two cores, for a minute's work per picture size.
    """

    def compare(code: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        size = target.shape[-1]
        with mixed(device, dtype):
            if "w" in generator.spaces:
                w_plus = code[:, None].expand(-1, generator.num_layers, -1)
                output = generator.coarse(w_plus, size, noise="none")
            else:
                output = generator(code)
            pixel = F.l1_loss(output.float(), target)
            if size < SMALLEST_JUDGED:
                return pixel, torch.zeros_like(pixel)
            return pixel, feature_distance(features, settings.layers, output, target)

    device = next(generator.parameters()).device
    dtype = precision(device)
    return torch.compile(compare, dynamic=False) if compiled else compare


@torch.no_grad()
def known_cats(generator: Generator, score: Tensor) -> Tensor:
    """Pictures `(N, 3, H, W)` of the cats with these scores, past the mapping network if any."""
    where, plain = next(generator.parameters()).device, torch.zeros(len(score))
    if "w" in generator.spaces:
        w = styles_of(factors_of(score, plain), generator.w_dim)
        return generator.synthesize(w[:, None].expand(-1, generator.num_layers, -1).to(where))
    rng = torch.Generator().manual_seed(0)
    return generator(codes_of(score, generator.z_dim, mirrored=plain, rng=rng).to(where))


def stage_size(stages: tuple[tuple[int, float], ...], progress: float) -> int:
    """Side in pixels of the pictures at this share of the hours."""
    for size, share in stages:
        progress -= share
        if progress < 0:
            return size
    return stages[-1][0]


def taught(generator: Generator) -> list[torch.nn.Parameter]:
    """The weights that the pairs teach: all that may learn, but none of a mapping network."""
    weights = generator.named_parameters()
    return [p for name, p in weights if p.requires_grad and not name.startswith("mapping.")]
