"""What a search carries along: objectives, optimisers, log, state, outcome: plumbing, given.

Offers `begin_search`, `Search`, `Record` and `Projected`. The loop that drives a search is
`optimize_para` in projector.py. Read next: projector.py.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from hw5.config import Projection
from hw5.kit.checks import InputError, check_images, check_mask
from hw5.latents import check_codes, noise_of
from hw5.objective import Objective, Score, State
from hw5.shapes import Codes, Images, Mask

if TYPE_CHECKING:
    from hw5.models.generator import Generator


@dataclass(frozen=True)
class Record:
    """One step of a search."""

    step: int  # 0 for the first
    evaluations: int  # pictures rendered and scored so far, over all seeds
    losses: tuple[float, ...]  # last loss that was computed, one per seed
    best_losses: tuple[float, ...]  # lowest so far, one per seed
    terms: dict[str, float]  # weighted terms of the seed whose last loss is lowest
    learning_rate: float
    seconds: float  # since the search began, pauses not counted
    # Call it inside `on_step` for the pictures just scored, a copy, (num_seeds, 3, H, W). Records
    # kept in a history have None here: a thousand pictures would fill the memory.
    pictures: Callable[[], Images] | None = field(default=None, repr=False, compare=False)

    @property
    def loss(self) -> float:
        """Lowest of the seeds' last losses; seeds that broke down do not count."""
        return min((x for x in self.losses if math.isfinite(x)), default=math.nan)

    @property
    def best(self) -> float:
        """Lowest loss so far."""
        return min(self.best_losses)

    def plain(self) -> State:
        """The numbers as a dict, for JSON and for resuming."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "pictures"}


@dataclass(frozen=True)
class Projected:
    """Outcome of a search. `image`, `code`, `noise` and `loss` belong to one evaluation."""

    image: Images  # (1, 3, H, W): the very picture that was scored, not a second rendering
    code: Codes  # (1, ...) in `settings.space`; equals start + delta
    delta: Codes  # what the search added
    start: Codes  # where the best seed began
    noise: dict[str, Tensor]  # noise maps behind `image`, (1, 1, H, W) each; {} without noise
    loss: float  # of `image`: the lowest of all evaluations
    history: tuple[Record, ...]
    seconds: float
    evaluations: int  # pictures rendered and scored
    seed: int  # which of the seeds was best, from 0
    stopped: str  # why: "steps", "evaluations", "plateau" or "cancelled"
    settings: Projection
    state: State  # pass it as `resume` to go on


class Search:
    """Objectives with their optimisers, and the log of their steps.

    Adam works on each number alone, so all seeds share one objective and one batch. L-BFGS ties
    all its variables together by one line search, so every seed gets an objective of its own:
    a seed's course never depends on its companions.
    """

    def __init__(
        self, objectives: list[Objective], settings: Projection, resume: State | None = None
    ) -> None:
        """Begin, or go on from `resume`."""
        self.objectives, self.settings = objectives, settings
        make = {"adam": adam, "lbfgs": lbfgs}[settings.optimiser]
        self.optimisers = [make(objective.variables, settings) for objective in objectives]
        self.history: list[Record] = []
        if resume is not None:
            self.history = [Record(**plain) for plain in resume["history"]]
            for objective, state in zip(objectives, resume["objectives"], strict=True):
                objective.restore(state)
            for optimiser, state in zip(self.optimisers, resume["optimisers"], strict=True):
                optimiser.load_state_dict(copy.deepcopy(state))
        spent = self.history[-1].seconds if self.history else 0.0
        self._began = time.perf_counter() - spent

    @property
    def step(self) -> int:
        """Steps done."""
        return len(self.history)

    @property
    def evaluations(self) -> int:
        """Pictures rendered and scored, over all seeds."""
        return sum(objective.evaluations for objective in self.objectives)

    def is_spent(self) -> bool:
        """Is the budget of evaluations used up?"""
        budget = self.settings.max_evaluations
        return budget is not None and self.evaluations >= budget

    def is_on_plateau(self) -> bool:
        """Has no seed's best loss improved noticeably over the last `patience` steps?

        Also when a step needed no evaluation: L-BFGS has then found no way down.
        """
        patience = self.settings.patience
        if self.step > 1 and self.history[-1].evaluations == self.history[-2].evaluations:
            return True
        if not patience or self.step <= patience:
            return False
        before, now = self.history[-1 - patience].best_losses, self.history[-1].best_losses
        worth = self.settings.min_improvement
        return not any(b - a > worth * abs(b) for b, a in zip(before, now, strict=True))

    def report(self, learning_rate: float, on_step: Callable[[Record], None] | None) -> None:
        """Log the step just made and show it to `on_step`.

        Raises:
            InputError: no seed has a finite loss any more.
        """
        losses = torch.cat([objective.loss for objective in self.objectives])
        if not bool(losses.isfinite().any()):
            raise InputError.about(
                "learning_rate",
                expected=f"a finite loss at step {self.step}",
                got=f"{float(losses[0])} with learning_rate {learning_rate:g}",
                hint=f"the search blew up; try {self.settings.rate / 10:g}",
            )
        lead = int(losses.nan_to_num(nan=math.inf).argmin())
        names = self.objectives[0].terms
        terms = {k: float(torch.cat([o.terms[k] for o in self.objectives])[lead]) for k in names}
        record = Record(
            step=self.step,
            evaluations=self.evaluations,
            losses=tuple(losses.tolist()),
            best_losses=tuple(torch.cat([o.best["loss"] for o in self.objectives]).tolist()),
            terms=terms,
            learning_rate=learning_rate,
            seconds=time.perf_counter() - self._began,
        )
        self.history.append(record)
        if on_step is not None:
            on_step(replace(record, pictures=self.pictures))

    def pictures(self) -> Images:
        """A copy of the pictures scored last, one per seed, (num_seeds, 3, H, W)."""
        return torch.cat([objective.image for objective in self.objectives]).clone()

    def state(self) -> State:
        """Everything needed to go on: plain tensors, numbers, strings, lists and dicts."""
        return {
            "settings": asdict(self.settings),
            "objectives": [objective.state() for objective in self.objectives],
            "optimisers": [copy.deepcopy(o.state_dict()) for o in self.optimisers],
            "history": [record.plain() for record in self.history],
        }

    def result(self, stopped: str) -> Projected:
        """The best of all evaluations of all seeds, as copies.

        Stopped before its first step, a search has scored nothing: then the start is scored here.
        """
        for objective in self.objectives:
            if not objective.best:
                with torch.no_grad():
                    objective()
        best = {k: torch.cat([o.best[k] for o in self.objectives]) for k in self.objectives[0].best}
        seed = int(best["loss"].argmin())
        row = slice(seed, seed + 1)
        start = torch.cat([objective.start for objective in self.objectives])[row].clone()
        noise = dict(self.objectives[0].maps)
        if self.objectives[0].is_noise_optimised:
            noise = {name: best[f"noise {name}"][row] for name in noise}
        return Projected(
            image=best["image"][row].clone(),
            code=start + best["delta"][row],
            delta=best["delta"][row].clone(),
            start=start,
            noise={name: value.detach().clone() for name, value in noise.items()},
            loss=float(best["loss"][seed]),
            history=tuple(self.history),
            seconds=self.history[-1].seconds if self.history else 0.0,
            evaluations=self.evaluations,
            seed=seed,
            stopped=stopped,
            settings=self.settings,
            state=self.state(),
        )


def begin_search(
    generator: Generator,
    target: Images,
    score: Score,
    start: Codes,
    settings: Projection,
    *,
    mask: Mask | None = None,
    noise: Mapping[str, Tensor] | None = None,
    resume: State | None = None,
) -> Search:
    """Check the arguments of `projector.project`, and make the search.

    Raises:
        InputError: they do not fit each other.
    """
    settings = settings.settled(generator.spaces)
    check_images("target", target, size=generator.image_size)
    check_codes("start", generator, start, settings.space)
    for name, tensor in (("target", target), ("mask", mask)):
        if tensor is not None and tensor.device != start.device:
            raise InputError.about(name, expected=f"it on {start.device}", got=f"{tensor.device}")
    if len(target) != 1:
        raise InputError.about("target", expected="one picture", got=f"{len(target)}")
    if mask is not None:
        check_mask("mask", mask, target)
    if settings.noise == "optimised" and not noise_of(generator):
        raise InputError.about(
            "noise", expected="'fixed', as this generator has no noise maps", got="'optimised'"
        )
    starts = [start] if settings.optimiser == "adam" else start.split(1)
    objectives = [
        Objective(generator, target, score, codes, settings, mask=mask, noise=noise)
        for codes in starts
    ]
    return Search(objectives, settings, resume)


def resumed_start(resume: State, settings: Projection, start: Codes | None) -> Codes:
    """The start codes (num_seeds, ...) of a search that goes on.

    Raises:
        InputError: another kind of search, or a new start beside the old one.
    """
    if start is not None:
        raise InputError.about(
            "start", expected="none, as the resumed search has one", got="a start", hint="drop it"
        )
    for name in ("space", "optimiser", "noise"):
        before, now = resume["settings"][name], getattr(settings, name)
        if before != now:
            raise InputError.about(
                f"settings.{name}", expected=f"{before!r}, as in the resumed search", got=f"{now!r}"
            )
    return torch.cat([objective["start"] for objective in resume["objectives"]])


def adam(variables: list[Tensor], settings: Projection) -> torch.optim.Optimizer:
    """Adam with the moments of ADA's projector."""
    return torch.optim.Adam(variables, lr=settings.rate, betas=(0.9, 0.999))


def lbfgs(variables: list[Tensor], settings: Projection) -> torch.optim.Optimizer:
    """Full-batch L-BFGS; one `step` is one iteration with one line search."""
    return torch.optim.LBFGS(
        variables,
        lr=settings.rate,
        max_iter=1,
        max_eval=settings.line_search_evaluations + 1,  # one for the point it starts from
        history_size=settings.history_size,
        line_search_fn="strong_wolfe",
    )
