"""Checks of part 5, hw5/draw.py, with a criterion that only takes notes and a linear generator.

Read next: inversion.py.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from hw5.checking.expect import NOTHING, Slip, Wrong, expect, require, untouched
from hw5.checking.fakes import LAYERS, SIZE, WIDTH, LinearGenerator, fixed_draw
from hw5.checking.search import score, smooth_picture
from hw5.checking.suite import Later, Suite
from hw5.config import Drawing
from hw5.kit import seeding

if TYPE_CHECKING:
    from hw5.draw import Drawn
    from hw5.losses import Loss
    from hw5.search import Record

sketching = Later("hw5.draw")
latents = Later("hw5.latents")
losses = Later("hw5.losses")
suite = Suite(needs={"5.2": ("5.1", "3.5", "2.6")})

# ---------------------------------------------------------------- 5.1

NOT_TURNED = Slip(
    "the rest is compared behind the mask itself",
    "what to keep lies where nothing was drawn: 1 - mask",
)
PENALTY_TWICE = Slip("the penalty counts twice", "leave delta out of the second call")
SKETCH_TWICE = Slip("the rest is compared with the sketch", "criterion(output, picture, 1 - mask)")
WEIGHT_LOST = Slip("the weight is not used", "weight times the second loss")
ONLY_REST = Slip("the sketch's own loss is lost", "the sum of both")
TERM_LOST = Slip('no term is called "keep"', "add one term to the dict of terms")
TERM_UNWEIGHTED = Slip('the term "keep" is not the part of the total', "weighted, as in the total")
TERMS_EDITED = Slip(
    "the criterion's own dict of terms is edited in place", "make a new dict: {**terms, ...}"
)
NO_FUNCTION = Slip("no function is returned", "define a function inside and `return` it, uncalled")
WHOLE_PICTURE = Slip("the rest is compared everywhere", "pass 1 - mask")


class Notes:
    """A criterion: mean difference over the mask, signed, plus the sum of delta."""

    def __init__(self) -> None:
        """Nothing asked yet."""
        self.terms: list[dict[str, Tensor]] = []

    def __call__(
        self,
        output: Tensor,
        target: Tensor,
        mask: Tensor | None = None,
        delta: Tensor | None = None,
    ) -> Loss:
        """A Loss with two terms."""
        weight = torch.ones_like(output[:, :1]) * (1 if mask is None else mask)
        area = 3 * weight.flatten(1).sum(1)
        pixel = ((output - target).abs() * weight).flatten(1).sum(1) / area
        penalty = torch.zeros_like(pixel) if delta is None else delta.flatten(1).sum(1)
        self.terms.append({"pixel": pixel, "penalty": penalty})
        return losses.Loss(total=pixel + penalty, terms=self.terms[-1])


def sides(seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Output (2, ...), sketch, picture to keep, a mask of a quarter, and a delta (2, 1, d)."""
    output, sketch, picture = (smooth_picture(seed + i) for i in range(3))
    mask = torch.zeros(1, 1, SIZE, SIZE, dtype=output.dtype)
    mask[..., :2] = 1
    delta = 1 + fixed_draw(seed + 3, 2, 1, WIDTH).square()
    return torch.cat([output, output.flip(2)]), sketch, picture, mask, delta


@suite.check("5.1", points=2)
def both_sides_count(seed: int) -> None:
    """The criterion on the sketch, with delta, plus weight times the criterion on the rest."""
    output, sketch, picture, mask, delta = sides(seed)
    both = sketching.keep_rest(Notes(), picture, 3.0)
    require(callable(both), f"what came back is a {type(both).__name__}", NO_FUNCTION)
    got = both(output, sketch, mask, delta)
    require(got is not None, "the new criterion answers None", NOTHING)
    notes = Notes()
    drawn = notes(output, sketch, mask, delta).total
    rest = notes(output, picture, 1 - mask).total
    slips = {
        WEIGHT_LOST: drawn + rest,
        PENALTY_TWICE: drawn + 3 * notes(output, picture, 1 - mask, delta).total,
        NOT_TURNED: drawn + 3 * notes(output, picture, mask).total,
        SKETCH_TWICE: drawn + 3 * notes(output, sketch, 1 - mask).total,
        WHOLE_PICTURE: drawn + 3 * notes(output, picture).total,
        ONLY_REST: 3 * rest,
        Slip("the rest is not kept", "add the second loss"): drawn,
        Slip("the penalty is lost", "pass delta in the first call"): notes(
            output, sketch, mask
        ).total
        + 3 * rest,
    }
    expect(got.total, drawn + 3 * rest, slips, of="the total")


