"""The fastest way that we know to a given quality: a good start, then L-BFGS in the right metric.

What each part saves is measured, and drawn, by `python -m hw5 bench fastest --page fastest.html`:
evaluations to the loss that Adam, at the best of three rates for each picture, has after 100 from
the mean; median of eight test pictures, 64 px, w+, squared pixels and features:

- quasi-Newton steps instead of Adam's: 31;
- from an encoder's code instead of the mean: 20;
- in the metric of curvature.py: 7.5.

A frozen generator (models/stylegan2_frozen.py) makes each evaluation cheaper, 0.79 of the time, and
with eight pictures side by side it takes 0.48 for each.

What did not pay, by the same command: the metric without a good start, 37, and a quarter of the
pictures never got there. Nor did three of the eight by Gauss-Newton steps (gauss_newton.py) from
the encoder's code, and the median price is 81: late in a search the linear model that they solve
promises more than the picture keeps, so what makes the end slow is not curvature but that J itself
changes. Nor, as a rule, bfloat16 (`precision`): ten times slower on a processor without
instructions for it; on one that has them an evaluation took 0.96 of the time, and 100 ended at a
loss a quarter higher. Tried by hand, and no help either: the curvatures at the picture's own
solution, Adam in the metric, weights with channels last, a start from the mean of three encoders'
codes (nearer at first, level after thirty evaluations), a network that was taught to make the first
steps from gradient and picture (twelve minutes of training: level for five evaluations, then
behind).

Pictures of a batch share the work and nothing else: each has a memory (lbfgs.py) and a step length
of its own. Offers `fastest` and its settings `Fastest`. Read next: improvements.py, which takes it
apart, and hw5/bench/inversion.py, which races it against the starter's loop.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from hw5.config import PRECISIONS
from hw5.inversion.curvature import Curvature
from hw5.inversion.descent import OnStep, check_request
from hw5.inversion.inverted import Inverted, Step, Stopwatch
from hw5.inversion.lbfgs import Memory
from hw5.kit.checks import check_choice, check_number
from hw5.kit.precision import chosen, mixed
from hw5.latents import mean_code, render
from hw5.models.stylegan2_frozen import freeze
from hw5.objective import Score
from hw5.shapes import Codes, Images, PerPicture

if TYPE_CHECKING:
    from hw5.models.generator import Generator

Encoder = Callable[[Images], Codes]  # pictures (N, 3, H, W) to w+ (N, L, d)


@dataclass(frozen=True)
class Fastest:
    """How to search. All numbers are ours, measured on a few pictures of the test split."""

    # evaluations of each picture; half of the pictures are as near by LPIPS as 1,000 steps of Adam
    # from the mean take them after 22 (`bench inversion`)
    num_evaluations: int = 60
    # steps remembered; 12 took a tenth more evaluations, 60 took as many
    memory: int = 30
    # curvature below which directions are treated alike, as a share of the largest. Evaluations to
    # one and the same loss, median of 24 pictures: 35 with 0.001, 34.5 with 0.0005, 33 with 0.0002,
    # which is slower by LPIPS; 41 with 0.002 and the newest move's scale (lbfgs.py)
    damping: float = 0.0005
    # factor of a step that would have raised the loss; hardly one did
    shorten: float = 0.4
    # length of the first step, in units of w, where no curvature is known
    first_step: float = 0.5
    # share of the first step in the metric, which is a mean over pictures: a whole one was refused
    # by all of 20 pictures, and raised the median loss of 32 to 2.2 times; 0.15 took a fifth off
    first_share: float = 0.15
    # numbers in the convolutions of generator and criterion, as in config.Projection
    precision: str = "float32"
    # compute ahead what does not depend on the code; False: to see what that saves
    is_frozen: bool = True

    def __post_init__(self) -> None:
        """Refuse settings that cannot be meant."""
        for name in ("num_evaluations", "memory"):
            check_number(name, getattr(self, name), low=1, whole=True)
        for name in ("damping", "shorten", "first_share"):
            check_number(name, getattr(self, name), low=1e-12, high=1)
        check_number("first_step", self.first_step, low=1e-12)
        check_choice("precision", self.precision, PRECISIONS)


DEFAULTS = Fastest()


def fastest(
    generator: Generator,
    target: Images,
    *,
    criterion: Score,
    encoder: Encoder | None = None,
    curvature: Curvature | None = None,
    settings: Fastest = DEFAULTS,
    rng: torch.Generator,
    on_step: OnStep | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Inverted:
    """Search N codes in w+ side by side.

    Args:
        generator: see models/generator.py.
        target: (N, 3, H, W) in [-1, 1], H and W as the generator makes them.
        criterion: called as criterion(image, target, mask, delta); gives `losses.Loss`.
        encoder: start codes w+ (N, L, d) of pictures; None: the mean code.
        curvature: of this generator and criterion, measured before; None: plain L-BFGS.
        settings: see there.
        rng: source of the mean code; an encoder needs none.
        on_step: called with each evaluation's `Step`, with the pictures tried in it.
        should_stop: asked before each evaluation but the first; once true, the best so far is
            returned.

    Raises:
        InputError: arguments that do not fit.
    """
    check_request(generator, target)
    watch, history = Stopwatch(), []
    generator = freeze(generator) if settings.is_frozen else generator
    start = _start(generator, target, encoder, rng)
    check_request(generator, target, start=start)

    def evaluate(code: Codes) -> _Point:
        with mixed(target.device, chosen(settings.precision, target.device)):
            point = _evaluate(generator, target, criterion, code, start)
        losses, count = tuple(point.loss.tolist()), len(history)
        history.append(Step(count, losses, count + 1, watch.seconds()))
        if on_step is not None:
            on_step(replace(history[-1], image=point.image.clone()))
        return point

    best, stopped = _descend(evaluate, start, curvature, settings, should_stop)
    return Inverted(
        method="fastest",
        image=best.image,
        code=best.code,
        space="w+",
        loss=best.loss,
        seconds=watch.seconds(),
        evaluations=len(history),
        history=tuple(history),
        settings=settings,
        stopped=stopped,
    )


def _descend(
    evaluate: Callable[[Codes], _Point],
    start: Codes,
    curvature: Curvature | None,
    settings: Fastest,
    should_stop: Callable[[], bool],
) -> tuple[_Point, str]:
    """Steps from `start`, each picture's own; the best points, and why it ended."""
    memory = Memory(
        settings.memory, curvature, damping=settings.damping, first_step=settings.first_step,
        first_share=settings.first_share,
    )  # fmt: skip
    best = evaluate(start)
    length = torch.ones_like(start[:, :1, :1])
    for _ in range(settings.num_evaluations - 1):
        if should_stop():
            return best, "cancelled"
        now = evaluate(best.code + length * memory.direction(best.slope))
        memory.learn(now.code - best.code, now.slope - best.slope)
        better = now.loss < best.loss  # (N,); NaN is not
        best = now.where(better, best)
        length = torch.where(better[:, None, None], 1, settings.shorten * length)
    return best, "steps"


