"""Checks of part 2, hw5/latents.py, on generators whose means and pictures are known.

The linear generator's w has the mean m and a known spread; a curved one tells an average in w from
the w of an average. Read next: projector.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from hw5.checking.expect import (
    FIXED_DEVICE,
    FIXED_DTYPE,
    Slip,
    Wrong,
    each_alone,
    expect,
    keeps_manners,
    require,
    untouched,
)
from hw5.checking.fakes import LAYERS, SIZE, WIDTH, LinearGenerator, OnlyZ, fixed_draw
from hw5.checking.suite import Later, Suite
from hw5.kit import seeding

latents = Later("hw5.latents")
suite = Suite(
    needs={
        "2.2": ("2.1",),
        "2.3": ("2.1", "2.2"),
        "2.4": ("2.3",),
        "2.5": ("2.1",),
        "2.6": ("2.2",),
    }
)

SHAPES = {"z": (WIDTH,), "w": (1, WIDTH), "w+": (LAYERS, WIDTH)}
# Statistics of 2,000 draws and more are compared within 10 %: six deviations and more, so that no
# seed is unlucky, and far below what any slip does.
ROUGHLY = 0.1


class Curved(LinearGenerator):
    """w = z^2, entry by entry: the mean of w is 1, the w of a mean z is nearly 0."""

    def map(self, z: Tensor) -> Tensor:
        """Codes w (N, 1, d) of z (N, d)."""
        return z.square()[:, None]


def check_shape_of(codes: object, space: str, count: int) -> None:
    """Require `count` codes of a space."""
    want = (count, *SHAPES[space])
    got = tuple(getattr(codes, "shape", ()))
    if got == want:
        return
    slip = Slip(f"not the shape of {space}", "z (N, d), w (N, 1, d), w+ (N, L, d)")
    if space == "w" and got == (count, WIDTH):
        slip = Slip("w without its layer axis", "w is (N, 1, d) for every N, also for 1")
    elif space == "w+" and got == (count, 1, WIDTH):
        slip = Slip("w where w+ is asked", "`broadcast_layers` gives every layer its copy")
    elif got[1:] == want[1:]:
        slip = Slip(f"{got[0]} codes where {count} are asked", "`count` codes, each for itself")
    raise Wrong(f"the shape is {got}, expected {want}", slip)


def check_follows_generator(make: Callable[[LinearGenerator], Tensor]) -> None:
    """Require codes of the generator's dtype, and on its device."""
    for dtype in (torch.float64, torch.float32):
        codes = make(LinearGenerator().to(dtype))
        require(codes.dtype == dtype, f"codes of {codes.dtype} for a {dtype} generator", FIXED_DTYPE)
    try:
        codes = make(LinearGenerator().to("meta"))
    except (RuntimeError, NotImplementedError) as error:
        if "device" in str(error):
            raise Wrong("codes are made on another device", FIXED_DEVICE) from error
        return
    require(codes.device.type == "meta", f"codes on {codes.device}", FIXED_DEVICE)


# ---------------------------------------------------------------- 2.1

ONE_SHORT = Slip("off by one: not as many layers as asked", "L copies, num_layers of them")
SHARED = Slip(
    "the layers share memory: writing to one writes to all",
    "`expand` makes no copies; `repeat` does, or `clone()` after it",
)
MIXED_UP = Slip(
    "only right for batch 1: the codes of a batch are mixed up",
    "repeat along the layer axis, dim 1, and leave the batch axis alone",
)
FIRST_ONLY = Slip("only some layers hold w", "every layer gets the same code")


@suite.check("2.1")
def a_copy_for_every_layer(seed: int) -> None:
    """(N, 1, d) becomes (N, L, d), and every layer of code n is code n."""
    w = fixed_draw(seed, 3, 1, 4)
    got = latents.broadcast_layers(w, 6)
    want = torch.stack([code[0] for code in w for _ in range(6)]).view(3, 6, 4)
    slips = {
        ONE_SHORT: (3, 5, 4),
        Slip("off by one: a layer too many", ONE_SHORT.look): (3, 7, 4),
        Slip("copies are stacked along the batch, not the layers", MIXED_UP.look): (18, 1, 4),
        MIXED_UP: torch.stack([w[i % 3, 0] for i in range(18)]).view(3, 6, 4),
        FIRST_ONLY: torch.cat([w, torch.zeros(3, 5, 4)], dim=1),
    }
    expect(got, want, slips)


@suite.check("2.1")
def layers_in_memory_of_their_own(seed: int) -> None:
    """Writing to one layer changes neither the others nor w."""
    w = fixed_draw(seed, 2, 1, 4)
    with untouched(w=w):
        got = latents.broadcast_layers(w, 3)
        try:
            got[:, 0] += 1
        except RuntimeError as error:
            raise Wrong("one layer cannot be written to", SHARED) from error
        seen = "writing to layer 0 changed layer 1"
        require(bool((got[:, 1] == w[:, 0]).all()) and not bool((got[:, 0] == got[:, 1]).all()), seen, SHARED)  # noqa: E501  # fmt: skip


