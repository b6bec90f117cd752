"""Checks of part 4, hw5/interpolate.py: angles on a circle, exact ends, layers in their place.

Read next: draw.py.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from hw5.checking.expect import (
    BATCH_OF_ONE,
    FIXED_DTYPE,
    Slip,
    each_alone,
    expect,
    keeps_manners,
    require,
    untouched,
)
from hw5.checking.fakes import LAYERS, SIZE, WIDTH, LinearGenerator, fixed_draw
from hw5.checking.suite import Later, Suite
from hw5.config import Interpolation

way = Later("hw5.interpolate")
latents = Later("hw5.latents")
suite = Suite(needs={"4.2": ("4.1",), "4.4": ("4.1", "4.2"), "4.5": ("4.4", "2.5")})

# ---------------------------------------------------------------- 4.1

ENDS_SWAPPED = Slip("the ends are swapped", "t = 0 gives a, t = 1 gives b: (1 - t) a + t b")
ROUNDED = Slip(
    "rounding misses b at t = 1: a + t (b - a)", "(1 - t) a + t b is exact at both ends"
)
T_CLAMPED = Slip("t is held within [0, 1]", "outside it extrapolates: leave t as it is")
T_NOT_COLUMN = Slip(
    "many t do not line up with the codes", "`as_column(t, a)` gives t as many axes as the codes"
)
HALFWAY = Slip("t is not used", "it says how far along the way")


@suite.check("4.1")
def a_straight_line(seed: int) -> None:
    """(1 - t) a + t b, also outside [0, 1]."""
    a, b = fixed_draw(seed, 2, LAYERS, WIDTH), fixed_draw(seed + 1, 2, LAYERS, WIDTH)
    for t in (0.25, -0.5, 1.75):
        held = min(max(t, 0.0), 1.0)
        slips = {
            ENDS_SWAPPED: t * a + b - t * b,
            T_CLAMPED: a - held * a + held * b,
            HALFWAY: (a + b) / 2,
            Slip("only b is scaled", "(1 - t) a: a fades as b comes"): a + t * b,
        }
        expect(way.lerp(a, b, t), a - t * a + b * t, slips, of=f"the code at t = {t}")


@suite.check("4.1")
def exact_ends(seed: int) -> None:
    """Exactly a at t = 0 and exactly b at t = 1, to the last bit."""
    a, b = (fixed_draw(seed + i, 4, 50).float() * 10 ** (3 * i) for i in range(2))
    for one, other in ((a, b), (b, a)):
        for t, end in ((0.0, one), (1.0, other)):
            got = way.lerp(one, other, t)
            expect(got, end, {ENDS_SWAPPED: other if t == 0 else one}, close=1e-3)
            require(torch.equal(got, end), f"at t = {t:g} it is not exactly the end", ROUNDED)


@suite.check("4.1")
def many_t_at_once(seed: int) -> None:
    """A tensor of T numbers gives T codes at once, in every space."""
    t = torch.tensor([0.0, 0.3, 1.0]).double()
    for shape in ((WIDTH,), (1, WIDTH), (LAYERS, WIDTH)):
        a, b = fixed_draw(seed, 1, *shape), fixed_draw(seed + 1, 1, *shape)
        singly = torch.cat([a - x * a + x * b for x in t.tolist()])
        try:
            got = way.lerp(a, b, t)
        except RuntimeError:
            got = torch.zeros(0)
        require(got.shape == singly.shape, f"shape {tuple(got.shape)} for 3 t", T_NOT_COLUMN)
        expect(got, singly, {ENDS_SWAPPED: singly.flip(0)})


@suite.check("4.1")
def manners_of_lerp(seed: int) -> None:
    """It edits no argument, follows dtype and device, and lets gradients pass."""
    a, b = fixed_draw(seed, 2, WIDTH), fixed_draw(seed + 1, 2, WIDTH)
    keeps_manners(lambda a, b: way.lerp(a, b, 0.3), grad="a", a=a, b=b)


# ---------------------------------------------------------------- 4.2

LERP = Slip(
    "lerp where slerp belongs: a straight line through the shell",
    "the weights are sin((1 - t) A) / sin(A) and sin(t A) / sin(A)",
)
NOT_DIVIDED = Slip("not divided by sin(A)", "both weights have sin(A) below them")
UNIT_LENGTH = Slip(
    "the codes were made unit vectors, their lengths are lost",
    "only the angle needs directions: the weights multiply a and b themselves",
)
COSINES = Slip("cosines where sines belong", "sin((1 - t) A) / sin(A)")
NAN_PARALLEL = Slip(
    "0 / 0 between parallel codes", "put 1 in place of the angle where `is_straight` is true"
)
JUDGED_TOGETHER = Slip(
    "one straight pair makes lines of all pairs",
    "judge row by row: `torch.where(is_straight, ..., ...)`, not `if is_straight.any()`",
)


def on_circle(*degrees: float) -> Tensor:
    """Points of the unit circle, (N, 2)."""
    angles = torch.tensor(degrees, dtype=torch.float64).deg2rad()
    return torch.stack([angles.cos(), angles.sin()], dim=-1)


@suite.check("4.2", points=2)
def equal_angles(seed: int) -> None:
    """On a circle it walks equal angles: a quarter of the way from 0 to 90 degrees is 22.5."""
    start = 37.0 * (seed % 9)
    for wide in (90.0, 20.0, 150.0):
        a, b = on_circle(start), on_circle(start + wide)
        for t in (0.25, 0.5):
            angle = math.radians(wide)
            s, rest = math.sin(t * angle), math.sin(angle - t * angle)
            line = a - t * a + t * b
            slips = {
                LERP: line,
                Slip("a line, made unit length: uneven steps", LERP.look): line / line.norm(),
                NOT_DIVIDED: rest * a + s * b,
                ENDS_SWAPPED: on_circle(start + wide - t * wide),
                COSINES: (math.cos(angle - t * angle) * a + math.cos(t * angle) * b)
                / math.sin(angle),
                Slip("the angle is halved", "A itself, as `angle_between` gives it"): (
                    math.sin((angle - t * angle) / 2) * a + math.sin(t * angle / 2) * b
                )
                / math.sin(angle / 2),
            }
            expect(way.slerp(a, b, t), on_circle(start + t * wide), slips, of=f"at t = {t}")


@suite.check("4.2")
def lengths_are_blended(seed: int) -> None:
    """Lengths count: the ends are a and b, and on a sphere of radius r the arc stays there."""
    r = 2.0 + seed % 5
    a, b = r * on_circle(10), r * on_circle(100)
    middle = r * on_circle(55)
    expect(way.slerp(a, b, 0.5), middle, {UNIT_LENGTH: middle / r, LERP: (a + b) / 2})
    long = 3 * b
    unit_ends = {UNIT_LENGTH: long / long.norm()}
    expect(way.slerp(a, long, 1.0), long, {ENDS_SWAPPED: a} | unit_ends, of="at t = 1")


@suite.check("4.2")
def nearly_parallel(seed: int) -> None:
    """Where the angle is nearly 0, or a code is zero, it is the line."""
    a = fixed_draw(seed, 1, 6)
    for b in (a, 3 * a, torch.zeros_like(a)):
        expect(way.slerp(a, b, 0.25), a - 0.25 * a + 0.25 * b, nan=NAN_PARALLEL)
    point = a.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(way.slerp(point, 2 * a, 0.25).sum(), point)
    require(not bool(gradient.isnan().any()), "the gradient there is nan", NAN_PARALLEL)


@suite.check("4.2")
def rows_one_by_one(seed: int) -> None:
    """Each row, and each layer, is judged by its own angle; many t at once give the same."""
    a = torch.cat([on_circle(0), on_circle(0)])
    b = torch.cat([on_circle(0), on_circle(90)])
    together = {JUDGED_TOGETHER: torch.cat([on_circle(0), (a[1:] + b[1:]) / 2])}
    want = torch.cat([on_circle(0), on_circle(45)])
    expect(way.slerp(a, b, 0.5), want, together, nan=NAN_PARALLEL)
    a, b = fixed_draw(seed, 3, LAYERS, WIDTH), fixed_draw(seed + 1, 3, LAYERS, WIDTH)
    each_alone(lambda a, b: way.slerp(a, b, 0.3), a, b)
    t = torch.tensor([0.0, 0.3, 1.0]).double()
    singly = torch.cat([way.slerp(a[:1], b[:1], float(x)) for x in t])
    expect(way.slerp(a[:1], b[:1], t), singly)


@suite.check("4.2")
def manners_of_slerp(seed: int) -> None:
    """It edits no argument, follows the dtype, and lets gradients pass."""
    a, b = fixed_draw(seed, 2, WIDTH), fixed_draw(seed + 1, 2, WIDTH)
    keeps_manners(lambda a, b: way.slerp(a, b, 0.3), grad="a", a=a, b=b)


# ---------------------------------------------------------------- 4.3

CODES_SWAPPED = Slip("a and b are swapped", "the listed layers come from b, the rest from a")
OFF_BY_ONE = Slip("off by one: a neighbour of the listed layer", "layers count from 0")
BLENDED = Slip("the layers are blended, not replaced", "the listed layers are b's own")
UP_TO = Slip("all layers up to the listed one", "only the listed ones")
BATCH_AXIS = Slip("the list picks rows of the batch, not layers", "mixed[:, layers]: dim 1 is L")


@suite.check("4.3")
def listed_layers_from_b(seed: int) -> None:
    """The listed layers are b's, the rest a's, for every code of a batch."""
    a, b = fixed_draw(seed, 6, 6, 3), fixed_draw(seed + 1, 6, 6, 3)
    chosen = [1, 4]

    def mixed(a: Tensor, b: Tensor, layers: list[int]) -> Tensor:
        return torch.stack([(b if i in layers else a)[:, i] for i in range(6)], dim=1)

    rows = torch.stack([(b if i in chosen else a)[i] for i in range(6)])
    slips = {
        CODES_SWAPPED: mixed(b, a, chosen),
        OFF_BY_ONE: mixed(a, b, [2, 5]),
        Slip("off by one: the layer before the listed one", OFF_BY_ONE.look): mixed(a, b, [0, 3]),
        BLENDED: mixed(a, (a + b) / 2, chosen),
        Slip("b's layers are added to a's", BLENDED.look): mixed(a, a + b, chosen),
        UP_TO: mixed(a, b, [0, 1, 2, 3, 4]),
        BATCH_AXIS: rows,
        Slip("nothing is mixed", "the listed layers come from b"): a,
    }
    expect(way.mix_layers(a.clone(), b.clone(), chosen), mixed(a, b, chosen), slips)


@suite.check("4.3")
def none_and_all(seed: int) -> None:
    """No layers give a, all layers give b; any sequence of layers will do."""
    a, b = fixed_draw(seed, 2, 4, 3), fixed_draw(seed + 1, 2, 4, 3)
    expect(way.mix_layers(a.clone(), b, []), a, of="no layers")
    expect(way.mix_layers(a.clone(), b, range(4)), b, of="all layers")
    expect(way.mix_layers(a.clone(), b, (3,))[:, 3], b[:, 3], of="layer 3 of (3,)")


@suite.check("4.3")
def manners_of_mixing(seed: int) -> None:
    """It edits no argument, follows dtype and device, and lets gradients pass."""
    a, b = fixed_draw(seed, 2, 4, 3), fixed_draw(seed + 1, 2, 4, 3)
    keeps_manners(lambda a, b: way.mix_layers(a, b, [1, 2]), grad="b", a=a, b=b)


# ---------------------------------------------------------------- 4.4

WITHOUT_END = Slip("the last frame is not b", "`torch.linspace(0, 1, T)` holds both ends")
FRAMES = Slip("not as many frames as asked", "num_frames, both ends included")
ALWAYS_LINEAR = Slip("`path` is not used: always the straight line", "`PATHS[path]`")
ALWAYS_ARC = Slip("`path` is not used: always the arc", "`PATHS[path]`")


@suite.check("4.4", points=2)
def from_end_to_end(seed: int) -> None:
    """num_frames codes with equal steps between, from exactly a to exactly b."""
    a, b = fixed_draw(seed, 1, 1, WIDTH), fixed_draw(seed + 1, 1, 1, WIDTH)
    got = way.walk(a, b, 5)
    want = torch.cat([a - t * a + t * b for t in (0, 0.25, 0.5, 0.75, 1)])
    short = torch.cat([a - t * a + t * b for t in (0, 0.2, 0.4, 0.6, 0.8)])
    middle = torch.cat([a - t * a + t * b for t in (0.1, 0.3, 0.5, 0.7, 0.9)])
    slips = {
        WITHOUT_END: short,
        Slip("neither end is among the frames", WITHOUT_END.look): middle,
        ENDS_SWAPPED: want.flip(0),
        FRAMES: (4, 1, WIDTH),
        Slip("a frame too many", FRAMES.look): (6, 1, WIDTH),
        ALWAYS_ARC: way.slerp(a, b, torch.linspace(0, 1, 5).double()),
    }
    expect(got, want, slips)
    require(torch.equal(got[:1], a) and torch.equal(got[-1:], b), "an end is not exact", ROUNDED)


@suite.check("4.4")
def the_path_that_is_asked(seed: int) -> None:
    """ "spherical" walks along the arc, "linear" along the line; and dtypes are kept."""
    a, b = on_circle(20), on_circle(110)
    arc = torch.cat([on_circle(20 + 30 * i) for i in range(4)])
    line = torch.cat([a - i / 3 * a + i / 3 * b for i in range(4)])
    expect(way.walk(a, b, 4, path="spherical"), arc, {ALWAYS_LINEAR: line}, of="the arc")
    expect(way.walk(a, b, 4, path="linear"), line, {ALWAYS_ARC: arc}, of="the line")
    for dtype in (torch.float32, torch.float64):
        got = way.walk(a.to(dtype), b.to(dtype), 4).dtype
        require(got == dtype, f"codes of {got} from codes of {dtype}", FIXED_DTYPE)


# ---------------------------------------------------------------- 4.5

CROSS_FADE = Slip(
    "pictures are blended, not codes: a cross-fade", "walk in the space, then render each code"
)
KEEPS_GRAPH = Slip("the frames carry a gradient", "render under `torch.no_grad()`: no one needs it")
NOISE_LOST = Slip("the noise does not reach the frames", "render(..., noise=noise)")
ALL_AT_ONCE = Slip("all frames are rendered at once", "`codes.split(settings.batch_size)`")
PATH_LOST = Slip("the path of the settings is not walked", "walk(a, b, num_frames, path=path)")


class Counting(LinearGenerator):
    """Notes how many pictures it is asked for at once; bends them, so that fades are seen."""

    def __init__(self) -> None:
        """Nothing asked yet."""
        super().__init__()
        self.batches: list[int] = []

    def finish(self, flat: Tensor, grain: Tensor | None = None) -> Tensor:
        """Pictures with a bend."""
        self.batches.append(len(flat))
        return super().finish(flat + 5 * flat.square(), grain)


@suite.check("4.5", points=2)
def pictures_along_the_way(seed: int) -> None:
    """Each frame is the picture of its code, and the codes are those of the walk."""
    settings = Interpolation(num_frames=5, batch_size=2)
    for space, shape in (("w", (1, WIDTH)), ("w+", (LAYERS, WIDTH)), ("z", (WIDTH,))):
        generator = Counting()
        a, b = fixed_draw(seed, 1, *shape), fixed_draw(seed + 1, 1, *shape)
        film = way.interpolate(generator, a, b, space, settings=settings)
        path, other = ("linear", "spherical") if space != "z" else ("spherical", "linear")
        codes = way.walk(a, b, 5, path=path)
        slips = {PATH_LOST: way.walk(a, b, 5, path=other), FRAMES: (50, *shape)}
        expect(film.codes, codes, slips, of=f"codes in {space}")
        frames = torch.cat([latents.render(generator, c, space).detach() for c in codes.split(1)])
        fade = torch.cat([frames[:1] * (1 - i / 4) + frames[-1:] * i / 4 for i in range(5)])
        expect(film.frames, frames, {CROSS_FADE: fade, BATCH_OF_ONE: (1, 3, SIZE, SIZE)})
        require(film.settings == settings, "the settings are others", FRAMES)


@suite.check("4.5")
def frames_without_gradient(seed: int) -> None:
    """Frames carry no gradient, and are rendered batch by batch."""
    generator = Counting()
    a, b = fixed_draw(seed, 1, 1, WIDTH), fixed_draw(seed + 1, 1, 1, WIDTH)
    with untouched(a=a, b=b):
        film = way.interpolate(
            generator, a, b, "w", settings=Interpolation(num_frames=7, batch_size=3)
        )
    require(not film.frames.requires_grad, "the frames require a gradient", KEEPS_GRAPH)
    largest = max(generator.batches)
    require(largest <= 3, f"{largest} frames at once with batch_size 3", ALL_AT_ONCE)


@suite.check("4.5")
def noise_in_all_frames(seed: int) -> None:
    """Every frame has the noise that is given."""
    generator, noise = LinearGenerator(), {"grain": fixed_draw(seed + 2, 1, 1, SIZE, SIZE)}
    a = fixed_draw(seed, 1, 1, WIDTH)
    settings = Interpolation(num_frames=3)
    film = way.interpolate(generator, a, a, "w", settings=settings, noise=noise)
    own = way.interpolate(generator, a, a, "w", settings=settings)
    change = 0.05 * (noise["grain"] - generator.grain).expand(3, 3, SIZE, SIZE)
    expect(film.frames - own.frames, change, {NOISE_LOST: 0 * change}, of="the noise's share")
