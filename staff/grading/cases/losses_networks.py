"""Cases of part 1, hw5/losses.py: tasks 1.6, 1.7 and 1.9, with networks drawn from the seed.

Read next: latents.py.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from staff.grading.cases.case import Arrays, Later, Suite
from staff.grading.cases.draws import (
    LAYERS,
    WIDTH,
    Draws,
    feature_kernels,
    normal,
    pictures,
    regions,
)  # fmt: skip
from staff.grading.cases.judge import same

torch, functional = Later("torch"), Later("torch.nn.functional")
losses, config = Later("hw5.losses"), Later("hw5.config")
lab = Later("staff.grading.cases.lab")
suite = Suite(
    "hw5.losses",
    needs={
        "1.6": ("1.1", "1.3", "1.4", "1.5"),
        "1.7": ("1.1",),
        "1.9": ("1.1", "1.2", "1.3", "1.4", "1.5", "1.6", "1.7", "1.8"),
    },
)

LEAKS = "what the target shows outside the mask changes the answer"
TERMS = ("pixel", "perceptual", "style", "lpips", "penalty")


def seen_by_a_network(rng: Draws) -> Arrays:
    """Outputs, a target, another one around the masks, masks that cut cells, kernels, weights."""
    target, elsewhere = pictures(rng, 2)[:, None]
    return {
        "output": pictures(rng, 3),
        "target": target,
        "elsewhere": elsewhere,
        "mask": regions(rng, 3),
        "weights": rng.uniform(0.5, 2, 3),
        "delta": normal(rng, 3, LAYERS, WIDTH),
    } | feature_kernels(rng)


def other_target(x: SimpleNamespace) -> Any:
    """The target with other pixels where the mask is 0."""
    return x.elsewhere.where(x.mask == 0, x.target)


def some_layers(x: SimpleNamespace) -> dict[str, float]:
    """A layer of each depth, with a weight of its own."""
    return dict(zip(("conv_1_2", "conv_2_1", "conv_3_2"), x.weights.tolist(), strict=True))


# ---------------------------------------------------------------- 1.6


@suite.case("1.6", seen_by_a_network, weight=2, hint="sum weight * self.distance(...) over layers")
def layers_of_a_network(x: SimpleNamespace) -> dict[str, Any]:
    """Weighted sums of feature distances, for chosen layers and for all."""
    network = lab.features(x)
    return {
        "chosen": losses.PerceptualLoss(network, some_layers(x))(x.output, x.target),
        "all": losses.PerceptualLoss(network)(x.output, x.target),
        "one": losses.PerceptualLoss(network, ("conv_2_2",))(x.output, x.target),
    }


@suite.case(
    "1.6",
    seen_by_a_network,
    weight=2,
    hint="shrink_mask fits the mask to a layer; extract_target hides what lies around it",
    relations=(same("loss", "elsewhere", LEAKS),),
)
def layers_behind_masks(x: SimpleNamespace) -> dict[str, Any]:
    """Each layer is compared behind the mask shrunk to its cells; around it nothing leaks in."""
    loss = losses.PerceptualLoss(lab.features(x), some_layers(x))
    target = x.target.expand_as(x.output)
    return {
        "loss": loss(x.output, target, x.mask),
        "elsewhere": loss(x.output, other_target(x), x.mask),
        "one mask": loss(x.output, x.target, x.mask[:1]),
    }


@suite.case(
    "1.6", seen_by_a_network, hint="self.distance, not feature_distance: StyleLoss has its own"
)
def the_class_chooses_the_distance(x: SimpleNamespace) -> dict[str, Any]:
    """A StyleLoss is the same sum with another distance."""
    loss = losses.StyleLoss(lab.features(x), some_layers(x))
    return {"loss": loss(x.output, x.target), "masked": loss(x.output, x.target, x.mask)}


@suite.case("1.6", seen_by_a_network, hidden=True, hint="no detach: the search needs the gradient")
def gradient_through_the_network(x: SimpleNamespace) -> dict[str, Any]:
    """The gradient reaches the output, with a mask and without."""
    loss = losses.PerceptualLoss(lab.features(x), some_layers(x))
    output = x.output.requires_grad_()
    return {
        "gradient": lab.gradient_of(loss(output, x.target), output)[0],
        "masked": lab.gradient_of(loss(output, x.target, x.mask), output)[0],
    }


# ---------------------------------------------------------------- 1.7


def blurred_difference(output: Any, target: Any) -> Any:
    """A map (N, 1, H, W): how far pixels and their neighbours are apart; not symmetric."""
    apart, around = (
        functional.avg_pool2d(seen.mean(dim=1, keepdim=True), 3, stride=1, padding=1)
        for seen in ((output - target).square(), output)
    )
    return apart * (1 + 0.5 * around)


def one_number(output: Any, target: Any) -> Any:
    """The same as one number for each picture, (N, 1, 1, 1)."""
    return blurred_difference(output, target).mean(dim=(2, 3), keepdim=True)


def lpips_of(x: SimpleNamespace, ruler: Any) -> dict[str, Any]:
    """The loss with a ruler: behind masks, with another target around them, with one for all."""
    target = x.target.expand_as(x.output)
    return {
        "loss": losses.lpips_loss(x.output, target, x.mask, lpips=ruler),
        "elsewhere": losses.lpips_loss(x.output, other_target(x), x.mask, lpips=ruler),
        "one mask": losses.lpips_loss(x.output, x.target, x.mask[:1], lpips=ruler),
        "empty": losses.lpips_loss(x.output, target, 0 * x.mask, lpips=ruler),
    }


@suite.case(
    "1.7",
    seen_by_a_network,
    hint="average the map over the mask",
    relations=(same("loss", "elsewhere", LEAKS),),
)
def a_map_behind_masks(x: SimpleNamespace) -> dict[str, Any]:
    """A map of distances to the target seen through the mask, averaged over the mask."""
    return lpips_of(x, blurred_difference)


@suite.case(
    "1.7",
    seen_by_a_network,
    hint="divide the number by the mask's share of the picture",
    relations=(same("loss", "elsewhere", LEAKS),),
)
def a_number_behind_masks(x: SimpleNamespace) -> dict[str, Any]:
    """One number per picture, divided by the mask's share; 0 for an empty mask."""
    return lpips_of(x, one_number)


