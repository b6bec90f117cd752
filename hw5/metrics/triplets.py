"""Does a ruler order pictures as the world says? Triplets (anchor, near, far) with known answers.

Offers `make_triplets`, which renders them, `ordered_triplets`, which scores any distance on them
with an interval, `wilson` and `render_all`. Heads of perceptual.py are trained on the first and
judged by the second.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import NormalDist

import torch
from torch import Tensor
from torch.nn import functional

from hw5 import world
from hw5.kit.checks import InputError, check_choice, check_finite, check_shape
from hw5.shapes import Images, PerPicture

NOISE = 0.05  # standard deviation on [-1, 1]: 6 of 255 levels, seen only when looked for
LESS, MORE = 0.25, 0.75  # share of the way to another cat
SHIFT = 1 / 32  # of the side: 2 pixels of 64
BLUR = 1 / 40  # of the side, standard deviation: 1.6 pixels of 64, whiskers and pupils dissolve
BATCH = 32  # pictures measured at a time


@dataclass(frozen=True, eq=False)
class Triplets:
    """Three equally long batches (N, 3, H, W): each `near` is closer to its `anchor` than `far`."""

    anchor: Images
    near: Images
    far: Images


@dataclass(frozen=True)
class Share:
    """How many of `total` triplets a distance ordered correctly, with its interval."""

    correct: int
    total: int
    low: float  # bounds of the Wilson interval, 95 % unless asked otherwise
    high: float

    @property
    def value(self) -> float:
        """The share itself, in [0, 1]; 0.5 is guessing."""
        return self.correct / self.total


def ordered_triplets(
    distance: Callable[[Images, Images], PerPicture],
    triplets: Mapping[str, Triplets],
    *,
    confidence: float = 0.95,
) -> dict[str, Share]:
    """Score a distance on every kind of triplet, and on all of them under "all".

    Ties count as wrong: a ruler that sees no difference has not ordered anything.

    Args:
        distance: (N, 3, H, W) twice to (N,), smaller for more alike; losses and metrics both fit.
        triplets: by kind, as `make_triplets` gives them.
        confidence: of the intervals.

    Raises:
        InputError: no triplets, pictures of different shapes, or a distance that gives not one
            finite value a picture.
    """
    if not triplets:
        raise InputError.about("triplets", expected="at least one kind", got="none")
    if "all" in triplets:
        raise InputError.about("triplets", expected="kinds other than 'all'", got="'all'")
    shares, correct, total = {}, 0, 0
    for kind, batch in triplets.items():
        right = _count_ordered(distance, kind, batch)
        shares[kind] = _share(right, len(batch.anchor), confidence)
        correct, total = correct + right, total + len(batch.anchor)
    return {**shares, "all": _share(correct, total, confidence)}


def wilson(correct: int, total: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Interval of a share (Wilson 1927): within [0, 1], and honest near both ends.

    Raises:
        InputError: `correct` is not within 0 to `total`, or there are none.
    """
    if not 0 <= correct <= total or total == 0:
        raise InputError.about("correct", expected=f"0 to total = {total} (above 0)", got=correct)
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, pull = correct / total, z * z / total
    centre = (share + pull / 2) / (1 + pull)
    half = z * math.sqrt(share * (1 - share) / total + pull / (4 * total)) / (1 + pull)
    return max(0.0, centre - half), min(1.0, centre + half)


def make_triplets(
    count: int,
    *,
    size: int = 64,
    distribution: str = "portraits",
    kinds: tuple[str, ...] = ("factors", "noise", "subtle", "shift", "blur"),
    rng: torch.Generator,
) -> dict[str, Triplets]:
    """Render `count` triplets of each kind; the world knows which picture is nearer.

    - factors: the anchor's factors moved a quarter of the way to another cat, or three quarters;
    - noise: faint noise (sigma 0.05), or another cat;
    - subtle: faint noise, or a quarter of the way to another cat. Uncalibrated LPIPS errs here;
    - shift: two pixels (of 64) sideways, or another cat;
    - blur: two pixels sideways, or out of focus. Pixel differences err here.

    Args:
        count: of each kind.
        size: side of the pictures in pixels.
        distribution: of the world, "portraits" or "scenes".
        kinds: which kinds to make.
        rng: draws cats, noise and directions.

    Raises:
        InputError: an unknown kind or distribution.
    """
    for kind in kinds:
        check_choice("kind", kind, tuple(_KINDS))
    made = {}
    for kind in kinds:
        cats = world.sample(count, distribution=distribution, rng=rng)
        others = world.sample(count, distribution=distribution, rng=rng)
        made[kind] = _KINDS[kind](cats, others, size, rng)
    return made


