"""In-domain inversion: refine an encoder's code, and let the encoder object to leaving its domain.

Zhu, Shen, Zhao and Zhou, "In-Domain GAN Inversion for Real Image Editing", ECCV 2020, arXiv
2004.00049. The second half of the paper, domain-regularised optimisation (eq. 3): start at
z = E(x), then 100 steps of Adam on

    ||x - G(z)||^2 + lambda_vgg ||F(x) - F(G(z))||^2 + lambda_dom ||z - E(G(z))||^2.

An encoder that was trained through the generator answers with codes the generator knows. The last
term asks that z stays such an answer: what E reads in the picture must be what was put in.

Offers `refine`, its settings `InDomain`, the paper's weights `WEIGHTS`, and `domain_regulariser`.
An encoder is anything that makes w+ codes of pictures. Read next: masked.py, which inverts a part.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from hw5.config import LossWeights
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
from hw5.latents import render
from hw5.models.stylegan2_frozen import freeze
from hw5.objective import Score
from hw5.shapes import Codes, Images, Mask, PerPicture

if TYPE_CHECKING:
    from hw5.models.generator import Generator

Encoder = Callable[[Images], Codes]  # pictures (N, 3, H, W) -> w+ (N, L, d), in evaluation mode

# The criterion of eq. 3 without its last term: `defaults.build_criterion(WEIGHTS)`.
# The paper writes norms, its code takes means of squares: so do we. The paper's lambda_vgg of 5e-5
# is for conv4_3 of VGG-16 reading 0 to 255. Were VGG homogeneous, reading [-1, 1] would make its
# features 127.5 times smaller and the weight 5e-5 * 127.5^2 = 0.8; what is left is how much a
# network enlarges what it reads, which no formula tells. So ours is balanced: two different cats of
# the world are 8.7 apart in conv4_3 of world-features (before its ReLU) and 0.32 by squared error,
# and with 0.32 / 8.7 = 0.037 both terms weigh the same.
WEIGHTS = LossWeights(pixel=1.0, norm="l2", perceptual=0.037, layers=("conv4_3",))


@dataclass(frozen=True)
class InDomain(Descent):
    """Settings of the paper and its released code."""

    num_steps: int = 100
    learning_rate: float = 0.01
    # lambda_dom, of the mean over a code's L * d entries. A sum would take 2 / (L * d): 2.8e-4 for
    # the paper's 14 x 512, 1.6e-3 for our 10 x 128. As a mean it says the same for any width: a
    # code whose every entry is read wrong by 1 (about their spread) costs 2.
    domain: float = 2.0

    def __post_init__(self) -> None:
        """Refuse settings that cannot be meant."""
        super().__post_init__()
        check_number("domain", self.domain, low=0)


DEFAULTS = InDomain()


def domain_regulariser(code: Codes, image: Images, encoder: Encoder) -> PerPicture:
    """Task 6.3 (about 3 lines, 10 minutes). Mean squared difference of z and E(G(z)), per picture.

    The last term of eq. 3. It does not pull z towards the encoder's first answer E(x): z may go
    anywhere, as long as the encoder reads it back from the picture it makes.

    Hint: no `detach`: the gradient flows through the code, the encoder and the generator. Expected:
    0 where the encoder inverts the generator; 1 where each entry is off by 1.

    Args:
        code: z of the paper, here w+ (N, L, d).
        image: (N, 3, H, W), G(z).
        encoder: E, pictures to w+ codes.
    """
    # BEGIN SOLUTION task_6_3
    read_back = encoder(image)  # (N, L, d)
    squared = (code - read_back).square()
    return squared.mean(dim=(1, 2))
    # END SOLUTION


def refine(
    generator: Generator,
    target: Images,
    *,
    encoder: Encoder,
    criterion: Score,
    start: Codes | None = None,
    mask: Mask | None = None,
    settings: InDomain = DEFAULTS,
    on_step: OnStep | None = None,
    should_stop: ShouldStop = never,
) -> Inverted:
    """Search w+ from the encoder's codes, held in their domain by the encoder.

    Behind a mask, what the target shows elsewhere has no say in the loss; it still reaches the
    encoder's start.

    Args:
        generator: see models/generator.py; must have w+.
        target: (N, 3, H, W) in [-1, 1], H and W as the generator makes them.
        encoder: pictures to w+ codes; see `Encoder`.
        criterion: called as criterion(image, target, mask, delta), delta what was added to the
            start; the paper's is made from `WEIGHTS`.
        start: w+ (N, L, d) in place of the encoder's answer.
        mask: (N or 1, 1, H, W) in {0, 1}, the pixels that count; None for all.
        settings: see `InDomain`.
        on_step: called with each step's `Step`.
        should_stop: asked before each step.

    Raises:
        InputError: arguments that do not fit, or a loss that is no longer finite.
    """
    check_request(generator, target, mask=mask)
    watch = Stopwatch()
    if start is None:
        with torch.no_grad():
            start = encoder(target)
    check_request(generator, target, start=start)
    generator, start = freeze(generator), start.detach()  # frozen, it draws the same, sooner
    code = as_variable(start)

    def score() -> Scored:
        image = render(generator, code, "w+")
        loss = criterion(image, target, mask, code - start).total
        if settings.domain:
            loss = loss + settings.domain * domain_regulariser(code, image, encoder)
        return Scored(image, code, loss)

    return descend(
        score,
        [code],
        settings,
        method="in-domain",
        space="w+",
        watch=watch,
        on_step=on_step,
        should_stop=should_stop,
    )
