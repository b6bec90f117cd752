"""A folder of one's own pictures as a training set.

Offers `read_folder`, `OwnPictures` and `run_name`. Every picture is turned upright, cut to the
largest square in its middle and scaled down (kit/photo.py); what cannot be read is skipped and
named.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from hw5.kit.checks import InputError
from hw5.kit.images import to_uint8
from hw5.kit.photo import crop_photo

# What is taken for a picture. HEIC cannot be read, but deserves to be named with the others.
ENDINGS = (
    ".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm",
    ".heic", ".heif", ".avif",
)  # fmt: skip
HELD_OUT_SHARE, MOST_HELD_OUT = 0.1, 500  # for the figures in the card
SHUFFLE_SEED = 0


@dataclass(frozen=True)
class OwnPictures:
    """The pictures of a folder, some of them kept from training."""

    taught: Tensor  # uint8 (N, 3, size, size)
    held_out: Tensor  # uint8 (M, 3, size, size); those of `taught` where there are too few
    skipped: tuple[str, ...]  # one line for each file that could not be read

    @property
    def is_judged_apart(self) -> bool:
        """Whether those held out were kept from training."""
        return self.held_out is not self.taught

    def draw(self, count: int, rng: torch.Generator) -> Tensor:
        """`count` pictures (count, 3, size, size) in [-1, 1], every other one mirrored."""
        index = torch.randint(len(self.taught), (count,), generator=rng)
        mirrored = torch.rand(count, generator=rng) < 0.5
        chosen = self.taught[index.to(self.taught.device)]
        flip = mirrored.to(chosen.device)[:, None, None, None]
        return as_images(torch.where(flip, chosen.flip(3), chosen))

    def to(self, device: torch.device) -> OwnPictures:
        """The same on `device`."""
        return OwnPictures(self.taught.to(device), self.held_out.to(device), self.skipped)


def as_images(stored: Tensor) -> Tensor:
    """Pictures in [-1, 1] of stored bytes."""
    return stored.float() / 127.5 - 1.0


def read_folder(
    folder: Path, size: int, *, on_step: Callable[[int, int], None] = lambda done, count: None
) -> OwnPictures:
    """All pictures in `folder` and the folders in it.

    Args:
        folder: Files with other endings than pictures have are passed over, hidden ones too.
        size: Pixels per side that they are scaled to.
        on_step: Called with the files read so far and their number.

    Raises:
        InputError: No folder, no pictures in it, or none that can be read.
    """
    paths = find_pictures(folder)
    read, skipped = [], []
    for done, path in enumerate(paths, start=1):
        try:
            read.append(to_uint8(crop_photo(path, size=size))[0])
        except InputError as error:
            skipped.append(str(error))
        on_step(done, len(paths))
    if not read:
        hint = f"the first one: {skipped[0]}"
        raise InputError.about(str(folder), expected="pictures", got="none readable", hint=hint)
    stored = torch.from_numpy(np.stack(read)).permute(0, 3, 1, 2).contiguous()  # (N, 3, S, S)
    return OwnPictures(*split(stored), tuple(skipped))


def find_pictures(folder: Path) -> list[Path]:
    """Files under `folder` that are named like pictures, in the order of their names.

    Raises:
        InputError: No folder, or no such files.
    """
    if not folder.is_dir():
        got = "a file" if folder.exists() else "no such folder"
        raise InputError.about(str(folder), expected="a folder of pictures", got=got)
    inside = (path.relative_to(folder) for path in folder.rglob("*"))
    named = sorted(
        path
        for path in inside
        if path.suffix.lower() in ENDINGS and not any(p.startswith(".") for p in path.parts)
    )
    paths = [folder / path for path in named if (folder / path).is_file()]
    if not paths:
        hint = f"a picture's name ends in {', '.join(ENDINGS[:8])}"
        raise InputError.about(
            str(folder), expected="pictures", got="a folder with none", hint=hint
        )
    return paths


def split(stored: Tensor) -> tuple[Tensor, Tensor]:
    """(taught, held out): every tenth, 500 at most, drawn at random; below ten none is kept out."""
    count = min(MOST_HELD_OUT, int(HELD_OUT_SHARE * len(stored)))
    if not count:
        return stored, stored
    order = torch.randperm(len(stored), generator=torch.Generator().manual_seed(SHUFFLE_SEED))
    return stored[order[count:]], stored[order[:count]]


def run_name(name: str, folder: Path | None) -> str:
    """What the run of weight `name` is called: two folders must not share a checkpoint."""
    if folder is None:
        return name
    digest = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:8]
    return f"{name}-on-{folder.resolve().name}-{digest}"
