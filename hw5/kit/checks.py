"""Checks at public doors: say what was expected, what came, and what to do, in one line.

Offers `InputError` and `check_shape`, `check_images`, `check_mask`, `check_finite`,
`check_choice`, `check_number`. Read next: images.py. The checks return nothing and never repair: a
wrong tensor is the caller's to fix.
"""

from __future__ import annotations

import difflib
import math
import numbers
from collections.abc import Collection, Sequence

import torch

from hw5.shapes import Images, Mask

# Pictures that went through uint8 or a resize may leave [-1, 1] by a rounding error, never by more.
RANGE_SLACK = 1e-3
MANY = 10**9  # of anything that is counted


class InputError(ValueError):
    """A file, option or argument cannot be used; the message is one printable line."""

    def __init__(self, message: str) -> None:
        """Store `message` with line breaks and other unprintable characters escaped."""
        super().__init__("".join(c if c.isprintable() else ascii(c)[1:-1] for c in message))

    @classmethod
    def about(cls, name: str, *, expected: str, got: object, hint: str = "") -> InputError:
        """Return the error "name: expected ..., got .... Hint: ..."; `hint` may be empty."""
        tail = f" Hint: {hint}" if hint else ""
        return cls(f"{name}: expected {expected}, got {got}.{tail}")


def brief(value: object, limit: int = 60) -> str:
    """Return `value` as Python writes it, cut to `limit` characters, for use in messages."""
    try:
        text = ascii(value)
    except ValueError:  # Python refuses to write whole numbers of thousands of digits
        text = f"a huge {type(value).__name__}"
    return text if len(text) <= limit else text[: limit - 3] + "..."


def check_shape(
    name: str, tensor: torch.Tensor, expected: Sequence[int | str], *, hint: str = ""
) -> None:
    """Require a tensor of the `expected` shape.

    Args:
        name: the argument's name, for the message.
        tensor: what came.
        expected: an int fixes a size, a letter leaves it free; the same letter twice must be the
            same size.
        hint: what to do when it fails.

    Raises:
        InputError: not a tensor, or of another shape.
    """
    wanted = "(" + ", ".join(map(str, expected)) + ("," if len(expected) == 1 else "") + ")"
    if not isinstance(tensor, torch.Tensor):
        raise InputError.about(
            name, expected=f"a tensor {wanted}", got=type(tensor).__name__, hint=hint
        )
    sizes: dict[str, int] = {}
    fits = tensor.dim() == len(expected) and all(
        actual == (sizes.setdefault(want, actual) if isinstance(want, str) else want)
        for want, actual in zip(expected, tensor.shape, strict=True)
    )
    if not fits:
        raise InputError.about(name, expected=wanted, got=tuple(tensor.shape), hint=hint)


def check_finite(name: str, tensor: torch.Tensor) -> None:
    """Require that `tensor` (any shape) holds neither NaN nor infinity.

    Raises:
        InputError: it does; the message counts them.
    """
    if not isinstance(tensor, torch.Tensor):
        raise InputError.about(name, expected="a tensor", got=type(tensor).__name__)
    num_bad = int((~torch.isfinite(tensor.detach())).sum())
    if num_bad:
        got = f"{num_bad} of {tensor.numel()} that are NaN or infinite"
        raise InputError.about(name, expected="finite values", got=got)


def check_images(name: str, images: Images, *, size: int | None = None) -> None:
    """Require pictures: float RGB in [-1, 1], (N, 3, H, W) with N >= 1, or (N, 3, size, size).

    Meant for what people hand in. A generator's raw output may leave [-1, 1] and needs
    `check_shape` only.

    Raises:
        InputError: another shape, an integer type, NaN, or out of range (the message guesses the
            slip).
    """
    hint = _guess_shape_slip(images, size)
    check_shape(name, images, ("N", 3, size or "H", size or "W"), hint=hint)
    if 0 in images.shape:
        raise InputError.about(name, expected="at least one picture", got=tuple(images.shape))
    if not images.is_floating_point():
        hint = "convert (H, W, 3) bytes with kit.images.from_uint8"
        raise InputError.about(
            name, expected="floating values in [-1, 1]", got=images.dtype, hint=hint
        )
    check_finite(name, images)
    low, high = (float(edge) for edge in torch.aminmax(images.detach()))
    if low < -1 - RANGE_SLACK or high > 1 + RANGE_SLACK:
        looks_like_bytes = low >= 0 and 2 < high <= 255
        hint = "looks like [0, 255]: use kit.images.from_uint8" if looks_like_bytes else ""
        raise InputError.about(
            name, expected="values in [-1, 1]", got=f"[{low:.4g}, {high:.4g}]", hint=hint
        )


