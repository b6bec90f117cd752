"""Cases of part 3, hw5/projector.py: tasks 3.1 to 3.4: rates, steps, the closure, the loop.

Steps move parabolas, whose gradients are plain; the loop drives a search that only takes notes.
Read next: projector.py, for whole searches.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np

from staff.grading.cases.case import Arrays, Later, Suite
from staff.grading.cases.draws import WIDTH, Draws, normal

torch, projector, config = Later("torch"), Later("hw5.projector"), Later("hw5.config")
lab = Later("staff.grading.cases.lab")
suite = Suite("hw5.projector", needs={"3.4": ("3.1",)})

# ---------------------------------------------------------------- 3.1


def some_ramps(rng: Draws) -> Arrays:
    """A rate, a rise and a fall."""
    return {
        "rate": np.asarray(rng.uniform(0.05, 0.3)),
        "up": np.asarray(rng.uniform(0.05, 0.2)),
        "down": np.asarray(rng.uniform(0.25, 0.6)),
    }


def rates(**settings: Any) -> list[float]:
    """The rate of each of 23 steps."""
    found = config.Projection(num_steps=23, **settings)
    return [float(projector.ramped_rate(step, found)) for step in range(23)]


@suite.case(
    "3.1", some_ramps, weight=2, hint="t = (step + 1/2) / num_steps, in the formula's terms"
)
def rise_and_fall(x: SimpleNamespace) -> dict[str, Any]:
    """The rate rises along a line and falls along half a cosine."""
    ramps = {"ramp_up": float(x.up), "ramp_down": float(x.down)}
    return {"rates": rates(learning_rate=float(x.rate), **ramps)}


@suite.case("3.1", some_ramps, hint="a ramp of 0 is left out, and divides nothing")
def ramps_of_0(x: SimpleNamespace) -> dict[str, Any]:
    """A ramp of 0 is left out, on either side."""
    rate = float(x.rate)
    return {
        "no rise": rates(learning_rate=rate, ramp_up=0.0, ramp_down=float(x.down)),
        "no fall": rates(learning_rate=rate, ramp_up=float(x.up), ramp_down=0.0),
        "neither": rates(learning_rate=rate, ramp_up=0.0, ramp_down=0.0),
    }


# ---------------------------------------------------------------- 3.2, 3.3


def some_parabolas(rng: Draws) -> Arrays:
    """A lowest point for each of three seeds, how steep each is, a stale gradient."""
    return {
        "centre": normal(rng, 3, WIDTH),
        "steep": rng.uniform(0.5, 2, (3, 1)),
        "stale": normal(rng, 3, WIDTH),
    }


class Parabolas:
    """An objective: (N,) losses steep * |x - centre|^2, times a network's weight of 1."""

    def __init__(self, x: SimpleNamespace) -> None:
        """At x = 0, with an old gradient there."""
        self.centre, self.steep, self.asked = x.centre, x.steep, 0
        self.network = torch.ones((), dtype=x.centre.dtype, requires_grad=True)
        self.variables = [torch.zeros_like(x.centre).requires_grad_()]
        self.variables[0].grad = x.stale.clone()

    def __call__(self) -> Any:
        """The losses."""
        self.asked += 1
        apart = self.variables[0] - self.centre
        return self.network * (self.steep * apart.square()).sum(dim=1)

    def told(self) -> dict[str, Any]:
        """Where it is now, with what gradient, after how many evaluations."""
        variable = self.variables[0]
        gradient = torch.zeros_like(variable) if variable.grad is None else variable.grad
        return {
            "variables": variable.detach().clone(),
            "gradient": gradient.clone(),
            "evaluations": self.asked,
            "gradient in the network": self.network.grad is not None,
        }


@suite.case("3.2", some_parabolas, weight=2, hint="zero_grad, loss, backward of the sum, step")
def one_step_of_adam(x: SimpleNamespace) -> dict[str, Any]:
    """Adam's first step moves every number by the rate, downhill, after one evaluation."""
    objective = Parabolas(x)
    projector.adam_step(torch.optim.Adam(objective.variables, lr=9.0), objective, 0.125)
    told = objective.told()
    return {name: told[name] for name in ("variables", "evaluations")}


@suite.case(
    "3.2",
    some_parabolas,
    weight=2,
    hint="forget old gradients; backward(inputs=objective.variables) of the sum",
)
def the_gradient_of_the_sum(x: SimpleNamespace) -> dict[str, Any]:
    """Two plain steps follow each seed's own gradient, and no gradient reaches the network."""
    objective = Parabolas(x)
    optimiser = torch.optim.SGD(objective.variables, lr=1.0)
    for rate in (0.1, 0.05):
        projector.adam_step(optimiser, objective, rate)
    told = objective.told()
    return {name: value for name, value in told.items() if name != "gradient"}


