"""Checks of part 6, hw5/inversion/: the searches and their losses, tasks 6.1 to 6.5.

Read next: inversion_tuning.py, for encoders and tuned generators.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from hw5.checking.draw import Notes
from hw5.checking.expect import (
    NOTHING,
    Slip,
    each_alone,
    expect,
    has_true_gradient,
    require,
    untouched,
)
from hw5.checking.fakes import LAYERS, SIZE, WIDTH, LinearGenerator, fixed_draw
from hw5.checking.search import score
from hw5.checking.suite import Later, Suite

pixels = Later("hw5.inversion.pixels")
image2stylegan = Later("hw5.inversion.image2stylegan")
in_domain = Later("hw5.inversion.in_domain")
progressive = Later("hw5.inversion.progressive")
masked = Later("hw5.inversion.masked")
suite = Suite(needs={"6.5": ("6.3", "2.5")})

# ---------------------------------------------------------------- 6.1

START_SCORED = Slip("the start is scored, without delta", "the picture is start + delta")
MASK_LOST = Slip("the mask does not reach the criterion", "criterion(picture, target, mask, delta)")
DELTA_LOST = Slip("delta does not reach the criterion", "its penalty keeps the picture near")
CLAMPED = Slip("the picture is clamped", "leave it: clamping kills the gradient at the border")


def some_pictures(seed: int, count: int = 2) -> Tensor:
    """Pictures in [-1, 1]."""
    return torch.tanh(0.5 * fixed_draw(seed, count, 3, SIZE, SIZE))


def half_mask() -> Tensor:
    """The upper quarter."""
    mask = torch.zeros(1, 1, SIZE, SIZE, dtype=torch.float64)
    mask[..., :2, :] = 1
    return mask


@suite.check("6.1", points=2)
def the_picture_itself(seed: int) -> None:
    """The picture is start + delta, its own code, judged behind the mask together with delta."""
    start, target, delta = (some_pictures(seed + i) for i in range(3))
    delta, mask, notes = 2 * delta, half_mask(), Notes()
    with untouched(start=start, target=target, delta=delta, mask=mask):
        got = pixels.score_pixels(start, delta, target, notes, mask)
    require(got is not None, "the answer is None", NOTHING)
    picture = torch.stack([a + b for a, b in zip(start, delta, strict=True)])
    wrong = {
        START_SCORED: start,
        CLAMPED: picture.clamp(-1, 1),
        Slip("delta is subtracted", "start + delta"): start - delta,
        Slip("delta alone is the picture", "start + delta"): delta,
    }
    expect(got.image, picture, wrong, of="the picture")
    expect(got.code, picture, {Slip("delta is given as the code", "the picture is its own code"): delta} | wrong, of="the code")  # noqa: E501  # fmt: skip

    slips = {
        MASK_LOST: notes(picture, target, None, delta).total,
        DELTA_LOST: notes(picture, target, mask).total,
        START_SCORED: notes(start, target, mask, delta).total,
    }
    expect(got.loss, notes(picture, target, mask, delta).total, slips, of="the loss")


@suite.check("6.1")
def gradient_of_the_old_objective(seed: int) -> None:
    """Delta gets a gradient behind the mask, and none outside it."""
    start, target = some_pictures(seed), some_pictures(seed + 1)
    delta = torch.zeros_like(start).requires_grad_()
    mask = half_mask()
    loss = pixels.score_pixels(start, delta, target, score, mask).loss
    slip = Slip("no gradient reaches delta", "no `detach`, no `no_grad`")
    require(loss.requires_grad, "the loss has no gradient", slip)
    (gradient,) = torch.autograd.grad(loss.sum(), delta)
    require(bool((gradient * (1 - mask) == 0).all()), "pixels outside the mask move", MASK_LOST)
    require(bool((gradient * mask != 0).any()), "no pixel moves", slip)


# ---------------------------------------------------------------- 6.2

NOT_OVER_N = Slip("the squared error is not divided by N", "weight / N times the sum of squares")
BATCH_IN_N = Slip(
    "N counts the whole batch", "N is the numbers of one picture, 3 * H * W: `image[0].numel()`"
)
PIXELS_AS_N = Slip("N counts pixels, not numbers", "a pixel has three: N = 3 * H * W")
ROOTED = Slip("the norm is not squared", "eq. 1 squares it")
ABSOLUTE = Slip("absolute differences", "the squared error")
WEIGHT_LOST = Slip("the weight is not used", "lambda stands before the squared error")
WEIGHT_ON_OTHER = Slip("the weight is on the perceptual loss", "lambda stands before the squared error")  # noqa: E501  # fmt: skip


@suite.check("6.2", points=2)
def equation_1(seed: int) -> None:
    """Perceptual loss + weight / N * squared error, one number per picture."""
    target, blind = some_pictures(seed), 1 + fixed_draw(seed + 1, 2).square()
    apart = 0.5 + fixed_draw(seed + 2, 2).sigmoid()
    image = target + apart.view(2, 1, 1, 1)

    def perceptual(image: Tensor, target: Tensor) -> Tensor:
        return blind

    count = 3 * SIZE * SIZE
    mean = apart.pow(2)
    slips = {
        NOT_OVER_N: blind + 5 * mean * count,
        BATCH_IN_N: blind + 5 * mean / 2,
        PIXELS_AS_N: blind + 5 * mean * 3,
        ROOTED: blind + 5 * mean.sqrt() * math.sqrt(count) / count,
        ABSOLUTE: blind + 5 * apart,
        WEIGHT_LOST: blind + mean,
        WEIGHT_ON_OTHER: 5 * blind + mean,
        Slip("the weight is on both terms", WEIGHT_ON_OTHER.look): 5 * (blind + mean),
        Slip("the perceptual loss is missing", "eq. 1 has two terms"): 5 * mean,
        Slip("the squared error is missing", "eq. 1 has two terms"): blind,
    }
    got = image2stylegan.embedding_loss(image, target, perceptual, 5.0)
    expect(got, blind + 5 * mean, slips)


@suite.check("6.2")
def gradient_of_equation_1(seed: int) -> None:
    """The gradient is the one that finite differences measure, through both terms."""
    image, target, direction = (some_pictures(seed + i, 1) for i in range(3))

    def perceptual(image: Tensor, target: Tensor) -> Tensor:
        return (image - target).mean(dim=1).pow(2).flatten(1).sum(dim=1)

    def along(step: Tensor) -> Tensor:
        return image2stylegan.embedding_loss(image + step * direction, target, perceptual, 2.0)

    slip = Slip("a term is cut off from the gradient", "no `detach`, no `no_grad`")
    with untouched(image=image, target=target):
        has_true_gradient(along, torch.zeros(1, dtype=image.dtype), slip)


# ---------------------------------------------------------------- 6.3

SUM_OF_CODE = Slip("a sum where the mean is asked", "divide by the L * d entries")
HALF_GRADIENT = Slip(
    "the gradient flows through one side only",
    "no `detach`, no `no_grad`: the code pulls, and so does what the encoder reads",
)


@suite.check("6.3", points=2)
def what_the_encoder_reads(seed: int) -> None:
    """The mean squared difference of the code and what the encoder reads, per picture."""
    code = fixed_draw(seed, 3, LAYERS, WIDTH)
    off = 0.5 + fixed_draw(seed + 1, 3).sigmoid()
    image = some_pictures(seed, 3)
    turns = torch.ones(LAYERS, WIDTH, dtype=code.dtype)
    turns[:, ::2] = -1
    read = code + off.view(3, 1, 1) * turns
    want = off.pow(2)
    slips = {
        SUM_OF_CODE: want * LAYERS * WIDTH,
        Slip("summed over the width, averaged over the layers", SUM_OF_CODE.look): want * WIDTH,
        Slip("absolute differences", "square them"): off,
        Slip("the norm", "the mean of the squares, no root"): off * math.sqrt(LAYERS * WIDTH),
        Slip("opposite differences cancel", "square before the mean"): off / 5,
    }
    got = in_domain.domain_regulariser(code, image, lambda images: read)
    expect(got, want, slips)


@suite.check("6.3")
def both_sides_pull(seed: int) -> None:
    """The gradient flows through the code and through the encoder, as finite differences say."""
    generator = LinearGenerator()
    reader = 0.3 * fixed_draw(seed + 1, 3 * SIZE * SIZE, LAYERS * WIDTH) / SIZE

    def encoder(images: Tensor) -> Tensor:
        return (images.flatten(1) @ reader).view(-1, LAYERS, WIDTH)

    def of_code(code: Tensor) -> Tensor:
        return in_domain.domain_regulariser(code, generator.synthesize(code), encoder)

    code = fixed_draw(seed, 2, LAYERS, WIDTH)
    with untouched(code=code):
        each_alone(lambda c: of_code(c).detach(), code)
        has_true_gradient(of_code, code[:1], HALF_GRADIENT)


# ---------------------------------------------------------------- 6.4

ROUNDED_DOWN = Slip("rounded down instead of up", "ceil: -(-a // b)")
FROM_0 = Slip("off by one: the stages are counted from 0", "k = 1 ... K: the last frees everything")
SHALLOW = Slip("the shallow layers are compared, not the deep ones", "`layer_names[-n:]`")
LAST_WEIGHTS = Slip(
    "the last stage's weights are not its own", "settings.last_features and last_pixel, there only"
)
EARLY_WEIGHTS = Slip(
    "pixels count before the last stage", "features weigh 1 and pixels 0, up to the last stage"
)


@suite.check("6.4", points=2)
def stages(seed: int) -> None:
    """Of K stages, number k frees ceil(k / K * L) codes and compares the deepest ceil(k / K * F)."""
    for num_codes, num_layers, total in ((10, 4, 5), (7, 5, 3 + seed % 3), (6, 3, 1)):
        names = tuple(f"layer_{i}" for i in range(num_layers))
        settings = progressive.Progressive(num_stages=total)
        got = progressive.schedule(num_codes, names, settings)
        require(got is not None, "the answer is None", NOTHING)
        count = Slip("not as many stages as asked", "settings.num_stages")
        require(len(got) == total, f"{len(got)} stages, expected {total}", count)
        ks = range(1, total + 1)

        def up(k: int, of: int, total: int = total) -> int:
            return math.ceil(k * of / total - 1e-9)

        slips = {
            ROUNDED_DOWN: [float(k * num_codes // total) for k in ks],
            FROM_0: [float(up(k - 1, num_codes)) for k in ks],
            Slip("rounded to the nearest", ROUNDED_DOWN.look): [float(round(k * num_codes / total)) for k in ks],  # noqa: E501  # fmt: skip
            Slip("everything is free from the start", "few codes first"): [float(num_codes)] * total,
        }
        free = torch.tensor([float(stage.num_free) for stage in got])
        expect(free, [float(up(k, num_codes)) for k in ks], slips, of="codes that are free")
        for k, stage in zip(ks, got, strict=True):
            deep, shallow = names[num_layers - up(k, num_layers) :], names[: up(k, num_layers)]
            down = names[num_layers - k * num_layers // total :]
            seen = f"stage {k} of {total} compares {stage.layers}, expected {deep}"
            chosen = tuple(stage.layers)
            slip = {shallow: SHALLOW, down: ROUNDED_DOWN}.get(chosen)
            require(chosen == deep, seen, slip)


@suite.check("6.4")
def weights_of_stages(seed: int) -> None:
    """Features weigh 1 and pixels 0; the last stage has weights of its own."""
    settings = progressive.Progressive(num_stages=3, last_features=0.25, last_pixel=7.0 + seed % 5)
    got = progressive.schedule(6, ("a", "b", "c"), settings)
    weights = [(stage.features, stage.pixel) for stage in got]
    early = f"weights {weights[:-1]} before the last stage, expected (1, 0)"
    require(weights[:-1] == [(1.0, 0.0)] * 2, early, EARLY_WEIGHTS)
    last = (0.25, settings.last_pixel)
    require(weights[-1] == last, f"last weights {weights[-1]}, expected {last}", LAST_WEIGHTS)


# ---------------------------------------------------------------- 6.5

CONTEXT_REFINED = Slip("the context is refined, not the composite", "refine what `paste` makes")
PATCH_REFINED = Slip("the patch is refined, not the composite", "refine what `paste` makes")
PASTED_WRONG = Slip("patch and context are swapped", "paste(context, patch, mask)")
SEARCH_UNMASKED = Slip(
    "the mask does not reach the search", "refine(..., mask=mask): only the patch is compared"
)
METHOD = Slip('the answer is not called "diffusion"', 'replace(found, method="diffusion")')
SEARCH_LOST = Slip("what the caller asked of the search is lost", "refine(..., **search)")


@suite.check("6.5", points=2)
def diffusion_of_a_patch(seed: int) -> None:
    """The encoder reads the composite, and only what was pasted is compared."""
    context, patch, mask = some_pictures(seed, 1), some_pictures(seed + 1, 1), half_mask()
    composite = torch.cat([patch[..., :2, :], context[..., 2:, :]], dim=2)
    turned = torch.cat([context[..., :2, :], patch[..., 2:, :]], dim=2)
    read: list[Tensor] = []
    judged: list[tuple[Tensor, Tensor | None]] = []
    reader = fixed_draw(seed + 2, 3 * SIZE * SIZE, LAYERS * WIDTH) / SIZE

    def encoder(images: Tensor) -> Tensor:
        read.append(images)
        return (images.flatten(1) @ reader).view(-1, LAYERS, WIDTH)

    def criterion(output: Tensor, target: Tensor, mask: Tensor | None, delta: Tensor) -> Any:
        judged.append((target, mask))
        return score(output, target, mask, delta)

    settings = in_domain.InDomain(num_steps=3, domain=0.0)
    seen: list[Any] = []
    with untouched(context=context, patch=patch, mask=mask):
        found = masked.diffuse(
            LinearGenerator(), context, patch, mask,
            encoder=encoder, criterion=criterion, settings=settings, on_step=seen.append,
        )  # fmt: skip
    require(found is not None, "the answer is None", NOTHING)
    wrong = {CONTEXT_REFINED: context, PATCH_REFINED: patch, PASTED_WRONG: turned}
    require(read and judged, "no search was made", Slip("`refine` is not called", "it does the search"))  # noqa: E501  # fmt: skip
    expect(read[0], composite, wrong, of="what the encoder reads first")
    expect(judged[0][0] * mask, composite * mask, {s: w * mask for s, w in wrong.items()}, of="the target")  # noqa: E501  # fmt: skip
    given = judged[0][1]
    require(given is not None and torch.equal(given, mask), "the criterion got no such mask", SEARCH_UNMASKED)  # noqa: E501  # fmt: skip
    require(found.method == "diffusion", f"method {found.method!r}", METHOD)
    require(len(seen) == 3, f"{len(seen)} of 3 steps were reported", SEARCH_LOST)


