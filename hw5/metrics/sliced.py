"""How near two sets of pictures are in texture, scale by scale: sliced Wasserstein distance.

Offers `swd` (Karras et al. 2018, section 5; the SWD column of in-domain inversion's table),
`laplacian_pyramid` and `sliced_wasserstein`, which work in plain torch. FID in distribution.py
judges what a network sees, this ruler what small patches look like; it knows no network.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from hw5.kit.checks import InputError, check_images, check_number, check_shape
from hw5.shapes import Images

PATCH = 7  # pixels a side; Karras et al. 2018
SMALLEST = 16  # pixels a side of the coarsest level, likewise
OVERSHOOT = 8.0  # generators without tanh leave [-1, 1], the shipped one beyond 2; bytes reach 255
SCALE = 1e3  # tables give a thousand times the distance
BATCH = 64  # pictures whose pyramid is held at a time
BLOCK = 2**22  # projected numbers held at a time: with their order after sorting, 64 MB
FAINTEST = 1e-4  # spread of a level on [-1, 1] below which it is flat; one of 256 levels is 8e-3


class SlicedDistance(NamedTuple):
    """A thousand times the distance, as tables give it; 0 for sets that look alike."""

    mean: float
    per_level: tuple[float, ...]  # finest first


def swd(
    images_a: Images,
    images_b: Images,
    *,
    levels: int | None = None,
    patches_per_image: int = 128,
    projections: int = 512,
    rng: torch.Generator,
) -> SlicedDistance:
    """Sliced Wasserstein distance of the patches of two sets, on each level of their pyramids.

    Every level of a set is brought to mean 0 and deviation 1 per channel, as the authors' code
    does: a tint or a loss of contrast that all pictures share is not seen.

    Patches are cut at the same places in both sets, so a set is at exactly 0 from itself, and
    reconstructions in the order of their targets are compared without the noise of the draw. The
    authors draw twice, which makes no difference to sets that do not correspond. These score above
    0 even if equally distributed, the less the more pictures: compare figures of equal N only.

    Args:
        images_a: (N, 3, H, W); clamped and rounded to 256 levels, as files are.
        images_b: the same shape.
        levels: of the pyramid; by default down to 16 pixels, so 3 for 64 px.
        patches_per_image: of 7 x 7 pixels, on each level. They take 75 kB a picture and set.
        projections: directions averaged over; the authors' 4 repeats of 128.
        rng: draws places and directions.

    Raises:
        InputError: not two equally shaped sets of pictures, or sides that cannot be halved so
            often.
    """
    _check_set("images_a", images_a)
    _check_set("images_b", images_b)
    check_shape("images_b", images_b, tuple(images_a.shape), hint="take as many of both, one size")
    check_number("patches_per_image", patches_per_image, low=1, whole=True)
    levels = _default_levels(images_a) if levels is None else levels
    _check_levels(images_a, levels)
    distances = []
    for level in range(levels):
        places = _draw_places(images_a, level, patches_per_image, rng)
        a, b = (_descriptors(images, level, levels, places) for images in (images_a, images_b))
        distances.append(SCALE * sliced_wasserstein(a, b, projections=projections, rng=rng))
    return SlicedDistance(sum(distances) / levels, tuple(distances))


def laplacian_pyramid(images: Images, levels: int) -> list[Tensor]:
    """Split pictures into bands of detail, (N, 3, H, W), (N, 3, H/2, W/2), ..., finest first.

    The last level is the picture blurred and shrunk; enlarging it and adding the level before, and
    so on, gives back the picture (Burt and Adelson 1983). Filter and borders are those of OpenCV's
    pyrDown and pyrUp.

    Raises:
        InputError: the sides cannot be halved `levels - 1` times, or would be too small for it.
    """
    check_shape("images", images, ("N", 3, "H", "W"))
    _check_levels(images, levels)
    pyramid = [images]
    for _ in range(levels - 1):
        smaller = _shrink(pyramid[-1])
        pyramid[-1] = pyramid[-1] - _enlarge(smaller)
        pyramid.append(smaller)
    return pyramid


def sliced_wasserstein(a: Tensor, b: Tensor, *, projections: int, rng: torch.Generator) -> float:
    """Wasserstein-1 distance of two clouds of points, averaged over random directions.

    Along a line the best transport joins the points in their order (Rabin et al. 2011).

    Args:
        a: (P, D) points.
        b: (P, D), as many.
        projections: how many directions.
        rng: draws the directions.

    Raises:
        InputError: not two equally large clouds, or no direction.
    """
    check_shape("a", a, ("P", "D"))
    check_shape("b", b, tuple(a.shape), hint="the same number of points in both")
    check_number("projections", projections, low=1, whole=True)
    drawn = torch.randn(projections, a.shape[1], generator=rng, device=rng.device).to(a)
    directions = functional.normalize(drawn, dim=1)
    total = 0.0
    for some in directions.split(max(1, BLOCK // len(a))):
        gaps = _ordered(some, a) - _ordered(some, b)
        total += float(gaps.abs().mean(dim=1).cpu().double().sum())
    return total / projections


def _ordered(directions: Tensor, points: Tensor) -> Tensor:
    """Places of the points along each direction, in order, (directions, P)."""
    return (directions @ points.T).sort(dim=1).values


def _draw_places(images: Images, level: int, count: int, rng: torch.Generator) -> Tensor:
    """Upper left corners of patches on a level, row and column: (2, N, count)."""
    sides = [side // 2**level for side in images.shape[-2:]]
    shape = (len(images), count)
    drawn = [
        torch.randint(side - PATCH + 1, shape, generator=rng, device=rng.device) for side in sides
    ]
    return torch.stack(drawn).to(images.device)


def _descriptors(images: Images, level: int, levels: int, places: Tensor) -> Tensor:
    """Normalised patches of one level of all pictures, (N * count, 7 * 7 * 3)."""
    groups = zip(images.split(BATCH), places.split(BATCH, dim=1), strict=True)
    cut = torch.cat(
        [_cut(laplacian_pyramid(_as_files(batch), levels)[level], where) for batch, where in groups]
    )
    spread, mean = torch.std_mean(cut, dim=(0, 1, 2), correction=0, keepdim=True)
    return cut.sub_(mean).div_(spread.clamp(min=FAINTEST)).flatten(1)


def _cut(level: Tensor, places: Tensor) -> Tensor:
    """Patches (N * count, 7, 7, 3) of pictures (N, 3, H, W)."""
    inside = torch.arange(PATCH, device=level.device)
    row = places[0][..., None, None] + inside[:, None]  # (N, count, 7, 1)
    column = places[1][..., None, None] + inside  # (N, count, 1, 7)
    picture = torch.arange(len(level), device=level.device)[:, None, None, None]
    return level[picture, :, row, column].flatten(0, 1)


def _as_files(images: Images) -> Images:
    """What reading the saved pictures back would give: rendered and loaded sets score alike."""
    return images.float().clamp(-1, 1).add(1).mul(127.5).round().div(127.5).sub(1)


def _shrink(images: Tensor) -> Tensor:
    return _blur(images)[..., ::2, ::2]


def _enlarge(images: Tensor) -> Tensor:
    """Twice the size: zeros between the pixels, then filled by the blur."""
    count, channels, height, width = images.shape
    spaced = images.new_zeros(count, channels, 2 * height, 2 * width)
    spaced[..., ::2, ::2] = images
    return 4 * _blur(spaced)


def _blur(images: Tensor) -> Tensor:
    """Binomial blur over 5 x 5 pixels, edges mirrored."""
    line = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]).to(images) / 16
    flat = functional.pad(images.flatten(0, 1)[:, None], (2, 2, 2, 2), mode="reflect")
    return functional.conv2d(flat, torch.outer(line, line)[None, None])[:, 0].view_as(images)


def _default_levels(images: Images) -> int:
    """As many levels as keep the shorter side at 16 pixels or more, at least one."""
    levels, side = 1, min(images.shape[-2:])
    while side % 2 == 0 and side // 2 >= SMALLEST:
        levels, side = levels + 1, side // 2
    return levels


def _check_levels(images: Images, levels: int) -> None:
    check_number("levels", levels, low=1, whole=True)
    times = 2 ** (levels - 1)
    if any(side % times or side // times < PATCH for side in images.shape[-2:]):
        raise InputError.about(
            "images",
            expected=f"sides that are multiples of {times}, at least {PATCH * times}, "
            f"for {levels} levels",
            got=tuple(images.shape[-2:]),
            hint="ask for fewer levels",
        )


def _check_set(name: str, images: Images) -> None:
    """Pictures; a generator without tanh may leave [-1, 1]."""
    check_shape(name, images, ("N", 3, "H", "W"))
    for batch in images.split(BATCH):
        fits = batch.is_floating_point() and batch.abs().amax() <= OVERSHOOT
        check_images(name, batch.clamp(-1, 1) if fits else batch)
