"""Pictures as samples, several to a pixel: drawn over one another, then averaged and counted.

Offers `Canvas` and `blank`. Blocks of samples are what coarse questions are asked of (may anything
be seen here?). Knows nothing of what is drawn. Read first: batch.py. Read next: tracer.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from hw5.world.batch import MANY_ROWS, ROW, chunks, pack
from hw5.world.camera import plane

SAMPLES = 2  # per pixel and axis
BLOCK = 4  # samples per block and axis
MOST_PARTS = 51  # so many that a part and its votes, one per sample of a pixel, fit in a byte
NOWHERE = -math.inf  # depth of the background

Opacity = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Canvas:
    """Samples of all pictures; what is drawn later covers what was drawn before."""

    size: int  # pixels
    x: Tensor  # (P,) picture plane
    y: Tensor
    colour: Tensor  # (N, 3, P) in [0, 1]
    depth: Tensor  # (N, P) world z of the surface
    part: Tensor  # (N, P) uint8, 0 the background

    @property
    def resolution(self) -> int:
        """Samples per axis."""
        return self.size * SAMPLES

    @property
    def blocks(self) -> int:
        """Blocks per axis."""
        return self.resolution // BLOCK

    def samples(self, block: Tensor) -> Tensor:
        """Samples `(R, 16 T)` of the blocks `(R, T)`."""
        inside = torch.arange(BLOCK, device=block.device)
        row = (block // self.blocks * BLOCK)[..., None, None] + inside[:, None]
        column = (block % self.blocks * BLOCK)[..., None, None] + inside
        return (row * self.resolution + column).flatten(1)

    def cover(self, near: Tensor, tint: Tensor, opacity: Opacity) -> Tensor:
        """Draw what has an opacity at every point of the picture plane, such as lines.

        Args:
            near: the blocks `(N, B)` bool in which anything of it may be seen.
            tint: its colour, `(N, 1, 3)`, or `(N, 1, 1)` for a grey.
            opacity: called with pictures `(R,)`, X, Y and the depth of what is there already, each
                `(R, K)`; gives the opacity `(R, K)` in [0, 1].

        Returns:
            The opacity of every sample, `(N, P)`.
        """
        covered = torch.zeros_like(self.depth)
        for some in chunks(pack(near, ROW // BLOCK**2), MANY_ROWS, full=False):
            who, sample = some.picture[:, None], self.samples(some.unit)
            depth = self.depth[who, sample]
            share = opacity(some.picture, self.x[sample], self.y[sample], depth)
            behind = self.colour[who, :, sample]
            front = tint[some.picture]
            self.colour[who, :, sample] = behind + share[..., None] * (front - behind)
            covered[who, sample] = share
        return covered

    def average(self, samples: Tensor) -> Tensor:
        """Mean of the samples of each pixel: `(N, C, P)` -> `(N, C, size, size)`."""
        side = self.resolution
        return torch.nn.functional.avg_pool2d(samples.unflatten(2, (side, side)), SAMPLES)

    def vote(self) -> Tensor:
        """The most frequent part of each pixel, the lowest index at a tie: `(N, size, size)`."""
        size, last = self.size, MOST_PARTS - 1
        pixels = self.part.reshape(-1, size, SAMPLES, size, SAMPLES)
        votes = [pixels[:, :, i, :, j] for i in range(SAMPLES) for j in range(SAMPLES)]
        best = torch.zeros_like(votes[0])
        for vote in votes:
            count = torch.stack([vote == other for other in votes]).sum(0, dtype=torch.uint8)
            best = torch.maximum(best, count * MOST_PARTS + (last - vote))
        return last - best % MOST_PARTS


def blank(size: int, backdrop: Callable[[Tensor, Tensor], Tensor], device: torch.device) -> Canvas:
    """Pictures of the background alone.

    Args:
        size: pixels.
        backdrop: called with X and Y `(1, P)`; gives colours `(N, 3, P)` in [0, 1].
        device: where the samples are.
    """
    x, y = plane(size * SAMPLES, device)
    colour = backdrop(x[None], y[None])
    empty = torch.zeros_like(colour[:, 0])
    depth = torch.full_like(empty, NOWHERE)
    return Canvas(size, x, y, colour, depth, empty.to(torch.uint8))
