"""A loss curve as a few hundred bytes of SVG: cheap enough to redraw five times a second.

Offers `loss_curve`. A pure function from numbers to text; matplotlib would take 50 ms and flicker.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

WIDTH, HEIGHT = 320, 140  # units of the drawing, shown as pixels
LEFT, RIGHT, TOP, BOTTOM = 46, 8, 10, 24  # margins, for the words
MOST = 200  # points of the line; more are not seen


def loss_curve(losses: Sequence[float], *, total: int | None = None) -> str:
    """SVG of losses over steps, with a logarithmic axis where they span more than a factor of 10.

    Args:
        losses: one number a step; those that are not finite leave a gap in the axis's range.
        total: steps expected, the right end of the axis; None: as many as there are.
    """
    known = [(step, loss) for step, loss in enumerate(losses) if math.isfinite(loss)]
    if not known:
        return _frame("no loss yet", "")
    low, high = min(loss for _, loss in known), max(loss for _, loss in known)
    scale = math.log10 if low > 0 and high / low > 10 else float
    bottom, top = scale(low), scale(high)
    span = top - bottom or 1.0
    last = max((total or len(losses)) - 1, 1)
    thin = max(1, len(known) // MOST)
    shown = known[::thin] + [known[-1]] * ((len(known) - 1) % thin > 0)
    wide, tall = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    points = " ".join(
        f"{LEFT + wide * step / last:.1f},{TOP + tall * (top - scale(loss)) / span:.1f}"
        for step, loss in shown
    )
    words = f"loss {losses[-1]:.4g} after {len(losses)} steps; from {high:.4g} down to {low:.4g}"
    return _frame(words, f'<polyline points="{points}"/>' + _labels(low, high, last + 1))


def _labels(low: float, high: float, last: int) -> str:
    base = HEIGHT - BOTTOM
    return (
        f'<text x="{LEFT - 6}" y="{TOP + 9}" text-anchor="end">{high:.3g}</text>'
        f'<text x="{LEFT - 6}" y="{base}" text-anchor="end">{low:.3g}</text>'
        f'<text x="{LEFT}" y="{base + 17}">0</text>'
        f'<text x="{WIDTH - RIGHT}" y="{base + 17}" text-anchor="end">{last} steps</text>'
    )


def _frame(words: str, inside: str) -> str:
    base = HEIGHT - BOTTOM
    return (
        f'<svg class="hw5-curve" role="img" aria-label="{words}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">'
        f'<path d="M{LEFT},{TOP} V{base} H{WIDTH - RIGHT}"/>{inside}</svg>'
    )
