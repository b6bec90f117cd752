"""The loop that all generator tuning shares: Adam on weights, the best of them kept: plumbing.

Offers `Evaluation`, `Tuning`, the settings that every tuning has, and `tune`. Weights are shared by
all pictures of a batch, so the pictures are tuned together, as in Roich et al. 2021 for several
identities: call a method once per picture to give each a generator of its own. Read next:
fine_tune.py, pti.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn

from hw5.inversion.descent import OnStep
from hw5.inversion.inverted import Inverted, Step, Stopwatch
from hw5.inversion.tuned import Delta, choose_parameters, difference, restored, tuned
from hw5.kit.checks import InputError, check_number
from hw5.shapes import Codes, Images, PerPicture, Scalar

if TYPE_CHECKING:
    from hw5.models.generator import Generator

Weights = Mapping[str, nn.Parameter]


class Evaluation(NamedTuple):
    """What a method says about the present weights and code."""

    image: Images  # (N, 3, H, W), rendered with them
    loss: PerPicture  # (N,), what is reported and judged
    total: Scalar  # what is descended, with gradient
    is_enough: bool = False  # stop before the next update?


@dataclass(frozen=True)
class Tuning:
    """Settings of every tuning; a method's own inherit from it."""

    # updates of the weights at most; Roich et al. 2021, section 3.2 and released code
    num_steps: int = 350
    # Adam's step size for weights; released code of PTI
    learning_rate: float = 3e-4
    # beginnings of the names of the tuned parameters; (): all, as PTI does. A mapping network gets
    # no gradient from a w, so its difference is 0 and is not kept.
    parameters: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse settings that cannot be meant."""
        check_number("num_steps", self.num_steps, low=1, whole=True)
        check_number("learning_rate", self.learning_rate, low=1e-12)


def tune(
    generator: Generator,
    code: Codes,
    evaluate: Callable[[Weights, Mapping[str, Tensor]], Evaluation],
    settings: Tuning,
    *,
    method: str,
    space: str,
    code_rate: float = 0.0,
    before: Sequence[Step] = (),
    watch: Stopwatch,
    on_step: OnStep | None,
    should_stop: Callable[[], bool],
) -> Inverted:
    """Move weights, and the code if `code_rate` is positive; the generator comes back as it was.

    Args:
        generator: changed while this runs, restored bit for bit afterwards.
        code: (N, ...) in `space`; a leaf that requires gradients if it is to be searched.
        evaluate: of the weights as they are now and as they were shipped.
        settings: kept in the answer.
        method: for the answer.
        space: of `code`.
        code_rate: Adam's step size for the code.
        before: steps of an earlier part of the method, which are counted on.
        watch: started when the method began.
        on_step: called with each step's `Step`.
        should_stop: asked before each step; the best so far is then the outcome.
    """
    with restored(generator, choose_parameters(generator, settings.parameters)) as weights:
        loop = _Loop(weights, code, settings, code_rate, list(before), watch, on_step)
        stopped = loop.run(evaluate, should_stop)
        delta = loop.to_best()
        # Scored once more, because the difference was rounded: image, loss and `tuned` agree.
        with tuned(generator, delta), torch.no_grad():
            final = evaluate(weights, loop.shipped)
    return Inverted(
        method=method,
        image=final.image,
        code=code.detach().clone(),
        space=space,
        loss=final.loss,
        seconds=watch.seconds(),
        evaluations=len(loop.history) + 1,
        history=tuple(loop.history),
        settings=settings,
        tuned=delta,
        stopped=stopped,
    )


class _Loop:
    """Weights under way, and copies of the best of them."""

    def __init__(
        self,
        weights: Weights,
        code: Codes,
        settings: Tuning,
        code_rate: float,
        history: list[Step],
        watch: Stopwatch,
        on_step: OnStep | None,
    ) -> None:
        self.weights, self.code, self.settings = weights, code, settings
        self.history, self.watch, self.on_step = history, watch, on_step
        self.shipped = {name: value.detach().clone() for name, value in weights.items()}
        self.best_loss, self.best_weights = math.inf, self.shipped
        self.best_code = code.detach().clone()
        groups = [{"params": [p.requires_grad_() for p in weights.values()]}]
        if code_rate:
            groups.append({"params": [code], "lr": code_rate})
        self.optimiser = torch.optim.Adam(groups, lr=settings.learning_rate)

    def run(
        self,
        evaluate: Callable[[Weights, Mapping[str, Tensor]], Evaluation],
        should_stop: Callable[[], bool],
    ) -> str:
        """Update until there is a reason to stop, which is returned."""
        variables = [p for group in self.optimiser.param_groups for p in group["params"]]
        for _ in range(self.settings.num_steps):
            if should_stop():
                return "cancelled"
            now = evaluate(self.weights, self.shipped)
            self._report(now)
            if now.is_enough:
                return "threshold"
            self.optimiser.zero_grad()
            now.total.backward(inputs=variables)
            self.optimiser.step()
        return "steps"

    @torch.no_grad()
    def to_best(self) -> Delta:
        """Go to the shipped weights and the best code; return what the best weights add."""
        self.code.copy_(self.best_code)
        for name, parameter in self.weights.items():
            parameter.copy_(self.shipped[name])
        return difference(self.best_weights, self.shipped)

    def _report(self, now: Evaluation) -> None:
        loss = float(now.loss.detach().mean())
        if not math.isfinite(loss):
            raise InputError.about(
                "learning_rate",
                expected=f"a finite loss at step {len(self.history)}",
                got=f"{loss} with learning_rate {self.settings.learning_rate:g}",
                hint=f"the tuning blew up; try {self.settings.learning_rate / 10:g}",
            )
        if loss < self.best_loss:
            self.best_loss, self.best_code = loss, self.code.detach().clone()
            self.best_weights = {name: p.detach().clone() for name, p in self.weights.items()}
        count = len(self.history)
        losses = tuple(now.loss.tolist())
        self.history.append(Step(count, losses, count + 1, self.watch.seconds()))
        if self.on_step is not None:
            self.on_step(replace(self.history[-1], image=now.image.detach().clone()))