def check_mask(name: str, mask: Mask, like: Images) -> None:
    """Require a float mask of 0 and 1, (N, 1, H, W) or (1, 1, H, W), sizes as in `like`.

    A batch of one is allowed beside any N: the same mask then applies to every picture.

    Raises:
        InputError: another shape or type, or a value that is neither 0 nor 1.
    """
    num_pictures, _, height, width = like.shape
    single = isinstance(mask, torch.Tensor) and mask.dim() > 0 and mask.shape[0] == 1
    hint = "a mask has one channel and its picture's size; strokes.rasterise makes one"
    check_shape(name, mask, (1 if single else num_pictures, 1, height, width), hint=hint)
    if not mask.is_floating_point():
        raise InputError.about(
            name, expected="floating 0 and 1", got=mask.dtype, hint="use mask.float()"
        )
    if not bool(((mask == 0) | (mask == 1)).all()):
        hint = "an alpha channel becomes a mask by (alpha >= 0.5).float()"
        raise InputError.about(name, expected="only 0 and 1", got="other values", hint=hint)


def check_choice(name: str, value: object, choices: Collection[str]) -> None:
    """Require that `value` is one of `choices`.

    Raises:
        InputError: it is not; the message lists what is known and the nearest spelling.
    """
    if isinstance(value, str) and value in choices:
        return
    near = difflib.get_close_matches(str(value), choices, n=1)
    hint = f"did you mean {near[0]!r}?" if near else ""
    raise InputError.about(
        name, expected=f"one of {', '.join(map(str, choices))}", got=brief(value), hint=hint
    )


def check_number(
    name: str, value: object, *, low: float, high: float = math.inf, whole: bool = False
) -> None:
    """Require a number from `low` to `high`, both included; with `whole` an int, never a bool.

    A whole number counts something, and nothing here is counted beyond `MANY` unless `high` says
    so: 10 ** 30 steps are a slip, and no machine holds 10 ** 30 pictures.

    Raises:
        InputError: another type, NaN, or out of range.
    """
    if whole and high == math.inf and isinstance(value, numbers.Integral) and value > MANY:
        high = MANY
    kinds = numbers.Integral if whole else numbers.Real  # numpy's numbers count too
    fits = isinstance(value, kinds) and not isinstance(value, bool) and low <= value <= high
    if not fits or (isinstance(value, float) and not math.isfinite(value)):
        kind = "a whole number" if whole else "a number"
        limits = f"from {low} to {high}" if math.isfinite(high) else f"of at least {low}"
        raise InputError.about(name, expected=f"{kind} {limits}", got=brief(value))


def _guess_shape_slip(images: object, size: int | None) -> str:
    """Return a hint on why `images` is not (N, 3, H, W), or an empty string."""
    if not isinstance(images, torch.Tensor):
        return "files are read by kit.images.load, arrays converted by kit.images.from_uint8"
    if images.dim() == 3 and images.shape[0] == 3:
        return "one picture is a batch of one: use images[None]"
    if images.dim() in (3, 4) and images.shape[-1] == 3 and images.shape[-3] != 3:
        return "channels come before height and width: use kit.images.from_uint8 or permute"
    if images.dim() == 4 and images.shape[1] in (1, 4):
        return "pictures have three channels; drop alpha or repeat grey"
    if size is not None and images.dim() == 4:
        return f"use kit.images.resize(images, {size})"
    return ""
