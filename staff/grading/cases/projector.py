"""Cases of part 3, hw5/projector.py: task 3.5, whole searches in the space of a linear generator.

A search is judged by the code that came back: the parent renders it itself, and measures how much
of the loss that could be saved is left. Two right searches may end at different codes. Read next:
interpolate.py.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from staff.grading.cases.case import Arrays, Later, Relation, Suite
from staff.grading.cases.draws import (
    LAYERS,
    SIZE,
    WIDTH,
    Draws,
    linear_network,
    normal,
    pictures,
    seeds,
    strokes,
)  # fmt: skip
from staff.grading.cases.judge import exactly, same
from staff.grading.cases.network import render, share_left, weighted_square
from staff.grading.cases.steps import REASONS

torch, projector, config = Later("torch"), Later("hw5.projector"), Later("hw5.config")
latents, lab = Later("hw5.latents"), Later("staff.grading.cases.lab")
suite = Suite("hw5.projector", needs={"3.5": ("2.3", "2.5", "3.1", "3.2", "3.3", "3.4")})

SEARCHED = ("image", "code", "start", "loss")  # what two right searches need not share


def a_target(rng: Draws) -> Arrays:
    """A generator, a picture it cannot make exactly, a start, noise, a mask, a seed."""
    return linear_network(rng) | {
        "target": np.tanh(0.4 * normal(rng, 1, 3, SIZE, SIZE)),
        "elsewhere": pictures(rng),
        "start": normal(rng, 1, LAYERS, WIDTH),
        "noise": normal(rng, 1, 1, SIZE, SIZE),
        "mask": strokes(rng),
        "seed": seeds(rng),
    }


def find(x: SimpleNamespace, **changes: Any) -> Any:
    """Search by the student's function; options by name, the rest are settings."""
    names = ("start", "mask", "noise", "on_step", "should_stop", "resume")
    options = {name: changes.pop(name) for name in names if name in changes}
    target = changes.pop("target", x.target)
    usual = {"num_steps": 25, "num_mean": 0, "learning_rate": 0.2, "ramp_up": 0.0, "ramp_down": 0.3}
    return projector.project(
        lab.linear(x), target, criterion=lab.mean_square, rng=lab.source(x.seed),
        settings=config.Projection(**usual | changes), **options,
    )  # fmt: skip


def told(found: Any) -> dict[str, Any]:
    """A search's outcome."""
    return {name: getattr(found, name) for name in SEARCHED} | {
        "steps": len(found.history),
        "stopped": lab.index_of(found.stopped, REASONS),
    }


def whole(x: Arrays) -> list[tuple[np.ndarray, np.ndarray, float]]:
    """The goal without a mask."""
    return [(x["target"], np.ones((1, 1, SIZE, SIZE)), 1.0)]


def masked(x: Arrays) -> list[tuple[np.ndarray, np.ndarray, float]]:
    """The goal behind the mask."""
    return [(x["target"], x["mask"], 1.0)]


def left_of_whole(x: Arrays, got: Arrays) -> float:
    """Share of the way that is left, over the whole picture."""
    return share_left(x, got["code"], got["start"], whole(x))


def left_of_masked(x: Arrays, got: Arrays) -> float:
    """Share of the way that is left, behind the mask."""
    return share_left(x, got["code"], got["start"], masked(x))


def belongs_together(x: Arrays, got: Arrays) -> str:
    """The picture is that of the code, and the loss that of the picture."""
    if not np.allclose(got["image"], render(x, got["code"]), atol=1e-7):
        return "the picture is not that of the code: was the start rendered?"
    loss = weighted_square(x, got["code"], whole(x))
    return "" if np.allclose(got["loss"], loss, atol=1e-9) else "the loss is not the picture's"


STARTED: Relation = exactly("start", "start", "it did not start where it was told to")


@suite.case(
    "3.5",
    a_target,
    free=SEARCHED,
    weight=2,
    measure=left_of_whole,
    relations=(belongs_together, STARTED),
    hint="begin_search, optimize_para, search.result(reason)",
)
def by_adam(x: SimpleNamespace) -> dict[str, Any]:
    """Adam comes near the best code; picture, code and loss belong together."""
    return told(find(x, start=x.start))


