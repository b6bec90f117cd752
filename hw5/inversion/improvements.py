"""What each part of the fastest search is worth: the same pictures, one change after the other.

Offers `RUNGS`, a table of searches from the starter's Adam up to what fastest.py does, each with
one thing more than the one before, and two that were tried beside it; `follow`, which runs one and
gives a `Trace` for every picture; `better_adam` and `middle`, which sum traces up; and `paces`,
which times rungs in turn. How near a search comes after so many evaluations depends on pictures and
networks alone, the seconds on the machine: so the two are measured apart, and a curve over seconds
is both together.

Read next: hw5/bench/fastest.py, which keeps and sums up, and hw5/cli/fastest_page.py, which draws.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median
from typing import Protocol

import torch
from torch import Tensor

from hw5.inversion.descent import Descent, OnStep, Scored, ShouldStop, as_variable, descend, never
from hw5.inversion.fastest import Fastest, fastest
from hw5.inversion.gauss_newton import PRODUCT, GaussNewton, gauss_newton
from hw5.inversion.inverted import Inverted, Step, Stopwatch
from hw5.inversion.ready import FastestKit
from hw5.kit import seeding
from hw5.latents import mean_code, render
from hw5.models.stylegan2_frozen import freeze
from hw5.shapes import Codes, Images

# Constant, as in the starter; 0.003, the report's, gets nowhere in a hundred steps.
RATES = (0.01, 0.03, 0.1)
# Evaluations after which LPIPS is looked at: it costs as much as an evaluation.
MARKS = (1, 2, 3, 5, 8, 12, 18, 25, 35, 50, 70, 100, 140, 200)

Ruler = Callable[[Images, Images], Tensor]  # (N, 3, H, W) twice, to (N,)


class Search(Protocol):
    """A way to search codes of N pictures side by side."""

    def __call__(
        self,
        kit: FastestKit,
        target: Images,
        budget: int,
        *,
        is_frozen: bool,
        on_step: OnStep,
        should_stop: ShouldStop,
    ) -> Inverted:
        """Spend at most `budget` evaluations of each picture."""


@dataclass(frozen=True)
class Rung:
    """A search, and what it adds to the one before."""

    label: str  # for a curve
    says: str
    search: Search
    is_frozen: bool = False  # while it is timed; the pictures of a frozen generator are the same
    is_batched: bool = False  # timed with all pictures side by side, not with one alone
    curve: str = ""  # the rung whose curve over evaluations it shares; "": its own


@dataclass(frozen=True)
class Trace:
    """How near one picture came: the best so far after each step."""

    evaluations: tuple[int, ...]
    loss: tuple[float, ...]  # lowest so far; never rises
    looked: tuple[int, ...] = ()  # evaluations at which LPIPS was looked at
    lpips: tuple[float, ...] = ()  # of the picture with the lowest loss so far

    def first_below(self, goal: float) -> int | None:
        """Evaluations until the loss was at most `goal`; None: it never was."""
        pairs = zip(self.evaluations, self.loss, strict=True)
        return next((count for count, loss in pairs if loss <= goal), None)


@dataclass(frozen=True)
class Pace:
    """Seconds for each picture."""

    first: float  # until the first evaluation is done: the start code is made in them
    each: float  # of every further one

    def seconds(self, evaluations: float) -> float:
        """Seconds after so many evaluations."""
        return self.first + self.each * (evaluations - 1)


def follow(
    kit: FastestKit,
    targets: Images,
    search: Search,
    *,
    budget: int,
    ruler: Ruler | None = None,
    marks: Sequence[int] = MARKS,
    on_step: Callable[[Step], None] = lambda _step: None,
    should_stop: ShouldStop = never,
) -> list[Trace]:
    """Search all pictures side by side, with a frozen generator, and tell how each came nearer.

    Args:
        kit: networks, criterion, encoder, curvature.
        targets: (N, 3, H, W) in [-1, 1].
        search: such as that of a rung.
        budget: evaluations of each picture at most.
        ruler: LPIPS; None: it is not looked at.
        marks: evaluations after which it is, rising.
        on_step: called with each step's `Step`.
        should_stop: once true the search ends, and the traces with it.
    """
    watch = _Watch(ruler, targets, marks, on_step)
    search(kit, targets, budget, is_frozen=True, on_step=watch, should_stop=should_stop)
    return watch.traces()


class _Watch:
    """An `on_step` that keeps each picture's lowest loss, and looks at its picture now and then."""

    def __init__(
        self, ruler: Ruler | None, targets: Images, marks: Sequence[int], tell: OnStep
    ) -> None:
        self.ruler, self.targets, self.marks, self.tell = ruler, targets, list(marks), tell
        self.best = torch.full((len(targets),), torch.inf, dtype=torch.float64)
        self.image = targets.clone()
        self.rows: list[tuple[int, Tensor]] = []  # evaluations, losses (N,)
        self.looks: list[tuple[int, Tensor]] = []  # evaluations, LPIPS (N,)

    def __call__(self, step: Step) -> None:
        losses = torch.tensor(step.losses, dtype=torch.float64)
        better = losses < self.best  # (N,); NaN is not
        self.best = losses.where(better, self.best)
        rows = better[:, None, None, None].to(self.image.device)
        self.image = step.image.to(self.image).where(rows, self.image)
        self.rows.append((step.evaluations, self.best))
        if self.ruler is not None and self.marks and step.evaluations >= self.marks[0]:
            self.marks = [mark for mark in self.marks if mark > step.evaluations]
            with torch.no_grad():
                self.looks.append((step.evaluations, self.ruler(self.image, self.targets).cpu()))
        self.tell(step)

    def traces(self) -> list[Trace]:
        counts, looked = (tuple(row[0] for row in rows) for rows in (self.rows, self.looks))
        return [
            Trace(
                counts,
                tuple(float(losses[n]) for _, losses in self.rows),
                looked,
                tuple(float(distances[n]) for _, distances in self.looks),
            )
            for n in range(len(self.targets))
        ]


