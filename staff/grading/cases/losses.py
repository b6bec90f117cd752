"""Cases of part 1, hw5/losses.py: tasks 1.1 to 1.5 and 1.8, on random numbers and regions.

Read next: losses_networks.py, for the losses that ask a network.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from staff.grading.cases.case import MANNERS, Arrays, Later, Suite
from staff.grading.cases.draws import LAYERS, WIDTH, Draws, normal, pictures, regions
from staff.grading.cases.judge import same

losses, lab = Later("hw5.losses"), Later("staff.grading.cases.lab")
suite = Suite("hw5.losses", needs={"1.2": ("1.1",), "1.3": ("1.1",), "1.5": ("1.4",)})

FEW = (4, 6)  # rows and columns: not square, so that axes cannot be mixed up unseen
LEAKS = "what lies outside the mask changes the answer"
ONCE = "a second call gives another answer"

# ---------------------------------------------------------------- 1.1


def values_behind_masks(rng: Draws) -> Arrays:
    """Values of three pictures, and a region of each."""
    return {"values": normal(rng, 3, 3, *FEW), "mask": regions(rng, 3, FEW)}


def values_and_shares(rng: Draws) -> Arrays:
    """Masks of fractions; one covers less than a pixel in all."""
    mask = rng.uniform(0.05, 1, (3, 1, *FEW))
    mask[0] *= 0.2 / mask[0].sum()
    return {"values": 2 + normal(rng, 3, 3, *FEW), "mask": mask}


def values_and_nothing(rng: Draws) -> Arrays:
    """The second picture's mask is empty."""
    x = values_behind_masks(rng)
    x["mask"][1] = 0
    return x


def values_with_holes(rng: Draws) -> Arrays:
    """Not a number wherever the mask is 0."""
    x = values_behind_masks(rng)
    return x | {"values": np.where(x["mask"] > 0, x["values"], np.nan)}


@suite.case(
    "1.1",
    values_behind_masks,
    weight=2,
    relations=(same("mean", "again", ONCE),),
    hint="sum of mask * values over sum of the mask, each picture for itself",
)
def behind_masks(x: SimpleNamespace) -> dict[str, Any]:
    """The mean runs over what each picture's own mask lets count."""
    return {
        "mean": losses.masked_mean(x.values, x.mask),
        "again": losses.masked_mean(x.values.clone(), x.mask.clone()),
        "one mask": losses.masked_mean(x.values, x.mask[:1]),
        "two channels": losses.masked_mean(x.values[:, :2], x.mask),
    }


@suite.case(
    "1.1",
    values_and_shares,
    hidden=True,
    hint="the mask's values are weights: divide by their sum, also where it is below 1",
)
def shares_of_pixels(x: SimpleNamespace) -> dict[str, Any]:
    """A fraction counts as a share of a pixel."""
    return {"mean": losses.masked_mean(x.values, x.mask)}


@suite.case("1.1", values_and_nothing, hint="where the area is 0, divide by 1")
def an_empty_mask(x: SimpleNamespace) -> dict[str, Any]:
    """An empty mask gives 0, and the other pictures their means."""
    return {"mean": losses.masked_mean(x.values, x.mask)}


@suite.case("1.1", values_with_holes, hidden=True, hint="0 * nan is nan: choose with torch.where")
def holes_behind_the_mask(x: SimpleNamespace) -> dict[str, Any]:
    """What does not count may be nan."""
    return {"mean": losses.masked_mean(x.values, x.mask)}


@suite.case("1.1", values_behind_masks, **MANNERS)
def manners_of_masked_mean(x: SimpleNamespace) -> dict[str, Any]:
    """It edits no argument, follows dtype and device, and lets gradients pass."""
    return lab.manners(losses.masked_mean, values=x.values, mask=x.mask, grad="values")


# ---------------------------------------------------------------- 1.2


def a_pair(rng: Draws) -> Arrays:
    """Outputs that leave [-1, 1] a little, one target for all, masks; other pixels around them."""
    target, elsewhere = pictures(rng, 2, FEW)[:, None]
    return {
        "output": 1.1 * pictures(rng, 3, FEW),
        "target": target,
        "elsewhere": elsewhere,
        "mask": regions(rng, 3, FEW),
    }


@suite.case("1.2", a_pair, hint='"l1" is the mean of absolute differences')
def l1(x: SimpleNamespace) -> dict[str, Any]:
    """The mean absolute difference of each picture."""
    return {"loss": losses.pixel_loss(x.output, x.target)}


@suite.case("1.2", a_pair, hint='"l2" is the mean of squares, without a root')
def l2(x: SimpleNamespace) -> dict[str, Any]:
    """The mean squared difference of each picture."""
    return {"loss": losses.pixel_loss(x.output, x.target, norm="l2")}


@suite.case(
    "1.2",
    a_pair,
    weight=2,
    hint="masked_mean(size, mask)",
    relations=(same("l1", "l1 elsewhere", LEAKS), same("l2", "l2 elsewhere", LEAKS)),
)
def pixels_behind_masks(x: SimpleNamespace) -> dict[str, Any]:
    """Only pixels that the mask lets count have a say, in both norms."""
    target = x.target.expand_as(x.output)
    other = x.elsewhere.where(x.mask == 0, target)
    return {
        f"{norm}{name}": losses.pixel_loss(x.output, shown, x.mask, norm=norm)
        for norm in ("l1", "l2")
        for name, shown in (("", target), (" elsewhere", other))
    }