@suite.check("5.1")
def the_terms_tell_it(seed: int) -> None:
    """The terms are the criterion's, and one more, "keep"; they sum to the total."""
    output, sketch, picture, mask, delta = sides(seed)
    notes = Notes()
    got = sketching.keep_rest(notes, picture, 3.0)(output, sketch, mask, delta)
    seen = f"terms {sorted(got.terms)}"
    require("keep" in got.terms, seen, TERM_LOST)
    lost = Slip("the criterion's own terms are lost", "keep them beside the new one")
    require({"pixel", "penalty"} <= set(got.terms), seen, lost)
    keep = 3 * Notes()(output, picture, 1 - mask).total
    expect(got.terms["keep"], keep, {TERM_UNWEIGHTED: keep / 3}, of='terms["keep"]')
    expect(sum(got.terms.values()), got.total, of="the sum of the terms")
    for terms in notes.terms:
        require("keep" not in terms, "the criterion's dict has a new entry", TERMS_EDITED)


@suite.check("5.1")
def a_weight_of_0(seed: int) -> None:
    """With a weight of 0 it is the criterion itself; the arguments stay as they are."""
    output, sketch, picture, mask, delta = sides(seed)
    with untouched(output=output, sketch=sketch, picture=picture, mask=mask, delta=delta):
        got = sketching.keep_rest(Notes(), picture, 0.0)(output, sketch, mask, delta)
    expect(got.total, Notes()(output, sketch, mask, delta).total, of="the total")


# ---------------------------------------------------------------- 5.2

MASK_LOST = Slip("the mask does not reach `project`", "project(..., mask=mask)")
KEEP_LOST = Slip(
    "the picture to keep is not used",
    "wrap the criterion: keep_rest(criterion, keep, settings.keep)",
)
KEEP_WEIGHT = Slip("`settings.keep` is not used", "keep_rest(criterion, keep, settings.keep)")
START_LOST = Slip("the start does not reach `project`", "project(..., start=start)")
NOISE_LOST = Slip("the noise does not reach `project`", "project(..., noise=noise)")
SETTINGS_LOST = Slip("the settings do not reach `project`", "project(..., settings=settings)")
WATCHER_LOST = Slip("`on_step` or `should_stop` is lost", "pass both on to `project`")
RESUME_LOST = Slip("an earlier drawing is not gone on with", "project(..., resume=resume)")
DISTANCES_SWAPPED = Slip("`distance` and `start_distance` are swapped", "first the code, then the start")  # noqa: E501  # fmt: skip
SAME_DISTANCE = Slip("both distances are of the same code", "one of `projected.code`, one of `projected.start`")  # noqa: E501  # fmt: skip
DISTANCE_OF_DELTA = Slip("the distance of delta, not of the code", "measure `projected.code`")
NOT_A_FLOAT = Slip("a distance is a tensor", "float(...) of it")

QUICK = Drawing(num_steps=8, num_mean=0, num_typical=4000, space="w+", learning_rate=0.3)


def sketch_of(seed: int) -> tuple[Tensor, Tensor]:
    """A sketch and its mask."""
    _, sketch, _, mask, _ = sides(seed)
    return sketch, mask


def drawing(seed: int, settings: Drawing = QUICK, **options: object) -> Drawn:
    """Draw a sketch by the student's function."""
    colour, mask = sketch_of(seed)
    colour = options.pop("colour", colour)
    options = {"criterion": score, "rng": seeding.make(seed)} | options
    drawn = sketching.draw(LinearGenerator(), colour, mask, settings=settings, **options)
    require(drawn is not None, "the answer is None", NOTHING)
    return drawn


