"""Checks of part 6, hw5/inversion/: encoders' losses and tuned generators, tasks 6.6 to 6.9.

The generator writes down what it is asked to render, so that every code is known.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hw5.checking.expect import Slip, each_alone, expect, require, untouched
from hw5.checking.fakes import LAYERS, WIDTH, LinearGenerator, fixed_draw
from hw5.checking.inversion import some_pictures
from hw5.checking.suite import Later, Suite

encode = Later("hw5.inversion.encode")
pti = Later("hw5.inversion.pti")
fine_tune = Later("hw5.inversion.fine_tune")
suite = Suite(needs={"6.6": ("2.5",), "6.7": ("1.2", "2.5"), "6.8": ("2.5",)})


class Listening(LinearGenerator):
    """Writes down the codes that it renders."""

    def __init__(self) -> None:
        """Nothing rendered yet."""
        super().__init__()
        self.codes: list[Tensor] = []

    def synthesize(self, w_plus: Tensor, **options: object) -> Tensor:
        """Pictures of w+, as ever."""
        self.codes.append(w_plus)
        return super().synthesize(w_plus, **options)


class Reader(nn.Module):
    """Reads codes off pictures by a matrix; stands for an encoder."""

    def __init__(self, seed: int) -> None:
        """Draw the matrix."""
        super().__init__()
        pixels = 3 * LinearGenerator.image_size**2
        self.matrix = nn.Parameter(fixed_draw(seed, pixels, LAYERS * WIDTH) / 16)

    def forward(self, images: Tensor) -> Tensor:
        """w+ (N, L, d)."""
        return (images.flatten(1) @ self.matrix).view(-1, LAYERS, WIDTH)


# ---------------------------------------------------------------- 6.6

SUM_OF_CODE = Slip("a sum where the mean is asked", "the mean over layers and width")
GENERATOR_GRADIENT = Slip(
    "a gradient passes the generator", "render under `torch.no_grad()`: it stands outside"
)
NO_GRADIENT = Slip(
    "no gradient reaches the encoder", "only the rendering is under `no_grad`, not the encoder"
)


@suite.check("6.6", points=2)
def codes_found_again(seed: int) -> None:
    """The mean squared difference of w and what the encoder reads in its picture."""
    w = fixed_draw(seed, 3, 1, WIDTH)
    off = 0.5 + fixed_draw(seed + 1, 3).sigmoid()
    turns = torch.ones(LAYERS, WIDTH, dtype=w.dtype)
    turns[:, ::2] = -1
    shown: list[Tensor] = []

    def encoder(images: Tensor) -> Tensor:
        shown.append(images)
        return w + off.view(3, 1, 1) * turns

    generator = LinearGenerator()
    want = off.pow(2)
    slips = {
        SUM_OF_CODE: want * LAYERS * WIDTH,
        Slip("absolute differences", "square them"): off,
        Slip("opposite differences cancel", "square before the mean"): off / 5,
        Slip("the norm", "the mean of the squares, no root"): off * math.sqrt(LAYERS * WIDTH),
    }
    with untouched(w=w):
        expect(encode.code_loss(encoder, generator, w), want, slips)
    pictures = generator.synthesize(torch.stack([w[:, 0]] * LAYERS, dim=1)).detach()
    expect(shown[0].detach(), pictures, of="what the encoder was shown")
    reader = Reader(seed)
    each_alone(lambda w: encode.code_loss(reader, generator, w).detach(), w)


@suite.check("6.6")
def gradients_of_the_code_loss(seed: int) -> None:
    """The encoder gets a gradient, the generator none."""
    generator, reader = LinearGenerator(), Reader(seed)
    loss = encode.code_loss(reader, generator, fixed_draw(seed, 2, 1, WIDTH))
    require(loss.requires_grad, "the loss has no gradient", NO_GRADIENT)
    loss.sum().backward()
    require(reader.matrix.grad is not None, "the encoder has no gradient", NO_GRADIENT)
    passed = any(p.grad is not None for p in generator.parameters())
    require(not passed, "the generator has a gradient", GENERATOR_GRADIENT)


# ---------------------------------------------------------------- 6.7

TURNED_REALISM = Slip(
    "the discriminator's sign is turned: fakes are rewarded",
    "softplus(-D(made)) is small where D takes the picture for real",
)
HINGE = Slip("the discriminator's answer itself, without softplus", "softplus(-D(made))")
ADVERSARIAL_LOST = Slip("the weight `adversarial` is not used", "adversarial times softplus(-D)")
L1_PIXELS = Slip("absolute differences of pixels", 'norm="l2"')
REAL_JUDGED = Slip("the discriminator judges the real picture", "D(made), what the encoder caused")
MISSING = "the loss has three terms"


@suite.check("6.7", points=2)
def three_terms(seed: int) -> None:
    """Pixels, features and realism of the picture that the encoder's code makes."""
    images, generator, reader = some_pictures(seed, 3), LinearGenerator(), Reader(seed)
    made = generator.synthesize(reader(images)).detach()
    semantic = 1 + fixed_draw(seed + 1, 3).square()

    def judge(pictures: Tensor) -> Tensor:
        return 4 * pictures.mean(dim=(1, 2, 3)) + 0.3

    def perceptual(output: Tensor, target: Tensor) -> Tensor:
        return semantic

    apart = made - images
    mean = apart.pow(2).flatten(1).sum(1) / apart[0].numel()
    absolute = apart.abs().flatten(1).sum(1) / apart[0].numel()
    real, fake = (F.softplus(sign * judge(made)) for sign in (-1, 1))
    want = mean + semantic + 0.5 * real
    slips = {
        TURNED_REALISM: mean + semantic + 0.5 * fake,
        HINGE: mean + semantic - 0.5 * judge(made),
        ADVERSARIAL_LOST: mean + semantic + real,
        L1_PIXELS: absolute + semantic + 0.5 * real,
        REAL_JUDGED: mean + semantic + 0.5 * F.softplus(-judge(images)),
        Slip("realism is missing", MISSING): mean + semantic,
        Slip("the perceptual loss is missing", MISSING): mean + 0.5 * real,
        Slip("the pixels are missing", MISSING): semantic + 0.5 * real,
    }
    with untouched(images=images):
        got = encode.reconstruction_loss(
            reader, generator, images, perceptual=perceptual, discriminator=judge, adversarial=0.5
        )
    expect(got, want, slips)


