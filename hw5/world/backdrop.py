"""What stands behind the cat: plain, gradient, window, grass, night sky or stripes.

Each backdrop is a function of the picture plane, X right and Y up in [-1, 1], in RGB [0, 1]. The
tint of most follows the factors of the background. Read next: render.py.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from hw5.kit.checks import InputError
from hw5.world.colour import Colour, grey, hsv, mix, scale, step
from hw5.world.factors import BACKGROUNDS, Factors

_STARS, _FLOWERS = torch.rand(2, 36, 3, generator=torch.Generator().manual_seed(16726))
_PETALS = ((0.98, 0.97, 0.94), (0.97, 0.84, 0.30), (0.93, 0.55, 0.66))
_WOODWORK = (0.95, 0.94, 0.91)

Backdrop = Callable[[Tensor, Tensor, Factors], Colour]


def _tint(f: Factors, hue_shift: float = 0.0, brightness: float = 1.0) -> Colour:
    values = f["background_saturation"][:, None], f["background_brightness"][:, None]
    hue = (f["background_hue"][:, None] + hue_shift) % 360.0
    return hsv(hue, values[0], (values[1] * brightness).clamp(0.0, 1.0))


def _spread(colour: Colour, like: Tensor) -> Colour:
    return tuple(channel + torch.zeros_like(like) for channel in colour)


def _plain(x: Tensor, y: Tensor, f: Factors) -> Colour:
    """One colour with a soft vignette."""
    return scale(_tint(f), 1.0 - 0.10 * (x * x + y * y))


def _gradient(x: Tensor, y: Tensor, f: Factors) -> Colour:
    """From a darker, shifted hue below to the tint above."""
    return mix(_spread(_tint(f, 45.0, 0.62), y), _tint(f, 0.0, 1.1), step(y, 2.4))


def _sky(x: Tensor, y: Tensor) -> Colour:
    """A summer sky with soft clouds, paler towards the horizon."""
    clear = mix(grey(x + y, (0.42, 0.68, 0.94)), (0.88, 0.94, 0.98), step(0.35 - y, 1.5))
    puffs = torch.cos(4.2 * x + 1.0 + 1.4 * torch.cos(3.1 * y)) * torch.cos(7.0 * y - 1.9 * x + 2.0)
    puffs = puffs + 0.35 * torch.cos(11.0 * x + 5.0 * y) * torch.cos(9.0 * y - 3.0 * x)
    return mix(clear, (1.0, 1.0, 1.0), 0.85 * step(puffs - 0.45, 0.7) * step(y - 0.05, 0.5))


def _hills(x: Tensor, y: Tensor, sky: Colour) -> Colour:
    """Two rows of hills, the farther one hazier."""
    far = 0.10 + 0.08 * torch.cos(2.3 * x + 0.8) + 0.03 * torch.cos(5.9 * x)
    near = 0.00 + 0.05 * torch.cos(3.0 * x - 1.6)
    hazy = mix(sky, (0.60, 0.76, 0.74), step(far - y, 0.02))
    return mix(hazy, (0.48, 0.68, 0.44), step(near - y, 0.02))


def _window(x: Tensor, y: Tensor, f: Factors) -> Colour:
    """A wall with a window onto hills, a sill below it and curtains at its sides."""
    wall = _spread(scale(_tint(f), 1.0 - 0.08 * y), x + y)
    up = (y - 0.42).abs()
    outside = _hills(1.6 * x + 0.4, 1.3 * (y - 0.12), _sky(1.3 * x, y))
    bars = torch.maximum(step(0.030 - x.abs(), 0.02), step(0.030 - up, 0.02))
    pane = step(0.66 - x.abs(), 0.03) * step(0.46 - up, 0.03) * (1.0 - bars)
    border = step(0.73 - x.abs(), 0.03) * step(0.53 - up, 0.03)
    sill = step(0.80 - x.abs(), 0.03) * step(0.045 - (y + 0.13).abs(), 0.02)
    room = mix(wall, _WOODWORK, torch.maximum(border, sill))
    room = mix(room, outside, pane)
    folds = 0.86 + 0.14 * torch.cos(48.0 * x.abs() + 5.0 * y)
    cloth = scale(_spread(_tint(f, 150.0, 1.05), x + y), folds)
    hem = 0.66 + 0.10 * step(y - 0.1, 1.2) - 0.08 * step(y - 0.5, 1.0)
    hanging = step(x.abs() - hem, 0.03) * step(y + 0.24, 0.03) * step(0.93 - x.abs(), 0.03)
    return mix(room, cloth, hanging)


def _grass(x: Tensor, y: Tensor, f: Factors) -> Colour:
    """A meadow with flowers before hills; the brightness factor is the light of the day."""
    light = 0.55 + 0.45 * f["background_brightness"][:, None]
    depth = (-0.06 + 0.03 * torch.cos(2.2 * x + 2.0) - y).clamp(min=0.0)  # 0 at the horizon
    lawn = mix(grey(x + y, (0.60, 0.76, 0.36)), (0.25, 0.52, 0.19), step(depth - 0.45, 1.1))
    across, away = x / (depth + 0.45), torch.log(depth + 0.12)
    tufts = torch.cos(38.0 * across + 3.0 * torch.cos(8.0 * away)) * torch.cos(
        17.0 * away + 2.0 * torch.cos(13.0 * across)
    )
    lawn = scale(lawn, 1.0 + 0.13 * tufts * step(depth - 0.12, 0.2))
    for right, below, kind in _FLOWERS.tolist():
        size = 0.012 + 0.030 * below
        squashed = torch.sqrt((x - (2.0 * right - 1.0)) ** 2 + 1.6 * (depth - below) ** 2)
        petals, heart = step(size - squashed, 0.02), step(0.4 * size - squashed, 0.02)
        lawn = mix(mix(lawn, _PETALS[int(3 * kind)], petals), (0.96, 0.76, 0.20), heart)
    return scale(mix(_hills(x, y, _sky(x, y)), lawn, step(depth - 0.005, 0.01)), light)


def _night(x: Tensor, y: Tensor, f: Factors) -> Colour:
    """Dark blue sky, stars, a moon, and hills under it."""
    sky = mix(grey(x + y, (0.04, 0.05, 0.15)), (0.17, 0.17, 0.38), step(-y, 2.2))
    for right, up, size in _STARS.tolist():
        d2 = (x - (2.0 * right - 1.0)) ** 2 + (y - (2.0 * up - 1.0)) ** 2
        sky = mix(sky, (0.98, 0.97, 0.88), step(0.012 + 0.016 * size - torch.sqrt(d2), 0.02))
    moon = torch.sqrt((x + 0.66) ** 2 + (y - 0.68) ** 2)
    bite = torch.sqrt((x + 0.58) ** 2 + (y - 0.72) ** 2)
    sky = mix(sky, (0.55, 0.55, 0.70), 0.35 * step(0.12 - moon, 0.5))
    sky = mix(sky, (0.98, 0.95, 0.80), step(0.17 - moon, 0.03) * step(bite - 0.13, 0.03))
    ridge = -0.28 + 0.09 * torch.cos(2.6 * x + 0.5) + 0.03 * torch.cos(6.1 * x)
    return mix(sky, (0.05, 0.07, 0.11), step(ridge - y, 0.02))


def _stripes(x: Tensor, y: Tensor, f: Factors) -> Colour:
    """Wallpaper of upright stripes in two shades of the tint."""
    band = step(torch.cos(12.0 * x), 0.25)
    return mix(_spread(_tint(f), x), _tint(f, 18.0, 0.78), band)


_DRAW: tuple[Backdrop, ...] = (_plain, _gradient, _window, _grass, _night, _stripes)
assert len(_DRAW) == len(BACKGROUNDS)


def backdrop(x: Tensor, y: Tensor, factors: Factors) -> Tensor:
    """Background colours `(N, 3, P)` at picture-plane points `(1, P)`, each cat by its own kind.

    Raises:
        InputError: a background that is none of `BACKGROUNDS`.
    """
    kinds = factors["background"].round().long()
    unknown = (kinds < 0) | (kinds >= len(_DRAW))
    if unknown.any():
        expected = f"a number from 0 to {len(_DRAW) - 1}: {', '.join(BACKGROUNDS)}"
        got = f"{kinds[unknown][0]:g}"
        raise InputError.about("background", expected=expected, got=got)
    out = x.new_empty(len(factors), 3, x.shape[1])
    for kind in kinds.unique().tolist():
        chosen = kinds == kind
        colour = _DRAW[kind](x, y, factors.select(chosen))
        out[chosen] = torch.stack([c.expand(int(chosen.sum()), x.shape[1]) for c in colour], 1)
    return out
