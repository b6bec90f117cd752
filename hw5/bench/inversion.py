"""The fastest inversion against a loop written as in the course's starter: time to the same LPIPS.

Offers `measure_inversion`. Protocol, within one run, on `NUM_PICTURES` held-out pictures: the
starter-style loop takes `STEPS` Adam steps at a constant rate from the mean in w+, once for each of
`RATES`; a picture's goal is the lowest LPIPS that one of its loops ends with. Adam moves every
number by itself and losses are per picture, so the pictures of a rate run side by side and end
where they would end alone; the seconds of one alone are those of `TIMED` steps of `starter_loop`,
each costing the same, on the first pictures.
Then `fastest` minimises the same criterion, each picture alone, until the best picture it has is as
near, or `BUDGET` evaluations are spent (`reached` then says so, and the ratio counts the time
spent). Measuring LPIPS is not timed, nor is what is prepared once for a generator: an encoder, and
the curvature (hw5/inversion/ready.py).

LPIPS wavers while a loss falls, so the loop may have been as near long before its end. `ratio` is
against the whole loop; `ratio_to_first` is against the loop stopped, like ours, when it is first as
near as it ends (looked up every `EVERY` steps).

Last, all pictures are inverted as one batch, by as many evaluations as the median picture took.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean, median

import torch
from torch import Tensor

from hw5 import latents, world
from hw5.bench.projection import starter_loop
from hw5.inversion.fastest import Fastest
from hw5.inversion.inverted import Step
from hw5.inversion.ready import FastestKit, open_fastest
from hw5.kit import progress, seeding
from hw5.losses import Criterion
from hw5.metrics.perceptual import LpipsMetric, lpips_metric
from hw5.models.generator import Generator
from hw5.shapes import Images
from hw5.world.dataset import split_factors

NUM_PICTURES = 20
STEPS = 1000  # of the starter
EVERY = 20  # steps from one look at the loop to the next
TIMED = 100  # steps from which the seconds of all are known
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
        self.is_reached = bool(judge(self.ruler, step.image, self.target) <= self.goal)
        self.spent += time.perf_counter() - begin

    def is_done(self) -> bool:
        """May the search stop?"""
        return self.is_reached


def measure_inversion(*, num_pictures: int = NUM_PICTURES) -> dict[str, float]:
    """Seconds of the best starter-style loop as a multiple of ours, at equal LPIPS.

    Args:
        num_pictures: held-out pictures; twenty take a quarter of an hour on two cores.
    """
    search = open_fastest()
    network, criterion = search.generator, search.criterion
    ruler = lpips_metric().requires_grad_(False)
    targets = world.render(split_factors("test", num_pictures), network.image_size).image
    found = {"starter_seconds": seconds_alone(network, targets, criterion)}
    loops = run_loops(network, targets, criterion, ruler)
    rows = []
    for target, ends in zip(targets.split(1), loops, strict=True):
        rows.append(_compare(search, ruler, target, ends, found["starter_seconds"]))
    medians = {name: median(row[name] for row in rows) for name in rows[0]}
    found |= {"ratio": medians.pop("ratio"), "reached": fmean(row["reached"] for row in rows)}
    found |= {name: value for name, value in medians.items() if name != "reached"}
    begin = time.perf_counter()
    settings = Fastest(num_evaluations=max(1, round(medians["evaluations"])))
    search(targets, settings=settings)
    found["batch_seconds_per_picture"] = (time.perf_counter() - begin) / num_pictures
    found["batch_ratio"] = found["starter_seconds"] / found["batch_seconds_per_picture"]
    return found


def seconds_alone(network: Generator, targets: Images, criterion: Criterion) -> float:
    """Seconds of one whole loop on one picture: the median of a few, `TIMED` steps each."""
    some = targets[:3].split(1)
    timed = [starter_loop(network, target, criterion, TIMED, RATES[0]).seconds for target in some]
    return median(timed) * STEPS / TIMED


@dataclass(frozen=True)
class Loop:
    """How one run of the starter-style loop ended."""

    loss: float  # lowest
    lpips: float  # of its last picture
    first: int  # steps until it was first as near as that


def run_loops(
    network: Generator, targets: Images, criterion: Criterion, ruler: LpipsMetric
) -> list[dict[float, Loop]]:
    """Run the loop on every picture at every rate, looking now and then; by picture, by rate."""
    start = latents.mean_code(network, "w+", rng=seeding.make(0))
    deltas = {
        rate: torch.zeros_like(start).repeat(len(targets), 1, 1).requires_grad_() for rate in RATES
    }
    groups = [{"params": [delta], "lr": rate} for rate, delta in deltas.items()]
    optimiser = torch.optim.Adam(groups)
    lowest = {rate: torch.full((len(targets),), torch.inf) for rate in RATES}
    seen: dict[float, dict[int, Tensor]] = {rate: {} for rate in RATES}  # steps done -> LPIPS (N,)
    with progress.bar(STEPS, "starter-style loops") as on_step:
        for step in range(STEPS):
            for rate, delta in deltas.items():
                pictures = latents.render(network, start + delta, "w+")
                loss = criterion(pictures, targets, None, delta).total
                (delta.grad,) = torch.autograd.grad(loss.sum(), delta)
                lowest[rate] = torch.minimum(lowest[rate], loss.detach())
                if step % EVERY == 0 or step == STEPS - 1:
                    seen[rate][step + 1] = judge(ruler, pictures, targets)
            optimiser.step()
            on_step()
    return [
        {rate: _end(lowest[rate][row], seen[rate], row) for rate in RATES}
        for row in range(len(targets))
    ]


def _end(lowest: Tensor, seen: Mapping[int, Tensor], row: int) -> Loop:
    return Loop(float(lowest), float(seen[STEPS][row]), first_as_near(seen, row))


def first_as_near(seen: Mapping[int, Tensor], row: int) -> int:
    """Steps after which a loop was first as near as it is at the end."""
    return next(done for done, distance in seen.items() if distance[row] <= seen[STEPS][row])


def _compare(
    search: FastestKit, ruler: LpipsMetric, target: Images, loops: dict[float, Loop],
    seconds_alone: float,
) -> dict[str, float]:  # fmt: skip
    """One picture's figures."""
    rate = min(loops, key=lambda each: loops[each].lpips)
    loop = loops[rate]
    watch = Watch(ruler, target, loop.lpips)
    settings = Fastest(num_evaluations=BUDGET)
    ours = search(target, settings=settings, on_step=watch, should_stop=watch.is_done)
    seconds = ours.seconds - watch.spent
    return {
        "ratio": seconds_alone / seconds,
        "ratio_to_first": seconds_alone * loop.first / STEPS / seconds,
        "reached": float(watch.is_reached),
        "seconds": seconds,
        "evaluations": float(ours.evaluations),
        "starter_rate": rate,
        "starter_lpips": loop.lpips,
        "loss_over_starter": float(ours.loss) / loop.loss,
    }


@torch.no_grad()
def judge(ruler: LpipsMetric, images: Images, targets: Images) -> Tensor:
    """LPIPS of every picture, (N,)."""
    return ruler(images, targets)
