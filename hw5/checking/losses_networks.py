"""Checks of part 1, hw5/losses.py: the losses that look through a network, and the criterion.

The networks are fakes that scale, blur or listen, so that every sum over layers is known. Tasks
1.6, 1.7 and 1.9. Read next: latents.py.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from hw5.checking.expect import (
    BATCH_OF_ONE,
    OVER_BATCH,
    Slip,
    Wrong,
    each_alone,
    expect,
    has_true_gradient,
    require,
    untouched,
)
from hw5.checking.fakes import SIZE, SmallFeatures, fixed_draw
from hw5.checking.suite import Later, Suite
from hw5.config import LossWeights

losses = Later("hw5.losses")
suite = Suite(
    needs={
        "1.7": ("1.1",),
        "1.9": ("1.2", "1.3", "1.5", "1.6", "1.7", "1.8"),
    }
)

NO_WEIGHTS = Slip("the layers' weights are not used", "each layer's distance times its weight")
AVERAGED_LAYERS = Slip(
    "an average over layers instead of their weighted sum",
    "names without weights already share a weight of 1: do not divide again",
)
LAST_LAYER = Slip(
    "only the last layer counts", "`total = ...` in the loop forgets the layers before: add"
)
FIRST_LAYER = Slip("only the first layer counts", "is the `return` inside the loop?")
OFF_BY_ONE = Slip(
    "off by one: each layer has the weight of its neighbour",
    "keep name and weight together: loop over `self.weights.items()`",
)
OWN_DISTANCE = Slip(
    "`feature_distance` written in where `self.distance` belongs",
    "StyleLoss inherits this loop and brings a distance of its own",
)
NO_MASK = Slip("the mask is not used", "give the shrunk mask to `self.distance`, layer by layer")
FULL_MASK = Slip("the mask has not been shrunk to the layer", "`shrink_mask(mask, features)`")
NEAREST = Slip(
    "the mask was shrunk by picking pixels, not by averaging areas",
    "a stroke thinner than a cell would be lost: use `shrink_mask`",
)
MULTIPLIED = Slip(
    "the pictures are multiplied by the mask before the network sees them",
    "the mask's outline becomes an edge in the features: show the output as it is, and the target "
    "through `see_through`",
)
LEAK = Slip(
    "what the target shows outside the mask leaks in through the network",
    "show the target only through the mask: `self.extract_target`, or `see_through`",
)
FEATURES_EDITED = Slip(
    "features are edited in place", "masks then compound from layer to layer: make new tensors"
)


class Scaled(torch.nn.Module):
    """Layer k is the picture times k, at half the size of the layer before."""

    layer_names = ("conv_1", "conv_2", "conv_3")

    def __init__(self) -> None:
        """Nothing seen yet."""
        super().__init__()
        self.given: list[dict[str, Tensor]] = []

    def forward(self, images: Tensor, layers: tuple[str, ...]) -> dict[str, Tensor]:
        """The same objects are kept in `given`."""
        found = {}
        for name in layers:
            k = self.layer_names.index(name) + 1
            found[name] = k * F.avg_pool2d(images, 2 ** (k - 1))
        self.given.append(found)
        return found


def listening_loss(
    layers: dict[str, float],
) -> tuple[Callable[..., Tensor], list[tuple[Tensor, Tensor, Tensor | None]]]:
    """A PerceptualLoss whose distance is the mean absolute difference, and what it is asked."""
    asked: list[tuple[Tensor, Tensor, Tensor | None]] = []

    def distance(ours: Tensor, theirs: Tensor, mask: Tensor | None = None) -> Tensor:
        asked.append((ours, theirs, mask))
        return (ours - theirs).abs().flatten(1).mean(1)

    kind = type("Listening", (losses.PerceptualLoss,), {"distance": staticmethod(distance)})
    return kind(Scaled(), layers), asked


def two_flat_pictures(seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Pictures (2, 3, 8, 8) of one colour each, and how far they are apart, (2,)."""
    apart = 0.5 + fixed_draw(seed, 2).sigmoid()
    target = torch.zeros(2, 3, SIZE, SIZE, dtype=apart.dtype) + 0.1
    return target + apart[:, None, None, None], target, apart


