"""Checks of part 3, hw5/projector.py: the learning rate, and single steps. Tasks 3.1 to 3.3.

The steps move a hand-made objective, a parabola for each seed, so that every gradient is known.
Read next: search.py, for the loop and the whole search.
"""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from hw5.checking.expect import NOTHING, Slip, Wrong, expect, require
from hw5.checking.fakes import fixed_draw
from hw5.checking.suite import Later, Suite
from hw5.config import Projection

projector = Later("hw5.projector")
suite = Suite(needs={})

# ---------------------------------------------------------------- 3.1

NO_HALF_STEP = Slip("the half step is missing", "t = (step + 1/2) / num_steps")
LAST_STEP = Slip("divided by num_steps - 1", "t = (step + 1/2) / num_steps")
NO_RISE = Slip("it does not rise", "times min(1, t / ramp_up)")
NO_FALL = Slip("it does not fall", "times (1 - cos(pi * min(1, (1 - t) / ramp_down))) / 2")
LINEAR_FALL = Slip("it falls along a line", "half a cosine: (1 - cos(pi * x)) / 2")
NOT_HALVED = Slip("the cosine's factor is not halved", "(1 - cos) goes from 0 to 2: divide by 2")
RAMPS_SWAPPED = Slip("ramp_up and ramp_down are swapped", "it rises first, over ramp_up")
COSINE_TURNED = Slip("the cosine runs the wrong way", "1 - cos, of (1 - t) / ramp_down")
FIXED_RATE = Slip("`settings.rate` is not used", "the whole is multiplied by it")
DEGREES = Slip("the angle is not in radians", "math.cos(math.pi * ...)")


def ramp(t: float, up: float, down: float) -> tuple[float, float]:
    """How far it has risen, and how far along the fall it still is, both from 0 to 1."""
    return (t / up if t < up else 1.0), ((1 - t) / down if 1 - t < down else 1.0)


@suite.check("3.1", points=2)
def rates_of_a_search(seed: int) -> None:
    """The rate rises along a line, stays, and falls along half a cosine."""
    settings = Projection(num_steps=40, ramp_up=0.2, ramp_down=0.4, learning_rate=0.5 + seed % 7)
    at = range(40)
    got = [projector.ramped_rate(step, settings) for step in at]
    require(got[0] is not None, "the rate is None", NOTHING)

    def rates(times: list[float], up: float = 0.2, down: float = 0.4, bend: object = None) -> list:
        pairs = [ramp(t, up, down) for t in times]
        bend = bend or (lambda x: math.sin(math.pi * x / 2) ** 2)
        return [settings.rate * rise * bend(fall) for rise, fall in pairs]

    t = [(step + 0.5) / 40 for step in at]
    want = rates(t)
    slips = {
        NO_HALF_STEP: rates([step / 40 for step in at]),
        LAST_STEP: rates([step / 39 for step in at]),
        NO_RISE: rates(t, up=1e-9),
        NO_FALL: rates(t, down=1e-9),
        LINEAR_FALL: rates(t, bend=lambda x: x),
        NOT_HALVED: [2 * rate for rate in want],
        RAMPS_SWAPPED: rates(t, up=0.4, down=0.2),
        COSINE_TURNED: rates(t, bend=lambda x: math.cos(math.pi * x / 2) ** 2),
        FIXED_RATE: [rate / settings.rate for rate in want],
        DEGREES: rates(t, bend=lambda x: (1 - math.cos(180 * x)) / 2),
    }
    expect(torch.tensor(got), want, slips, of="the rate, step by step")


@suite.check("3.1")
def ramps_of_0(seed: int) -> None:
    """A ramp of 0 is left out, and no step stands still."""
    slip = Slip("a ramp of 0 is divided by", "leave it out: `if settings.ramp_up else 1`")
    for up, down in ((0.0, 0.0), (0.5, 0.0), (0.0, 0.5)):
        settings = Projection(num_steps=10, ramp_up=up, ramp_down=down, learning_rate=2.0)
        try:
            rates = [projector.ramped_rate(step, settings) for step in range(10)]
        except ZeroDivisionError as error:
            raise Wrong(f"ZeroDivisionError for ramps {up} and {down}", slip) from error
        require(all(rate > 0 for rate in rates), f"rates {rates}", NO_HALF_STEP)
        plain = rates[5:] if up else rates[:5]
        if not down or not up:
            require(all(abs(r - 2) < 1e-9 for r in plain), f"{plain}, expected 2 throughout", slip)


# ---------------------------------------------------------------- 3.2 and 3.3

NOT_FORGOTTEN = Slip("the old gradients are not forgotten", "`optimiser.zero_grad()` comes first")
MEAN_OF_SEEDS = Slip(
    "the mean over the seeds, where the sum belongs",
    "seeds do not interact: the mean divides each one's gradient by their number",
)
NEVER_MOVED = Slip("nothing moves", "`optimiser.step()` ends the step")
MOVED_TWICE = Slip("two steps instead of one", "one `optimiser.step()`")
ASKED_TWICE = Slip("the objective is asked more than once", "one step, one evaluation: keep its answer")  # noqa: E501  # fmt: skip
ONE_SEED = Slip("only one seed gets a gradient", "the sum of all losses, not the lowest or the first")
NETWORK_TOO = Slip(
    "the network's weights get gradients as well",
    "`backward(inputs=objective.variables)`: they are not searched, and their gradients cost time",
)
CLIMBED = Slip("it climbs: the loss grows", "the gradient of the loss itself, not of its negative")


