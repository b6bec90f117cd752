"""Generator fine-tuning: search the code and the weights together, the weights on a leash.

The lecture's second remedy for a picture that no code reaches:
z*, theta* = arg min L(G(z; theta), x) + lambda R(theta). Bau et al. 2019, "Semantic Photo
Manipulation with a Generative Image Prior" (arXiv 2005.07727), tunes layers for one picture; Pan et
al. 2020, "Exploiting Deep Generative Prior" (arXiv 2003.13659), code and weights at once.

R is on weights here, not on pictures: their mean squared distance from the shipped ones. A leash on
pictures is pti.py's locality regulariser. Offers `fine_tune`, its settings `FineTuning` and
`weight_distance`. Read next: pti.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor

from hw5.inversion.descent import OnStep, check_request
from hw5.inversion.inverted import Inverted, Stopwatch
from hw5.inversion.tuning import Evaluation, Tuning, Weights, tune
from hw5.kit.checks import check_number
from hw5.latents import render
from hw5.objective import Score
from hw5.shapes import Codes, Images, Scalar

if TYPE_CHECKING:
    from hw5.models.generator import Generator


@dataclass(frozen=True)
class FineTuning(Tuning):
    """How to tune code and weights together."""

    # Adam's step size for the code; in-domain inversion's (Zhu et al. 2020). 0: weights only
    code_rate: float = 0.01
    # lambda, weight of R(theta) beside the criterion's total. Ours: 40 steps on the shipped
    # generator then keep three quarters of their gain, and other pictures change half as much
    leash: float = 1000.0

    def __post_init__(self) -> None:
        """Refuse settings that cannot be meant."""
        super().__post_init__()
        check_number("code_rate", self.code_rate, low=0)
        check_number("leash", self.leash, low=0)


DEFAULTS = FineTuning()


def weight_distance(now: Mapping[str, Tensor], shipped: Mapping[str, Tensor]) -> Scalar:
    """Task 6.9 (about 3 lines, 10 minutes). R(theta): how far the weights went.

    R = sum_p ||theta_p - shipped_p||^2 / (number of weights), the sum over all parameters p. As a
    mean it means the same for a small and a large network. (As a share of the weights' own size it
    would not: a mapping network stores its weights a hundred times too large.)

    Hint: `zip` would trust the order of two dicts; ask `now` for each name of `shipped`. A mean of
    the parameters' means would count a bias like a kernel. Expected: 0 for the shipped weights, 1
    where each is off by 1.

    Args:
        now: parameter name -> weights of any shape.
        shipped: the same names, the weights as they were.
    """
    # BEGIN SOLUTION task_6_9
    moved = sum((now[name] - old).square().sum() for name, old in shipped.items())
    count = sum(old.numel() for old in shipped.values())
    return moved / count
    # END SOLUTION


def fine_tune(
    generator: Generator,
    target: Images,
    *,
    criterion: Score,
    start: Codes,
    space: str = "w+",
    settings: FineTuning = DEFAULTS,
    on_step: OnStep | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Inverted:
    """Search codes and the weights that all pictures share, from `start` and the shipped weights.

    Args:
        generator: see models/generator.py; restored bit for bit before this returns.
        target: (N, 3, H, W) in [-1, 1], H and W as the generator makes them.
        criterion: called as criterion(image, target, mask, delta); gives `losses.Loss`.
        start: z (N, d), w (N, 1, d) or w+ (N, L, d), such as another method's `code`.
        space: of `start`.
        settings: see there.
        on_step: called with each step's `Step`.
        should_stop: asked before each step; once true, the best so far is returned.

    Returns:
        With `tuned`, the difference that `tuned.tuned` applies before `code` renders to `image`.
        The loss is the criterion's total plus the leash.

    Raises:
        InputError: arguments that do not fit, or a loss that is no longer finite.
    """
    check_request(generator, target, start=start, space=space)
    code = start.detach().clone().requires_grad_(settings.code_rate > 0)

    def evaluate(weights: Weights, before: Mapping[str, Tensor]) -> Evaluation:
        image = render(generator, code, space)
        fit = criterion(image, target, None, code - start).total  # (N,)
        loss = fit + settings.leash * weight_distance(weights, before)
        return Evaluation(image, loss, loss.mean())

    return tune(
        generator, code, evaluate, settings, method="fine-tune", space=space,
        code_rate=settings.code_rate, watch=Stopwatch(), on_step=on_step, should_stop=should_stop,
    )  # fmt: skip
