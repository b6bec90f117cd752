"""What a quasi-Newton search remembers, for a batch of codes that do not influence each other.

torch's own L-BFGS ties all its variables together by one line search; here every picture has a
memory of its own, and a curvature known beforehand can stand in for the identity that L-BFGS begins
with. Liu and Nocedal 1989; Nocedal and Wright, "Numerical Optimization", algorithm 7.4. Offers
`Memory`. Read next: fastest.py.
"""

from __future__ import annotations

import torch
from torch import Tensor

from hw5.inversion.curvature import Curvature
from hw5.shapes import Codes

BENT = 1e-12  # rise of the slope along a move, from which on there is curvature to speak of
TINY = 1e-20


class Memory:
    """What the last moves taught about the curvature, picture by picture."""

    def __init__(
        self,
        size: int,  # moves remembered
        curvature: Curvature | None = None,  # known beforehand; None: nothing is
        *,
        damping: float,  # for `Curvature.descent`
        first_step: float,  # length of the first step where no curvature is known, in units of w
        first_share: float = 1.0,  # of the first step in a curvature known beforehand
    ) -> None:
        """Begin without memories."""
        self.size, self.curvature, self.damping = size, curvature, damping
        self.first_step, self.first_share = first_step, first_share
        # (move, change of slope, 1 / their inner product, scale), the newest last; 0 for the last
        # two where a move taught nothing
        self.pairs: list[tuple[Tensor, Tensor, Tensor, Tensor]] = []

    def learn(self, move: Codes, change: Codes) -> None:
        """Remember a move, also a refused one: it was evaluated, so it is known.

        Where the slope fell along the move there is no minimum to go to: that picture skips it.
        """
        bent = _dot(move, change)  # (N, 1, 1)
        known = bent > BENT  # NaN is not
        change = torch.where(known, change, 0)
        scale = bent / _dot(change, self._measured(change)).clamp(min=TINY)
        both = (torch.where(known, part, 0) for part in (1 / bent, scale))
        self.pairs.append((move, change, *both))
        del self.pairs[: -self.size]

    def direction(self, slope: Codes) -> Codes:
        """Where to go: minus the inverse curvature times the slope (two-loop recursion)."""
        rest, shares = slope, []
        for move, change, inverse, _ in reversed(self.pairs):
            shares.append(inverse * _dot(move, rest))
            rest = rest - shares[-1] * change
        step = self._scaled(rest)
        for move, change, inverse, _ in self.pairs:
            step = step + move * (shares.pop() - inverse * _dot(change, step))
        uphill = _dot(step, slope) <= 0
        if uphill.any():
            step = torch.where(uphill, self._scaled(slope), step)
        return -step

    def _scaled(self, slope: Codes) -> Codes:
        """The slope in the metric known beforehand, scaled by what moves showed.

        The textbook takes the scale of the newest move, and so does a search without a metric. In a
        metric the moves are along what is left of the stiff directions, and the largest scale of
        all serves the soft ones better: 34.5 evaluations in place of 41 to one and the same loss,
        with the smaller damping that it allows.
        """
        step = self._measured(slope)
        if not self.pairs:
            if self.curvature is not None:
                return self.first_share * step
            return step * (self.first_step / _dot(step, step).sqrt().clamp(min=1e-12))
        shown = self.pairs if self.curvature is not None else self.pairs[-1:]
        scale = torch.stack([pair[-1] for pair in shown]).amax(dim=0)  # (N, 1, 1)
        return step * torch.where(scale > 0, scale, 1)

    def _measured(self, slope: Codes) -> Codes:
        if self.curvature is None:
            return slope
        return self.curvature.descent(slope, self.damping)


def _dot(a: Codes, b: Codes) -> Tensor:
    """Inner product of each picture's codes, (N, 1, 1)."""
    return (a * b).sum(dim=(1, 2), keepdim=True)
