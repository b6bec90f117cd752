"""Checks of part 1, hw5/losses.py: Gram matrices and style, tasks 1.4 and 1.5.

Features are constant inside a region and outside it, so that their Gram matrices are sums of two
outer products. Read next: losses_networks.py, for the losses that look through a network.
"""

from __future__ import annotations

import torch
from torch import Tensor

from hw5.checking.expect import Slip, each_alone, expect, keeps_manners
from hw5.checking.fakes import fixed_draw
from hw5.checking.losses import EMPTY, NO_MASK, H, P, W, colours, draw_regions
from hw5.checking.suite import Later, Suite

losses = Later("hw5.losses")
suite = Suite(needs={"1.5": ("1.4",)})

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
def manners_of_gram_matrix(seed: int) -> None:
    """It edits no argument, follows dtype and device, and lets gradients pass."""
    features, mask = fixed_draw(seed, 3, 4, H, W), draw_regions(seed).mask
    keeps_manners(losses.gram_matrix, grad="features", features=features, mask=mask)


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
    mask = 0.25 + 0.75 * regions.mask
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


# ---------------------------------------------------------------- 1.5

NO_QUARTER = Slip("the 4 of 4 C^2 is missing", "eq. 4 divides by 4 C^2: a mean, and a quarter")
SUM_OF_C2 = Slip("the sum over the C * C entries, not their mean", "divide by C^2")
NO_GRAM = Slip("features are compared, not their Gram matrices", "call `gram_matrix` on both")
ABS_GRAM = Slip("absolute differences of the matrices", "eq. 4 squares them")
MASK_ON_ONE = Slip("the mask reaches only one of the two matrices", "give it to both")


@suite.check("1.5")
def manners_of_style_distance(seed: int) -> None:
    """It edits no argument, follows dtype and device, and lets gradients pass."""
    ours, theirs = fixed_draw(seed, 3, 4, H, W), fixed_draw(seed + 1, 3, 4, H, W)
    mask = draw_regions(seed).mask
    keeps_manners(losses.style_distance, grad="ours", ours=ours, theirs=theirs, mask=mask)


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