def move_towards(start: world.Factors, end: world.Factors, share: float) -> world.Factors:
    """Go a `share` of the way from one batch of cats to another; hues take the short way round.

    Choices (background, mouth, accessories) stay as in `start`: there is nothing between them.
    """
    values = {}
    for factor in world.FACTORS:
        if factor.unit == "choice":
            continue
        here, step = start[factor.name], end[factor.name] - start[factor.name]
        circle = factor.unit == "degrees" and factor.high - factor.low == 360
        if circle:
            step = (step + 180) % 360 - 180
        moved = here + share * step
        values[factor.name] = moved % 360 if circle else moved
    return start.replace(**values)


def render_all(factors: world.Factors, size: int) -> Images:
    """Pictures (N, 3, size, size) of any number of cats, a batch at a time."""
    groups = [factors.select(slice(i, i + BATCH)) for i in range(0, len(factors), BATCH)]
    return torch.cat([world.render(group, size).image for group in groups])


def _factors(cats: world.Factors, others: world.Factors, size: int, rng: object) -> Triplets:
    steps = (move_towards(cats, others, share) for share in (0.0, LESS, MORE))
    return Triplets(*(render_all(factors, size) for factors in steps))


def _noise(cats: world.Factors, others: world.Factors, size: int, rng: torch.Generator) -> Triplets:
    anchor = render_all(cats, size)
    return Triplets(anchor, _noisy(anchor, rng), render_all(others, size))


def _subtle(
    cats: world.Factors, others: world.Factors, size: int, rng: torch.Generator
) -> Triplets:
    anchor = render_all(cats, size)
    return Triplets(anchor, _noisy(anchor, rng), render_all(move_towards(cats, others, LESS), size))


def _shift(cats: world.Factors, others: world.Factors, size: int, rng: torch.Generator) -> Triplets:
    anchor = render_all(cats, size)
    return Triplets(anchor, _shifted(anchor, rng), render_all(others, size))


def _blur(cats: world.Factors, others: world.Factors, size: int, rng: torch.Generator) -> Triplets:
    anchor = render_all(cats, size)
    return Triplets(anchor, _shifted(anchor, rng), _blurred(anchor))


_KINDS = {"factors": _factors, "noise": _noise, "subtle": _subtle, "shift": _shift, "blur": _blur}


def _noisy(images: Images, rng: torch.Generator) -> Images:
    noise = torch.randn(images.shape, generator=rng, device=rng.device).to(images)
    return (images + NOISE * noise).clamp(-1, 1)


def _shifted(images: Images, rng: torch.Generator) -> Images:
    """Each picture moved sideways, left or right by a coin; its edge column fills the gap."""
    step = max(1, round(SHIFT * images.shape[-1]))
    padded = functional.pad(images, (step, step, 0, 0), mode="replicate")
    left, right = padded[..., 2 * step :], padded[..., : -2 * step]
    coins = torch.rand(len(images), generator=rng, device=rng.device).to(images.device) < 0.5
    return torch.where(coins[:, None, None, None], left, right)


def _blurred(images: Images) -> Images:
    """Gaussian blur with mirrored edges."""
    sigma = BLUR * images.shape[-1]
    reach = math.ceil(3 * sigma)
    x = torch.arange(-reach, reach + 1, device=images.device, dtype=images.dtype)
    kernel = torch.softmax(-x.square() / (2 * sigma**2), dim=0)
    rows, columns = kernel.view(1, 1, 1, -1), kernel.view(1, 1, -1, 1)
    flat = functional.pad(images.flatten(0, 1)[:, None], (reach,) * 4, mode="reflect")
    blurred = functional.conv2d(functional.conv2d(flat, rows), columns)
    return blurred.view_as(images)


@torch.no_grad()
def _count_ordered(
    distance: Callable[[Images, Images], PerPicture], kind: str, batch: Triplets
) -> int:
    anchor = batch.anchor
    check_shape(f"{kind} anchor", anchor, ("N", 3, "H", "W"))
    check_shape(f"{kind} near", batch.near, tuple(anchor.shape))
    check_shape(f"{kind} far", batch.far, tuple(anchor.shape))
    right = 0
    parts = (images.split(BATCH) for images in (anchor, batch.near, batch.far))
    for start, near, far in zip(*parts, strict=True):
        right += int((_measured(distance, start, near) < _measured(distance, start, far)).sum())
    return right


def _measured(
    distance: Callable[[Images, Images], PerPicture], anchor: Images, other: Images
) -> Tensor:
    values = distance(other, anchor)
    check_shape("distance", values, (len(anchor),), hint="one value a picture")
    check_finite("distance", values)
    return values


def _share(correct: int, total: int, confidence: float) -> Share:
    return Share(correct, total, *wilson(correct, total, confidence=confidence))
