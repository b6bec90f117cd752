"""Progressive reconstruction: first match semantics, then colour and texture.

The lecture's BigGAN slide, after Pan et al., "Exploiting Deep Generative Prior for Versatile Image
Restoration and Manipulation" (DGP), ECCV 2020, arXiv 2003.13659, section 3.2. Pictures are compared
by what the discriminator sees, and the search is let loose in stages: to begin with only
what decides the coarse things may move, and only deep features are asked about; in the end
everything may move, and pixels count.

DGP releases the generator's weights block by block. Here the layers of w+ are released instead,
each of which drives one block: pictures then share a generator and can be searched side by side.

Offers `reconstruct`, its settings `Progressive`, `Stage` and `schedule`. The features come from
models/discriminator_features.py. Read first: image2stylegan.py, which releases all at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from hw5.inversion.descent import (
    Descent,
    OnStep,
    Scored,
    ShouldStop,
    as_variable,
    better_of,
    check_request,
    descend,
    never,
)
from hw5.inversion.inverted import Inverted, Stopwatch
from hw5.kit.checks import check_number
from hw5.latents import render, sample_codes
from hw5.losses import PerceptualLoss, masked_mean, pixel_loss
from hw5.shapes import Codes, Images, PerPicture

if TYPE_CHECKING:
    from hw5.models.features import FeatureNetwork
    from hw5.models.generator import Generator

CHUNK = 50  # candidates rendered at once; bounds memory, changes no picture (ours)


@dataclass(frozen=True)
class Progressive(Descent):
    """Settings of DGP's released scripts, where not said otherwise."""

    # steps of each stage
    num_steps: int = 200
    # ours, for w+; DGP: 2e-3 and falling, for z beside the generator's weights
    learning_rate: float = 0.05
    num_stages: int = 5
    # random codes of which the nearest starts the search
    num_candidates: int = 500
    # deepest layers by which the nearest is found
    num_candidate_layers: int = 3
    # weights in the last stage; before it features weigh 1, and pixels nothing, as the lecture says
    # "first match semantics" (DGP's scripts: 0 or 1)
    last_features: float = 0.5
    last_pixel: float = 10.0  # of the mean squared error on [-1, 1]

    def __post_init__(self) -> None:
        """Refuse settings that cannot be meant."""
        super().__post_init__()
        for name in ("num_stages", "num_candidates", "num_candidate_layers"):
            check_number(name, getattr(self, name), low=1, whole=True)
        for name in ("last_features", "last_pixel"):
            check_number(name, getattr(self, name), low=0)


DEFAULTS = Progressive()


class Stage(NamedTuple):
    """What is searched, and by what it is judged."""

    num_free: int  # layers of w+ that may move, counted from the coarsest
    layers: tuple[str, ...]  # of the discriminator that are compared
    features: float  # weight of their difference
    pixel: float  # weight of the mean squared error


class DiscriminatorLoss(PerceptualLoss):
    """Sum over layers of the mean absolute difference of a discriminator's features, as in DGP."""

    @staticmethod
    def distance(ours: Tensor, theirs: Tensor, mask: Tensor | None = None) -> PerPicture:
        """Mean absolute difference of one layer's features, (N,)."""
        return masked_mean((ours - theirs).abs(), mask)


