"""Checks of part 1, hw5/losses.py: the criterion, task 1.9.

What each term must be is asked of the student's own losses: here it is the adding up that counts.
Read next: latents.py.
"""

from __future__ import annotations

from torch import Tensor

from hw5.checking.expect import BATCH_OF_ONE, OVER_BATCH, Slip, Wrong, expect, require
from hw5.checking.fakes import SIZE, SmallFeatures, fixed_draw
from hw5.checking.losses_networks import Ruler
from hw5.checking.suite import Later, Suite
from hw5.config import LossWeights

losses = Later("hw5.losses")
suite = Suite(needs={"1.9": ("1.2", "1.3", "1.5", "1.6", "1.7", "1.8")})

UNWEIGHTED = Slip("a term is not multiplied by its weight", "weights.NAME times the loss NAME")
NORM_LOST = Slip("the norm does not reach `pixel_loss`", "pass norm=weights.norm")
MASK_LOST = Slip("the mask does not reach this term", "pass it to every loss but the penalty")
WRONG_NETWORK = Slip("style and perceptual loss are swapped", "self.style and self.perceptual")
OFF_TERMS = Slip(
    "terms whose weight is 0 are there", "compute a term only where its weight is positive"
)
PENALTY_WITHOUT = Slip(
    "a penalty without a delta, or none with one", "it is there when `delta` is given"
)
TOTAL = Slip("the total is not the sum of the terms", "`sum(terms.values())`")

WEIGHTS = LossWeights(
    pixel=2.0, norm="l2", perceptual=3.0, style=4000.0, lpips=5.0, penalty=6.0,
    layers=("conv_1_1", "conv_2_1"),
)  # fmt: skip


def asked_terms(
    output: Tensor, target: Tensor, mask: Tensor | None, delta: Tensor
) -> dict[str, tuple[Tensor, dict[Slip, Tensor]]]:
    """Term -> what it must be by the student's own losses, and what the slips give."""
    features, ruler = SmallFeatures(), Ruler(as_map=False)

    def single(mask: Tensor | None, norm: str = "l2") -> dict[str, Tensor]:
        return {
            "pixel": losses.pixel_loss(output, target, mask, norm=norm),
            "perceptual": losses.PerceptualLoss(features, WEIGHTS.layers)(output, target, mask),
            "style": losses.StyleLoss(features, WEIGHTS.layers)(output, target, mask),
            "lpips": losses.lpips_loss(output, target, mask, lpips=ruler),
            "penalty": losses.latent_penalty(delta),
        }

    right, unmasked = single(mask), single(None)
    found = {}
    for name, value in right.items():
        weight = getattr(WEIGHTS, name)
        slips = {UNWEIGHTED: value}
        if name == "pixel":
            slips[NORM_LOST] = weight * single(mask, "l1")["pixel"]
        if name != "penalty":
            slips[MASK_LOST] = weight * unmasked[name]
        for one, other in (("style", "perceptual"), ("perceptual", "style")):
            if name == one:
                slips[WRONG_NETWORK] = weight * right[other]
        found[name] = (weight * value, slips)
    return found


@suite.check("1.9", points=2)
def weighted_terms(seed: int) -> None:
    """Each named term is its weight times its loss, behind the mask."""
    output, target = (fixed_draw(seed + i, 2, 3, SIZE, SIZE).tanh() for i in range(2))
    mask = (fixed_draw(seed + 2, 2, 1, SIZE, SIZE) > 0).double()
    delta = fixed_draw(seed + 3, 2, 1, 5)
    criterion = losses.Criterion(WEIGHTS, SmallFeatures(), Ruler(as_map=False))
    terms = criterion(output, target, mask, delta).terms
    asked = asked_terms(output, target, mask, delta)
    names = f"terms {sorted(terms)}, expected {sorted(asked)}"
    slip = Slip("a term is missing, or has another name", "five names, one for each weight")
    require(set(terms) == set(asked), names, slip)
    for name, (want, slips) in asked.items():
        expect(terms[name], want, slips, of=f'terms["{name}"]')


@suite.check("1.9")
def total_of_the_terms(seed: int) -> None:
    """The total is the sum of the terms, one number per picture."""
    output, target = (fixed_draw(seed + i, 2, 3, SIZE, SIZE).tanh() for i in range(2))
    delta = fixed_draw(seed + 3, 2, 1, 5)
    criterion = losses.Criterion(WEIGHTS, SmallFeatures(), Ruler(as_map=False))
    total, terms = criterion(output, target, None, delta)
    want = sum(terms.values())
    if not isinstance(total, Tensor) or total.shape != (2,):
        slip = OVER_BATCH if getattr(total, "dim", lambda: 0)() == 0 else BATCH_OF_ONE
        raise Wrong(f"the total has the shape {tuple(getattr(total, 'shape', ()))}", slip)
    slips = {TOTAL: total, Slip("the mean of the terms", TOTAL.look): want / 5}
    slips = {Slip("the penalty is left out of the total", TOTAL.look): want - terms["penalty"]} | slips  # noqa: E501  # fmt: skip
    expect(total, want, slips, of="the total")


@suite.check("1.9")
def terms_that_are_off(seed: int) -> None:
    """A weight of 0 switches its term off, and the penalty waits for a delta."""
    output, target = (fixed_draw(seed + i, 1, 3, SIZE, SIZE).tanh() for i in range(2))
    features = SmallFeatures()
    only_pixels = losses.Criterion(LossWeights(pixel=1.0, perceptual=0.0, penalty=1.0), features)
    names = sorted(only_pixels(output, target).terms)
    extra = f"terms {names} where pixel alone is on and no delta is given"
    require("penalty" not in names, extra, PENALTY_WITHOUT)
    require(names == ["pixel"], extra, OFF_TERMS)
    require(features.calls == 0, "the network was asked although no term needs it", OFF_TERMS)
    names = sorted(only_pixels(output, target, None, fixed_draw(seed, 1, 5)).terms)
    require(names == ["penalty", "pixel"], f"terms {names} with a delta", PENALTY_WITHOUT)