@torch.no_grad()
def _start(
    generator: Generator, target: Images, encoder: Encoder | None, rng: torch.Generator
) -> Codes:
    if encoder is not None:
        return encoder(target).detach().clone()
    return mean_code(generator, "w+", rng=rng).repeat(len(target), 1, 1)


@dataclass(frozen=True, eq=False)
class _Point:
    """Codes, and all that one evaluation said about them."""

    code: Codes
    image: Images
    loss: PerPicture
    slope: Codes

    def where(self, mine: Tensor, other: _Point) -> _Point:
        """This point for the pictures marked in `mine` (N,), the other one for the rest."""

        def choose(name: str) -> Tensor:
            ours, theirs = getattr(self, name), getattr(other, name)
            return torch.where(mine.view(-1, *[1] * (ours.dim() - 1)), ours, theirs)

        return _Point(*(choose(name) for name in ("code", "image", "loss", "slope")))


def _evaluate(
    generator: Generator, target: Images, criterion: Score, code: Codes, start: Codes
) -> _Point:
    code = code.detach().requires_grad_()
    image = render(generator, code, "w+").to(code.dtype)
    loss = criterion(image, target, None, code - start).total.to(code.dtype)
    (slope,) = torch.autograd.grad(loss.sum(), code)
    return _Point(code.detach(), image.detach(), loss.detach(), slope)