def schedule(
    num_codes: int, layer_names: tuple[str, ...], settings: Progressive = DEFAULTS
) -> tuple[Stage, ...]:
    """Task 6.4 (about 9 lines, 20 minutes). The stages, from semantics to colour and texture.

    Of K stages, number k = 1 ... K frees the first ceil(k / K * num_codes) layers of w+ and
    compares the last ceil(k / K * F) of the F layers of the discriminator: coarse codes and deep
    features first. Features weigh 1 and pixels 0, up to the last stage, where the weights are
    `settings.last_features` and `settings.last_pixel`.

    Hint: `layer_names[-n:]` are the deepest n. `-(-a // b)` is a / b rounded up, without the
    rounding errors of floats. Expected, for 10 codes, 4 layers and 5 stages: 2, 4, 6, 8, 10 codes
    and 1, 2, 3, 4, 4 layers.

    Args:
        num_codes: L of w+.
        layer_names: of the discriminator, from the picture to the decision.
        settings: `num_stages`, `last_features` and `last_pixel` are used.
    """
    # BEGIN SOLUTION task_6_4
    total, stages = settings.num_stages, []
    for k in range(1, total + 1):
        num_free = -(-k * num_codes // total)
        num_layers = -(-k * len(layer_names) // total)
        features, pixel = (1.0, 0.0)
        if k == total:
            features, pixel = settings.last_features, settings.last_pixel
        stages.append(Stage(num_free, layer_names[-num_layers:], features, pixel))
    return tuple(stages)
    # END SOLUTION


def reconstruct(
    generator: Generator,
    target: Images,
    *,
    features: FeatureNetwork,
    settings: Progressive = DEFAULTS,
    rng: torch.Generator,
    on_step: OnStep | None = None,
    should_stop: ShouldStop = never,
) -> Inverted:
    """Search w+ from the nearest of many random codes, coarse layers first.

    Each stage begins at the best code of the one before and has a loss of its own: history jumps
    between them, and the answer's loss is the last stage's.

    Args:
        generator: see models/generator.py; must have w+.
        target: (N, 3, H, W) in [-1, 1], H and W as the generator makes them.
        features: `DiscriminatorFeatures` of the generator's discriminator, or any feature network.
        settings: see `Progressive`.
        rng: source of the candidates.
        on_step: called with each step's `Step`, numbered through all stages.
        should_stop: asked before each step; once true, no further stage begins.

    Raises:
        InputError: arguments that do not fit, or a loss that is no longer finite.
    """
    check_request(generator, target)
    watch = Stopwatch()
    deepest = features.layer_names[-settings.num_candidate_layers :]
    distance = DiscriminatorLoss(features, dict.fromkeys(deepest, 1.0))
    found = nearest_samples(
        generator, target, distance, settings, watch=watch, should_stop=should_stop, rng=rng
    )
    for stage in schedule(generator.num_layers, features.layer_names, settings):
        loss = DiscriminatorLoss(features, dict.fromkeys(stage.layers, stage.features))
        free = as_variable(found.code[:, : stage.num_free])
        score = stage_score(generator, target, free, found.code, loss, stage.pixel)
        report = {"watch": watch, "on_step": on_step, "should_stop": should_stop}
        found = descend(
            score, [free], settings, method="progressive", space="w+", before=found, **report
        )
        if found.stopped == "cancelled":
            break
    return found


def stage_score(
    generator: Generator,
    target: Images,
    free: Codes,
    code: Codes,
    loss: DiscriminatorLoss,
    pixel: float,
) -> Callable[[], Scored]:
    """The loss of one stage, as a function of `free`, the first layers of w+ (N, num_free, d).

    The other layers stay as they are in `code` (N, L, d).
    """
    fixed = code[:, free.shape[1] :]

    def score() -> Scored:
        w_plus = torch.cat([free, fixed], dim=1)  # (N, L, d)
        image = render(generator, w_plus, "w+")
        total = loss(image, target)
        if pixel:
            total = total + pixel * pixel_loss(image, target, norm="l2")
        return Scored(image, w_plus, total)

    return score


@torch.no_grad()
def nearest_samples(
    generator: Generator,
    target: Images,
    distance: DiscriminatorLoss,
    settings: Progressive,
    *,
    watch: Stopwatch,
    should_stop: ShouldStop,
    rng: torch.Generator,
) -> Inverted:
    """For each target the nearest of the same random pictures; each counts as one evaluation."""
    best, evaluations = None, 0
    for first in range(0, settings.num_candidates, CHUNK):
        if first and should_stop():
            break
        count = min(CHUNK, settings.num_candidates - first)
        codes = sample_codes(generator, "w+", count, rng=rng)
        images = render(generator, codes, "w+")
        losses = torch.stack([distance(images, picture[None]) for picture in target])  # (N, count)
        lowest, which = losses.min(dim=1)
        best = better_of(best, Scored(images[which], codes[which], lowest))
        evaluations += count
    return Inverted(
        method="progressive",
        image=best.image,
        code=best.code,
        space="w+",
        loss=best.loss,
        seconds=watch.seconds(),
        evaluations=evaluations,
        settings=settings,
    )
