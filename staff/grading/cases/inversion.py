"""Cases of part 6, hw5/inversion/: searches and their losses, tasks 6.1 to 6.5.

Read next: inversion_tuning.py, for encoders and tuned generators.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from staff.grading.cases.case import Arrays, Later, Suite
from staff.grading.cases.draw import Uneven
from staff.grading.cases.draws import (
    LAYERS,
    PIXELS,
    SIZE,
    WIDTH,
    Draws,
    linear_network,
    normal,
    pictures,
    strokes,
)  # fmt: skip
from staff.grading.cases.network import share_left

torch, lab = Later("torch"), Later("staff.grading.cases.lab")
pixels, masked = Later("hw5.inversion.pixels"), Later("hw5.inversion.masked")
image2stylegan = Later("hw5.inversion.image2stylegan")
in_domain, progressive = Later("hw5.inversion.in_domain"), Later("hw5.inversion.progressive")
suite = Suite("hw5.inversion", needs={"6.5": ("6.3", "2.5")})

GRADIENT = "no detach, no no_grad: the search needs the gradient"

# ---------------------------------------------------------------- 6.1


def a_constraint(rng: Draws) -> Arrays:
    """An input picture, what is added to it, a target, a mask."""
    return {
        "start": pictures(rng, 2),
        "delta": 1.5 * normal(rng, 2, 3, SIZE, SIZE),
        "target": pictures(rng, 2),
        "mask": strokes(rng),
    }


@suite.case(
    "6.1",
    a_constraint,
    weight=2,
    module="hw5.inversion.pixels",
    hint="picture = start + delta; criterion(picture, target, mask, delta)",
)
def the_picture_itself(x: SimpleNamespace) -> dict[str, Any]:
    """The picture is start + delta, its own code, judged behind the mask together with delta."""
    got = pixels.score_pixels(x.start, x.delta, x.target, Uneven(), x.mask)
    everywhere = pixels.score_pixels(x.start, x.delta, x.target, Uneven())
    return {
        "picture": got.image,
        "code": got.code,
        "loss": got.loss,
        "loss everywhere": everywhere.loss,
        "start afterwards": x.start,
    }


@suite.case("6.1", a_constraint, module="hw5.inversion.pixels", hint=GRADIENT)
def gradient_of_pixels(x: SimpleNamespace) -> dict[str, Any]:
    """Delta gets a gradient behind the mask, and none outside it."""
    x.delta.requires_grad_()
    loss = pixels.score_pixels(x.start, x.delta, x.target, lab.mean_square, x.mask).loss
    return {"gradient": lab.gradient_of(loss, x.delta)[0]}


# ---------------------------------------------------------------- 6.2


def an_embedding(rng: Draws) -> Arrays:
    """Pictures, targets, what a perceptual loss says of them, a weight."""
    return {
        "image": pictures(rng, 3),
        "target": pictures(rng, 3),
        "seen": rng.uniform(1, 3, 3),
        "weight": np.asarray(rng.uniform(3, 6)),
    }


@suite.case(
    "6.2",
    an_embedding,
    weight=2,
    module="hw5.inversion.image2stylegan",
    hint="perceptual + weight / N * sum of squares, N = 3 * H * W",
)
def equation_1(x: SimpleNamespace) -> dict[str, Any]:
    """Perceptual loss + weight / N * squared error, one number per picture, with its gradient."""
    image = x.image.requires_grad_()

    def perceptual(ours: Any, theirs: Any) -> Any:
        return x.seen + (ours - 2 * theirs).mean(dim=(1, 2, 3))

    loss = image2stylegan.embedding_loss(image, x.target, perceptual, float(x.weight))
    return {"loss": loss, "gradient": lab.gradient_of(loss, image)[0]}


# ---------------------------------------------------------------- 6.3


def a_reader(rng: Draws) -> Arrays:
    """A generator, codes, and the matrix of an encoder."""
    return linear_network(rng) | {
        "code": normal(rng, 3, LAYERS, WIDTH),
        "reader": normal(rng, PIXELS, LAYERS * WIDTH) / 16,
    }


def encoder_of(x: SimpleNamespace) -> Any:
    """Reads w+ (N, L, d) off pictures by a matrix."""
    return lambda images: (images.flatten(1) @ x.reader).view(-1, LAYERS, WIDTH)


@suite.case(
    "6.3",
    a_reader,
    weight=2,
    module="hw5.inversion.in_domain",
    hint="the mean square over layers and width of code - encoder(image); no detach",
)
def what_the_encoder_reads(x: SimpleNamespace) -> dict[str, Any]:
    """The mean squared difference, per picture, and its gradient through both sides."""
    code = x.code.requires_grad_()
    image = lab.linear(x).synthesize(code)
    loss = in_domain.domain_regulariser(code, image, encoder_of(x))
    return {"loss": loss, "gradient": lab.gradient_of(loss, code)[0]}


# ---------------------------------------------------------------- 6.4


def stage_counts(rng: Draws) -> Arrays:
    """Numbers of codes, layers and stages, in rows; weights of the last stage."""
    rows = [(10, 4, 5), (7, 5, 3), (6, 3, 1), *rng.integers(2, 12, (4, 3)).tolist()]
    return {"rows": np.asarray(rows), "last": rng.uniform(2, 9, 2)}


@suite.case(
    "6.4",
    stage_counts,
    weight=2,
    module="hw5.inversion.progressive",
    hint="-(-a // b) rounds up; layer_names[-n:] are the deepest; last weights in the last",
)
def stages(x: SimpleNamespace) -> dict[str, Any]:
    """Stage k of K frees ceil(k L / K) codes, compares ceil(k F / K) layers, weighs them."""
    found = {}
    features, pixel = x.last.tolist()
    for i, (codes, layers, total) in enumerate(x.rows.tolist()):
        names = tuple(f"layer_{n}" for n in range(layers))
        settings = progressive.Progressive(
            num_stages=total, last_features=features, last_pixel=pixel
        )
        plan = progressive.schedule(codes, names, settings)
        found[f"plan {i}"] = torch.tensor(
            [[s.num_free, s.features, s.pixel, *(n in s.layers for n in names)] for s in plan],
            dtype=torch.float64,
        )
    return found


# ---------------------------------------------------------------- 6.5


def a_composite(rng: Draws) -> Arrays:
    """A context, a patch, where it goes, an encoder's matrix."""
    x = linear_network(rng) | {
        "context": pictures(rng),
        "patch": pictures(rng),
        "mask": strokes(rng),
    }
    return x | {"reader": normal(rng, PIXELS, LAYERS * WIDTH) / 16}


