"""The one loop of this room: Adam over any variables, pictures side by side, the best of each kept.

Offers `descend`, its settings `Descent`, what a method's loss answers with (`Scored`), and for the
methods' doors `check_request` and `as_variable`. The assignment's own search, with L-BFGS and
resuming, is projector.py. Read next: pixels.py, the shortest method.

A method hands over a function that renders and scores its present variables. Everything else is the
same for all of them: one loss per picture, one backward pass through their sum, one step of Adam.
Adam works on each number alone, so what happens to one picture never touches another.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from hw5.inversion.inverted import Inverted, Step, Stopwatch
from hw5.kit.checks import InputError, check_choice, check_images, check_mask, check_number
from hw5.latents import check_codes, example_of
from hw5.shapes import Codes, Images, Mask, PerPicture

if TYPE_CHECKING:
    from hw5.models.generator import Generator

OnStep = Callable[[Step], None]
ShouldStop = Callable[[], bool]


@dataclass(frozen=True)
class Descent:
    """How far and how fast; a method's settings inherit from it and bring their own defaults."""

    # steps, and so renderings of each picture; starter
    num_steps: int = 1000
    # Adam's step size, the same for all steps; Image2StyleGAN and In-domain inversion
    learning_rate: float = 0.01

    def __post_init__(self) -> None:
        """Refuse settings that cannot be meant."""
        check_number("num_steps", self.num_steps, low=1, whole=True)
        check_number("learning_rate", self.learning_rate, low=1e-12)


class Scored(NamedTuple):
    """One evaluation of N pictures, with gradient."""

    image: Images  # (N, 3, H, W)
    code: Codes  # (N, ...), what `image` was rendered from
    loss: PerPicture  # (N,), of `image`


def never() -> bool:
    """Let a search run to its end."""
    return False


def as_variable(values: Tensor) -> Tensor:
    """A copy of `values` that can be searched: nothing else shares its memory or its graph."""
    return values.detach().clone().requires_grad_()


def better_of(best: Scored | None, now: Scored) -> Scored:
    """Picture by picture the one of lower loss, as copies; a tie or NaN changes nothing.

    The first of all is taken as it comes, with infinity in place of NaN.
    """
    now = Scored(*(part.detach() for part in now))
    if best is None:
        copies = now.image.clone(), now.code.clone(), now.loss.clone()
        return Scored(*copies[:2], loss=copies[2].nan_to_num_(nan=math.inf, posinf=math.inf))
    wins = now.loss < best.loss  # (N,)

    def choose(new: Tensor, old: Tensor) -> Tensor:
        return torch.where(wins.view(-1, *[1] * (new.dim() - 1)), new, old)

    return Scored(*map(choose, now, best))


def descend(
    score: Callable[[], Scored],
    variables: Sequence[Tensor],
    settings: Descent,
    *,
    method: str,
    space: str,
    watch: Stopwatch | None = None,
    before: Inverted | None = None,
    restrain: Callable[[], object] | None = None,
    on_step: OnStep | None = None,
    should_stop: ShouldStop = never,
) -> Inverted:
    """Lower the losses of N pictures with Adam, and return the best that each of them had.

    Args:
        score: renders and scores the variables as they are now.
        variables: leaves that require gradients; moved in place.
        settings: steps and step size; kept in the answer as they are.
        method: name of the method, for the answer.
        space: of `Scored.code`.
        watch: started when the method began, if it did something before.
        before: an earlier part of the same method: its steps and evaluations count on. Its best is
            not compared, as its loss may have been another one.
        restrain: called after each step, without gradients, to bring variables back to where they
            may be: projected gradient descent.
        on_step: called with each step's `Step`, which brings a copy of the picture just scored.
        should_stop: asked before each step; once true, the best so far is returned. If there is
            none yet, the start is scored.

    Raises:
        InputError: no picture has a finite loss any more.
    """
    log = _Log(settings, watch or Stopwatch(), before)
    optimiser = torch.optim.Adam(variables, lr=settings.learning_rate)
    stopped = "steps"
    for _ in range(settings.num_steps):
        if should_stop():
            stopped = "cancelled"
            break
        optimiser.zero_grad()
        now = score()
        log.report(now, on_step)
        # The sum's gradient holds each picture's own; `inputs` spares the networks' weights.
        now.loss.sum().backward(inputs=list(variables))
        optimiser.step()
        if restrain is not None:
            with torch.no_grad():
                restrain()
    if log.best is None:
        with torch.no_grad():
            log.keep(score())
    return log.result(method, space, stopped)


class _Log:
    """What was rendered so far, and the best of it."""

    def __init__(self, settings: Descent, watch: Stopwatch, before: Inverted | None) -> None:
        self.settings, self.watch = settings, watch
        self.history = list(before.history) if before else []
        self.evaluations = before.evaluations if before else 0
        self.best: Scored | None = None

    def keep(self, now: Scored) -> None:
        self.evaluations += 1
        self.best = better_of(self.best, now)

    def report(self, now: Scored, on_step: OnStep | None) -> None:
        losses = tuple(now.loss.tolist())
        if not any(map(math.isfinite, losses)):
            rate = self.settings.learning_rate
            raise InputError.about(
                "learning_rate",
                expected=f"a finite loss at step {len(self.history)}",
                got=f"{losses[0]} with learning_rate {rate:g}",
                hint=f"the search blew up; try {rate / 10:g}",
            )
        self.keep(now)
        step = Step(len(self.history), losses, self.evaluations, self.watch.seconds())
        self.history.append(step)
        if on_step is not None:
            on_step(replace(step, image=now.image.detach().clone()))

    def result(self, method: str, space: str, stopped: str) -> Inverted:
        return Inverted(
            method=method,
            image=self.best.image,
            code=self.best.code,
            space=space,
            loss=self.best.loss,
            seconds=self.watch.seconds(),
            evaluations=self.evaluations,
            history=tuple(self.history),
            settings=self.settings,
            stopped=stopped,
        )


def check_request(
    generator: Generator,
    target: Images,
    *,
    mask: Mask | None = None,
    start: Codes | None = None,
    space: str = "w+",
) -> None:
    """Check what every method of this room is handed.

    Args:
        generator: see models/generator.py; must have `space`.
        target: (N, 3, H, W) in [-1, 1], H and W as the generator makes them.
        mask: (N or 1, 1, H, W) in {0, 1}.
        start: codes of `space`, one per target.
        space: of the codes.

    Raises:
        InputError: something does not fit.
    """
    check_choice("space", space, generator.spaces)
    check_images("target", target, size=generator.image_size)
    if mask is not None:
        check_mask("mask", mask, target)
    if start is not None:
        check_codes("start", generator, start, space)
        if len(start) != len(target):
            expected, got = f"{len(target)} codes, one per target", f"{len(start)}"
            raise InputError.about("start", expected=expected, got=got)
    where = example_of(generator).device
    for name, tensor in (("target", target), ("mask", mask), ("start", start)):
        if tensor is not None and tensor.device != where:
            raise InputError.about(name, expected=f"it on {where}", got=f"{tensor.device}")
