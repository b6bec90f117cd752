"""Checks of part 3, hw5/projector.py: the loop and the whole search. Tasks 3.4 and 3.5.

The loop is given a search that only takes notes; the search a linear generator, whose best code is
known by linear algebra. Read next: interpolate.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest import mock

import torch
from torch import Tensor

from hw5.checking.expect import NOTHING, Slip, Wrong, expect, require
from hw5.checking.fakes import LAYERS, SIZE, WIDTH, LinearGenerator, fixed_draw, least_squares
from hw5.checking.suite import Later, Suite
from hw5.config import Projection
from hw5.kit import seeding

latents = Later("hw5.latents")
projector = Later("hw5.projector")
losses = Later("hw5.losses")
search = Later("hw5.search")
suite = Suite(
    needs={"3.4": ("3.1",), "3.5": ("2.3", "2.5", "3.1", "3.2", "3.3", "3.4")},
)

# ---------------------------------------------------------------- 3.4

FROM_ZERO = Slip("a resumed search begins at 0 again", "count on from `search.step`")
NO_REPORT = Slip("steps are not reported", "each step ends with `search.report(rate, on_step)`")
PLAIN_RATE = Slip("the rate of `ramped_rate` is not used", "ramped_rate(search.step, settings)")
FIRST_OBJECTIVE = Slip(
    "not every objective is moved", "loop over search.objectives and search.optimisers together"
)
OTHER_OPTIMISER = Slip("the step is not the optimiser's own", "STEPS[settings.optimiser]")
TOO_LATE = Slip(
    "the reasons to stop are asked after the step", "ask before each step: then nothing is wasted"
)
ORDER = Slip("the reasons are asked in another order", "cancelled, evaluations, plateau")
STEP_COUNT = Slip("off by one: not `num_steps` steps", "while search.step < settings.num_steps")


class Notes:
    """A search that takes notes instead of steps."""

    def __init__(self, settings: Projection, *, step: int = 0, **answers: int) -> None:
        """Begin at `step`; `spent` and `plateau` say from which step on these answer True."""
        self.settings, self.step, self.answers = settings, step, answers
        self.objectives, self.optimisers = ["objective a", "objective b"], ["a", "b"]
        self.log: list[tuple] = []

    def is_spent(self) -> bool:
        """Is the budget used up?"""
        return self.step >= self.answers.get("spent", 10**6)

    def is_on_plateau(self) -> bool:
        """Is there no progress?"""
        return self.step >= self.answers.get("plateau", 10**6)

    def report(self, rate: float, on_step: Callable | None = None) -> None:
        """Note the step."""
        self.log.append(("report", rate, on_step))
        self.step += 1
        if self.step > 100:
            raise Wrong("it goes on after 100 steps", Slip("the loop does not end", STEP_COUNT.look))

    def take(self, kind: str) -> Callable[..., None]:
        """Stands for a function of STEPS."""

        def step(optimiser: str, objective: str, rate: float) -> None:
            self.log.append((kind, optimiser, objective, rate))

        return step

    def run(self, **options: Any) -> object:
        """Run the student's loop on these notes."""
        fakes = {kind: self.take(kind) for kind in ("adam", "lbfgs")}
        with mock.patch.dict(projector.STEPS, fakes):
            return projector.optimize_para(self, **options)


@suite.check("3.4", points=2)
def steps_and_reports(seed: int) -> None:
    """A step moves each objective by its optimiser at the ramped rate, and is reported."""
    for kind in ("adam", "lbfgs"):
        settings = Projection(num_steps=4, optimiser=kind, learning_rate=0.5)
        notes, watch = Notes(settings), object()
        reason = notes.run(on_step=watch)
        require(notes.log, "nothing happened", Slip("no step was taken", STEP_COUNT.look))
        reports = [entry for entry in notes.log if entry[0] == "report"]
        require(reports, "search.report was never called", NO_REPORT)
        require(len(reports) == 4, f"{len(reports)} steps, expected 4", STEP_COUNT)
        moves = [entry for entry in notes.log if entry[0] != "report"]
        require({m[0] for m in moves} == {kind}, f"steps of {moves[0][0]}", OTHER_OPTIMISER)
        pairs = [m[1:3] for m in moves[:2]]
        want = [("a", "objective a"), ("b", "objective b")]
        require(pairs == want and len(moves) == 8, f"moved {pairs}", FIRST_OBJECTIVE)
        rates = [projector.ramped_rate(step, settings) for step in range(4)]
        expect(torch.tensor([r[1] for r in reports]), rates, {PLAIN_RATE: [0.5] * 4}, of="the rates")
        expect(torch.tensor([m[3] for m in moves[::2]]), rates, {PLAIN_RATE: [0.5] * 4}, of="the rates")  # noqa: E501  # fmt: skip
        slip = Slip("`on_step` is not passed on", "search.report(rate, on_step)")
        require(all(r[2] is watch for r in reports), "report got another on_step", slip)
        require(reason == "steps", f"the reason is {reason!r}, expected 'steps'", NOTHING if reason is None else None)  # noqa: E501  # fmt: skip


