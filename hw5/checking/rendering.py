"""Checks of part 2, hw5/latents.py: from codes to pictures, and how far out a code is.

Tasks 2.5 and 2.6, on a linear generator, whose pictures and usual distances are known. Read next:
projector.py.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from hw5.checking.expect import Slip, each_alone, expect, require, untouched
from hw5.checking.fakes import LAYERS, SIZE, WIDTH, LinearGenerator, OnlyZ, fixed_draw
from hw5.checking.latents import SHAPES
from hw5.checking.suite import Later, Suite
from hw5.kit import seeding

latents = Later("hw5.latents")
suite = Suite(needs={"2.5": ("2.1",), "2.6": ("2.2",)})

# ---------------------------------------------------------------- 2.5

NO_GRADIENT = Slip(
    "no gradient reaches the codes", "no `no_grad`, no `detach` in `render`: a search needs both"
)
NOISE_LOST = Slip("the noise does not reach the generator", "synthesize(..., noise=noise)")
LAYERS_LOST = Slip("only one layer of w+ is rendered", "w+ goes to `synthesize` as it is")
LAYERS_TURNED = Slip("the layers of w+ are mixed up", "w+ goes to `synthesize` as it is")
MAPPED_AGAIN = Slip("w is mapped as if it were z", "start at the space you are given")


@suite.check("2.5", points=2)
def one_picture_from_three_spaces(seed: int) -> None:
    """A z, its w and its w+ give one and the same picture."""
    generator, z = LinearGenerator(), fixed_draw(seed, 3, WIDTH)
    pictures, w = generator(z).detach(), generator.map(z).detach()
    w_plus = torch.stack([w[:, 0]] * LAYERS, dim=1)
    unmapped = generator.synthesize(torch.stack([z] * LAYERS, dim=1)).detach()
    again = generator(w[:, 0]).detach()
    slips = {Slip("z is rendered as if it were w", "`generator.map` first"): unmapped}
    slips |= {MAPPED_AGAIN: again}
    for space, codes in (("z", z), ("w", w), ("w+", w_plus)):
        expect(latents.render(generator, codes, space), pictures, slips, of=f"the picture from {space}")  # noqa: E501  # fmt: skip


@suite.check("2.5")
def layers_in_their_order(seed: int) -> None:
    """w+ reaches the generator layer by layer, as it is."""
    generator, codes = LinearGenerator(), fixed_draw(seed, 2, LAYERS, WIDTH)
    want = generator.synthesize(codes).detach()
    shuffled = {
        LAYERS_LOST: torch.stack([codes[:, 0]] * LAYERS, dim=1),
        Slip("the layers of w+ are averaged", LAYERS_LOST.look): torch.stack(
            [codes.mean(dim=1)] * LAYERS, dim=1
        ),
        LAYERS_TURNED: codes.flip(1),
        Slip("off by one: each layer gets its neighbour's code", LAYERS_LOST.look): codes.roll(
            1, dims=1
        ),
    }
    slips = {slip: generator.synthesize(wrong).detach() for slip, wrong in shuffled.items()}
    expect(latents.render(generator, codes, "w+"), want, slips, of="the picture of a w+")


@suite.check("2.5")
def gradients_to_the_codes(seed: int) -> None:
    """Gradients flow back to the codes from every space."""
    generator = LinearGenerator()
    for space, shape in SHAPES.items():
        codes = fixed_draw(seed, 2, *shape).requires_grad_()
        picture = latents.render(generator, codes, space)
        require(picture.requires_grad, f"from {space} no gradient flows", NO_GRADIENT)
        (gradient,) = torch.autograd.grad(picture.sum(), codes, allow_unused=True)
        require(gradient is not None, f"the gradient stops before {space}", NO_GRADIENT)
        each_alone(lambda c, space=space: latents.render(generator, c, space).detach(), codes.detach())  # noqa: E501  # fmt: skip


@suite.check("2.5")
def noise_reaches_the_picture(seed: int) -> None:
    """Noise maps that are given are those that are rendered, from every space."""
    generator = LinearGenerator()
    for space, shape in SHAPES.items():
        codes = fixed_draw(seed, 1, *shape)
        maps = [{"grain": fixed_draw(seed + i, 1, 1, SIZE, SIZE)} for i in (1, 2)]
        one, two = (latents.render(generator, codes, space, noise=noise) for noise in maps)
        change = 0.05 * (maps[0]["grain"] - maps[1]["grain"]).expand(1, 3, SIZE, SIZE)
        expect((one - two).detach(), change, {NOISE_LOST: 0 * change}, of="the noise's share")


@suite.check("2.5")
def a_generator_with_z_alone(seed: int) -> None:
    """A generator without w in its spaces is called on z as it is."""
    z = fixed_draw(seed, 2, WIDTH)
    expect(latents.render(OnlyZ(), z, "z"), OnlyZ()(z).detach(), of="a DCGAN's picture")


# ---------------------------------------------------------------- 2.6

NO_ROOT = Slip("a mean square without its root", "rms: root of the mean of the squares")
NOT_IN_UNITS = Slip(
    "not divided by the usual distance", "divide by the rms of random codes around their mean"
)
AROUND_ZERO = Slip(
    "the usual distance is measured from 0, not from the mean",
    "subtract the mean from the random codes as well",
)
FROM_ZERO = Slip("measured from 0 instead of the mean code", "subtract the mean from the codes")
LENGTH = Slip(
    "the length of the code where an rms is asked", "the mean of the squares over the entries"
)


@suite.check("2.6", points=2)
def usual_distances_of_w(seed: int) -> None:
    """In w and w+: the rms from the mean, divided by that of random codes."""
    generator = LinearGenerator()
    mean = generator.centre.detach()
    usual = math.sqrt(float(generator.mapping.detach().square().sum()) / WIDTH)
    around_zero = math.sqrt(usual**2 + float(mean.square().mean()))
    for space in ("w", "w+"):
        away = fixed_draw(seed, 4, *SHAPES[space]) * torch.tensor([0.1, 1, 3, 9]).view(4, 1, 1)
        rms = (away.flatten(1).norm(dim=1) / math.sqrt(away[0].numel())).double()
        from_zero = (mean + away).flatten(1).norm(dim=1) / math.sqrt(away[0].numel())
        slips = {
            NO_ROOT: (rms / usual).square(),
            NOT_IN_UNITS: rms,
            AROUND_ZERO: rms / around_zero,
            FROM_ZERO: from_zero / usual,
            Slip("divided by the variance, not by the rms", NO_ROOT.look): rms / usual**2,
            LENGTH: rms / usual * math.sqrt(away[0].numel()),
        }
        got = latents.distance_from_mean(
            generator, mean + away, space, num_samples=20_000, rng=seeding.make(seed)
        )
        expect(got, rms / usual, slips, close=0.05, of=f"the distance in {space}")


@suite.check("2.6")
def usual_distances_of_z(seed: int) -> None:
    """In z: the root mean square of the entries, from 0 and in units of 1."""
    z = fixed_draw(seed, 3, WIDTH) + 1
    length = torch.stack([torch.linalg.vector_norm(row) for row in z])
    want = length / math.sqrt(WIDTH)
    slips = {NO_ROOT: want.square(), LENGTH: length, Slip("divided by d, not its root", LENGTH.look): length / WIDTH}  # noqa: E501  # fmt: skip
    got = latents.distance_from_mean(OnlyZ(), z, "z", num_samples=100, rng=seeding.make(seed))
    expect(got, want, slips, of="the distance in z")


@suite.check("2.6")
def distances_of_a_batch(seed: int) -> None:
    """Each code of a batch gets its own number."""
    generator = LinearGenerator()
    codes = fixed_draw(seed, 3, LAYERS, WIDTH)

    def distance(codes: Tensor) -> Tensor:
        return latents.distance_from_mean(
            generator, codes, "w+", num_samples=50, rng=seeding.make(seed)
        )

    with untouched(codes=codes):
        each_alone(distance, codes)
