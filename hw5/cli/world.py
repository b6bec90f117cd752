"""`hw5 world`: render cats from factors.

Offers `world`. The world itself is hw5/world/; its table of factors is hw5/world/factors.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

if TYPE_CHECKING:
    import torch

    from hw5.world import Factors

MAX_COUNT, MAX_SIZE = 4096, 512
MAX_PIXELS = 2**28  # of the sheet, without gaps: 16,384 on a side, 7 GB while it is being made
AT_ONCE = 64 * 64 * 64  # pixels rendered side by side; each takes about 50 bytes meanwhile


def world(
    *,
    count: int = 64,
    setting: Annotated[
        tyro.conf.UseAppendAction[tuple[str, ...]],
        tyro.conf.arg(name="set", metavar="FACTOR=VALUE"),
    ] = (),
    distribution: Literal["portraits", "scenes"] = "portraits",
    neutral: bool = False,
    size: int = 64,
    seed: int = 0,
    captions: bool = False,
    segmentation: bool = False,
    factors: bool = False,
    device: str = "cpu",
    out: Path = Path("runs/world.png"),
) -> int:
    """Render a grid of cats from known factors, or one cat of your own.

    For example:
      python -m hw5 world --count 64
      python -m hw5 world --count 1 --neutral --set yaw=20 --set eye_hue=120 --size 256

    Args:
        count: number of cats, 1 to 4096 (1024 at 512 px: one picture holds them all)
        setting: fix a factor for all cats, in its unit; repeat for more (--factors lists them)
        distribution: portraits (plain backgrounds, few accessories) or scenes (everything)
        neutral: start from the neutral cat instead of random ones
        size: side of each picture in pixels, a multiple of 8 from 16 to 512
        seed: which cats; the same seed gives the same cats
        captions: print a caption for each cat
        segmentation: write the map of parts beside the picture, in false colours
        factors: list the factors with unit, range and meaning, and stop
        device: cpu, auto (an accelerator if there is one), or a name that torch knows, such as cuda
        out: picture file to write (PNG)
    """
    from hw5 import world as cats
    from hw5.kit import devices, images, seeding
    from hw5.kit.checks import check_number
    from hw5.world.captions import caption

    if factors:
        print(factor_table())
        return 0
    check_number("--count", count, low=1, high=MAX_COUNT, whole=True)
    check_sheet(count, size)
    rng = seeding.make(seed)
    drawn = {} if neutral else {"distribution": distribution, "rng": rng}
    chosen = (cats.neutral if neutral else cats.sample)(count, **drawn)
    chosen = with_settings(chosen, setting)
    print("".join(idle_settings(chosen, setting)), end="")
    image, parts = rendered(chosen.to(devices.pick(device)), size)
    images.save(out, images.grid(image))
    print(f"wrote {out}")
    if segmentation:
        print(f"wrote {save_segmentation(parts, out)}")
    if captions:
        print("\n".join(caption(chosen, rng=rng)))
    return 0


def check_size(size: int) -> None:
    """Require a size that the renderer has.

    Raises:
        InputError: not a multiple of 8 from 16 to 512.
    """
    from hw5.kit.checks import InputError

    if size % 8 or not 16 <= size <= MAX_SIZE:
        expected = f"a multiple of 8 from 16 to {MAX_SIZE}"
        raise InputError.about("--size", expected=expected, got=size)


def check_sheet(count: int, size: int) -> None:
    """Require a sheet of `count` pictures that fits in memory and in a PNG viewer.

    Raises:
        InputError: a size that the renderer lacks, or more pixels than MAX_PIXELS.
    """
    check_size(size)
    from hw5.kit.checks import InputError

    most = MAX_PIXELS // size**2
    if count > most:
        raise InputError.about(
            "--count", expected=f"at most {most} pictures at {size} px", got=count,
            hint="all of them go into one picture; make several, each with its own --seed",
        )  # fmt: skip


def rendered(factors: Factors, size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures (N, 3, H, W) and classes (N, H, W) of all cats, so many at a time as fit in memory.

    They lie on the CPU; only what is being rendered takes the renderer's working memory.
    """
    import torch

    from hw5 import world as cats

    at_once = max(1, AT_ONCE // size**2)
    pictures = [cats.render(cats.Factors(rows), size) for rows in factors.table.split(at_once)]
    image = torch.cat([picture.image.cpu() for picture in pictures])
    return image, torch.cat([picture.segmentation.cpu() for picture in pictures])


def with_settings(factors: Factors, settings: tuple[str, ...]) -> Factors:
    """Set factors by words such as `yaw=20`, each inside the range of its factor.

    Raises:
        InputError: not NAME=NUMBER, an unknown factor, or a value out of range.
    """
    from hw5.kit.checks import InputError, check_choice, check_number
    from hw5.world import FACTORS

    known = {factor.name: factor for factor in FACTORS}
    values = {}
    for words in settings:
        name, equals, text = words.partition("=")
        if not equals:
            raise InputError.about(
                f"--set {words}", expected="FACTOR=VALUE, such as yaw=20", got="no ="
            )
        check_choice("--set", name, tuple(known))
        try:
            values[name] = float(text)
        except ValueError:
            raise InputError.about(f"--set {name}", expected="a number", got=repr(text)) from None
        check_number(f"--set {name}", values[name], low=known[name].low, high=known[name].high)
    return factors.replace(**values)


def idle_settings(factors: Factors, settings: tuple[str, ...]) -> Iterator[str]:
    """A line for each setting that changes none of these cats, such as the hue of no bow tie."""
    from hw5.world import FACTORS
    from hw5.world.targets import WORN

    needed = {factor.name: factor.only_if for factor in FACTORS if factor.only_if}
    for name in dict.fromkeys(words.partition("=")[0] for words in settings):
        other = needed.get(name)
        if other and not bool((factors[other] >= WORN).any()):
            yield f"note: {name} has no effect without {other}; add --set {other}=1\n"


def factor_table() -> str:
    """One line a factor: name, range, unit, meaning."""
    from hw5.world import FACTORS

    return "\n".join(
        f"{f.name:22} {f.low:6g} .. {f.high:<6g} {f.unit:14} {f.meaning}" for f in FACTORS
    )


def save_segmentation(segmentation: torch.Tensor, out: Path) -> Path:
    """Write class indices (N, H, W) as a grid of false colours beside `out`."""
    import torch

    from hw5.kit import images
    from hw5.world import PARTS

    hues = torch.arange(len(PARTS))[:, None] / len(PARTS)  # a part has one colour in all pictures
    palette = torch.cos(2 * torch.pi * (hues + torch.tensor([0.0, 1 / 3, 2 / 3])))  # (classes, 3)
    colours = palette[segmentation.long()].movedim(-1, 1)  # (N, 3, H, W)
    path = out.with_name(f"{out.stem}_parts{out.suffix}")
    images.save(path, images.grid(colours))
    return path
