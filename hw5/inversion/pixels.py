"""Pixels without safety wheels: optimise the picture itself, with no generator behind it.

The lecture's "traditional method", y* = argmin_y L(x, y', y): input x, user's constraint y'. It
obeys the constraint to the last pixel, and nothing tells it what a cat looks like. Changing
variables from y to G(z) adds that, and costs the freedom to draw anything else.

Offers `optimise_pixels` and its settings `Pixels`. Read next: l0_smoothing.py, where a rule about
pictures in general takes the place of a generator; image2stylegan.py, which changes variables.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from hw5.inversion.descent import Descent, OnStep, Scored, ShouldStop, as_variable, descend, never
from hw5.inversion.inverted import Inverted
from hw5.kit.checks import check_images, check_mask, check_shape
from hw5.objective import Score
from hw5.shapes import Images, Mask


@dataclass(frozen=True)
class Pixels(Descent):
    """How to search among all pictures."""

    # a pixel crosses [-1, 1] in 100 steps of 0.02; so that any picture can be reached (ours)
    num_steps: int = 300
    # ours: two and a half grey levels a step
    learning_rate: float = 0.02


DEFAULTS = Pixels()


def score_pixels(
    start: Images, delta: Images, target: Images, criterion: Score, mask: Mask | None = None
) -> Scored:
    """Task 6.1 (about 3 lines, 10 minutes). The old objective: the picture is its own code.

    The picture is start + delta, and the criterion compares it with the target behind the mask,
    just as `Objective` does for a rendered picture. What is added to the start is shown to the
    criterion as well: its penalty is all that keeps the picture "close to the input".

    Hint: `criterion(...)` answers with a `Loss`, whose `total` is (N,). Expected: outside the mask
    the pixel loss has no gradient, so those pixels never move. With a generator they all do.

    Args:
        start: (N, 3, H, W), the input picture.
        delta: (N, 3, H, W), what is searched.
        target: (N, 3, H, W) in [-1, 1], the constraint.
        criterion: called as criterion(picture, target, mask, delta), such as `losses.Criterion`.
        mask: (N or 1, 1, H, W) in {0, 1}, where the constraint holds; None for everywhere.
    """
    # BEGIN SOLUTION task_6_1
    picture = start + delta  # (N, 3, H, W)
    loss = criterion(picture, target, mask, delta).total
    return Scored(image=picture, code=picture, loss=loss)
    # END SOLUTION


def optimise_pixels(
    target: Images,
    *,
    criterion: Score,
    start: Images | None = None,
    mask: Mask | None = None,
    settings: Pixels = DEFAULTS,
    on_step: OnStep | None = None,
    should_stop: ShouldStop = never,
) -> Inverted:
    """Move the pixels of `start` towards `target`.

    The answer's code is the picture itself, its space "pixels". The one wheel left is the range:
    feature losses alone drive pixels far beyond what a screen can show, so they are held at its
    ends.

    Args:
        target: (N, 3, H, W) in [-1, 1].
        criterion: see `score_pixels`.
        start: (N, 3, H, W) in [-1, 1], the picture to edit; None: mid-grey.
        mask: (N or 1, 1, H, W) in {0, 1}, the pixels that count; None for all.
        settings: steps and step size.
        on_step: called with each step's `Step`.
        should_stop: asked before each step.

    Raises:
        InputError: arguments that do not fit, or a loss that is no longer finite.
    """
    check_images("target", target)
    if start is None:
        start = torch.zeros_like(target)
    check_images("start", start)
    check_shape("start", start, target.shape, hint="it must be as large as the target")
    if mask is not None:
        check_mask("mask", mask, target)
    start = start.detach().clone()
    delta = as_variable(torch.zeros_like(start))
    return descend(
        lambda: score_pixels(start, delta, target, criterion, mask),
        [delta],
        settings,
        method="pixels",
        space="pixels",
        restrain=lambda: delta.clamp_(-1 - start, 1 - start),
        on_step=on_step,
        should_stop=should_stop,
    )