def left_of_patch(x: Arrays, got: Arrays) -> float:
    """Share of the way that is left, behind the mask."""
    return share_left(x, got["code"], got["start"], [(x["patch"], x["mask"], 1.0)])


@suite.case(
    "6.5",
    a_composite,
    weight=2,
    module="hw5.inversion.masked",
    free=("code",),
    measure=left_of_patch,
    hint="paste, then refine(generator, composite, mask=mask, **search)",
)
def a_patch_continued(x: SimpleNamespace) -> dict[str, Any]:
    """The encoder reads the composite, only the patch is searched for, and the answer is named."""
    read: list[Any] = []
    judged: list[tuple[Any, Any]] = []
    seen: list[Any] = []

    def encoder(images: Any) -> Any:
        read.append(images)
        return encoder_of(x)(images)

    def criterion(output: Any, target: Any, mask: Any, delta: Any) -> Any:
        judged.append((target, mask))
        return lab.mean_square(output, target, mask, delta)

    found = masked.diffuse(
        lab.linear(x), x.context, x.patch, x.mask, encoder=encoder, criterion=criterion,
        settings=in_domain.InDomain(num_steps=40, learning_rate=0.2, domain=0.0),
        on_step=seen.append,
    )  # fmt: skip
    target, mask = judged[0]
    return {
        "code": found.code,
        "start": encoder_of(x)(read[0]),
        "what the encoder read": read[0],
        "target in the mask": target * x.mask,
        "mask": torch.ones_like(x.mask) if mask is None else mask,
        "steps": len(seen),
        "is called diffusion": found.method == "diffusion",
    }
