"""Checks of part 1, hw5/losses.py: tasks 1.1 to 1.5 and 1.8, on pictures of two regions.

Inside a region a picture has one colour, outside another, so that every mean is known beforehand,
and so is what each slip would give. Read next: losses_networks.py, for the losses with networks.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from hw5.checking.expect import Slip, each_alone, expect, has_true_gradient, keeps_manners
from hw5.checking.fakes import fixed_draw
from hw5.checking.suite import Later, Suite

losses = Later("hw5.losses")
suite = Suite(needs={"1.2": ("1.1",), "1.3": ("1.1",), "1.5": ("1.4",)})

H, W = 4, 6
P = H * W  # pixels of a picture

ALL_PIXELS = Slip(
    "mean over all pixels instead of the masked ones",
    "divide by the sum of the mask: else a small scribble hardly counts",
)
NO_MASK = Slip("the mask is not used", "only the pixels that the mask lets count may speak")
SUMMED = Slip("a sum where the mean is asked", "divide by how much the mask lets count")
ONE_CHANNEL = Slip(
    "divided by the pixels of one channel, while all channels were summed",
    "a mask has one channel, the values have C: `expand_as` before it is counted",
)
AREA_OF_BATCH = Slip(
    "divided by the area of the whole batch",
    "each picture has a mask, and an area, of its own: sum over all axes but the first",
)
EMPTY = Slip("0 / 0 for an empty mask", "where the area is 0, divide by 1 instead")
NAN_LEAKS = Slip(
    "0 * nan: a pixel that does not count spoils the mean", "choose with `torch.where` instead"
)
CLAMPED = Slip(
    "areas below 1 are taken for 1",
    "guard only against 0: fractions of pixels are areas like others",
)
BINARY = Slip("fractions of the mask count as whole pixels", "the mask's values are weights")
WEIGHT_TWICE = Slip("the mask is multiplied in twice", "once in the sum, and not squared")


class Regions(NamedTuple):
    """N pictures with a region of `inside[n]` pixels each."""

    mask: Tensor  # (N, 1, H, W)
    inside: Tensor  # (N,) pixels of the region

    def paint(self, inside: Tensor, outside: Tensor) -> Tensor:
        """(N, C, H, W) of two colours (N, C)."""
        return torch.where(self.mask > 0, inside[:, :, None, None], outside[:, :, None, None])


def draw_regions(seed: int, count: int = 3) -> Regions:
    """Regions of different sizes, none empty, none everything."""
    order = fixed_draw(seed, count, P).argsort(dim=1)
    inside = torch.tensor([5, 9, 14, 3][:count])
    mask = (order < inside[:, None]).double().view(count, 1, H, W)
    return Regions(mask, inside.double())


def colours(seed: int, count: int = 3, channels: int = 3) -> Tensor:
    """Numbers from 1 to 2, (N, C), no two alike: never 0, never turned round."""
    return 1 + fixed_draw(seed, count, channels).sigmoid()


# ---------------------------------------------------------------- 1.1


@suite.check("1.1", points=2)
def the_pixels_that_count(seed: int) -> None:
    """The mean is taken over the pixels that the mask lets count, for each picture alone."""
    regions = draw_regions(seed)
    a, b = colours(seed + 1), 5 + colours(seed + 2)
    share = regions.inside / P
    mean, other = a.mean(dim=1), b.mean(dim=1)
    slips = {
        ALL_PIXELS: mean * share,
        NO_MASK: mean * share + other * (1 - share),
        SUMMED: mean * 3 * regions.inside,
        ONE_CHANNEL: mean * 3,
        AREA_OF_BATCH: mean * regions.inside / regions.inside.sum(),
    }
    expect(losses.masked_mean(regions.paint(a, b), regions.mask), mean, slips)


@suite.check("1.1")
def one_mask_for_a_batch(seed: int) -> None:
    """One mask, (1, 1, H, W), serves all pictures of a batch."""
    regions = draw_regions(seed, 1)
    a = colours(seed + 1)
    many = Regions(regions.mask.expand(3, -1, -1, -1), regions.inside.expand(3))
    values = many.paint(a, 9 * a)
    slips = {AREA_OF_BATCH: a.mean(dim=1) / 3, ONE_CHANNEL: 3 * a.mean(dim=1)}
    expect(losses.masked_mean(values, regions.mask), a.mean(dim=1), slips)


@suite.check("1.1")
def an_empty_mask(seed: int) -> None:
    """With an empty mask the mean is 0: nothing is asked, nothing is wrong."""
    values = 1 + fixed_draw(seed, 2, 3, H, W).square()
    got = losses.masked_mean(values, torch.zeros(2, 1, H, W, dtype=values.dtype))
    expect(got, [0.0, 0.0], nan=EMPTY)


@suite.check("1.1")
def nan_outside(seed: int) -> None:
    """Pixels that do not count may hold nan: they do not reach the mean."""
    regions, a = draw_regions(seed), colours(seed + 1)
    values = regions.paint(a, a * torch.nan)
    got = losses.masked_mean(values, regions.mask)
    expect(got, a.mean(dim=1), nan=NAN_LEAKS)


@suite.check("1.1")
def fractions_of_pixels(seed: int) -> None:
    """A fraction in the mask counts as a share of a pixel, also where the whole area is below 1."""
    a, b = (float(x) for x in colours(seed, 1, 2)[0])
    values = torch.tensor([a, 3 * b]).double().view(1, 1, 1, 2)
    mask = torch.tensor([0.5, 0.25]).double().view(1, 1, 1, 2)
    slips = {
        CLAMPED: [0.5 * a + 0.75 * b],
        BINARY: [(a + 3 * b) / 2],
        WEIGHT_TWICE: [(0.25 * a + 0.1875 * b) / 0.75],
    }
    expect(losses.masked_mean(values, mask), [(0.5 * a + 0.75 * b) / 0.75], slips)


@suite.check("1.1")
def manners_of_masked_mean(seed: int) -> None:
    """It edits no argument, follows dtype and device, and lets gradients pass."""
    regions = draw_regions(seed)
    values = fixed_draw(seed + 1, 3, 2, H, W)
    keeps_manners(losses.masked_mean, grad="values", values=values, mask=regions.mask)


# ---------------------------------------------------------------- 1.2

SQUARED = Slip("squared where the absolute difference is asked", 'norm "l1" is mean |a - b|')
ABSOLUTE = Slip("absolute where the square is asked", 'norm "l2" is mean (a - b)^2')
SIGNED = Slip("differences of opposite sign cancel", "take the absolute value before the mean")
ROOTED = Slip("the root of the mean square", '"l2" here is the mean square itself: no root')


def two_pictures(seed: int) -> tuple[Tensor, Tensor, Regions, Tensor]:
    """Output and target in [-1, 1] whose difference is +d and -d by turns inside, 0 outside."""
    regions, d = draw_regions(seed), 0.4 * colours(seed + 1)
    turns = torch.ones(1, 1, H, W, dtype=d.dtype)
    turns[..., ::2] = -1
    target = 0.1 * fixed_draw(seed + 2, 3, 3, H, W).tanh()
    return target + turns * regions.paint(d, 0 * d), target, regions, d


def slips_of_a_mean(size: Tensor, inside: Tensor, of: Tensor | None = None) -> dict[Slip, Tensor]:
    """What the masked mean of values `size` (N, C) inside and 0 outside becomes by a slip."""
    mean = size.mean(dim=1)
    return {
        ALL_PIXELS: mean * inside / P,
        SUMMED: size.sum(dim=1) * inside,
        ONE_CHANNEL: size.sum(dim=1),
    }


@suite.check("1.2")
def absolute_differences(seed: int) -> None:
    """Norm "l1" is the mean absolute difference over the pixels that count."""
    output, target, regions, d = two_pictures(seed)
    mean = d.mean(dim=1)
    turned = (output - target).mul(regions.mask).sum(dim=(1, 2, 3)) / regions.inside / 3
    slips = {
        SQUARED: d.square().mean(dim=1),
        NO_MASK: mean * regions.inside / P,
        SIGNED: turned,
    } | slips_of_a_mean(d, regions.inside)
    expect(losses.pixel_loss(output, target, regions.mask, norm="l1"), mean, slips)


@suite.check("1.2")
def squared_differences(seed: int) -> None:
    """Norm "l2" is the mean squared difference over the pixels that count."""
    output, target, regions, d = two_pictures(seed)
    mean = d.square().mean(dim=1)
    slips = {ABSOLUTE: d.mean(dim=1), ROOTED: mean.sqrt()} | slips_of_a_mean(
        d.square(), regions.inside
    )
    expect(losses.pixel_loss(output, target, regions.mask, norm="l2"), mean, slips)


@suite.check("1.2")
def what_does_not_count(seed: int) -> None:
    """Whatever the target shows outside the mask, the loss is the same."""
    output, target, regions, d = two_pictures(seed)
    target = torch.where(regions.mask > 0, target, 0.9)
    whole = (output - target).abs().mean(dim=(1, 2, 3))
    got = losses.pixel_loss(output, target, regions.mask)
    expect(got, d.mean(dim=1), {NO_MASK: whole, ALL_PIXELS: d.mean(dim=1) * regions.inside / P})


@suite.check("1.2")
def white_and_black(seed: int) -> None:
    """Without a mask: 2 (l1) and 4 (l2) between white and black, one number per picture."""
    white = torch.ones(2, 3, H, W, dtype=torch.float64)
    for norm, want, slips in (("l1", 2.0, {SQUARED: 4.0}), ("l2", 4.0, {ABSOLUTE: 2.0})):
        wrong = {slip: [value, value] for slip, value in slips.items()}
        summed = [want * 3 * P] * 2
        got = losses.pixel_loss(white, -white[:1], norm=norm)
        expect(got, [want, want], wrong | {SUMMED: summed})


@suite.check("1.2")
def manners_of_pixel_loss(seed: int) -> None:
    """It edits no argument, follows dtype and device, and lets gradients pass."""
    output, target, regions, _ = two_pictures(seed)
    keeps_manners(
        losses.pixel_loss, grad="output", output=output, target=target, mask=regions.mask
    )


# ---------------------------------------------------------------- 1.3

HALF_SUM = Slip(
    "half the sum, as Gatys et al. write it",
    "the task asks for the mean: large and small layers shall weigh the same",
)
NOT_SQUARED = Slip("absolute differences, not squared ones", "features are compared by squares")


@suite.check("1.3")
def mean_squared_features(seed: int) -> None:
    """The mean squared difference over the cells that count, over channels too."""
    regions, d = draw_regions(seed), colours(seed + 1, channels=5)
    theirs = fixed_draw(seed + 2, 3, 5, H, W)
    ours = theirs + regions.paint(d, 7 + d)
    squared = d.square()
    whole = (ours - theirs).square().mean(dim=(1, 2, 3))
    slips = {
        NOT_SQUARED: d.mean(dim=1),
        NO_MASK: whole,
        HALF_SUM: squared.sum(dim=1) * regions.inside / 2,
        Slip("the root of the mean square", "no root: the square itself is asked"): squared.mean(
            dim=1
        ).sqrt(),
        ONE_CHANNEL: squared.sum(dim=1),
    } | slips_of_a_mean(squared, regions.inside)
    expect(losses.feature_distance(ours, theirs, regions.mask), squared.mean(dim=1), slips)


@suite.check("1.3")
def features_without_a_mask(seed: int) -> None:
    """Between features of 0 and of 2 it is 4, whatever their number; not 2, not a sum."""
    ours = torch.zeros(2, 5, H, W, dtype=torch.float64)
    slips = {
        NOT_SQUARED: [2.0, 2.0],
        HALF_SUM: [4.0 * 5 * P / 2] * 2,
        SUMMED: [4.0 * 5 * P] * 2,
    }
    expect(losses.feature_distance(ours, ours[:1] + 2), [4.0, 4.0], slips)


@suite.check("1.3")
def manners_of_feature_distance(seed: int) -> None:
    """It edits no argument, follows dtype and device, and lets gradients pass."""
    ours, theirs = fixed_draw(seed, 3, 5, H, W), fixed_draw(seed + 1, 3, 5, H, W)
    mask = draw_regions(seed).mask
    keeps_manners(losses.feature_distance, grad="ours", ours=ours, theirs=theirs, mask=mask)


# ---------------------------------------------------------------- 1.4

NO_POSITIONS = Slip(
    "the sum over positions is not divided by their number",
    "divide by H * W, or by the sum of the mask: else G grows with the picture",
)
CHANNELS_TOO = Slip(
    "divided by the number of channels as well", "divide by the positions that count, nothing else"
)
ALL_POSITIONS = Slip(
    "divided by all positions instead of those that count", "divide by the sum of the mask"
)
MASK_ON_BOTH = Slip(
    "the mask is multiplied into both factors, so it counts twice",
    "m_p stands once in the sum: weigh one of the two F",
)
CENTRED = Slip("the mean was subtracted first: a covariance", "a Gram matrix does not centre")
WRONG_AXIS = Slip(
    "positions are compared with positions, not channels with channels",
    "(C, HW) times (HW, C): the positions are what is summed over",
)


def outer(v: Tensor) -> Tensor:
    """All products of two channels, (N, C, C), of colours (N, C)."""
    return torch.stack([torch.outer(row, row) for row in v])


@suite.check("1.4")
def products_of_channels(seed: int) -> None:
    """G_ij is the mean over the positions of channel i times channel j."""
    regions = draw_regions(seed)
    v, u = colours(seed + 1, channels=4), -colours(seed + 2, channels=4)
    share = (regions.inside / P)[:, None, None]
    want = share * outer(v) + (1 - share) * outer(u)
    mean = share[:, 0] * v + (1 - share[:, 0]) * u
    got = losses.gram_matrix(regions.paint(v, u))
    slips = {NO_POSITIONS: want * P, CHANNELS_TOO: want / 4, CENTRED: want - outer(mean)}
    expect(got, want, slips | {WRONG_AXIS: (3, P, P)})


@suite.check("1.4")
def positions_that_count(seed: int) -> None:
    """Behind a mask with fractions, each position weighs as much as the mask says."""
    regions = draw_regions(seed)
    v, u = colours(seed + 1, channels=4), -colours(seed + 2, channels=4)
    mask = torch.where(regions.mask > 0, 1.0, 0.25)
    k, rest = (x[:, None, None] for x in (regions.inside, P - regions.inside))
    total = k * outer(v) + 0.25 * rest * outer(u)
    area = k + 0.25 * rest
    slips = {
        MASK_ON_BOTH: (k * outer(v) + 0.0625 * rest * outer(u)) / area,
        ALL_POSITIONS: total / P,
        NO_POSITIONS: total,
        NO_MASK: (k * outer(v) + rest * outer(u)) / P,
        CHANNELS_TOO: total / area / 4,
    }
    expect(losses.gram_matrix(regions.paint(v, u), mask), total / area, slips)


@suite.check("1.4")
def grams_of_a_batch(seed: int) -> None:
    """Each picture of a batch gets its own matrix, also behind one mask; an empty mask gives 0."""
    features, mask = fixed_draw(seed, 3, 4, H, W), draw_regions(seed, 1).mask
    each_alone(losses.gram_matrix, features)
    each_alone(lambda x: losses.gram_matrix(x, mask), features)
    expect(losses.gram_matrix(features, 0 * mask), torch.zeros(3, 4, 4), nan=EMPTY)


@suite.check("1.4")
def manners_of_gram_matrix(seed: int) -> None:
    """It edits no argument, follows dtype and device, and lets gradients pass."""
    features, mask = fixed_draw(seed, 3, 4, H, W), draw_regions(seed).mask
    keeps_manners(losses.gram_matrix, grad="features", features=features, mask=mask)


# ---------------------------------------------------------------- 1.5

NO_QUARTER = Slip("the 4 of 4 C^2 is missing", "eq. 4 divides by 4 C^2: a mean, and a quarter")
SUM_OF_C2 = Slip("the sum over the C * C entries, not their mean", "divide by C^2")
NO_GRAM = Slip("features are compared, not their Gram matrices", "call `gram_matrix` on both")
ABS_GRAM = Slip("absolute differences of the matrices", "eq. 4 squares them")
MASK_ON_ONE = Slip("the mask reaches only one of the two matrices", "give it to both")


@suite.check("1.5", points=2)
def difference_of_styles(seed: int) -> None:
    """sum_ij (G_ij - A_ij)^2 / (4 C^2), both matrices behind the mask."""
    regions = draw_regions(seed)
    v, u, x, y = (colours(seed + i, channels=4) for i in range(1, 5))
    ours, theirs = regions.paint(v, 3 * u), regions.paint(x, -5 * y)
    share = (regions.inside / P)[:, None, None]
    whole = (share * m + (1 - share) * n for m, n in ((outer(v), 9 * outer(u)), (outer(x), 25 * outer(y))))  # noqa: E501  # fmt: skip
    whole_ours, whole_theirs = whole

    def distance(g: Tensor, a: Tensor) -> Tensor:
        return (g - a).pow(2).sum(dim=(1, 2)) / 64

    want = distance(outer(v), outer(x))
    slips = {
        NO_QUARTER: 4 * want,
        SUM_OF_C2: 16 * want,
        Slip("neither the mean nor the 4", "divide by 4 C^2"): 64 * want,
        NO_GRAM: (v - x).square().mean(dim=1) / 4,
        ABS_GRAM: (outer(v) - outer(x)).abs().mean(dim=(1, 2)) / 4,
        NO_MASK: distance(whole_ours, whole_theirs),
        MASK_ON_ONE: distance(outer(v), whole_theirs),
        Slip("the mask reaches only the other's matrix", "give it to both"): distance(
            whole_ours, outer(x)
        ),
    }
    expect(losses.style_distance(ours, theirs, regions.mask), want, slips)


@suite.check("1.5")
def style_is_not_place(seed: int) -> None:
    """Shuffling the positions of both pictures' features changes nothing."""
    ours, theirs = fixed_draw(seed, 2, 4, H, W), fixed_draw(seed + 1, 2, 4, H, W)
    shuffle = fixed_draw(seed + 2, P).argsort()
    moved = ours.flatten(2)[..., shuffle].view_as(ours)
    expect(
        losses.style_distance(moved, theirs) - losses.style_distance(ours, theirs),
        [0.0, 0.0],
        of="the change by shuffling",
    )


