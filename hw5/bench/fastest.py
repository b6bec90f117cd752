"""What each part of the fastest search is worth, in evaluations and in seconds.

Offers `measure_fastest`, and `kept_traces` for whoever draws it. Protocol, on `NUM_PICTURES`
held-out pictures: every rung of inversion/improvements.py searches by `BUDGET` evaluations. A
picture's goal is the lowest loss that Adam ends with at one of its rates; told is the median number
of evaluations until a rung is as low (one that never is counts as its whole budget; `reached` says
so). Seconds are those of one picture alone, but for the rung with all side by side, and timed in
turn, anew in each run. The curves over evaluations are kept in the cache folder: a run that was
interrupted, or one of the same code and networks, has them from there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from statistics import fmean, median

from hw5 import latents, loss_parts, losses, world
from hw5.bench.kept import Shelf, criterion_digest, names_of, sources
from hw5.inversion import curvature, descent, fastest, gauss_newton, improvements, lbfgs
from hw5.inversion.improvements import (
    ADAM,
    ASIDE,
    LADDER,
    MARKS,
    RATES,
    RUNGS,
    Pace,
    Trace,
    better_adam,
    follow,
    paces,
)
from hw5.inversion.inverted import Step
from hw5.inversion.ready import FastestKit, open_fastest
from hw5.inversion.tuned import digest
from hw5.kit import progress
from hw5.metrics.perceptual import lpips_metric
from hw5.shapes import Images
from hw5.world.dataset import renderer_digest, split_factors

NUM_PICTURES = 8
BUDGET = 100  # evaluations of each picture by each rung
ROUNDS = 5  # of timing
SLOW = 1.5  # times the seconds of float32, from which on a search in bfloat16 is not waited for
ADAM_RUNGS = tuple(f"{ADAM}{rate:g}" for rate in RATES)
CODE = (improvements, fastest, lbfgs, curvature, gauss_newton, descent, latents, losses, loss_parts)


def measure_fastest() -> dict[str, float]:
    """Evaluations and seconds of each rung to where Adam ends, and how near it comes."""
    kit = open_fastest()
    targets = held_out(kit)
    timed = (ADAM_RUNGS[0], *LADDER, *ASIDE)
    with progress.bar((1 + ROUNDS) * len(timed), "timing") as on_step:
        found = paces(kit, targets, timed, rounds=ROUNDS, on_step=on_step)
    found = {"adam": found.pop(ADAM_RUNGS[0]), **found}
    is_slow = found["bfloat16"].each > SLOW * found["frozen"].each
    followed = [name for name in (*LADDER, *ASIDE) if name != "bfloat16" or not is_slow]
    return figures(all_traces(kit, targets, followed), found)


def figures(traces: Mapping[str, Sequence[Trace]], found: Mapping[str, Pace]) -> dict[str, float]:
    """Flat numbers of every rung: its pace, its way to where Adam ends, and its own end.

    Args:
        traces: of every rung that was followed, "adam" among them.
        found: pace of every rung that was timed, Adam's first.
    """
    goals = [row.loss[-1] for row in traces["adam"]]
    numbers: dict[str, float] = {}
    for name, pace in found.items():
        told = {"first_ms": 1000 * pace.first, "ms_per_evaluation": 1000 * pace.each}
        if name in traces:
            told |= _way(traces[name], goals, pace)
        numbers |= {f"{name}_{what}": value for what, value in told.items()}
        if name in traces:
            faster = numbers["adam_seconds"] / numbers[f"{name}_seconds"]
            numbers[f"{name}_times_as_fast"] = faster
    return numbers


def _way(rows: Sequence[Trace], goals: Sequence[float], pace: Pace) -> dict[str, float]:
    """A rung's way to the goals, and its end."""
    pairs = list(zip(rows, goals, strict=True))
    counts = [row.first_below(goal) for row, goal in pairs]
    spent = median(count or row.evaluations[-1] for count, row in zip(counts, rows, strict=True))
    return {
        "evaluations": spent,
        "reached": fmean(count is not None for count in counts),
        "loss_over_adam": median(row.loss[-1] / goal for row, goal in pairs),
        "lpips": median(row.lpips[-1] for row in rows),
        "seconds": pace.seconds(spent),
    }


def held_out(kit: FastestKit) -> Images:
    """The pictures (N, 3, H, W)."""
    return world.render(split_factors("test", NUM_PICTURES), kit.generator.image_size).image


def all_traces(kit: FastestKit, targets: Images, names: Sequence[str]) -> dict[str, list[Trace]]:
    """Traces of the rungs called `names`, and of Adam at each picture's best rate."""
    shelf, ruler = _shelf(kit), lpips_metric().requires_grad_(False)
    own = dict.fromkeys(RUNGS[name].curve or name for name in (*ADAM_RUNGS, *names))
    parts = {name: [f"{name}-{picture}" for picture in names_of(targets)] for name in own}
    todo = {
        name: rows
        for name, row_parts in parts.items()
        if (rows := [row for row, part in enumerate(row_parts) if shelf.get(part) is None])
    }
    with progress.bar(BUDGET * len(todo), "curves") as on_step:
        for name, rows in todo.items():
            count = _Evaluations(on_step)
            traces = follow(
                kit, targets[rows], RUNGS[name].search, budget=BUDGET, ruler=ruler, on_step=count
            )
            for row, trace in zip(rows, traces, strict=True):
                shelf.put(parts[name][row], asdict(trace))
            count.finish()
    found = {name: [_trace(shelf.get(part)) for part in row] for name, row in parts.items()}
    return {"adam": better_adam(found)} | {name: found[RUNGS[name].curve or name] for name in names}


def _shelf(kit: FastestKit) -> Shelf:
    """Where traces lie: they depend on networks, criterion, LPIPS and code."""
    networks = [digest(network) for network in (kit.generator, kit.encoder, lpips_metric())]
    settings = (BUDGET, MARKS, sources(*CODE))
    return Shelf("fastest", networks, criterion_digest(kit.criterion), renderer_digest(), settings)


def kept_traces(names: Sequence[str]) -> dict[str, list[Trace]]:
    """The traces that `measure_fastest` has left."""
    kit = open_fastest()
    return all_traces(kit, held_out(kit), names)


def _trace(kept: Mapping[str, Sequence[float]]) -> Trace:
    return Trace(**{name: tuple(values) for name, values in kept.items()})


class _Evaluations:
    """An `on_step` that counts evaluations, where a step may take more than one."""

    def __init__(self, bar: Callable[[], object]) -> None:
        self._bar, self._seen = bar, 0

    def __call__(self, step: Step) -> None:
        for _ in range(step.evaluations - self._seen):
            self._bar()
        self._seen = step.evaluations

    def finish(self) -> None:
        """Count what a search left of its budget."""
        for _ in range(BUDGET - self._seen):
            self._bar()
