"""Part 3. Find the code whose picture looks like a given one.

Offers `ramped_rate`, `adam_step`, `lbfgs_closure`, `optimize_para` and `project`. A search adds a
*delta*, zero at first, to a start code from latents.py and lowers the loss of losses.py. What it
moves is an `Objective` (objective.py), what it carries along a `Search` (search.py). Zhu et al.
2016 (iGAN), Abdal et al. 2019 (Image2StyleGAN). Read next: interpolate.py, and draw.py, which
searches for a sketch in the same way.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from hw5.config import Projection
from hw5.latents import sample_noise
from hw5.objective import Objective, Score, State
from hw5.search import Projected, Record, Search, begin_search, resumed_start
from hw5.shapes import Codes, Images, Mask

if TYPE_CHECKING:
    from hw5.models.generator import Generator

DEFAULTS = Projection()  # frozen, so every call may share it


def ramped_rate(step: int, settings: Projection) -> float:
    """Task 3.1 (about 5 lines, 10 minutes). Adam's learning rate at a step.

    With t = (step + 1/2) / num_steps, from 0 to 1:
    rate * min(1, t / ramp_up) * (1 - cos(pi * min(1, (1 - t) / ramp_down))) / 2.
    It rises along a line, stays, and falls along half a cosine, as in ADA's projector; the half
    step keeps the first and the last step from standing still. A ramp of 0 is left out.

    Hint: `rise = min(1, t / settings.ramp_up) if settings.ramp_up else 1`. Expected, for 100 steps
    with ramps 0.05 and 0.25: 0.1 * rate at step 0, the full rate at steps 5 to 74.

    Args:
        step: from 0 to num_steps - 1.
        settings: `rate`, `num_steps`, `ramp_up` and `ramp_down` are used.
    """
    if settings.optimiser == "lbfgs":
        return settings.rate  # its line search finds the length of each step
    # BEGIN SOLUTION task_3_1
    t = (step + 0.5) / settings.num_steps
    rise = min(1.0, t / settings.ramp_up) if settings.ramp_up else 1.0
    fall = min(1.0, (1.0 - t) / settings.ramp_down) if settings.ramp_down else 1.0
    return settings.rate * rise * (1.0 - math.cos(math.pi * fall)) / 2.0
    # END SOLUTION


def adam_step(optimiser: torch.optim.Optimizer, objective: Objective, learning_rate: float) -> None:
    """Task 3.2 (about 4 lines, 15 minutes). One step of Adam, one evaluation.

    Forget the old gradients, compute the loss of every seed, go back through the *sum*, let the
    optimiser move the variables. The seeds do not interact, so the gradient of the sum holds each
    seed's own gradient; a mean would divide it by the number of seeds.

    Hint: `backward(inputs=objective.variables)` leaves the network's weights alone: they are not
    what is searched, and their gradients cost time. Expected: Adam's first step moves every number
    by the learning rate, whatever the loss's scale.

    Args:
        optimiser: over `objective.variables`.
        objective: calling it gives the losses, (N,).
        learning_rate: for this step.
    """
    for group in optimiser.param_groups:
        group["lr"] = learning_rate
    # BEGIN SOLUTION task_3_2
    optimiser.zero_grad()
    losses = objective()  # (N,)
    losses.sum().backward(inputs=objective.variables)
    optimiser.step()
    # END SOLUTION


def lbfgs_closure(optimiser: torch.optim.Optimizer, objective: Objective) -> Callable[[], Tensor]:
    """Task 3.3 (about 6 lines, 15 minutes). The function that L-BFGS calls while it searches.

    A line search tries several points before it takes one, so L-BFGS must be able to ask for loss
    and gradient again and again: it gets a function without arguments that forgets the old
    gradients, computes the new ones and returns the loss, a tensor of shape (). Each call is an
    evaluation; a step takes one to eleven, which is why steps alone compare nothing.

    Hint: the first three lines of `adam_step`; no `optimiser.step()` inside. Expected: two calls in
    a row give the same loss and the same gradient, and move nothing.

    Args:
        optimiser: over `objective.variables`.
        objective: calling it gives the losses, (N,).

    Returns:
        The closure. After a call, the gradients lie in the variables' `grad`.
    """

    # BEGIN SOLUTION task_3_3
    def closure() -> Tensor:
        optimiser.zero_grad()
        total = objective().sum()
        total.backward(inputs=objective.variables)
        return total

    return closure
    # END SOLUTION


def lbfgs_step(
    optimiser: torch.optim.Optimizer, objective: Objective, learning_rate: float
) -> None:
    """One iteration of full-batch L-BFGS with its strong-Wolfe line search (given)."""
    for group in optimiser.param_groups:
        group["lr"] = learning_rate
    optimiser.step(objective.once_per_point(lbfgs_closure(optimiser, objective)))


STEPS = {"adam": adam_step, "lbfgs": lbfgs_step}


def optimize_para(
    search: Search,
    *,
    on_step: Callable[[Record], None] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> str:
    """Task 3.4 (about 11 lines, 20 minutes). The loop: step, report, until a reason to stop.

    Before each step, in this order: `should_stop()` gives "cancelled", `search.is_spent()` gives
    "evaluations", `search.is_on_plateau()` gives "plateau". When `num_steps` are done: "steps".
    A step takes the rate of `ramped_rate`, moves every objective with its optimiser by the function
    that `STEPS` lists, and ends with `search.report(rate, on_step)`.

    Hint: `search.step` counts the steps done; a resumed search does not begin at 0. Expected: one
    record per step, numbered from 0.

    Args:
        search: see search.py; holds objectives, optimisers, settings.
        on_step: called with each step's `Record`.
        should_stop: asked before each step.

    Returns:
        The reason, one of the four words.

    Raises:
        InputError: the loss is no longer finite (from `search.report`).
    """
    # BEGIN SOLUTION task_3_4
    settings = search.settings
    while search.step < settings.num_steps:
        if should_stop():
            return "cancelled"
        if search.is_spent():
            return "evaluations"
        if search.is_on_plateau():
            return "plateau"
        rate = ramped_rate(search.step, settings)
        for optimiser, objective in zip(search.optimisers, search.objectives, strict=True):
            STEPS[settings.optimiser](optimiser, objective, rate)
        search.report(rate, on_step)
    return "steps"
    # END SOLUTION


def project(
    generator: Generator,
    target: Images,
    *,
    criterion: Score,
    settings: Projection = DEFAULTS,
    start: Codes | None = None,
    mask: Mask | None = None,
    noise: Mapping[str, Tensor] | None = None,
    rng: torch.Generator,
    on_step: Callable[[Record], None] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    resume: State | None = None,
) -> Projected:
    """Task 3.5 (about 9 lines, 15 minutes). Start codes, a search, the loop, the best of it.

    Hint: without `start`, draw `num_seeds` codes with `sample_noise`; `begin_search` makes the
    search. Return `search.result(reason)`, which holds the best picture that was ever scored, with
    the code that made it. (Rendering the start once more, without delta, is the classic mistake.)
    Expected: a generated picture is found again, a photograph only nearly.

    Args:
        generator: see models/generator.py.
        target: (1, 3, H, W) in [-1, 1], H and W as the generator makes them.
        criterion: called as criterion(image, target, mask, delta); gives `losses.Loss`.
        settings: see config.py.
        start: codes (N, ...) in `settings.space`, one per seed; None draws them.
        mask: (1, 1, H, W) in {0, 1}, the pixels that count; None for all.
        noise: noise maps to render with, such as an earlier result's; None: the generator's own.
        rng: source of the start codes.
        on_step: called with each step's `Record`.
        should_stop: asked before each step; once true, the best so far is returned.
        resume: `state` of an earlier result, whose steps are counted on. With the same settings
            the outcome is the one of an uninterrupted search.

    Raises:
        InputError: arguments that do not fit, or a loss that is no longer finite.
    """
    settings = settings.settled(generator.spaces)
    if resume is not None:
        start = resumed_start(resume, settings, start)
    # BEGIN SOLUTION task_3_5
    if start is None:
        start = sample_noise(
            generator, settings.space, settings.num_seeds, num_mean=settings.num_mean, rng=rng
        )
    search = begin_search(
        generator, target, criterion, start, settings, mask=mask, noise=noise, resume=resume
    )
    reason = optimize_para(search, on_step=on_step, should_stop=should_stop)
    return search.result(reason)
    # END SOLUTION
