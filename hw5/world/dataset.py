"""Training, validation and test pictures of the world, by disjoint ranges of seeds.

Picture `i` of a split is the cat of seed `start + i`, whatever the batch it was drawn in, so any
machine can make any part of a set. Offers `split_factors` and `pictures` (rendered, then cached on
disk). Read first: render.py.

Portraits are what the generators learn from. Where a factor would cost a generator of two cores'
hours more than it teaches about cats, they leave it to the scenes (factors.py has both laws):
backgrounds other than plain and gradient, and most accessories. That is a judgement, not a
measurement.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from hw5.kit.cache import cache_folder
from hw5.kit.checks import InputError, check_choice
from hw5.kit.files import atomic_write
from hw5.world import factors as factor_table
from hw5.world.factors import NUM_DRAWS, Factors
from hw5.world.render import render

SPLITS = {"train": 0, "validation": 10_000_000, "test": 20_000_000}
"""First seed of each split; a split ends where the next begins."""

_ROOM = 10_000_000
_BATCH, _COMPILED_BATCH = 8, 32  # pictures rendered at a time
_NOT_DRAWING = ("attributes.py", "captions.py", "dataset.py", "targets.py")


def split_factors(
    split: str, count: int, *, first: int = 0, distribution: str = "portraits"
) -> Factors:
    """Cats number `first` to `first + count - 1` of a split.

    Raises:
        InputError: for an unknown split, or numbers that would reach into the next one.
    """
    check_choice("split", split, tuple(SPLITS))
    if first < 0 or count < 1 or first + count > _ROOM:
        raise InputError(f"split {split}: expected cats within 0..{_ROOM - 1}, got {first}+{count}")
    rng = torch.Generator()
    draws = torch.empty(count, NUM_DRAWS)
    for i in range(count):
        rng.manual_seed(SPLITS[split] + first + i)
        draws[i] = torch.rand(NUM_DRAWS, generator=rng)
    return factor_table.from_uniforms(draws, distribution=distribution)


def renderer_digest() -> str:
    """Digest of the world's source: a rendered set is only good for the code that made it."""
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        if source.name not in _NOT_DRAWING:
            digest.update(source.read_bytes())
    return digest.hexdigest()[:12]


def pictures(
    split: str,
    count: int,
    *,
    size: int = 64,
    distribution: str = "portraits",
    compiled: bool = False,
    device: torch.device | str = "cpu",
    with_segmentation: bool = False,
    on_step: Callable[[int], None] | None = None,
) -> np.ndarray:
    """The first `count` pictures of a split, uint8 `(N, 3, H, W)`, rendered once and then cached.

    With `with_segmentation` a fourth channel holds the part indices. `on_step` is called with the
    number of pictures done. The array is memory-mapped.
    """
    name = f"{distribution}-{split}-{size}px-{count}-{renderer_digest()}"
    path = cache_folder() / f"{name}.npy"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as temporary:
            _render_to(temporary, split, count, size, distribution, compiled, device, on_step)
    stored = np.load(path, mmap_mode="r")
    return stored if with_segmentation else stored[:, :3]


def _render_to(
    path: Path, split: str, count: int, size: int, distribution: str, compiled: bool,
    device: torch.device | str, on_step: Callable[[int], None] | None,
) -> None:  # fmt: skip
    batch = _COMPILED_BATCH if compiled else _BATCH
    out = np.lib.format.open_memmap(path, "w+", np.uint8, (count, 4, size, size))
    for first in range(0, count, batch):
        cats = split_factors(split, batch, first=first, distribution=distribution).to(device)
        picture = render(cats, size, compiled=compiled)
        channels = torch.cat([_to_bytes(picture.image), picture.segmentation[:, None]], dim=1)
        rows = min(batch, count - first)
        out[first : first + rows] = channels[:rows].cpu().numpy()
        if on_step:
            on_step(first + rows)
    out.flush()


def _to_bytes(image: Tensor) -> Tensor:
    return ((image + 1.0) * 127.5).round().clamp(0, 255).to(torch.uint8)
