"""Projection against a loop written as in the course's starter: time to the same loss.

Offers `measure_projection` and `starter_loop`. Protocol, within one run: the starter-style loop
takes `STEPS` Adam steps at a constant rate from the mean of 10,000 codes in w+, on the same target
with the same loss. The best loss it reaches is the goal; each of our settings is then timed until
its own best loss is as low, or its budget of as many evaluations is spent (then the ratio says how
much longer it took and `reached` is 0).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from hw5 import latents, world, zoo
from hw5.config import LossWeights, Projection
from hw5.defaults import build_criterion
from hw5.kit import seeding
from hw5.losses import Criterion
from hw5.models.generator import Generator
from hw5.projector import project
from hw5.search import Record
from hw5.shapes import Images
from hw5.world.dataset import split_factors

STEPS = 150  # of the starter's 1000: the whole comparison then takes about a minute
RATE = 0.1  # the rate of ADA's projector, held constant as in the starter
SETTINGS = {
    "adam": Projection(num_steps=STEPS),
    "lbfgs": Projection(optimiser="lbfgs", num_steps=STEPS, max_evaluations=STEPS),
}


@dataclass(frozen=True)
class Reached:
    """What the starter-style loop reached, and how long it took."""

    loss: float
    seconds: float


def measure_projection() -> dict[str, float]:
    """Seconds and evaluations of the starter-style loop as multiples of ours, at equal loss."""
    network = zoo.load("stylegan2")
    target = world.render(split_factors("test", 1), network.image_size).image
    criterion = build_criterion(LossWeights())
    goal = starter_loop(network, target, criterion, STEPS)
    found = {"starter_seconds": goal.seconds, "starter_loss": goal.loss}
    for name, settings in SETTINGS.items():
        first = first_below(goal.loss, network, target, criterion, settings)
        found[f"{name}_reached"] = float(first.best <= goal.loss)
        found[f"{name}_speedup"] = goal.seconds / first.seconds
        found[f"{name}_fewer_evaluations"] = STEPS / first.evaluations
        found[f"{name}_loss_over_starter"] = first.best / goal.loss
    return found


def starter_loop(
    network: Generator,
    target: Images,
    criterion: Criterion,
    steps: int,
    rate: float = RATE,
    *,
    look: Callable[[int, Images], None] = lambda _step, _picture: None,
) -> Reached:
    """Adam on a delta, nothing else: no ramps, no cached target, gradients for all that has any.

    `look` is called with each step's number and picture, off the clock.
    """
    mean = latents.mean_code(network, "w+", rng=seeding.make(0))
    delta = torch.zeros_like(mean, requires_grad=True)
    optimiser = torch.optim.Adam([delta], lr=rate)
    best, looking = float("inf"), 0.0
    begin = time.perf_counter()
    for step in range(steps):
        optimiser.zero_grad()
        picture = latents.render(network, mean + delta, "w+")
        # A fresh copy: the starter computes the target's features again in every step.
        loss = criterion(picture, target.clone(), None, delta).total.sum()
        loss.backward()
        optimiser.step()
        best = min(best, loss.item())
        paused = time.perf_counter()
        look(step, picture.detach())
        looking += time.perf_counter() - paused
    return Reached(best, time.perf_counter() - begin - looking)


def first_below(
    goal: float, network: Generator, target: Images, criterion: Criterion, settings: Projection
) -> Record:
    """The first record whose best loss is at most `goal`, or the last one."""
    found = project(
        network,
        target,
        criterion=criterion,
        settings=settings,
        rng=seeding.make(0),
        should_stop=(watch := Watch(goal)).is_done,
        on_step=watch,
    )
    return found.history[-1]


class Watch:
    """An `on_step` that remembers whether the goal was reached."""

    def __init__(self, goal: float) -> None:
        self.goal = goal
        self.reached = False

    def __call__(self, record: Record) -> None:
        """Look at one record."""
        self.reached = self.reached or record.best <= self.goal

    def is_done(self) -> bool:
        """May the search stop?"""
        return self.reached
