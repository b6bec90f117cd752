"""Image2StyleGAN: any picture has a w+ code, if one searches long enough.

Abdal, Qin and Wonka, "Image2StyleGAN: How to Embed Images Into the StyleGAN Latent Space?", ICCV
2019, arXiv 1904.03189, algorithm 1 (also in the in-domain talk): from the mean code, by Adam,

    w* = argmin_w L_percept(G(w), I) + lambda / N * ||G(w) - I||^2   (eq. 1),

with N the numbers in the picture. The baseline of in-domain inversion: the closest pictures, from
codes far off the beaten track (`latents.distance_from_mean` says how far), which edit badly.

Offers `embed`, its settings `Image2StyleGAN`, and `embedding_loss`. Read next: in_domain.py, which
stays where the generator is at home.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from hw5.inversion.descent import (
    Descent,
    OnStep,
    Scored,
    ShouldStop,
    as_variable,
    check_request,
    descend,
    never,
)
from hw5.inversion.inverted import Inverted, Stopwatch
from hw5.kit.checks import check_number
from hw5.latents import mean_code, render
from hw5.losses import PerceptualLoss
from hw5.models.stylegan2_frozen import freeze
from hw5.shapes import Images, PerPicture

if TYPE_CHECKING:
    from hw5.models.features import FeatureNetwork
    from hw5.models.generator import Generator


@dataclass(frozen=True)
class Image2StyleGAN(Descent):
    """Settings of the paper, where not said otherwise."""

    # starter; paper: 5,000, at 1024 px
    num_steps: int = 1000
    learning_rate: float = 0.01
    # layers compared, each with weight 1 (lambda_j of eq. 2); paper: those names in VGG-16, whose
    # features have another scale. The perceptual term leads here too: with world-features, two
    # different cats are 10.6 apart by it, and 0.32 by squared error.
    layers: tuple[str, ...] = ("conv1_1", "conv1_2", "conv3_2", "conv4_2")
    # lambda, weight of the mean squared error
    pixel: float = 1.0
    # random codes averaged for the start; starter
    num_mean: int = 10_000

    def __post_init__(self) -> None:
        """Refuse settings that cannot be meant."""
        super().__post_init__()
        check_number("pixel", self.pixel, low=0)
        check_number("num_mean", self.num_mean, low=1, whole=True)


DEFAULTS = Image2StyleGAN()


def embedding_loss(
    image: Images, target: Images, perceptual: PerceptualLoss, weight: float
) -> PerPicture:
    """Task 6.2 (about 4 lines, 10 minutes). Perceptual loss + weight / N * squared error; eq. 1.

    N counts the numbers in one picture, 3 * H * W, so that the squared error becomes a mean. The
    paper's perceptual loss (eq. 2) is a sum over layers of mean squared differences: exactly what
    a `PerceptualLoss` with weights of 1 gives.

    Hint: sum over all axes but the first; `image[0].numel()` is N. Expected: 0 for equal pictures;
    4 * weight between black and white, if the perceptual loss is blind.

    Args:
        image: (N, 3, H, W), rendered.
        target: (N, 3, H, W) in [-1, 1].
        perceptual: as perceptual(image, target), one number per picture.
        weight: lambda.
    """
    # BEGIN SOLUTION task_6_2
    difference = image - target
    squared_error = difference.square().sum(dim=(1, 2, 3))  # (N,)
    num_values = image[0].numel()
    return perceptual(image, target) + weight / num_values * squared_error
    # END SOLUTION


def embed(
    generator: Generator,
    target: Images,
    *,
    features: FeatureNetwork,
    settings: Image2StyleGAN = DEFAULTS,
    rng: torch.Generator,
    on_step: OnStep | None = None,
    should_stop: ShouldStop = never,
) -> Inverted:
    """Search w+ from the mean code, one code per target.

    Args:
        generator: see models/generator.py; must have w+.
        target: (N, 3, H, W) in [-1, 1], H and W as the generator makes them.
        features: network of the perceptual loss, such as `defaults.open_features()`.
        settings: see `Image2StyleGAN`; other networks name their `layers` differently.
        rng: source of the codes that are averaged.
        on_step: called with each step's `Step`.
        should_stop: asked before each step.

    Raises:
        InputError: arguments that do not fit, or a loss that is no longer finite.
    """
    check_request(generator, target)
    watch = Stopwatch()
    generator = freeze(generator)  # it draws the same, sooner
    perceptual = PerceptualLoss(features, dict.fromkeys(settings.layers, 1.0))
    start = mean_code(generator, "w+", num_samples=settings.num_mean, rng=rng)
    code = as_variable(start.expand(len(target), -1, -1))

    def score() -> Scored:
        image = render(generator, code, "w+")
        return Scored(image, code, embedding_loss(image, target, perceptual, settings.pixel))

    return descend(
        score,
        [code],
        settings,
        method="image2stylegan",
        space="w+",
        watch=watch,
        on_step=on_step,
        should_stop=should_stop,
    )