@suite.case(
    "3.5",
    a_target,
    free=SEARCHED,
    measure=left_of_whole,
    relations=(belongs_together, STARTED),
    hint="3.3, and STEPS in 3.4",
)
def by_lbfgs(x: SimpleNamespace) -> dict[str, Any]:
    """L-BFGS finds the best code that there is."""
    found = told(find(x, start=x.start, optimiser="lbfgs", learning_rate=None, num_steps=20))
    del found["steps"], found["stopped"]  # it may end early: on a plateau, or by its steps
    return found


@suite.case(
    "3.5",
    a_target,
    free=(*SEARCHED, "elsewhere"),
    measure=left_of_masked,
    relations=(same("code", "elsewhere", "what lies outside the mask has a say"), STARTED),
    hint="begin_search(..., mask=mask)",
)
def behind_a_mask(x: SimpleNamespace) -> dict[str, Any]:
    """Only the pixels under the mask are searched for."""
    found = told(find(x, start=x.start, mask=x.mask))
    other = x.elsewhere.where(x.mask == 0, x.target)
    again = find(x, start=x.start, mask=x.mask, target=other)
    return found | {"elsewhere": again.code}


def shown_with_noise(x: Arrays, got: Arrays) -> str:
    """The picture is rendered with the noise maps that were given."""
    want = render(x, got["code"], x["noise"][0, 0])
    return "" if np.allclose(got["image"], want, atol=1e-7) else "rendered with other noise"


@suite.case(
    "3.5",
    a_target,
    free=SEARCHED,
    hidden=True,
    relations=(shown_with_noise, STARTED),
    hint="begin_search(..., noise=noise)",
)
def with_given_noise(x: SimpleNamespace) -> dict[str, Any]:
    """Noise maps reach the search."""
    return told(find(x, start=x.start, noise={"grain": x.noise}, num_steps=3))


SPACES = ("z", "w", "w+")
STARTS = [f"{what} {space}" for what in ("start", "drawn") for space in SPACES]
OTHER_START = "the start is not what sample_noise draws"


@suite.case(
    "3.5",
    a_target,
    free=STARTS,
    relations=tuple(same(f"start {s}", f"drawn {s}", f"in {s}: {OTHER_START}") for s in SPACES),
    hint="sample_noise(generator, space, num_seeds, num_mean=num_mean, rng=rng)",
)
def where_it_starts(x: SimpleNamespace) -> dict[str, Any]:
    """Without a start, codes are drawn as the settings ask: space, seeds, averages."""
    found: dict[str, Any] = {}
    for space in SPACES:
        search = find(x, space=space, num_mean=7, num_steps=1)
        drawn = latents.sample_noise(lab.linear(x), space, 1, num_mean=7, rng=lab.source(x.seed))
        found |= {f"start {space}": search.start, f"drawn {space}": drawn}
    several = find(x, num_seeds=3, num_steps=1)
    return found | {"seeds": len(several.history[0].losses)}


@suite.case(
    "3.5",
    a_target,
    free=("code", "resumed"),
    weight=2,
    relations=(same("code", "resumed", "a resumed search ends elsewhere"),),
    hint="on_step and should_stop reach the loop, resume the search, the reason its result",
)
def watched_stopped_resumed(x: SimpleNamespace) -> dict[str, Any]:
    """It reports its steps, can be stopped, says why it ended, and goes on where it was."""
    seen: list[Any] = []
    found = find(x, start=x.start, on_step=seen.append, num_steps=12)
    watched = len(seen)
    stopped = find(
        x,
        start=x.start,
        on_step=seen.append,
        num_steps=12,
        should_stop=lambda: len(seen) >= watched + 5,
    )
    before = len(seen)
    went_on = find(x, resume=stopped.state, num_steps=12, on_step=seen.append)
    spent = find(x, start=x.start, num_steps=12, max_evaluations=4)
    return {
        "code": found.code,
        "resumed": went_on.code,
        "watched": watched,
        "steps when stopped": len(stopped.history),
        "steps after that": len(seen) - before,
        "steps in all": len(went_on.history),
        "reasons": [lab.index_of(s.stopped, REASONS) for s in (found, stopped, went_on, spent)],
    }