@suite.check("2.1")
def manners_of_broadcast(seed: int) -> None:
    """It follows dtype and device, and lets gradients pass."""
    keeps_manners(lambda w: latents.broadcast_layers(w, 3), grad="w", w=fixed_draw(seed, 2, 1, 4))


# ---------------------------------------------------------------- 2.2

GLOBAL_DRAW = Slip(
    "drawn from torch's global source, not from `rng`", "`draw_normal` takes rng: pass it on"
)
UNIFORM = Slip("z is not standard normal", "`draw_normal`; rand is uniform")
ALL_ALIKE = Slip("all codes of the batch are the same", "draw `count` codes, not one")
LAYERS_DIFFER = Slip(
    "the layers of w+ differ", "one w for all layers: draw once, then `broadcast_layers`"
)
NOT_MAPPED = Slip("z given out as w", "w is what `generator.map` makes of z")
KEEPS_GRAPH = Slip(
    "the codes carry the mapping's gradient", "map under `torch.no_grad()`: codes are data"
)


@suite.check("2.2")
def shapes_of_codes(seed: int) -> None:
    """z (N, d), w (N, 1, d), w+ (N, L, d), for one code and for several."""
    for space in SHAPES:
        for count in (1, 3):
            codes = latents.sample_codes(
                LinearGenerator(), space, count, rng=seeding.make(seed)
            )
            check_shape_of(codes, space, count)


@suite.check("2.2")
def normal_draws(seed: int) -> None:
    """z is standard normal, and the codes of a batch differ."""
    z = latents.sample_codes(LinearGenerator(), "z", 4000, rng=seeding.make(seed))
    require(bool((z[0] != z[1]).any()), "codes 0 and 1 are equal", ALL_ALIKE)
    seen = f"mean {float(z.mean()):.3f}, deviation {float(z.std()):.3f}, expected 0 and 1"
    normal = abs(float(z.mean())) < ROUGHLY and abs(float(z.std()) - 1) < ROUGHLY
    require(normal, seen, UNIFORM)


@suite.check("2.2")
def draws_from_rng(seed: int) -> None:
    """The same rng gives the same codes, and no one else's random numbers are used."""
    generator, before = LinearGenerator(), torch.get_rng_state()
    first, again = (
        latents.sample_codes(generator, "z", 3, rng=seeding.make(seed)) for _ in range(2)
    )
    require(torch.equal(first, again), "the same rng gave other codes", GLOBAL_DRAW)
    untouched_source = torch.equal(before, torch.get_rng_state())
    require(untouched_source, "torch's global source was used", GLOBAL_DRAW)


@suite.check("2.2")
def codes_of_one_draw(seed: int) -> None:
    """w is what the mapping makes of z, and w+ holds that w in every layer; without gradient."""
    generator = LinearGenerator()
    z, w, w_plus = (
        latents.sample_codes(generator, space, 4, rng=seeding.make(seed)) for space in SHAPES
    )
    mapped = generator.map(z).detach()
    twice = generator.map(mapped[:, 0]).detach()
    slips = {NOT_MAPPED: z[:, None], Slip("mapped twice", "z to w is one step"): twice}
    expect(w, mapped, slips, of="w")
    for layer in range(LAYERS):
        seen = f"layer {layer} of w+ is not the w of the same draw"
        require(torch.allclose(w_plus[:, layer], mapped[:, 0]), seen, LAYERS_DIFFER)
    for codes in (w, w_plus):
        require(not codes.requires_grad, "the codes require a gradient", KEEPS_GRAPH)


@suite.check("2.2")
def manners_of_sample_codes(seed: int) -> None:
    """Codes follow the generator's dtype and device."""
    for space in SHAPES:
        check_follows_generator(
            lambda g, space=space: latents.sample_codes(g, space, 2, rng=seeding.make(seed))
        )


# ---------------------------------------------------------------- 2.3

NUM_MEAN_IGNORED = Slip("`num_mean` is not used", "0: a random code; n: the mean of n random codes")
SAME_START = Slip("every start is the same mean", "draw `num_mean` codes anew for each start")
SUM_OF_CODES = Slip("codes are summed, not averaged", "`mean(dim=0)`")
ROOT_N = Slip("divided by the root of num_mean", "a plain mean: its spread shrinks by itself")
MEAN_IN_Z = Slip(
    "z was averaged and then mapped", "map first, then average: the mean of w is asked"
)


@suite.check("2.3")
def shapes_of_starts(seed: int) -> None:
    """`count` codes of the space, whether averaged or not, and no two alike."""
    for space in SHAPES:
        for num_mean in (0, 4):
            codes = latents.sample_noise(
                LinearGenerator(), space, 3, num_mean=num_mean, rng=seeding.make(seed)
            )
            check_shape_of(codes, space, 3)
            require(bool((codes[0] != codes[1]).any()), "starts 0 and 1 are equal", SAME_START)