@suite.check("3.4")
def a_resumed_search_goes_on(seed: int) -> None:
    """A search of which 3 of 5 steps are done makes 2 more, at their rates."""
    settings = Projection(num_steps=5, learning_rate=0.5)
    notes = Notes(settings, step=3)
    notes.run()
    count = sum(entry[0] == "report" for entry in notes.log)
    require(count == 2, f"{count} more steps, expected 2", FROM_ZERO if count == 5 else STEP_COUNT)
    rates = [projector.ramped_rate(step, settings) for step in (3, 4)]
    early = [projector.ramped_rate(step, settings) for step in (0, 1)]
    got = torch.tensor([entry[1] for entry in notes.log if entry[0] == "report"])
    expect(got, rates, {FROM_ZERO: early}, of="the rates")


@suite.check("3.4")
def reasons_to_stop(seed: int) -> None:
    """Cancelled, evaluations, plateau: asked in this order, before each step."""
    settings = Projection(num_steps=9)
    for reason, options, answers in (
        ("cancelled", {"should_stop": lambda: True}, {}),
        ("cancelled", {"should_stop": lambda: True}, {"spent": 0, "plateau": 0}),
        ("evaluations", {}, {"spent": 0}),
        ("evaluations", {}, {"spent": 0, "plateau": 0}),
        ("plateau", {}, {"plateau": 0}),
    ):
        notes = Notes(settings, **answers)
        got = notes.run(**options)
        steps = sum(entry[0] == "report" for entry in notes.log)
        seen = f"{steps} steps, then {got!r}, where {reason!r} was true from the start"
        slip = Slip(f"{reason!r} is never the reason", "see the docstring's list")
        require(steps < 9 or got == reason, seen, slip)
        require(steps == 0, seen, TOO_LATE)
        require(got is not None, seen, NOTHING)
        require(got == reason, seen, ORDER if len(answers) + len(options) > 1 else slip)


# ---------------------------------------------------------------- 3.5

RETURNED_START = Slip(
    "returned the start: the picture of the start code, without delta",
    "`search.result(reason)` holds the best picture that was scored, with its code",
)
NOT_BEST = Slip("the last step is returned, not the best", "`search.result(reason)` keeps the best")
START_IGNORED = Slip("the given start is not used", "draw codes only where `start` is None")
MASK_LOST = Slip("the mask does not reach the search", "begin_search(..., mask=mask)")
NOISE_LOST = Slip("the noise does not reach the search", "begin_search(..., noise=noise)")
RESUME_LOST = Slip("the search does not go on from `resume`", "begin_search(..., resume=resume)")
WATCHER_LOST = Slip("`on_step` does not reach the loop", "optimize_para(search, on_step=on_step, ...)")
STOP_LOST = Slip("`should_stop` does not reach the loop", "optimize_para(..., should_stop=should_stop)")
REASON = Slip("the loop's reason is not passed on", "search.result(reason)")
SPACE_LOST = Slip("the space of the settings is not used", "sample_noise(generator, settings.space, ...)")
SEEDS_LOST = Slip("`num_seeds` is not used", "one start for each seed: sample_noise(..., num_seeds)")
NUM_MEAN_LOST = Slip("`num_mean` is not used", "sample_noise(..., num_mean=settings.num_mean)")
OTHER_DRAW = Slip("the start is not drawn from `rng`", "sample_noise(..., rng=rng)")

QUICK = Projection(
    num_steps=25, num_mean=0, learning_rate=0.2, ramp_up=0.0, ramp_down=0.3, space="w+"
)


def score(
    output: Tensor, target: Tensor, mask: Tensor | None = None, delta: Tensor | None = None
) -> Any:
    """Mean squared difference over the mask: a criterion of our own, so that part 1 has no say."""
    weight = torch.ones_like(output[:1, :1]) if mask is None else mask
    squared = ((output - target) ** 2 * weight).flatten(1).sum(1)
    total = squared / (3 * weight.sum())
    return losses.Loss(total=total, terms={"pixel": total})


def smooth_picture(seed: int) -> Tensor:
    """A picture in [-1, 1] that the linear generator cannot make exactly."""
    return torch.tanh(0.4 * fixed_draw(seed, 1, 3, SIZE, SIZE))


def lowest_loss(target: Tensor, start: Tensor) -> float:
    """The lowest mean squared difference that any w+ reaches."""
    generator = LinearGenerator()
    best = generator.synthesize(least_squares(generator, target, start)).detach()
    return float((best - target).square().mean())


def find(seed: int, settings: Projection = QUICK, **options: Any) -> Any:
    """Project a smooth picture by the student's function."""
    options = {"criterion": score, "rng": seeding.make(seed)} | options
    target = options.pop("target", smooth_picture(seed))
    generator = options.pop("generator", None) or LinearGenerator()
    found = projector.project(generator, target, settings=settings, **options)
    require(found is not None, "the answer is None", NOTHING)
    return found


