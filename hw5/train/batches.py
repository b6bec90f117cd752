"""Mini-batches of training pictures, with their scores for those who need pairs."""

from __future__ import annotations

import sys
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from hw5.train.pairs import factors_of, scores
from hw5.world import dataset
from hw5.world.factors import Factors


class Batch(NamedTuple):
    """Pictures in [-1, 1], part indices, normal scores of the factors, which are mirrored."""

    images: Tensor  # (N, 3, H, W)
    parts: Tensor  # (N, H, W)
    scores: Tensor  # (N, NUM_DRAWS)
    mirrored: Tensor  # (N,)

    def factors(self) -> Factors:
        """The cats in the pictures."""
        return factors_of(self.scores, self.mirrored)


def tell(done: int, count: int) -> None:
    """Say every 1,024 pictures how far the rendering is: it takes minutes, once."""
    if done % 1_024 == 0 or done == count:
        print(f"rendered {done:,} of {count:,} pictures", file=sys.stderr, flush=True)


def same_window(side: int | None, rng: torch.Generator, *pictures: Tensor) -> tuple[Tensor, ...]:
    """One square of `side` pixels, anywhere, out of pictures (N, C, H, W) of one size.

    None: all of them. A window makes what looks at large pictures as cheap as it was at small ones.
    """
    room = pictures[0].shape[-1] - side if side else 0
    if room <= 0:
        return pictures
    top, left = torch.randint(room + 1, (2,), generator=rng).tolist()
    return tuple(p[..., top : top + side, left : left + side] for p in pictures)


class Pictures:
    """The training split, shuffled anew each time round, every other picture mirrored."""

    def __init__(
        self, split: str, count: int, *, device: torch.device, compiled: bool, size: int = 64
    ) -> None:
        """Render or load the first `count` pictures of a split and keep them on `device`."""
        stored = dataset.pictures(
            split, count, size=size, compiled=compiled, device=device, with_segmentation=True,
            on_step=lambda done: tell(done, count),
        )  # fmt: skip
        self.pictures = torch.from_numpy(np.array(stored)).to(device)
        self.scores = scores(split, torch.arange(count))

    def __len__(self) -> int:
        """Number of pictures, mirror images not counted."""
        return len(self.pictures)

    def batch(self, size: int, *, rng: torch.Generator) -> Batch:
        """Draw `size` pictures with replacement."""
        index = torch.randint(len(self), (size,), generator=rng)
        mirrored = torch.rand(size, generator=rng) < 0.5
        chosen = self.pictures[index.to(self.pictures.device)]
        flip = mirrored.to(chosen.device)[:, None, None, None]
        chosen = torch.where(flip, chosen.flip(3), chosen)
        image = chosen[:, :3].float() / 127.5 - 1.0
        return Batch(image, chosen[:, 3].long(), self.scores[index], mirrored)