@suite.case("1.2", a_pair, **MANNERS)
def manners_of_pixel_loss(x: SimpleNamespace) -> dict[str, Any]:
    """It edits no argument, follows dtype and device, and lets gradients pass."""
    return lab.manners(
        losses.pixel_loss, output=x.output, target=x.target, mask=x.mask, grad="output"
    )


# ---------------------------------------------------------------- 1.3, 1.4, 1.5


def two_features(rng: Draws) -> Arrays:
    """Features of three pictures and of three targets, masks of shares, a shuffle of positions."""
    return {
        "ours": normal(rng, 3, 5, *FEW),
        "theirs": normal(rng, 3, 5, *FEW),
        "mask": rng.uniform(0, 1, (3, 1, *FEW)) * regions(rng, 3, FEW),
        "order": rng.permutation(FEW[0] * FEW[1]),
    }


def shuffled(features: Any, order: Any) -> Any:
    """The same features at other positions."""
    return features.flatten(2)[..., order].view_as(features)


@suite.case("1.3", two_features, hint="squares, then masked_mean; nothing is summed or halved")
def features_apart(x: SimpleNamespace) -> dict[str, Any]:
    """The mean squared difference of features, for each picture and for one target."""
    return {
        "distance": losses.feature_distance(x.ours, x.theirs),
        "one target": losses.feature_distance(x.ours, x.theirs[:1]),
    }


@suite.case("1.3", two_features, hint="masked_mean(squared, mask)")
def features_behind_masks(x: SimpleNamespace) -> dict[str, Any]:
    """Cells count by the share that the mask gives them."""
    return {"distance": losses.feature_distance(x.ours, x.theirs, x.mask)}


@suite.case("1.3", two_features, **MANNERS)
def manners_of_feature_distance(x: SimpleNamespace) -> dict[str, Any]:
    """It edits no argument, follows dtype and device, and lets gradients pass."""
    return lab.manners(
        losses.feature_distance, ours=x.ours, theirs=x.theirs, mask=x.mask, grad="ours"
    )


@suite.case(
    "1.4",
    two_features,
    weight=2,
    hint="F F^T over the number of positions, per picture",
    relations=(same("gram", "shuffled", "the order of the positions matters"),),
)
def gram_of_everything(x: SimpleNamespace) -> dict[str, Any]:
    """Mean products of channels over all positions, wherever they are."""
    return {
        "gram": losses.gram_matrix(x.ours),
        "shuffled": losses.gram_matrix(shuffled(x.ours, x.order)),
    }


@suite.case(
    "1.4",
    two_features,
    weight=2,
    hint="the mask weighs each product once, and the area is its sum; 0 where it is empty",
)
def gram_behind_masks(x: SimpleNamespace) -> dict[str, Any]:
    """The mask weighs the positions; an empty one gives zeros."""
    return {
        "gram": losses.gram_matrix(x.ours, x.mask),
        "one mask": losses.gram_matrix(x.ours, x.mask[:1]),
        "empty": losses.gram_matrix(x.ours, 0 * x.mask),
    }


@suite.case("1.4", two_features, **MANNERS)
def manners_of_gram_matrix(x: SimpleNamespace) -> dict[str, Any]:
    """It edits no argument, follows dtype and device, and lets gradients pass."""
    return lab.manners(losses.gram_matrix, features=x.ours, mask=x.mask, grad="features")


@suite.case(
    "1.5",
    two_features,
    hint="the mean over the C * C entries, divided by 4",
    relations=(same("distance", "shuffled", "it matters where things are"),),
)
def styles_apart(x: SimpleNamespace) -> dict[str, Any]:
    """A quarter of the mean squared difference of Gram matrices."""
    return {
        "distance": losses.style_distance(x.ours, x.theirs),
        "shuffled": losses.style_distance(shuffled(x.ours, x.order), x.theirs),
        "one target": losses.style_distance(x.ours, x.theirs[:1]),
    }


@suite.case("1.5", two_features, hint="both Gram matrices get the mask")
def styles_behind_masks(x: SimpleNamespace) -> dict[str, Any]:
    """Both sides are seen through the mask."""
    return {"distance": losses.style_distance(x.ours, x.theirs, x.mask)}


@suite.case("1.5", two_features, **MANNERS)
def manners_of_style_distance(x: SimpleNamespace) -> dict[str, Any]:
    """It edits no argument, follows dtype and device, and lets gradients pass."""
    return lab.manners(
        losses.style_distance, ours=x.ours, theirs=x.theirs, mask=x.mask, grad="ours"
    )


# ---------------------------------------------------------------- 1.8


def some_deltas(rng: Draws) -> Arrays:
    """What was added to codes of each space."""
    return {
        "z": normal(rng, 3, WIDTH),
        "w": normal(rng, 3, 1, WIDTH),
        "w_plus": normal(rng, 3, LAYERS, WIDTH),
    }


@suite.case("1.8", some_deltas, weight=2, hint="the mean over everything but the batch")
def penalty_in_every_space(x: SimpleNamespace) -> dict[str, Any]:
    """The mean squared entry of each code's delta, in z, w and w+."""
    return {name: losses.latent_penalty(delta) for name, delta in vars(x).items()}


@suite.case("1.8", some_deltas, **MANNERS)
def manners_of_latent_penalty(x: SimpleNamespace) -> dict[str, Any]:
    """It edits no argument, follows dtype and device, and lets gradients pass."""
    return lab.manners(losses.latent_penalty, delta=x.w_plus, grad="delta")
