"""Part 4. Walk from one code to another, and mix codes layer by layer.

Offers `lerp`, `slerp`, `mix_layers`, `walk` and `interpolate`. Codes come from latents.py or, for
photographs, from projector.py; kit.images makes a strip or a GIF of the frames. Read next: draw.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from hw5.config import Interpolation
from hw5.kit.checks import InputError, brief, check_choice, check_number, check_shape
from hw5.latents import check_codes, drawn_noise, render
from hw5.shapes import Codes, Images

if TYPE_CHECKING:
    from hw5.models.generator import Generator, Noise

DEFAULTS = Interpolation()  # frozen, so every call may share it

# Directions closer than this, in radians, are taken as equal (or opposite): float32 cannot tell.
SMALLEST_ANGLE = 1e-3


def lerp(a: Codes, b: Codes, t: float | Tensor) -> Codes:
    """Task 4.1 (about 3 lines, 5 minutes). Straight line: (1 - t) a + t b.

    Hint: `as_column` lets t line up with the codes. a + t (b - a) looks the same, but rounding may
    miss b at t = 1. Expected: exactly a at t = 0, exactly b at t = 1.

    Args:
        a: (N, ...), any space.
        b: (N, ...), as a.
        t: a number, or (T,) with N = 1 for T codes at once; outside [0, 1] it extrapolates.

    Returns:
        (N, ...) or (T, ...).

    Raises:
        InputError: a and b differ in shape.
    """
    check_shape("b", b, tuple(a.shape), hint="a and b must come from the same space")
    # BEGIN SOLUTION task_4_1
    t = as_column(t, a)
    from_a, from_b = (1 - t) * a, t * b
    return from_a + from_b
    # END SOLUTION


def slerp(a: Codes, b: Codes, t: float | Tensor) -> Codes:
    """Task 4.2 (about 5 lines, 20 minutes). Along the arc: Shoemake 1985.

    sin((1 - t) A) / sin(A) a + sin(t A) / sin(A) b, with A the angle between a and b. Random z all
    have nearly the same length, sqrt(d); the straight line between two of them passes far inside
    that shell (at 0.71 of its radius if they are perpendicular), where a DCGAN has seen nothing.
    The arc stays on it. Lengths that differ are blended along the way.

    Where A is nearly 0, or a code is zero and has no direction, it is `lerp`.

    Hint: `angle_between` gives A, (N, 1); `torch.where(is_straight, 1, angle)` keeps the division
    safe. Expected: on the unit circle, t = 0.25 between 0 and 90 degrees is 22.5 degrees.

    Args:
        a: (N, ..., d), any space; angles are taken along d.
        b: (N, ..., d), as a.
        t: a number, or (T,) with N = 1 for T codes at once.

    Returns:
        (N, ..., d) or (T, ..., d).

    Raises:
        InputError: a and b differ in shape, or are opposite: then no arc is the shortest.
    """
    check_shape("b", b, tuple(a.shape), hint="a and b must come from the same space")
    angle = angle_between(a, b)  # (N, ..., 1)
    is_straight = (angle < SMALLEST_ANGLE) | (a.norm(dim=-1, keepdim=True) == 0)
    is_straight = is_straight | (b.norm(dim=-1, keepdim=True) == 0)
    # BEGIN SOLUTION task_4_2
    t_column = as_column(t, a)
    safe = torch.where(is_straight, 1.0, angle)
    from_a = torch.sin((1 - t_column) * safe) / torch.sin(safe)
    from_b = torch.sin(t_column * safe) / torch.sin(safe)
    return torch.where(is_straight, lerp(a, b, t), from_a * a + from_b * b)
    # END SOLUTION


def mix_layers(a: Codes, b: Codes, layers: Sequence[int]) -> Codes:
    """Task 4.3 (about 3 lines, 5 minutes). Style mixing: code a with some layers of code b.

    Karras et al. 2019 (StyleGAN), section 3.1. Early layers carry pose and shape, late ones colour.

    Hint: work on a copy, index with a list. Expected: no layers give a, all layers give b, and a
    itself is never changed.

    Args:
        a: w+ (N, L, d).
        b: w+ (N, L, d).
        layers: indices from 0 to L - 1.

    Returns:
        (N, L, d).

    Raises:
        InputError: a and b differ in shape, or a layer that does not exist.
    """
    check_shape("a", a, ("N", "L", "d"), hint="mixing needs w+; use latents.broadcast_layers on w")
    check_shape("b", b, tuple(a.shape), hint="a and b must come from the same space")
    check_layers(layers, a.shape[1])
    # BEGIN SOLUTION task_4_3
    mixed = a.clone()
    chosen = list(layers)
    mixed[:, chosen] = b[:, chosen]
    return mixed
    # END SOLUTION


def walk(a: Codes, b: Codes, num_frames: int, *, path: str = "linear") -> Codes:
    """Task 4.4 (about 3 lines, 10 minutes). The codes of a film from a to b, both ends included.

    Hint: `torch.linspace` gives t from 0 to 1, on a's device and of its dtype; `PATHS` lists the
    functions. Expected: the first frame is exactly a, the last exactly b, and equal steps between.

    Args:
        a: (1, ...), any space.
        b: (1, ...), as a.
        num_frames: T, at least 2.
        path: "linear" or "spherical".

    Returns:
        (T, ...).

    Raises:
        InputError: fewer than two frames, or an unknown path.
    """
    check_number("num_frames", num_frames, low=2, whole=True)
    check_choice("path", path, tuple(PATHS))
    # BEGIN SOLUTION task_4_4
    t = torch.linspace(0, 1, num_frames, device=a.device, dtype=a.dtype)
    along = PATHS[path]
    return along(a, b, t)
    # END SOLUTION


@dataclass(frozen=True)
class Interpolated:
    """A film between two codes."""

    frames: Images  # (T, 3, H, W) in [-1, 1] or slightly beyond
    codes: Codes  # (T, ...), one per frame
    settings: Interpolation


def interpolate(
    generator: Generator,
    a: Codes,
    b: Codes,
    space: str,
    *,
    settings: Interpolation = DEFAULTS,
    noise: Noise = "fixed",
    rng: torch.Generator | None = None,
) -> Interpolated:
    """Task 4.5 (about 5 lines, 10 minutes). Render the walk from a to b.

    Hint: `codes.split(settings.batch_size)` bounds the memory; no gradient is needed. Expected:
    the first and the last frame are the pictures of a and b.

    Args:
        generator: see models/generator.py.
        a: one code: z (1, d), w (1, 1, d) or w+ (1, L, d).
        b: as a.
        space: the space they are from.
        settings: see config.py. "auto" is spherical in z, where random codes lie on a shell, and
            linear in w and w+, which the mapping network has straightened.
        noise: as for `latents.render`, the same for all frames, or the film flickers.
        rng: source of random noise, with noise "random".

    Raises:
        InputError: codes that do not fit the space or each other, or noise that `render` refuses.
    """
    for name, codes in (("a", a), ("b", b)):
        check_codes(name, generator, codes, space)
        check_shape(name, codes, (1, *codes.shape[1:]), hint="interpolate takes one code each")
    noise = drawn_noise(generator, noise, 1, rng=rng)
    path = settings.path
    if path == "auto":
        path = "spherical" if space == "z" else "linear"
    # BEGIN SOLUTION task_4_5
    codes = walk(a, b, settings.num_frames, path=path)
    with torch.no_grad():
        batches = codes.split(settings.batch_size)
        frames = torch.cat([render(generator, part, space, noise=noise) for part in batches])
    return Interpolated(frames=frames, codes=codes, settings=settings)
    # END SOLUTION


# ---------------------------------------------------------------- given: used by the tasks above

PATHS = {"linear": lerp, "spherical": slerp}


def as_column(t: float | Tensor, codes: Codes) -> Tensor:
    """A number or (T,) as (1 or T, 1, ...), with as many axes as `codes`, to multiply them."""
    column = torch.as_tensor(t, device=codes.device, dtype=codes.dtype)
    return column.reshape(-1, *[1] * (codes.dim() - 1))


def angle_between(a: Codes, b: Codes) -> Tensor:
    """Angle between the directions of a and b along the last axis, (N, ..., 1), in [0, pi].

    2 atan2(|u - v|, |u + v|) of the unit vectors (Kahan 2006); the arc cosine of their product
    would lose half of the digits where they are nearly parallel.

    Raises:
        InputError: a code is the opposite of another.
    """
    u, v = F.normalize(a, dim=-1), F.normalize(b, dim=-1)
    apart, along = (x.norm(dim=-1, keepdim=True) for x in (u - v, u + v))
    angle = 2 * torch.atan2(apart, along)
    if bool((angle > torch.pi - SMALLEST_ANGLE).any()):
        raise InputError.about(
            "b",
            expected="a code that is not the opposite of a",
            got="an angle of 180 degrees",
            hint="every arc between them is as short as any other; go by a third code",
        )
    return angle


def check_layers(layers: Sequence[int], num_layers: int) -> None:
    """Require whole numbers from 0 to num_layers - 1.

    Raises:
        InputError: another one.
    """
    for layer in layers:
        if not isinstance(layer, int) or not 0 <= layer < num_layers:
            raise InputError.about(
                "layers", expected=f"whole numbers from 0 to {num_layers - 1}", got=brief(layer)
            )