@suite.check("1.6", points=2)
def weighted_sum_over_layers(seed: int) -> None:
    """The sum over layers of weight times distance."""
    output, target, apart = two_flat_pictures(seed)
    loss, _ = listening_loss({"conv_1": 0.5, "conv_2": 3.0, "conv_3": 0.25})
    terms = [0.5 * 1, 3 * 2, 0.25 * 3]  # weight * scale of the layer
    slips = {
        NO_WEIGHTS: 6 * apart,
        AVERAGED_LAYERS: sum(terms) / 3 * apart,
        Slip("divided by the sum of the weights", AVERAGED_LAYERS.look): sum(terms) / 3.75 * apart,
        LAST_LAYER: terms[2] * apart,
        FIRST_LAYER: terms[0] * apart,
        OFF_BY_ONE: (3 * 1 + 0.25 * 2 + 0.5 * 3) * apart,
        Slip("off by one, the other way", OFF_BY_ONE.look): (0.25 + 0.5 * 2 + 3 * 3) * apart,
        OWN_DISTANCE: (0.5 + 3 * 4 + 0.25 * 9) * apart.square(),
    }
    expect(loss(output, target), sum(terms) * apart, slips)


@suite.check("1.6")
def masks_of_layers(seed: int) -> None:
    """Each layer's distance is given the share of every cell that the mask covers."""
    output, target, _ = two_flat_pictures(seed)
    mask = torch.zeros(1, 1, SIZE, SIZE, dtype=output.dtype)
    mask[..., 1:6, 3] = 1  # one pixel wide: a picked pixel may miss it
    loss, asked = listening_loss({"conv_1": 1.0, "conv_3": 1.0})
    loss(output, target, mask)
    for (_, _, given), cell in zip(asked, (1, 4), strict=False):
        require(given is not None, "a layer's distance was asked without a mask", NO_MASK)
        want = F.avg_pool2d(mask, cell)
        picked = mask[..., ::cell, ::cell]
        full = (1, 1, SIZE, SIZE) if cell > 1 else ()
        of = "a layer's mask"
        expect(given[:1], want, {NO_MASK: want * 0 + 1, NEAREST: picked, FULL_MASK: full}, of=of)


@suite.check("1.6")
def outside_the_mask(seed: int) -> None:
    """Whatever the target shows outside the mask, the loss is the same, to the last layer."""
    output, target = (fixed_draw(seed + i, 2, 3, SIZE, SIZE).tanh() for i in range(2))
    mask = (fixed_draw(seed + 2, 1, 1, SIZE, SIZE) > 0).double()
    loss = losses.PerceptualLoss(SmallFeatures())
    spoiled = torch.where(mask > 0, target, -target)
    change = loss(output, spoiled, mask) - loss(output, target, mask)
    require(change.abs().max() < 1e-12, f"it changes by {float(change.abs().max()):.3g}", LEAK)
    spy, asked = listening_loss({"conv_1": 1.0})
    spy(output, target, mask)
    ours, theirs, _ = asked[0]
    require(torch.equal(ours, output), "the network saw another picture than the output", MULTIPLIED)
    zero = bool((theirs * (1 - mask) == 0).all())
    require(not zero, "around the mask the network saw black", MULTIPLIED)


@suite.check("1.6")
def gradient_of_the_perceptual_loss(seed: int) -> None:
    """The gradient is the one that finite differences measure, with and without a mask."""
    output, target = (fixed_draw(seed + i, 1, 3, SIZE, SIZE).tanh() for i in range(2))
    mask = (fixed_draw(seed + 2, 1, 1, SIZE, SIZE) > 0).double()
    loss = losses.PerceptualLoss(SmallFeatures(), ("conv_1_1", "conv_3_1"))
    slip = Slip(
        "a part of the loss is cut off from the gradient",
        "features of the output, and the output around the mask, are searched: no `no_grad` there",
    )
    direction = fixed_draw(seed + 3, *output.shape)
    for seen_through in (None, mask):

        def along(step: Tensor, seen_through: Tensor | None = seen_through) -> Tensor:
            return loss(output + step * direction, target, seen_through)

        has_true_gradient(along, torch.zeros(1, dtype=output.dtype), slip)


@suite.check("1.6")
def manners_of_the_perceptual_loss(seed: int) -> None:
    """Each picture of a batch is judged alone, and no feature is edited in place."""
    output, target = (fixed_draw(seed + i, 3, 3, SIZE, SIZE).tanh() for i in range(2))
    mask = (fixed_draw(seed + 2, 3, 1, SIZE, SIZE) > 0).double()
    loss = losses.PerceptualLoss(SmallFeatures())
    with untouched(output=output, target=target, mask=mask):
        each_alone(loss, output, target)
        each_alone(loss, output, target, mask)
    network = Scaled()
    losses.PerceptualLoss(network)(output, target, mask)
    fresh = Scaled()(output, network.layer_names)
    same = all(torch.equal(network.given[0][name], fresh[name]) for name in fresh)
    require(same, "the output's features are others after the call", FEATURES_EDITED)