@suite.check("1.5")
def manners_of_style_distance(seed: int) -> None:
    """It edits no argument, follows dtype and device, and lets gradients pass."""
    ours, theirs = fixed_draw(seed, 3, 4, H, W), fixed_draw(seed + 1, 3, 4, H, W)
    mask = draw_regions(seed).mask
    keeps_manners(losses.style_distance, grad="ours", ours=ours, theirs=theirs, mask=mask)


# ---------------------------------------------------------------- 1.8

SUM_OF_ENTRIES = Slip(
    "summed instead of averaged", "a mean means the same in z, w and w+, a sum grows with them"
)
NORM = Slip("the norm, not the mean square", "no root")


@suite.check("1.8", points=2)
def mean_square_of_delta(seed: int) -> None:
    """The mean squared entry, one number per code, in z, w and w+ alike."""
    c = colours(seed, 3, 1)[:, 0]
    want = c.square() * 2.5  # entries c and -2c by turns
    for shape in ((4,), (1, 4), (6, 4)):
        entries = torch.ones(3, *shape, dtype=c.dtype)
        entries[..., ::2] = -2
        delta = entries * c.view(3, *[1] * len(shape))
        count = delta[0].numel()
        slips = {
            SUM_OF_ENTRIES: want * count,
            NORM: want.sqrt(),
            Slip("the norm of the code", "the mean of the squares, no root"): (want * count).sqrt(),
            Slip("absolute entries", "square them"): 1.5 * c,
            Slip("entries are not squared", "square before the mean"): -0.5 * c,
        }
        expect(losses.latent_penalty(delta), want, slips)


@suite.check("1.8")
def manners_of_latent_penalty(seed: int) -> None:
    """It edits no argument, follows dtype and device, and its gradient is the true one."""
    delta = fixed_draw(seed, 2, 3, 4)
    keeps_manners(losses.latent_penalty, grad="delta", delta=delta)
    slip = Slip("the gradient is not that of the mean square", "is a part of it detached?")
    has_true_gradient(losses.latent_penalty, delta, slip)