@suite.check("6.7")
def gradients_through_the_generator(seed: int) -> None:
    """The encoder learns through the generator: its gradient arrives."""
    images, generator, reader = some_pictures(seed, 2), LinearGenerator(), Reader(seed)

    def nothing(*pictures: Tensor) -> Tensor:
        return torch.zeros(2, dtype=images.dtype)

    loss = encode.reconstruction_loss(
        reader, generator, images, perceptual=nothing, discriminator=nothing, adversarial=0.0
    )
    slip = Slip("no gradient passes the generator", "here it must: no `no_grad` around `render`")
    require(loss.requires_grad, "the loss has no gradient", slip)
    (gradient,) = torch.autograd.grad(loss.sum(), reader.matrix, allow_unused=True)
    require(gradient is not None, "the encoder has no gradient", slip)


# ---------------------------------------------------------------- 6.8

ALPHA_LOST = Slip("`alpha` is not used", "the neighbour lies alpha away from the pivot")
NOT_UNIT = Slip(
    "not divided by the length of the way", "(w_z - w_p) / ||w_z - w_p||: its length becomes alpha"
)
PER_LAYER = Slip(
    "a norm for each layer", "one norm over all layers of a code: `flatten(1)`, then `norm(dim=1)`"
)
BATCH_NORM = Slip("one norm for the whole batch", "each code of the batch has its own")
AWAY = Slip("the neighbour lies on the other side", "w_z - w_p leads from the pivot to w_z")
PIVOT = Slip("the pivot itself is compared", "the pictures of w_r, alpha away from it")
FROM_RANDOM = Slip("the way begins at w_z", "w_p + alpha * ...")
SHIPPED_GRADIENT = Slip("a gradient passes the shipped generator", "render it under `no_grad`")
TUNED_FROZEN = Slip(
    "no gradient reaches the tuned generator", "only the shipped one is under `no_grad`"
)


@suite.check("6.8", points=2)
def neighbours_of_the_pivot(seed: int) -> None:
    """Both generators render the code that lies alpha from the pivot towards the random one."""
    pivot, random = (fixed_draw(seed + i, 3, LAYERS, WIDTH) for i in range(2))
    random = random * torch.tensor([1.0, 3.0, 9.0]).view(3, 1, 1)
    way = random - pivot
    one = torch.stack([math.sqrt(float((row**2).sum())) * torch.ones(1, 1) for row in way])
    layers = torch.linalg.vector_norm(way, dim=2, keepdim=True)
    whole = torch.linalg.vector_norm(way)
    tuned, shipped = Listening(), Listening()
    with untouched(pivot=pivot, random=random):
        pti.locality_loss(
            tuned, shipped, pivot, random, alpha=0.7,
            distance=lambda a, b: (a - b).flatten(1).sum(1),
        )  # fmt: skip
    slips = {
        ALPHA_LOST: pivot + way / one,
        NOT_UNIT: pivot + 0.7 * way,
        PER_LAYER: pivot + 0.7 * way / layers,
        BATCH_NORM: pivot + 0.7 * way / whole,
        AWAY: pivot - 0.7 * way / one,
        PIVOT: pivot,
        FROM_RANDOM: random + 0.7 * way / one,
        Slip("the random code itself is compared", PIVOT.look): random,
        Slip("the mean over the layers is the norm", PER_LAYER.look): pivot
        + 0.7 * way / layers.mean(1, keepdim=True),
    }
    for name, generator in (("tuned", tuned), ("shipped", shipped)):
        slip = Slip("a generator renders nothing", "the loss compares two pictures")
        require(generator.codes, f"the {name} generator was not asked", slip)
        expect(generator.codes[0].detach(), pivot + 0.7 * way / one, slips, of=f"the code for the {name} one")  # noqa: E501  # fmt: skip


