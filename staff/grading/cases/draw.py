"""Cases of part 5, hw5/draw.py: the criterion that keeps the rest, and whole drawings.

Read next: inversion.py.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from staff.grading.cases.case import Arrays, Later, Suite
from staff.grading.cases.codes import TYPICAL
from staff.grading.cases.draws import LAYERS, WIDTH, Draws, normal, pictures, strokes
from staff.grading.cases.judge import exactly, same
from staff.grading.cases.network import render, share_left, usual_distance
from staff.grading.cases.projector import a_target, shown_with_noise

torch, sketching, config = Later("torch"), Later("hw5.draw"), Later("hw5.config")
lab = Later("staff.grading.cases.lab")
suite = Suite("hw5.draw", needs={"5.2": ("5.1", "3.5", "2.6")})

# ---------------------------------------------------------------- 5.1


def two_sides(rng: Draws) -> Arrays:
    """Outputs, a sketch, a picture to keep, strokes, what was added to the code, a weight."""
    return {
        "output": pictures(rng, 2),
        "sketch": pictures(rng),
        "picture": pictures(rng),
        "mask": strokes(rng),
        "delta": normal(rng, 2, 1, WIDTH),
        "weight": np.asarray(rng.uniform(2, 4)),
    }


class Uneven:
    """A criterion that tells its arguments apart, and remembers the terms that it gave out."""

    def __init__(self) -> None:
        """Nothing asked yet."""
        self.given: list[dict[str, Any]] = []

    def __call__(self, output: Any, target: Any, mask: Any = None, delta: Any = None) -> Any:
        """A losses.Loss of two terms."""
        from hw5.losses import Loss

        weight = torch.ones_like(output[:, :1]) if mask is None else mask.expand_as(output[:, :1])
        apart = (output - 2 * target).square() * weight
        pixel = apart.flatten(1).sum(1) / weight.flatten(1).sum(1)
        penalty = torch.zeros_like(pixel) if delta is None else delta.square().flatten(1).sum(1)
        self.given.append({"pixel": pixel, "penalty": penalty})
        return Loss(total=pixel + penalty, terms=self.given[-1])


@suite.case(
    "5.1",
    two_sides,
    weight=2,
    hint="criterion on the sketch, plus weight * criterion(output, picture, 1 - mask)",
)
def both_sides_count(x: SimpleNamespace) -> dict[str, Any]:
    """The sketch behind its mask, with delta, and the weighted rest behind the other pixels."""
    both = sketching.keep_rest(Uneven(), x.picture, float(x.weight))
    nothing = sketching.keep_rest(Uneven(), x.picture, 0.0)
    return {
        "total": both(x.output, x.sketch, x.mask, x.delta).total,
        "with a weight of 0": nothing(x.output, x.sketch, x.mask, x.delta).total,
    }


@suite.case("5.1", two_sides, hint='a new dict: {**terms, "keep": keep}')
def terms_of_both_sides(x: SimpleNamespace) -> dict[str, Any]:
    """The terms are the criterion's and one more, "keep"; its own dict is left alone."""
    criterion = Uneven()
    both = sketching.keep_rest(criterion, x.picture, float(x.weight))
    loss = both(x.output, x.sketch, x.mask, x.delta)
    return {
        **{name: loss.terms[name] for name in ("pixel", "penalty", "keep")},
        "terms": len(loss.terms),
        "its own": [len(terms) for terms in criterion.given],
    }


# ---------------------------------------------------------------- 5.2


def a_sketch(rng: Draws) -> Arrays:
    """A search's inputs, a picture to keep that the generator can make, a start far out."""
    x = a_target(rng)
    keep = np.clip(render(x, x["start"]), -1, 1)
    return x | {"keep": keep, "far": x["centre"] + 4 * normal(rng, 1, LAYERS, WIDTH)}


def drawing(x: SimpleNamespace, **changes: Any) -> Any:
    """Draw by the student's function; options by name, the rest are settings."""
    names = ("start", "keep", "noise", "on_step", "should_stop", "resume")
    options = {name: changes.pop(name) for name in names if name in changes}
    weight = {"keep": changes.pop("weight")} if "weight" in changes else {}
    colour = changes.pop("colour", x.target)
    usual = {"num_steps": 30, "num_mean": 0, "num_typical": 50, "space": "w+", "learning_rate": 0.2}
    return sketching.draw(
        lab.linear(x), colour, x.mask, criterion=lab.mean_square, rng=lab.source(x.seed),
        settings=config.Drawing(**usual | weight | changes), **options,
    )  # fmt: skip