@suite.check("5.2", points=2)
def only_the_sketch_counts(seed: int) -> None:
    """What the canvas shows outside the strokes has no say, and the strokes' colours are met."""
    colour, mask = sketch_of(seed)
    start = fixed_draw(seed, 1, LAYERS, WIDTH)
    codes = []
    for fill in (-1.0, 1.0):
        canvas = torch.where(mask > 0, colour, fill)
        drawn = drawing(seed, start=start, colour=canvas)
        codes.append(drawn.code)
    require(torch.equal(*codes), "what lies outside the mask changes the outcome", MASK_LOST)
    history = drawn.projected.history
    fell = f"the loss went from {history[0].loss:.3g} to {drawn.projected.loss:.3g} only"
    require(drawn.projected.loss < 0.95 * history[0].loss, fell)


@suite.check("5.2")
def the_rest_is_kept(seed: int) -> None:
    """With a picture to keep, less changes where nothing is drawn, by the settings' weight."""
    start = fixed_draw(seed, 1, LAYERS, WIDTH)
    before = LinearGenerator().synthesize(start).detach().clamp(-1, 1)
    plain = drawing(seed, start=start)
    kept = [drawing(seed, replace(QUICK, keep=w), start=start, keep=before) for w in (0.5, 5.0)]
    terms = kept[0].projected.history[0].terms
    require("keep" in terms or not torch.equal(kept[0].code, plain.code), "`keep` changes nothing", KEEP_LOST)  # noqa: E501  # fmt: skip
    require(not torch.equal(kept[0].code, kept[1].code), "the weight changes nothing", KEEP_WEIGHT)
    lone = "a picture to keep is there although none was given"
    require("keep" not in plain.projected.history[0].terms, lone, KEEP_LOST)


@suite.check("5.2")
def what_the_search_is_told(seed: int) -> None:
    """Start, space, noise, settings, watchers and what to go on from reach the search."""
    start = fixed_draw(seed, 1, LAYERS, WIDTH)
    noise = {"grain": fixed_draw(seed + 1, 1, 1, SIZE, SIZE)}
    seen: list[Record] = []
    drawn = drawing(seed, start=start, noise=noise, on_step=seen.append)
    require(torch.equal(drawn.projected.start, start), "it started elsewhere", START_LOST)
    require(drawn.projected.settings == QUICK, "project got other settings", SETTINGS_LOST)
    again = LinearGenerator().synthesize(drawn.code, noise=noise).detach()
    own = LinearGenerator().synthesize(drawn.code).detach()
    expect(drawn.image, again, {NOISE_LOST: own}, of="the picture")
    require(len(seen) == 8, f"{len(seen)} of 8 steps were reported", WATCHER_LOST)
    stopped = drawing(seed, should_stop=lambda: True)
    count = len(stopped.projected.history)
    require(count == 0, f"{count} steps although it was told to stop", WATCHER_LOST)
    went_on = drawing(seed, noise=noise, resume=drawn.projected.state)
    same = went_on.projected.history == drawn.projected.history
    require(same, "a drawing with nothing left to do began anew", RESUME_LOST)


@suite.check("5.2")
def distances_of_code_and_start(seed: int) -> None:
    """`distance` is that of the found code from the mean, `start_distance` that of the start."""
    generator, start = LinearGenerator(), 4 * fixed_draw(seed, 1, LAYERS, WIDTH)
    for space, begin in (("w+", start), ("w", start[:, :1])):
        drawn = drawing(seed, replace(QUICK, space=space), start=begin)

        def far(codes: Tensor, space: str = space) -> float:
            return float(
                latents.distance_from_mean(
                    generator, codes, space, num_samples=4000, rng=seeding.make(seed + 9)
                )
            )

        want = [far(drawn.projected.code), far(drawn.projected.start)]
        for value in (drawn.distance, drawn.start_distance):
            require(
                isinstance(value, float), f"a distance is a {type(value).__name__}", NOT_A_FLOAT
            )
        got = torch.tensor([drawn.distance, drawn.start_distance])
        delta = far(drawn.projected.delta)
        slips = {
            DISTANCES_SWAPPED: want[::-1],
            SAME_DISTANCE: [want[0]] * 2,
            Slip("both are distances of the start", SAME_DISTANCE.look): [want[1]] * 2,
            DISTANCE_OF_DELTA: [delta, want[1]],
        }
        if abs(want[0] - want[1]) < 0.1:
            raise Wrong("the code is the start", Slip("returned the start", "nothing was searched"))
        expect(got, want, slips, close=0.02, of="[distance, start_distance]")