@suite.check("2.3")
def starts_that_are_not_averaged(seed: int) -> None:
    """With num_mean 0 they are plain random codes."""
    for space in SHAPES:
        got, want = (
            make(LinearGenerator(), space, 3, rng=seeding.make(seed))
            for make in (latents.sample_noise, latents.sample_codes)
        )
        expect(got, want, of=f"codes of {space}")


@suite.check("2.3")
def means_of_n(seed: int) -> None:
    """The mean of n z has entries of deviation 1 / sqrt(n)."""
    z = latents.sample_noise(LinearGenerator(), "z", 500, num_mean=25, rng=seeding.make(seed))
    deviation = float(z.std())
    seen = f"deviation {deviation:.3f} for n = 25, expected 0.2"
    for wrong, slip in ((1.0, NUM_MEAN_IGNORED), (5.0, SUM_OF_CODES)):
        require(abs(deviation - wrong) > ROUGHLY * wrong, seen, slip)
    require(abs(deviation - 0.2) < ROUGHLY * 0.2, seen)


@suite.check("2.3")
def means_of_w(seed: int) -> None:
    """In w and w+ the codes of w are averaged, not those of z."""
    for space in ("w", "w+"):
        codes = latents.sample_noise(Curved(), space, 50, num_mean=100, rng=seeding.make(seed))
        mean = float(codes.mean())  # each w = z^2 has the mean 1
        seen = f"the mean of w = z^2 came out as {mean:.3f}, expected 1"
        require(abs(mean - 0.01) > 0.05, seen, MEAN_IN_Z)
        require(abs(mean - 10) > 1, seen, ROOT_N)
        require(abs(mean - 100) > 10, seen, SUM_OF_CODES)
        require(abs(mean - 1) < ROUGHLY, seen)
        spread = float(codes.std())  # of a mean of 100: sqrt(2 / 100)
        require(spread < 0.5, f"deviation {spread:.3f}, expected 0.14", NUM_MEAN_IGNORED)


@suite.check("2.3")
def manners_of_sample_noise(seed: int) -> None:
    """Codes follow the generator's dtype and device, carry no gradient, and come from rng."""
    for space in SHAPES:
        check_follows_generator(
            lambda g, space=space: latents.sample_noise(
                g, space, 2, num_mean=3, rng=seeding.make(seed)
            )
        )
        first, again = (
            latents.sample_noise(LinearGenerator(), space, 2, num_mean=3, rng=seeding.make(seed))
            for _ in range(2)
        )
        require(torch.equal(first, again), "the same rng gave other codes", GLOBAL_DRAW)
        require(not first.requires_grad, "the codes require a gradient", KEEPS_GRAPH)


# ---------------------------------------------------------------- 2.4

Z_DRAWN = Slip("the mean of z is estimated, not known", "z is centred on 0: zeros, no draw")
SAMPLES_IGNORED = Slip("`num_samples` is not used", "average that many random codes")


@suite.check("2.4")
def centre_of_z(seed: int) -> None:
    """In z the centre is zeros, (1, d), and nothing is drawn."""
    rng = seeding.make(seed)
    before = rng.get_state()
    got = latents.mean_code(LinearGenerator(), "z", num_samples=50, rng=rng)
    check_shape_of(got, "z", 1)
    require(bool((got == 0).all()), "the entries are not 0", Z_DRAWN)
    require(torch.equal(before, rng.get_state()), "random numbers were drawn", Z_DRAWN)


@suite.check("2.4")
def centre_of_w(seed: int) -> None:
    """In w and w+ it is the mean of `num_samples` codes, a batch of one."""
    for space in ("w", "w+"):
        got = latents.mean_code(Curved(), space, num_samples=20_000, rng=seeding.make(seed))
        check_shape_of(got, space, 1)
        away = float((got - 1).abs().max())  # deviation of each entry: 0.01
        seen = f"an entry is {away:.3f} away from the mean of w = z^2, which is 1"
        require(bool((got - 1).abs().min() < 0.9), seen, MEAN_IN_Z)
        require(away < ROUGHLY, seen, SAMPLES_IGNORED)
        few = latents.mean_code(Curved(), space, num_samples=2, rng=seeding.make(seed))
        away = float((few - 1).abs().max())
        seen = f"with num_samples 2 every entry is within {away:.3f} of the mean of thousands"
        require(away > 0.03, seen, SAMPLES_IGNORED)


@suite.check("2.4")
def manners_of_mean_code(seed: int) -> None:
    """Codes follow the generator's dtype and device."""
    for space in SHAPES:
        check_follows_generator(
            lambda g, space=space: latents.mean_code(
                g, space, num_samples=5, rng=seeding.make(seed)
            )
        )


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