# ---------------------------------------------------------------- 1.7

SHARE = Slip(
    "the loss grows with the mask's area",
    "outside the mask the pictures are alike: divide the mean by the mask's share of the picture",
)
SWAPPED = Slip(
    "target and output are swapped: the output is shown through the mask",
    "see_through(mask, target, output) shows the target where the mask is 1",
)
MAP_AVERAGED = Slip(
    "the map is averaged over the whole picture", "average it over the mask: `masked_mean`"
)
EMPTY_SHARE = Slip("0 / 0 for an empty mask", "where the share is 0, divide by 1 instead")


class Ruler:
    """Stands for the lpips package: mean squared difference, as one number or as a map."""

    def __init__(self, *, as_map: bool) -> None:
        """Nothing seen yet."""
        self.as_map, self.seen = as_map, []

    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        """(N, 1, 1, 1), or (N, 1, H, W)."""
        self.seen.append((output, target))
        squared = (output - target).square().mean(dim=1, keepdim=True)
        return squared if self.as_map else squared.mean(dim=(2, 3), keepdim=True)


@suite.check("1.7", points=2)
def lpips_behind_a_mask(seed: int) -> None:
    """Behind a mask LPIPS is as large as the difference there, whatever the mask's area."""
    output, target, apart = two_flat_pictures(seed)
    mask = torch.zeros(1, 1, SIZE, SIZE, dtype=output.dtype)
    mask[..., :2] = 1  # a quarter
    spoiled = torch.where(mask > 0, target, target - 2)
    here, there = apart.square(), (apart + 2).square()
    for as_map in (False, True):
        ruler = Ruler(as_map=as_map)
        got = losses.lpips_loss(output, spoiled, mask, lpips=ruler)
        whole = here / 4 + there * 0.75
        slips = {
            SHARE if not as_map else MAP_AVERAGED: here / 4,
            LEAK: whole if as_map else whole * 4,
            Slip("the mask is not used", "see `see_through`"): whole,
            SWAPPED: there * 0.75 * (1 if as_map else 4),
            Slip("divided by the share twice", "once is enough"): here * 4,
        }
        if ruler.seen and bool((ruler.seen[0][0] * (1 - mask) == 0).all()):
            raise Wrong("around the mask the network saw black", MULTIPLIED)
        expect(got, here, slips)


@suite.check("1.7")
def lpips_of_a_batch(seed: int) -> None:
    """Each picture of a batch gets its own number, also with masks of its own."""
    output, target = (fixed_draw(seed + i, 3, 3, SIZE, SIZE).tanh() for i in range(2))
    mask = torch.zeros(3, 1, SIZE, SIZE, dtype=output.dtype)
    for i, rows in enumerate((1, 3, 8)):
        mask[i, :, :rows] = 1
    for as_map in (False, True):
        ruler = Ruler(as_map=as_map)

        def loss(*pictures: Tensor, ruler: Ruler = ruler) -> Tensor:
            return losses.lpips_loss(*pictures, lpips=ruler)

        with untouched(output=output, target=target, mask=mask):
            each_alone(loss, output, target)
            each_alone(loss, output, target, mask)
            each_alone(lambda a, b, loss=loss: loss(a, b, mask[:1]), output, target)


@suite.check("1.7")
def lpips_without_a_pixel(seed: int) -> None:
    """An empty mask asks for nothing: 0, and gradients that are numbers."""
    output, target, _ = two_flat_pictures(seed)
    nothing = torch.zeros(1, 1, SIZE, SIZE, dtype=output.dtype)
    for as_map in (False, True):
        got = losses.lpips_loss(output, target, nothing, lpips=Ruler(as_map=as_map))
        expect(got, [0.0, 0.0], nan=EMPTY_SHARE)


@suite.check("1.7")
def gradient_of_lpips(seed: int) -> None:
    """The gradient is the one that finite differences measure."""
    output, target = (fixed_draw(seed + i, 1, 3, SIZE, SIZE).tanh() for i in range(2))
    mask = (fixed_draw(seed + 2, 1, 1, SIZE, SIZE) > 0).double()
    direction = fixed_draw(seed + 3, *output.shape)
    ruler = Ruler(as_map=False)

    def along(step: Tensor) -> Tensor:
        return losses.lpips_loss(output + step * direction, target, mask, lpips=ruler)

    slip = Slip("a part is cut off from the gradient", "no `no_grad`, no `detach` around lpips")
    has_true_gradient(along, torch.zeros(1, dtype=output.dtype), slip)


# ---------------------------------------------------------------- 1.9

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
