"""Cases of part 6, hw5/inversion/: encoders' losses and tuned generators, tasks 6.6 to 6.9.

This is the last module of cases; ../grade.py puts their results together.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from staff.grading.cases.case import Arrays, Later, Suite
from staff.grading.cases.draws import (
    LAYERS,
    PIXELS,
    WIDTH,
    Draws,
    linear_network,
    normal,
    pictures,
)  # fmt: skip
from staff.grading.cases.inversion import encoder_of

torch, lab = Later("torch"), Later("staff.grading.cases.lab")
encode, pti = Later("hw5.inversion.encode"), Later("hw5.inversion.pti")
fine_tune = Later("hw5.inversion.fine_tune")
suite = Suite("hw5.inversion", needs={"6.6": ("2.5",), "6.7": ("1.2", "2.5"), "6.8": ("2.5",)})

# ---------------------------------------------------------------- 6.6, 6.7


def an_encoder(rng: Draws) -> Arrays:
    """A generator, an encoder's matrix, codes, pictures, a weight."""
    return linear_network(rng) | {
        "reader": normal(rng, PIXELS, LAYERS * WIDTH) / 16,
        "w": normal(rng, 3, 1, WIDTH),
        "images": pictures(rng, 3),
        "seen": rng.uniform(1, 3, 3),
        "weight": np.asarray(rng.uniform(0.3, 0.6)),
    }


@suite.case(
    "6.6",
    an_encoder,
    weight=2,
    module="hw5.inversion.encode",
    hint="render w without a gradient; mean over layers and width of (E - w)^2",
)
def codes_found_again(x: SimpleNamespace) -> dict[str, Any]:
    """The mean squared difference of w and what the encoder reads; the gradient is its."""
    generator, reader = lab.linear(x), x.reader.requires_grad_()
    loss = encode.code_loss(encoder_of(x), generator, x.w)
    to_reader, to_base = lab.gradient_of(loss, reader, generator.base)
    return {"loss": loss, "gradient": to_reader, "gradient in the generator": to_base}


@suite.case(
    "6.7",
    an_encoder,
    weight=2,
    module="hw5.inversion.encode",
    hint="pixels in l2, perceptual(made, images), adversarial * softplus(-D(made))",
)
def three_terms(x: SimpleNamespace) -> dict[str, Any]:
    """Pixels, features and realism of what the encoder's code makes, with its gradient."""
    reader = x.reader.requires_grad_()

    def judge(images: Any) -> Any:
        return 4 * images.mean(dim=(1, 2, 3)) + 0.3

    def perceptual(ours: Any, theirs: Any) -> Any:
        return x.seen + (ours - 2 * theirs).mean(dim=(1, 2, 3))

    loss = encode.reconstruction_loss(
        encoder_of(x), lab.linear(x), x.images,
        perceptual=perceptual, discriminator=judge, adversarial=float(x.weight),
    )  # fmt: skip
    return {"loss": loss, "gradient": lab.gradient_of(loss, reader)[0]}


# ---------------------------------------------------------------- 6.8


def a_pivot(rng: Draws) -> Arrays:
    """A generator, pivots, random codes at several distances, a length, what tuning changed."""
    far = np.array([1.0, 3.0, 9.0])[:, None, None]
    return linear_network(rng) | {
        "pivot": normal(rng, 3, LAYERS, WIDTH),
        "random": far * normal(rng, 3, LAYERS, WIDTH),
        "alpha": np.asarray(rng.uniform(0.5, 2)),
        "shift": 0.2 * normal(rng, PIXELS),
    }


def apart(ours: Any, theirs: Any) -> Any:
    """A distance of pictures, (N,); not symmetric."""
    return (ours - theirs).square().flatten(1).sum(1) + ours.flatten(1).mean(1)


@suite.case(
    "6.8",
    a_pivot,
    weight=2,
    module="hw5.inversion.pti",
    hint="w_p + alpha (w_z - w_p) / |w_z - w_p|, one norm per code over all its layers",
)
def neighbours_of_the_pivot(x: SimpleNamespace) -> dict[str, Any]:
    """Both generators render the code that lies alpha from the pivot towards the random one."""
    tuned, shipped = lab.linear(x), lab.linear(x)
    with torch.no_grad():
        tuned.base += x.shift
    loss = pti.locality_loss(
        tuned, shipped, x.pivot, x.random, alpha=float(x.alpha), distance=apart
    )
    return {"tuned": tuned.codes[0], "shipped": shipped.codes[0], "loss": loss}


@suite.case(
    "6.8",
    a_pivot,
    module="hw5.inversion.pti",
    hint="only the shipped generator is rendered under no_grad",
)
def who_is_tuned(x: SimpleNamespace) -> dict[str, Any]:
    """The tuned generator gets a gradient, the shipped one none."""
    tuned, shipped = lab.linear(x), lab.linear(x)
    with torch.no_grad():
        tuned.base += x.shift
    loss = pti.locality_loss(tuned, shipped, x.pivot, x.random, alpha=1.0, distance=apart)
    to_tuned, to_shipped = lab.gradient_of(loss, tuned.base, shipped.base)
    return {"gradient": to_tuned, "gradient in the shipped": to_shipped}


# ---------------------------------------------------------------- 6.9


def two_sets_of_weights(rng: Draws) -> Arrays:
    """Weights of two shapes, and what they were."""
    return {
        "kernel": normal(rng, 4, 3),
        "bias": normal(rng, 4),
        "old_kernel": normal(rng, 4, 3),
        "old_bias": 3 * normal(rng, 4),
    }


@suite.case(
    "6.9",
    two_sets_of_weights,
    weight=2,
    module="hw5.inversion.fine_tune",
    hint="sum of squares by name, over the number of weights",
)
def how_far_the_weights_went(x: SimpleNamespace) -> dict[str, Any]:
    """The mean squared change over all weights, whatever the order of the names."""
    shipped = {"kernel": x.old_kernel, "bias": x.old_bias}
    now = {"bias": x.bias.requires_grad_(), "kernel": x.kernel.requires_grad_()}
    distance = fine_tune.weight_distance(now | {"other": torch.ones(7)}, shipped)
    to_bias, to_kernel = lab.gradient_of(distance, now["bias"], now["kernel"])
    return {"distance": distance, "bias": to_bias, "kernel": to_kernel}
