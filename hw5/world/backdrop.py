"""What stands behind the cat: plain, gradient, window, grass, night sky or stripes.

Each backdrop is a function of the picture plane, X right and Y up in [-1, 1], in RGB [0, 1].
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from hw5.world.colour import Colour, grey, hsv, mix, scale, step
from hw5.world.factors import BACKGROUNDS, Factors

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


def _window(x: Tensor, y: Tensor, f: Factors) -> Colour:
    """A wall with a four-pane window and a pale sky behind it."""
    wall = scale(_tint(f), 1.0 - 0.08 * y)
    sky = mix(grey(y, (0.62, 0.80, 0.95)), (0.93, 0.96, 0.98), step(-y + 0.5, 1.2))
    inside = step(0.66 - x.abs(), 0.03) * step(0.30 - (y - 0.42).abs() + 0.16, 0.03)
    frame = torch.maximum(step(0.035 - x.abs(), 0.02), step(0.035 - (y - 0.42).abs(), 0.02))
    border = step(0.72 - x.abs(), 0.03) * step(0.52 - (y - 0.42).abs(), 0.03)
    return mix(mix(_spread(wall, y), (0.95, 0.94, 0.91), border), sky, inside * (1.0 - frame))


def _grass(x: Tensor, y: Tensor, f: Factors) -> Colour:
    """A meadow with blades against a sky whose light follows the brightness factor."""
    light = 0.55 + 0.45 * f["background_brightness"][:, None]
    sky = mix(grey(y, (0.55, 0.78, 0.96)), (0.86, 0.93, 0.98), step(0.45 - y, 1.2))
    blades = 0.09 * torch.cos(23.0 * x + 3.0 * torch.sin(7.0 * x)) * torch.cos(61.0 * x + 1.0)
    ground = step(-0.12 + blades - y, 0.05)
    shade = 0.78 + 0.22 * torch.cos(37.0 * x + 9.0 * y) * torch.cos(11.0 * y - 5.0 * x)
    meadow = scale(mix(grey(y, (0.36, 0.66, 0.24)), (0.20, 0.42, 0.15), step(-y - 0.4, 1.0)), shade)
    return scale(mix(sky, meadow, ground), light)


_STARS = torch.rand(36, 3, generator=torch.Generator().manual_seed(16726))


def _night(x: Tensor, y: Tensor, f: Factors) -> Colour:
    """Dark blue sky, stars and a moon."""
    sky = mix(grey(y, (0.05, 0.06, 0.16)), (0.14, 0.15, 0.33), step(-y, 2.2))
    for right, up, size in _STARS.tolist():
        d2 = (x - (2.0 * right - 1.0)) ** 2 + (y - (2.0 * up - 1.0)) ** 2
        sky = mix(sky, (0.98, 0.97, 0.88), step(0.012 + 0.016 * size - torch.sqrt(d2), 0.02))
    moon = torch.sqrt((x + 0.66) ** 2 + (y - 0.68) ** 2)
    bite = torch.sqrt((x + 0.58) ** 2 + (y - 0.72) ** 2)
    crescent = step(0.17 - moon, 0.03) * step(bite - 0.13, 0.03)
    return mix(sky, (0.98, 0.95, 0.80), crescent)


def _stripes(x: Tensor, y: Tensor, f: Factors) -> Colour:
    """Wallpaper of upright stripes in two shades of the tint."""
    band = step(torch.cos(12.0 * x), 0.25)
    return mix(_spread(_tint(f), x), _tint(f, 18.0, 0.78), band)


_DRAW: tuple[Backdrop, ...] = (_plain, _gradient, _window, _grass, _night, _stripes)
assert len(_DRAW) == len(BACKGROUNDS)


def backdrop(x: Tensor, y: Tensor, factors: Factors) -> Tensor:
    """Background colours `(N, 3, P)` at picture-plane points `(1, P)`, each cat by its own kind."""
    kinds = factors["background"].round().long()
    out = x.new_empty(len(factors), 3, x.shape[1])
    for kind in kinds.unique().tolist():
        chosen = kinds == kind
        colour = _DRAW[kind](x, y, factors.select(chosen))
        out[chosen] = torch.stack([c.expand(int(chosen.sum()), x.shape[1]) for c in colour], 1)
    return out