def better_adam(traces: Mapping[str, Sequence[Trace]]) -> list[Trace]:
    """For each picture the trace of the rate at which Adam ended lowest."""
    rates = [each for name, each in traces.items() if name.startswith(ADAM)]
    return [min(rows, key=lambda row: row.loss[-1]) for rows in zip(*rates, strict=True)]


def middle(rows: Sequence[Trace], what: str = "loss") -> tuple[tuple[int, ...], list[float]]:
    """Evaluations, and at each the median of the pictures' lowest losses, or of their LPIPS."""
    counts = {"loss": rows[0].evaluations, "lpips": rows[0].looked}[what]
    heights = {"loss": [row.loss for row in rows], "lpips": [row.lpips for row in rows]}[what]
    return counts, [median(each) for each in zip(*heights, strict=True)]


def paces(
    kit: FastestKit,
    targets: Images,
    names: Sequence[str],
    *,
    budget: int = 6,
    rounds: int = 5,
    on_step: Callable[[], object] = lambda: None,
) -> dict[str, Pace]:
    """Time rungs in turn, so that a machine that is busy for a while is so for all of them.

    Told is the least of all rounds: what else a machine does can only add to it.

    Args:
        kit: networks, criterion, encoder, curvature.
        targets: pictures; the first stands for one alone.
        names: of the rungs.
        budget: evaluations of each search, at least 2; one step of Gauss-Newton takes more.
        rounds: searches of each rung; one more comes before.
        on_step: called after each search.
    """
    found: dict[str, list[Pace]] = {name: [] for name in names}
    for turn in range(1 + rounds):
        for name in names:
            pace = _pace(kit, targets, RUNGS[name], budget)
            if turn:  # the first time pays for memory and for choosing algorithms
                found[name].append(pace)
            on_step()
    return {
        name: Pace(min(each.first for each in row), min(each.each for each in row))
        for name, row in found.items()
    }


def _pace(kit: FastestKit, targets: Images, rung: Rung, budget: int) -> Pace:
    pictures, steps = targets if rung.is_batched else targets[:1], []
    rung.search(
        kit, pictures, budget, is_frozen=rung.is_frozen, on_step=steps.append, should_stop=never
    )
    each = median(
        (after.seconds - before.seconds) / (after.evaluations - before.evaluations)
        for before, after in pairwise(steps)
    )
    return Pace(steps[0].seconds / len(pictures), each / len(pictures))


# ---------------------------------------------------------------- the searches


