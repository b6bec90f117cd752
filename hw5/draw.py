"""Part 5. Find the picture that agrees with a sketch.

Offers `draw`. It is `project` with a mask: only the pixels that were drawn on count, and the
generator makes up the rest. Zhu et al. 2016 (iGAN). Sketches are read by kit.strokes.
Read next: the notebooks and the report.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from hw5.config import Drawing
from hw5.kit.checks import InputError, check_images, check_mask
from hw5.latents import distance_from_mean
from hw5.losses import Loss
from hw5.objective import Score, State
from hw5.projector import project
from hw5.search import Projected, Record
from hw5.shapes import Codes, Images, Mask

if TYPE_CHECKING:
    from hw5.models.generator import Generator

DEFAULTS = Drawing()  # frozen, so every call may share it


@dataclass(frozen=True)
class Drawn:
    """Outcome of a drawing."""

    projected: Projected  # the search: image, code, noise, loss, history, seconds, state, ...
    distance: float  # of the code from the mean code, in usual distances; see distance_from_mean
    start_distance: float  # the same of the code it started from

    @property
    def image(self) -> Images:
        """The picture, (1, 3, H, W)."""
        return self.projected.image

    @property
    def code(self) -> Codes:
        """Its code, in `projected.settings.space`."""
        return self.projected.code


def keep_rest(criterion: Score, picture: Images, weight: float) -> Score:
    """Task 5.1 (about 6 lines, 15 minutes). A criterion that also wants the rest to stay.

    total = criterion(output, sketch, mask, delta) + weight * criterion(output, picture, 1 - mask)

    Both are averages over their own pixels, so the sketch, however small, is not outvoted.

    Hint: define a function with the criterion's four arguments and return it. Leave delta out of
    the second call, or the penalty counts twice. Add one term, "keep", to the dict of terms.
    Expected: with a weight of 0 it is the criterion itself.

    Args:
        criterion: such as `losses.Criterion`.
        picture: (1, 3, H, W) in [-1, 1], what to keep where nothing is drawn.
        weight: at least 0.
    """

    # BEGIN SOLUTION task_5_1
    def both(output: Images, sketch: Images, mask: Mask | None, delta: Codes) -> Loss:
        drawn = criterion(output, sketch, mask, delta)
        keep = weight * criterion(output, picture, 1 - mask).total
        return Loss(total=drawn.total + keep, terms={**drawn.terms, "keep": keep})

    return both
    # END SOLUTION


def draw(
    generator: Generator,
    colour: Images,
    mask: Mask,
    *,
    criterion: Score,
    settings: Drawing = DEFAULTS,
    start: Codes | None = None,
    keep: Images | None = None,
    noise: Mapping[str, Tensor] | None = None,
    rng: torch.Generator,
    on_step: Callable[[Record], None] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    resume: State | None = None,
) -> Drawn:
    """Task 5.2 (about 10 lines, 15 minutes). A picture with the sketch's colours.

    Three ways to start: `start=None` from the mean (`num_mean` 10,000, in w) or from random codes
    (`num_mean` 0, several `num_seeds`); `start=projected.code` from a picture, to edit it, with
    `keep=projected.image` to hold the rest and `noise=projected.noise` to render alike.

    A criterion with a `penalty` (`LossWeights.for_scribbles`: 5) keeps the code near its start:
    few strokes leave most of the picture open, and without it the search wanders off. So it does
    at the student report's 0.01 to 0.1, which are for codes of another scale.

    Hint: a sketch is a target with a mask, so `project` does the work; wrap the criterion with
    `keep_rest` if there is something to keep. `distance_from_mean` measures both codes. Expected:
    the colours under the mask are met, and the larger the penalty, the smaller `distance`.

    Args:
        generator: see models/generator.py.
        colour: (1, 3, H, W) in [-1, 1], the sketch; outside the mask anything.
        mask: (1, 1, H, W) in {0, 1}, 1 where something was drawn.
        criterion: such as `Criterion(LossWeights.for_scribbles())`.
        settings: see config.py.
        start: codes (N, ...) in `settings.space`, one per seed; None draws them.
        keep: (1, 3, H, W) in [-1, 1], what the picture should show where nothing is drawn.
        noise: noise maps to render with; None: the generator's own.
        rng: source of the start codes and of the usual distance.
        on_step: called with each step's `Record`.
        should_stop: asked before each step.
        resume: `projected.state` of an earlier drawing, to go on from: `project` counts its steps
            on. Its start is in it, so `start` is None.

    Raises:
        InputError: arguments that do not fit, an empty mask, or a loss that is no longer finite.
    """
    check_images("colour", colour, size=generator.image_size)
    check_drawn_mask(mask, colour)
    if keep is not None:
        check_keep(keep, colour)
    settings = settings.settled(generator.spaces)
    # BEGIN SOLUTION task_5_2
    if keep is not None:
        criterion = keep_rest(criterion, keep, settings.keep)
    projected = project(
        generator, colour, criterion=criterion, settings=settings, start=start, mask=mask,
        noise=noise, rng=rng, on_step=on_step, should_stop=should_stop, resume=resume,
    )  # fmt: skip
    both = torch.cat([projected.code, projected.start])
    distances = distance_from_mean(
        generator, both, settings.space, num_samples=settings.num_typical, rng=rng
    )
    return Drawn(projected, distance=float(distances[0]), start_distance=float(distances[1]))
    # END SOLUTION


# ---------------------------------------------------------------- given: used by the task above


def check_drawn_mask(mask: Mask, colour: Images) -> None:
    """Require a mask with at least one drawn pixel.

    Raises:
        InputError: it has none, or does not fit the sketch.
    """
    check_mask("mask", mask, colour)
    if not bool(mask.any()):
        raise InputError.about(
            "mask",
            expected="at least one drawn pixel",
            got="none",
            hint="is the sketch's background transparent, and were its strokes saved?",
        )


def check_keep(keep: Images, colour: Images) -> None:
    """Require a picture of the sketch's size.

    Raises:
        InputError: it is another one. A generator's raw picture may leave [-1, 1]: clamp it.
    """
    check_images("keep", keep.clamp(-1, 1), size=colour.shape[-1])