@suite.check("6.8")
def distance_of_the_pictures(seed: int) -> None:
    """It is the distance of the tuned and the shipped picture; 0 while they are the same."""
    pivot, random = (fixed_draw(seed + i, 2, LAYERS, WIDTH) for i in range(2))
    shipped = LinearGenerator()
    tuned = copy.deepcopy(shipped)
    mean_square: Callable = lambda a, b: (a - b).pow(2).flatten(1).sum(1)  # noqa: E731
    same = pti.locality_loss(tuned, shipped, pivot, random, alpha=2.0, distance=mean_square)
    expect(same, [0.0, 0.0], of="the loss before any tuning")
    with torch.no_grad():
        tuned.base += 0.25
    got = pti.locality_loss(tuned, shipped, pivot, random, alpha=2.0, distance=mean_square)
    expect(got, [0.0625 * 3 * 64] * 2, of="the loss after a shift by 1/4")
    require(got.requires_grad, "the loss has no gradient", TUNED_FROZEN)
    got.sum().backward()
    require(tuned.base.grad is not None, "the tuned generator has no gradient", TUNED_FROZEN)
    require(shipped.base.grad is None, "the shipped generator has a gradient", SHIPPED_GRADIENT)


# ---------------------------------------------------------------- 6.9

MEAN_OF_MEANS = Slip(
    "a mean of the parameters' means", "a bias would count like a kernel: sum first, then divide"
)
SUM_OF_WEIGHTS = Slip("a sum where the mean is asked", "divide by the number of weights")
BY_ORDER = Slip("`zip` pairs the dicts by their order", "ask `now` for each name of `shipped`")
BY_PARAMETERS = Slip(
    "divided by the number of parameters' names", "numel() of each: the number of weights"
)


@suite.check("6.9", points=2)
def how_far_the_weights_went(seed: int) -> None:
    """The mean squared change over all weights, whatever the order of the names."""
    c, d = (float(x) for x in 0.5 + fixed_draw(seed, 2).sigmoid())
    shipped = {"kernel": fixed_draw(seed + 1, 4, 3), "bias": fixed_draw(seed + 2, 4)}
    now = {"bias": shipped["bias"] - d, "kernel": shipped["kernel"] + c}
    want = (12 * c**2 + 4 * d**2) / 16
    slips = {
        MEAN_OF_MEANS: (c**2 + d**2) / 2,
        Slip("the sum of the parameters' means", MEAN_OF_MEANS.look): c**2 + d**2,
        SUM_OF_WEIGHTS: 16 * want,
        BY_PARAMETERS: 8 * want,
        Slip("the root of the mean square", "no root: R is the mean square"): math.sqrt(want),
        Slip("absolute changes", "square them"): (12 * c + 4 * d) / 16,
        Slip("changes of opposite sign cancel", "square before the sum"): (12 * c - 4 * d) / 16,
    }
    with untouched(kernel=now["kernel"], bias=now["bias"]):
        try:
            got = fine_tune.weight_distance(now, shipped)
        except RuntimeError as error:
            require("must match" not in str(error), str(error), BY_ORDER)
            raise
    expect(got, want, slips)


@suite.check("6.9")
def gradient_of_the_leash(seed: int) -> None:
    """Its gradient pulls the weights back; a network's own names and extra names do no harm."""
    shipped = {"a": fixed_draw(seed, 3, 2), "b": fixed_draw(seed + 1, 5)}
    now = {name: (value + 1).requires_grad_() for name, value in reversed(shipped.items())}
    got = fine_tune.weight_distance(now | {"other": torch.ones(7)}, shipped)
    slip = Slip("names that are not in `shipped` count", "only the names of `shipped`")
    expect(got, 1.0, {slip: 18 / 11, BY_ORDER: -1.0}, of="the distance where each is off by 1")
    require(got.requires_grad, "the distance has no gradient", TUNED_FROZEN)
    got.backward()
    expect(now["a"].grad, torch.full((3, 2), 2 / 11), of="the gradient")