def adam(rate: float) -> Search:
    """Adam from the mean, at a constant rate."""

    def search(
        kit: FastestKit, target: Images, budget: int, *, is_frozen: bool, on_step: OnStep,
        should_stop: ShouldStop,
    ) -> Inverted:  # fmt: skip
        network = freeze(kit.generator) if is_frozen else kit.generator
        start = _mean(kit)
        code = as_variable(start.repeat(len(target), 1, 1))

        def score() -> Scored:
            image = render(network, code, "w+")
            return Scored(image, code, kit.criterion(image, target, None, code - start).total)

        settings = Descent(num_steps=budget, learning_rate=rate)
        return descend(
            score, [code], settings, method="Adam", space="w+", on_step=on_step,
            should_stop=should_stop,
        )  # fmt: skip

    return search


def _mean(kit: FastestKit) -> Codes:
    return mean_code(kit.generator, "w+", rng=seeding.make(0))


def quasi_newton(
    *, encoder: bool = False, metric: bool = False, precision: str = "float32"
) -> Search:
    """L-BFGS of fastest.py with some of its parts, from the mean unless an encoder says more."""

    def search(
        kit: FastestKit, target: Images, budget: int, *, is_frozen: bool, on_step: OnStep,
        should_stop: ShouldStop,
    ) -> Inverted:  # fmt: skip
        mean = None if encoder else _mean(kit)  # of 10,000 codes: made once, so off the clock
        return fastest(
            kit.generator,
            target,
            criterion=kit.criterion,
            encoder=kit.encoder if mean is None else lambda some: mean.repeat(len(some), 1, 1),
            curvature=kit.curvature if metric else None,
            settings=Fastest(num_evaluations=budget, precision=precision, is_frozen=is_frozen),
            rng=seeding.make(0),
            on_step=on_step,
            should_stop=should_stop,
        )

    return search


def second_order(
    kit: FastestKit, target: Images, budget: int, *, is_frozen: bool, on_step: OnStep,
    should_stop: ShouldStop,
) -> Inverted:  # fmt: skip
    """Gauss-Newton from the encoder's code, its products counted in evaluations.

    A frozen generator has no forward derivatives, so it never is.
    """
    watch = Stopwatch()
    with torch.no_grad():
        start = kit.encoder(target)
        image = render(kit.generator, start, "w+")
        losses = kit.criterion(image, target, None, start - start).total
    first = Step(0, tuple(losses.tolist()), 1, watch.seconds(), image)
    on_step(first)
    inner = GaussNewton().inner_steps
    steps = max(1, int((budget - 1 - PRODUCT) / (2 + PRODUCT * inner)))
    return gauss_newton(
        kit.generator, target, criterion=kit.criterion, start=start,
        settings=GaussNewton(num_steps=steps), should_stop=should_stop,
        on_step=lambda step: on_step(replace(step, seconds=first.seconds + step.seconds)),
    )  # fmt: skip


OURS = quasi_newton(encoder=True, metric=True)
ADAM = "adam-"  # the names of its rungs end in the rate
RUNGS: dict[str, Rung] = {
    **{
        f"{ADAM}{rate:g}": Rung("Adam", f"Adam from the mean, rate {rate:g}", adam(rate))
        for rate in RATES
    },
    "lbfgs": Rung("L-BFGS", "L-BFGS in its place", quasi_newton()),
    "encoder": Rung("+ encoder", "and from an encoder's code", quasi_newton(encoder=True)),
    "metric": Rung("+ metric", "and in a measured metric", OURS),
    "frozen": Rung(
        "+ frozen", "and with a frozen generator", OURS, is_frozen=True, curve="metric"
    ),
    "batch": Rung(
        "+ side by side", "and all pictures side by side", OURS,
        is_frozen=True, is_batched=True, curve="metric",
    ),
    "mean-metric": Rung(
        "no encoder", "the metric, from the mean", quasi_newton(metric=True)
    ),
    "bfloat16": Rung(
        "bfloat16", "frozen and alone, in bfloat16",
        quasi_newton(encoder=True, metric=True, precision="bfloat16"), is_frozen=True,
    ),
    "gauss-newton": Rung("Gauss-Newton", "Gauss-Newton from the encoder's code", second_order),
}  # fmt: skip
LADDER = ("lbfgs", "encoder", "metric", "frozen", "batch")  # each has all of those before it
ASIDE = ("mean-metric", "bfloat16", "gauss-newton")