@suite.case("1.7", seen_by_a_network, hidden=True, hint="no detach: the search needs the gradient")
def gradient_of_lpips(x: SimpleNamespace) -> dict[str, Any]:
    """The gradient reaches the output."""
    output = x.output.requires_grad_()
    loss = losses.lpips_loss(output, x.target, x.mask, lpips=one_number)
    return {"gradient": lab.gradient_of(loss, output)[0]}


# ---------------------------------------------------------------- 1.9


def told(loss: Any) -> dict[str, Any]:
    """A criterion's answer: total, terms, and which terms there are."""
    names = {f"has {name}": name in loss.terms for name in TERMS}
    return {"total": loss.total, "terms": len(loss.terms), **names, **loss.terms}


@suite.case("1.9", seen_by_a_network, weight=2, hint="weight times loss for each, then the sum")
def all_terms(x: SimpleNamespace) -> dict[str, Any]:
    """Five weighted terms behind masks, and their sum."""
    pixel, perceptual, style = x.weights.tolist()
    weights = config.LossWeights(
        pixel=pixel, perceptual=perceptual, style=style, lpips=0.7, penalty=0.3, norm="l2"
    )
    criterion = losses.Criterion(weights, lab.features(x), one_number)
    return told(criterion(x.output, x.target, x.mask, x.delta))


@suite.case(
    "1.9",
    seen_by_a_network,
    weight=2,
    hint="a term of weight 0 is neither computed nor listed; no penalty without delta",
)
def terms_that_are_off(x: SimpleNamespace) -> dict[str, Any]:
    """Only what has a weight is computed and listed."""
    pixel, style, _ = x.weights.tolist()
    network = lab.features(x)
    only = config.LossWeights(pixel=pixel, perceptual=0, penalty=2)
    without = losses.Criterion(only, network)(x.output, x.target, None, None)
    asked = network.calls
    styled = config.LossWeights(pixel=0, perceptual=0, style=style)
    other = losses.Criterion(styled, network)(x.output, x.target, x.mask)
    return {
        **told(without),
        "asked": asked,
        "style only": other.total,
        "style's terms": len(other.terms),
    }