@suite.case("3.3", some_parabolas, weight=2, hint="define a function inside, return it uncalled")
def a_closure_that_can_be_called_again(x: SimpleNamespace) -> dict[str, Any]:
    """Each call forgets old gradients, evaluates once, leaves the sum's gradient, moves nothing."""
    objective = Parabolas(x)
    closure = projector.lbfgs_closure(torch.optim.SGD(objective.variables, lr=0.1), objective)
    found = {"asked before": objective.asked}
    for call in ("first", "second"):
        loss = closure()
        found[f"{call} loss"] = loss
        found[f"{call} is a tensor"] = isinstance(loss, torch.Tensor)
        found |= {f"{call} {name}": value for name, value in objective.told().items()}
    return found


@suite.case("3.3", some_parabolas, hint="the loss it returns and the gradient it leaves must agree")
def lbfgs_arrives(x: SimpleNamespace) -> dict[str, Any]:
    """With this closure, L-BFGS finds the lowest points."""
    objective = Parabolas(x)
    optimiser = torch.optim.LBFGS(
        objective.variables, max_iter=60, line_search_fn="strong_wolfe", tolerance_change=1e-14
    )
    optimiser.step(projector.lbfgs_closure(optimiser, objective))
    return {"lowest": objective.variables[0].detach()}


# ---------------------------------------------------------------- 3.4

REASONS = ("steps", "evaluations", "plateau", "cancelled")
FAR = 10**6


def a_rate(rng: Draws) -> Arrays:
    """A learning rate."""
    return {"rate": np.asarray(rng.uniform(0.05, 0.5))}


class Notes:
    """A search that takes notes instead of steps."""

    def __init__(self, settings: Any, *, step: int = 0, spent: int = FAR, flat: int = FAR) -> None:
        """Begin at `step`; from the steps `spent` and `flat` on it has a reason to stop."""
        self.settings, self.step, self.spent, self.flat = settings, step, spent, flat
        self.objectives, self.optimisers = [10.0, 20.0], [1.0, 2.0]
        self.moves: list[list[float]] = []
        self.reports: list[float] = []
        self.watchers: list[object] = []

    def is_spent(self) -> bool:
        """Is the budget used up?"""
        return self.step >= self.spent

    def is_on_plateau(self) -> bool:
        """Is there no progress?"""
        return self.step >= self.flat

    def report(self, rate: float, on_step: Callable | None = None) -> None:
        """Note the step."""
        self.reports.append(float(rate))
        self.watchers.append(on_step)
        self.step += 1
        if self.step > 60:
            raise RuntimeError("the loop goes on after 60 steps")

    def take(self, kind: float) -> Callable[..., None]:
        """Stands for a function of STEPS."""
        return lambda optimiser, objective, rate: self.moves.append(
            [kind, optimiser, objective, float(rate)]
        )

    def run(self, **options: Any) -> object:
        """Let the student's loop run on these notes."""
        steps = {"adam": self.take(1.0), "lbfgs": self.take(2.0)}
        with mock.patch.dict(projector.STEPS, steps):
            return projector.optimize_para(self, **options)


@suite.case(
    "3.4",
    a_rate,
    weight=2,
    hint="each step: STEPS[optimiser] on every pair, then search.report(rate, on_step)",
)
def steps_and_reports(x: SimpleNamespace) -> dict[str, Any]:
    """A step moves each objective by its optimiser at the ramped rate, and is reported."""
    found = {}
    for kind in ("adam", "lbfgs"):
        notes, watch = Notes(config.Projection(num_steps=4, optimiser=kind)), object()
        reason = notes.run(on_step=watch)
        found |= {
            f"{kind} moves": torch.tensor(notes.moves, dtype=torch.float64),
            f"{kind} rates": torch.tensor(notes.reports, dtype=torch.float64),
            f"{kind} watched": [watcher is watch for watcher in notes.watchers],
            f"{kind} reason": lab.index_of(reason, REASONS),
        }
    return found


@suite.case("3.4", a_rate, hint="search.step counts the steps done: go on from there")
def a_search_that_goes_on(x: SimpleNamespace) -> dict[str, Any]:
    """A search of which 3 of 7 steps are done makes 4 more, at their rates."""
    notes = Notes(config.Projection(num_steps=7, learning_rate=float(x.rate)), step=3)
    notes.run()
    return {"rates": torch.tensor(notes.reports, dtype=torch.float64), "step": notes.step}


@suite.case("3.4", a_rate, weight=2, hint="cancelled, evaluations, plateau: before each step")
def reasons_to_stop(x: SimpleNamespace) -> dict[str, Any]:
    """The reasons are asked in their order, before each step."""
    settings, told = config.Projection(num_steps=9, learning_rate=float(x.rate)), []
    for stop, spent, flat in (
        (0, FAR, FAR),
        (0, 0, 0),
        (FAR, 0, 0),
        (FAR, FAR, 0),
        (FAR, 3, 5),
        (4, 6, 5),
        (FAR, 9, 5),
        (FAR, FAR, FAR),
    ):
        notes = Notes(settings, spent=spent, flat=flat)
        reason = notes.run(should_stop=lambda at=stop, notes=notes: notes.step >= at)
        told.append([lab.index_of(reason, REASONS), notes.step])
    return {"reasons and steps": torch.tensor(told)}
