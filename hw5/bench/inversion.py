"""The fastest inversion against a loop written as in the course's starter: time to the same LPIPS.

Offers `measure_inversion`. Protocol, within one run, on `NUM_PICTURES` held-out pictures: the
starter-style loop takes `STEPS` Adam steps at a constant rate from the mean in w+, once for each of
`RATES`; a picture's goal is the lowest LPIPS that one of its loops ends with. Adam moves every
number by itself and losses are per picture, so pictures run side by side, `TOGETHER` at a time, and
end where they would end alone; the seconds of one alone are those of `TIMED` steps of
`starter_loop`, each costing the same, right before ours on the same picture: a machine's speed
wavers. Where a loop ends depends on networks,
criterion and pictures: it is kept in the cache folder, under a name that changes with any of them,
and a run that is cut short goes on from there. Seconds are measured anew in every run.

Then `fastest` minimises the same criterion, each picture alone, until the best picture it has is as
near, or `BUDGET` evaluations are spent (`reached` then says so, and the ratio counts the time
spent). Measuring LPIPS is not timed, nor is what is prepared once for a generator: an encoder, and
the curvature (hw5/inversion/ready.py).

LPIPS wavers while a loss falls, so the loop may have been as near long before its end. `ratio` is
against the whole loop, and a quarter of the pictures each lie below `ratio_of_a_quarter` and above
`ratio_of_three_quarters`; `ratio_to_first` is against the loop stopped, like ours, when it is first
as near as it ends (looked up every `EVERY` steps).

Last, all pictures are inverted as one batch, by as many evaluations as the median picture took.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, median, quantiles

import torch
from torch import Tensor

from hw5 import latents, loss_parts, losses, world
from hw5.bench.kept import Shelf, criterion_digest, names_of, sources
from hw5.bench.projection import starter_loop
from hw5.inversion.fastest import Fastest
from hw5.inversion.inverted import Step
from hw5.inversion.ready import FastestKit, open_fastest
from hw5.inversion.tuned import digest
from hw5.kit import progress, seeding
from hw5.losses import Criterion
from hw5.metrics.perceptual import LpipsMetric, lpips_metric
from hw5.models.generator import Generator
from hw5.shapes import Images
from hw5.world.dataset import renderer_digest, split_factors

NUM_PICTURES = 20
STEPS = 1000  # of the starter
EVERY = 20  # steps from one look at the loop to the next
TIMED = 50  # steps of each picture's loop from which the seconds of all are known
RATES = (0.003, 0.01, 0.03, 0.1)
TOGETHER = 5  # pictures that a loop runs on side by side
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
    loops = run_loops(network, targets, criterion, ruler)
    rows = []
    with progress.bar(num_pictures, "ours, picture by picture") as on_step:
        for target, ends in zip(targets.split(1), loops, strict=True):
            rows.append(_compare(search, ruler, target, ends))
            on_step()
    found = {name: median(row[name] for row in rows) for name in rows[0]}
    found["reached"] = fmean(row["reached"] for row in rows)
    found |= _quarters([row["ratio"] for row in rows])
    begin = time.perf_counter()
    settings = Fastest(num_evaluations=max(1, round(found["evaluations"])))
    search(targets, settings=settings)
    found["batch_seconds_per_picture"] = (time.perf_counter() - begin) / num_pictures
    found["batch_ratio"] = found["starter_seconds"] / found["batch_seconds_per_picture"]
    return found


def _quarters(ratios: Sequence[float]) -> dict[str, float]:
    if len(ratios) < 2:
        return {}
    low, _, high = quantiles(ratios, n=4, method="inclusive")
    return {"ratio_of_a_quarter": low, "ratio_of_three_quarters": high}


def seconds_alone(network: Generator, target: Images, criterion: Criterion) -> float:
    """Seconds of one whole loop on one picture, from its first `TIMED` steps."""
    return starter_loop(network, target, criterion, TIMED, RATES[0]).seconds * STEPS / TIMED


@dataclass(frozen=True)
class Loop:
    """How one run of the starter-style loop ended."""

    loss: float  # lowest
    lpips: float  # of its last picture
    first: int  # steps until it was first as near as that


def run_loops(
    network: Generator, targets: Images, criterion: Criterion, ruler: LpipsMetric
) -> list[dict[float, Loop]]:
    """How the loop ends on every picture at every rate; by picture, by rate.

    Loops that are done stay in the cache folder, so a run that is cut short goes on with the next.
    """
    shelf = Shelf(
        "starter-loops", digest(network), criterion_digest(criterion), digest(ruler), STEPS, EVERY,
        renderer_digest(), sources(latents, losses, loss_parts),
    )  # fmt: skip
    names = names_of(targets)
    todo = []
    for rate in RATES:
        rows = [row for row, name in enumerate(names) if shelf.get(f"{name}-{rate:g}") is None]
        todo += [(rate, rows[i : i + TOGETHER]) for i in range(0, len(rows), TOGETHER)]
    with progress.bar(STEPS * len(todo), "starter-style loops") as on_step:
        for rate, rows in todo:
            loops = _run_loops(network, targets[rows], criterion, ruler, rate, on_step)
            for row, loop in zip(rows, loops, strict=True):
                shelf.put(f"{names[row]}-{rate:g}", asdict(loop))
    return [{rate: Loop(**shelf.get(f"{name}-{rate:g}")) for rate in RATES} for name in names]


def _run_loops(
    network: Generator, targets: Images, criterion: Criterion, ruler: LpipsMetric, rate: float,
    on_step: Callable[[], object],
) -> list[Loop]:  # fmt: skip
    """Run the loop on some pictures side by side, looking now and then."""
    start = latents.mean_code(network, "w+", rng=seeding.make(0))
    delta = torch.zeros_like(start).repeat(len(targets), 1, 1).requires_grad_()
    optimiser = torch.optim.Adam([delta], lr=rate)
    lowest = torch.full((len(targets),), torch.inf)
    seen: dict[int, Tensor] = {}  # steps done -> LPIPS (N,)
    for step in range(STEPS):
        pictures = latents.render(network, start + delta, "w+")
        loss = criterion(pictures, targets, None, delta).total
        (delta.grad,) = torch.autograd.grad(loss.sum(), delta)
        lowest = torch.minimum(lowest, loss.detach())
        if step % EVERY == 0 or step == STEPS - 1:
            seen[step + 1] = judge(ruler, pictures, targets)
        optimiser.step()
        on_step()
    return [_end(lowest[row], seen, row) for row in range(len(targets))]


def _end(lowest: Tensor, seen: Mapping[int, Tensor], row: int) -> Loop:
    return Loop(float(lowest), float(seen[STEPS][row]), first_as_near(seen, row))


def first_as_near(seen: Mapping[int, Tensor], row: int) -> int:
    """Steps after which a loop was first as near as it is at the end."""
    return next(done for done, distance in seen.items() if distance[row] <= seen[STEPS][row])


def _compare(
    search: FastestKit, ruler: LpipsMetric, target: Images, loops: dict[float, Loop]
) -> dict[str, float]:
    """One picture's figures."""
    alone = seconds_alone(search.generator, target, search.criterion)
    rate = min(loops, key=lambda each: loops[each].lpips)
    loop = loops[rate]
    watch = Watch(ruler, target, loop.lpips)
    settings = Fastest(num_evaluations=BUDGET)
    ours = search(target, settings=settings, on_step=watch, should_stop=watch.is_done)
    seconds = ours.seconds - watch.spent
    return {
        "ratio": alone / seconds,
        "ratio_to_first": alone * loop.first / STEPS / seconds,
        "reached": float(watch.is_reached),
        "starter_seconds": alone,
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