@suite.check("3.5", points=2)
def the_best_that_was_scored(seed: int) -> None:
    """Picture, code and loss belong together, and are the best of all that was scored."""
    target, generator = smooth_picture(seed), LinearGenerator()
    for settings in (QUICK, replace(QUICK, optimiser="lbfgs", learning_rate=None, num_steps=6)):
        found = find(seed, settings)
        begun = generator.synthesize(found.start).detach()
        slips = {RETURNED_START: begun}
        again = generator.synthesize(found.start + found.delta).detach()
        expect(found.image, again, slips, of="the picture")
        require(not torch.equal(found.code, found.start), "the code is the start", RETURNED_START)
        expect(found.code, found.start + found.delta, {RETURNED_START: found.start}, of="the code")
        loss = float(score(found.image, target, None, found.delta).total)
        expect(found.loss, loss, of="the loss")
        require(found.loss <= min(r.best for r in found.history) + 1e-12, "a better one was scored", NOT_BEST)  # noqa: E501  # fmt: skip
        require(len(found.history) > 0, "no step was made", RETURNED_START)
        lowest = lowest_loss(target, found.start)
        first, last = found.history[0].loss - lowest, found.loss - lowest
        fell = f"the loss went from {first:.4g} to {last:.4g} above the lowest possible one"
        require(last < 0.5 * first, fell, RETURNED_START)


@suite.check("3.5")
def the_lowest_point_is_found(seed: int) -> None:
    """L-BFGS finds the code that linear algebra finds."""
    found = find(seed, Projection(optimiser="lbfgs", num_steps=30, num_mean=0, space="w+"))
    excess = found.loss - lowest_loss(smooth_picture(seed), found.start)
    require(excess < 1e-3, f"the loss is {excess:.3g} above the lowest possible one")


@suite.check("3.5")
def where_it_starts(seed: int) -> None:
    """It starts where it is told, else from codes as the settings ask, drawn from rng."""
    one = replace(QUICK, num_steps=1)
    start = fixed_draw(seed, 1, LAYERS, WIDTH)
    found = find(seed, one, start=start)
    require(torch.equal(found.start, start), "it started elsewhere", START_IGNORED)
    for space in ("z", "w", "w+"):
        settings = replace(one, space=space, num_mean=7)
        try:
            got = find(seed, settings).start
        except ValueError as error:  # begin_search refuses codes of another space
            raise Wrong(str(error), SPACE_LOST) from error

        def start_of(num_mean: int, space: str = space) -> Tensor:
            return latents.sample_noise(
                LinearGenerator(), space, 1, num_mean=num_mean, rng=seeding.make(seed)
            )

        expect(got, start_of(7), {NUM_MEAN_LOST: start_of(0)}, of=f"the start in {space}")
    several = find(seed, replace(one, num_seeds=3))
    count = len(several.history[0].losses)
    require(count == 3, f"{count} seeds, expected 3", SEEDS_LOST)


@suite.check("3.5")
def what_the_search_is_told(seed: int) -> None:
    """Mask and noise reach the search."""
    target = smooth_picture(seed)
    mask = torch.zeros(1, 1, SIZE, SIZE, dtype=target.dtype)
    mask[..., :4] = 1
    start = fixed_draw(seed, 1, LAYERS, WIDTH)
    hidden = [torch.where(mask > 0, target, fill) for fill in (-1.0, 1.0)]
    one, two = (find(seed, start=start, mask=mask, target=t).code for t in hidden)
    require(torch.equal(one, two), "what the target shows outside the mask matters", MASK_LOST)
    noise = {"grain": fixed_draw(seed + 1, 1, 1, SIZE, SIZE)}
    found = find(seed, start=start, noise=noise)
    again = LinearGenerator().synthesize(found.code, noise=noise).detach()
    own = LinearGenerator().synthesize(found.code).detach()
    expect(found.image, again, {NOISE_LOST: own}, of="the picture")


@suite.check("3.5")
def watching_and_stopping(seed: int) -> None:
    """It reports its steps, can be stopped, says why it ended, and goes on where it was."""
    seen: list[Any] = []
    found = find(seed, on_step=seen.append)
    require(len(seen) == 25, f"{len(seen)} of 25 steps reported", WATCHER_LOST)
    require(found.stopped == "steps", f"stopped: {found.stopped!r}, expected 'steps'", REASON)
    stopped = find(seed, should_stop=lambda: len(seen) >= 30, on_step=seen.append)
    count = len(stopped.history)
    require(count < 25, f"{count} steps although it was told to stop after 5", STOP_LOST)
    require(stopped.stopped == "cancelled", f"stopped: {stopped.stopped!r}", REASON)
    went_on = find(seed, resume=stopped.state)
    seen_steps = f"{len(went_on.history)} steps in all, expected 25"
    require(len(went_on.history) == 25 and went_on.history[0] == stopped.history[0], seen_steps, RESUME_LOST)  # noqa: E501  # fmt: skip
    expect(went_on.code, found.code, of="the code of a resumed search")