class Parabolas:
    """Seed n's loss is s_n * |x_n - c_n|^2, with a bystander that stands for a network's weights."""

    def __init__(self, seed: int) -> None:
        """Three seeds at 0."""
        self.centre = 1 + fixed_draw(seed, 3, 4).square()
        self.scale = torch.tensor([1.0, 10.0, 100.0]).double()
        self.bystander = torch.ones(1, dtype=torch.float64, requires_grad=True)
        self.variables = [torch.zeros(3, 4, dtype=torch.float64, requires_grad=True)]
        self.asked = 0

    def __call__(self) -> Tensor:
        """One loss per seed, (3,)."""
        self.asked += 1
        apart = (self.variables[0] - self.centre) * self.bystander
        return self.scale * apart.pow(2).sum(dim=1)

    def gradient(self) -> Tensor:
        """Of the sum of the losses, where the variables are now."""
        here = self.variables[0].detach()
        return 2 * self.scale[:, None] * (here - self.centre)


def check_gradient(parabolas: Parabolas, got: Tensor | None, want: Tensor) -> None:
    """Require the gradient of the sum, in the variables and nowhere else."""
    slip = Slip("no gradient arrives", "`losses.sum().backward(...)`")
    require(got is not None, "the variables have no gradient", slip)
    first = torch.zeros_like(want)
    first[0] = want[0]
    slips = {MEAN_OF_SEEDS: want / 3, NOT_FORGOTTEN: 2 * want, ONE_SEED: first, CLIMBED: -want}
    expect(got, want, slips, of="the gradient")
    require(parabolas.bystander.grad is None, "the network has a gradient", NETWORK_TOO)


@suite.check("3.2", points=2)
def gradients_of_a_step(seed: int) -> None:
    """A step uses the gradient of the sum over the seeds, and only the variables get one."""
    parabolas = Parabolas(seed)
    optimiser = torch.optim.SGD(parabolas.variables, lr=1.0)
    want = parabolas.gradient()
    projector.adam_step(optimiser, parabolas, 0.0)
    check_gradient(parabolas, parabolas.variables[0].grad, want)
    projector.adam_step(optimiser, parabolas, 0.0)  # a rate of 0 stays where it is
    check_gradient(parabolas, parabolas.variables[0].grad, want)
    require(parabolas.asked == 2, f"{parabolas.asked} evaluations for two steps", ASKED_TWICE)


@suite.check("3.2")
def a_step_moves(seed: int) -> None:
    """Adam's first step moves every number by the learning rate, towards a lower loss."""
    parabolas = Parabolas(seed)
    projector.adam_step(torch.optim.Adam(parabolas.variables, lr=9.0), parabolas, 0.125)
    moved = parabolas.variables[0].detach()
    want = torch.full_like(moved, 0.125)
    slips = {
        NEVER_MOVED: 0 * want,
        MOVED_TWICE: 2 * want,
        CLIMBED: -want,
        Slip("the rate is not used", "`learning_rate` is already in the optimiser's groups"): 72 * want,
    }
    expect(moved, want, slips, close=0.01, of="the step")


@suite.check("3.3", points=2)
def a_closure_can_be_called_again(seed: int) -> None:
    """Each call forgets the old gradients, evaluates, and leaves the gradient of the sum."""
    parabolas = Parabolas(seed)
    want, total = parabolas.gradient(), float(parabolas().detach().sum())
    parabolas.asked = 0
    closure = projector.lbfgs_closure(torch.optim.SGD(parabolas.variables, lr=1.0), parabolas)
    slip = Slip("no function is returned", "define a function inside and `return` it, uncalled")
    require(callable(closure), f"what came back is a {type(closure).__name__}", slip)
    early = Slip("evaluated once, outside the closure", "everything belongs inside the function")
    require(parabolas.asked == 0, "the objective was asked before the closure was called", early)
    for call in (1, 2):
        loss = closure()
        seen = f"{parabolas.asked} evaluations in {call} calls"
        require(parabolas.asked == call, seen, early if parabolas.asked < call else ASKED_TWICE)
        require(loss is not None, "the closure returns None", NOTHING)
        per_seed = Slip("one loss per seed where one number is asked", "L-BFGS needs their sum")
        slips = {MEAN_OF_SEEDS: total / 3, per_seed: (3,)}
        expect(loss, total, slips, of="the loss")
        tensor = Slip("a number where a tensor is asked", "return the loss itself, no `.item()`")
        require(isinstance(loss, Tensor), f"the loss is a {type(loss).__name__}", tensor)
        check_gradient(parabolas, parabolas.variables[0].grad, want)


@suite.check("3.3")
def a_closure_does_not_move(seed: int) -> None:
    """The closure looks and does not move: the line search decides where to go."""
    parabolas = Parabolas(seed)
    projector.lbfgs_closure(torch.optim.SGD(parabolas.variables, lr=0.1), parabolas)()
    slip = Slip("the closure moves the variables", "no `optimiser.step()` inside, no `clamp_`")
    require(bool((parabolas.variables[0] == 0).all()), "the variables have changed", slip)


@suite.check("3.3")
def lbfgs_with_this_closure(seed: int) -> None:
    """With it, L-BFGS finds the parabola's lowest point."""
    parabolas = Parabolas(seed)
    optimiser = torch.optim.LBFGS(
        parabolas.variables, max_iter=40, line_search_fn="strong_wolfe", history_size=20
    )
    optimiser.step(projector.lbfgs_closure(optimiser, parabolas))
    expect(parabolas.variables[0].detach(), parabolas.centre, close=1e-3, of="the lowest point")
