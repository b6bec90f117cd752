"""The fastest inversion against a loop written as in the course's starter: time to the same LPIPS.

Offers `measure_inversion`. Protocol, within one run, for each of `NUM_PICTURES` held-out pictures
alone: the starter-style loop takes `STEPS` Adam steps at a constant rate from the mean in w+, once
for each of `RATES`; its best run is the one that ends with the lowest LPIPS. `fastest` minimises
the same criterion until the best picture it has is as near, or `BUDGET` evaluations are spent
(`reached` then says so, and the ratio counts the time spent). Measuring LPIPS is not timed, nor is
what is prepared once for a generator: an encoder, and the curvature (hw5/inversion/ready.py).

LPIPS wavers while a loss falls, so the loop may have been as near long before its end. `ratio` is
against the whole loop; `ratio_to_first` is against the loop stopped, like ours, when it is first as
near as it ends (looked up every `EVERY` steps).

Then all pictures are inverted as one batch, by as many evaluations as the median picture took.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import fmean, median

import torch

from hw5 import world
from hw5.bench.projection import starter_loop
from hw5.inversion.fastest import Fastest
from hw5.inversion.inverted import Step
from hw5.inversion.ready import FastestKit, open_fastest
from hw5.kit import progress
from hw5.losses import Criterion
from hw5.metrics.perceptual import LpipsMetric, lpips_metric
from hw5.models.generator import Generator
from hw5.shapes import Images
from hw5.world.dataset import split_factors

NUM_PICTURES = 20
STEPS = 1000  # of the starter
EVERY = 10  # steps from one look at the loop to the next
RATES = (0.003, 0.01, 0.03, 0.1)
BUDGET = 200  # evaluations of ours at most: a fifth of the loop's


class Watch:
    """An `on_step` that looks for a picture as near as the goal, and counts the time of looking."""

    def __init__(self, ruler: LpipsMetric, target: Images, goal: float) -> None:
        self.ruler, self.target, self.goal = ruler, target, goal
        self.lowest, self.spent, self.is_reached = float("inf"), 0.0, False

    def __call__(self, step: Step) -> None:
        """Judge the picture of one step, if it is the best so far by its loss."""
        if step.losses[0] >= self.lowest:
            return
        self.lowest = step.losses[0]
        begin = time.perf_counter()
        self.is_reached = judge(self.ruler, step.image, self.target) <= self.goal
        self.spent += time.perf_counter() - begin

    def is_done(self) -> bool:
        """May the search stop?"""
        return self.is_reached


def measure_inversion(*, num_pictures: int = NUM_PICTURES) -> dict[str, float]:
    """Seconds of the best starter-style loop as a multiple of ours, at equal LPIPS.

    Args:
        num_pictures: held-out pictures, each of which takes minutes.
    """
    search = open_fastest()
    network, criterion = search.generator, search.criterion
    ruler = lpips_metric().requires_grad_(False)
    targets = world.render(split_factors("test", num_pictures), network.image_size).image
    found, rows = {}, []
    with progress.bar(num_pictures * len(RATES), "starter-style loops") as on_loop:
        for target in targets.split(1):
            loops = {}
            for rate in RATES:
                loops[rate] = run_loop(network, target, criterion, ruler, rate)
                on_loop()
            rows.append(_compare(search, ruler, target, loops))
    medians = {name: median(row[name] for row in rows) for name in rows[0]}
    found |= {"ratio": medians.pop("ratio"), "reached": fmean(row["reached"] for row in rows)}
    found |= {name: value for name, value in medians.items() if name != "reached"}
    begin = time.perf_counter()
    settings = Fastest(num_evaluations=max(1, round(medians["evaluations"])))
    search(targets, settings=settings)
    found["batch_seconds_per_picture"] = (time.perf_counter() - begin) / num_pictures
    found["batch_ratio"] = medians["starter_seconds"] / found["batch_seconds_per_picture"]
    return found


@dataclass(frozen=True)
class Loop:
    """One run of the starter-style loop."""

    loss: float  # lowest
    seconds: float
    lpips: float  # of its last picture
    first_seconds: float  # until it was first as near as that


def run_loop(
    network: Generator, target: Images, criterion: Criterion, ruler: LpipsMetric, rate: float
) -> Loop:
    """Run the loop at one rate, looking at it now and then."""
    seen: dict[int, float] = {}  # steps done -> LPIPS

    def look(step: int, picture: Images) -> None:
        if step % EVERY == 0 or step == STEPS - 1:
            seen[step + 1] = judge(ruler, picture, target)

    ended = starter_loop(network, target, criterion, STEPS, rate, look=look)
    lpips = seen[STEPS]
    first = next(done for done, distance in seen.items() if distance <= lpips)
    return Loop(ended.loss, ended.seconds, lpips, ended.seconds * first / STEPS)


def _compare(
    search: FastestKit, ruler: LpipsMetric, target: Images, loops: dict[float, Loop]
) -> dict[str, float]:
    """One picture's figures."""
    rate = min(loops, key=lambda each: loops[each].lpips)
    loop = loops[rate]
    watch = Watch(ruler, target, loop.lpips)
    settings = Fastest(num_evaluations=BUDGET)
    ours = search(target, settings=settings, on_step=watch, should_stop=watch.is_done)
    seconds = ours.seconds - watch.spent
    return {
        "ratio": loop.seconds / seconds,
        "ratio_to_first": loop.first_seconds / seconds,
        "reached": float(watch.is_reached),
        "seconds": seconds,
        "evaluations": float(ours.evaluations),
        "starter_seconds": loop.seconds,
        "starter_rate": rate,
        "starter_lpips": loop.lpips,
        "loss_over_starter": float(ours.loss) / loop.loss,
    }


@torch.no_grad()
def judge(ruler: LpipsMetric, image: Images, target: Images) -> float:
    """LPIPS of one picture."""
    return float(ruler(image, target))