def told(drawn: Any) -> dict[str, Any]:
    """A drawing's outcome."""
    return {"image": drawn.image, "code": drawn.code, "start": drawn.projected.start}


FOUND = ("image", "code", "start")
STARTED = exactly("start", "start", "it did not start where it was told to")


def left_of_sketch(x: Arrays, got: Arrays) -> float:
    """Share of the way that is left, behind the strokes."""
    return share_left(x, got["code"], got["start"], [(x["target"], x["mask"], 1.0)])


def left_of_both(x: Arrays, got: Arrays) -> float:
    """Share of the way that is left where the rest counts a tenth."""
    goals = [(x["target"], x["mask"], 1.0), (x["keep"], 1 - x["mask"], 0.1)]
    return share_left(x, got["code"], got["start"], goals)


@suite.case(
    "5.2",
    a_sketch,
    free=(*FOUND, "elsewhere"),
    weight=2,
    measure=left_of_sketch,
    relations=(same("code", "elsewhere", "the canvas outside the strokes has a say"), STARTED),
    hint="project(..., mask=mask, settings=settings)",
)
def colours_of_the_strokes(x: SimpleNamespace) -> dict[str, Any]:
    """The strokes' colours are met, and nothing else of the canvas has a say."""
    other = x.elsewhere.where(x.mask == 0, x.target)
    again = drawing(x, start=x.start, colour=other)
    return told(drawing(x, start=x.start)) | {"elsewhere": again.code}


@suite.case(
    "5.2",
    a_sketch,
    free=(*FOUND, "half"),
    weight=2,
    measure=left_of_both,
    relations=(STARTED,),
    hint="keep_rest(criterion, keep, settings.keep)",
)
def the_rest_is_kept(x: SimpleNamespace) -> dict[str, Any]:
    """A picture to keep holds what is not drawn on, by the settings' weight."""
    drawn = drawing(x, start=x.start, keep=x.keep, weight=0.1, num_steps=60)
    plain = drawing(x, start=x.start, num_steps=1)
    return told(drawn) | {
        "keeps": "keep" in drawn.projected.history[0].terms,
        "keeps unasked": "keep" in plain.projected.history[0].terms,
    }


@suite.case(
    "5.2",
    a_sketch,
    free=FOUND,
    hidden=True,
    relations=(shown_with_noise, STARTED),
    hint="project gets start, noise, on_step, should_stop and resume",
)
def what_the_search_is_told(x: SimpleNamespace) -> dict[str, Any]:
    """Start, noise, settings, watchers and what to go on from reach the search."""
    seen: list[Any] = []
    more: list[Any] = []
    drawn = drawing(x, start=x.start, noise={"grain": x.noise}, num_steps=4, on_step=seen.append)
    stopped = drawing(x, start=x.start, should_stop=lambda: True)
    first = drawing(x, start=x.start, num_steps=2).projected.state
    drawing(x, resume=first, num_steps=5, on_step=more.append)
    in_w = drawing(x, space="w", num_seeds=2, num_steps=1)
    return told(drawn) | {
        "watched": len(seen),
        "steps when stopped": len(stopped.projected.history),
        "steps when gone on": len(more),
        "shape in w": in_w.code.shape,
        "seeds": len(in_w.projected.history[0].losses),
    }


def distances(x: Arrays, got: Arrays) -> str:
    """Both distances are those of their codes, in usual distances."""
    for name, code in (("distance", got["code"]), ("start distance", got["start"])):
        want = np.sqrt(((code - x["centre"]) ** 2).mean()) / usual_distance(x)
        if abs(got[name] - want) > 0.05 * want:
            return f"{name} is {float(got[name]):.3g}, and that code lies {want:.3g} away"
    return ""


@suite.case(
    "5.2",
    a_sketch,
    free=("code", "start", "distance", "start distance"),
    relations=(distances,),
    hint="distance_from_mean of the code, then of the start, as floats",
)
def distances_of_code_and_start(x: SimpleNamespace) -> dict[str, Any]:
    """`distance` is that of the found code, `start_distance` that of the start; both are floats."""
    drawn = drawing(x, start=x.far, num_typical=TYPICAL, learning_rate=1.0)
    far, near = drawn.distance, drawn.start_distance
    return {
        "code": drawn.code,
        "start": drawn.projected.start,
        "distance": float(far),
        "start distance": float(near),
        "are floats": [isinstance(far, float), isinstance(near, float)],
    }
