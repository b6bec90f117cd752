"""Line charts as inline SVG: sharp in print, readable in light and dark, no scripts.

Offers `Line` and `line_chart`. The colours are those of style.css (classes `s0` to `s5`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 720, 300
LEFT, RIGHT, TOP, BOTTOM = 56, 130, 14, 42
LONELY = 16  # right margin of a curve without a name
MIN_GAP = 15  # between labels at the right edge, in pixels
MAX_POINTS = 240


@dataclass(frozen=True)
class Line:
    """One curve: a name, and positive values at increasing positions."""

    name: str
    x: Sequence[float]
    y: Sequence[float]


def line_chart(
    lines: Sequence[Line], *, x_label: str, y_label: str, alt: str, log: bool = True,
    width: int = WIDTH,
) -> str:  # fmt: skip
    """Curves, each named at its right end; one alone has no name.

    Args:
        lines: the curves.
        x_label: title of the lower axis.
        y_label: title of the upright axis.
        alt: what the chart shows, in words.
        log: the upright axis is logarithmic; if not, linear from 0.
        width: in units of the drawing; letters are 12 of them high, so fewer make larger letters.
    """
    right = width - (RIGHT if len(lines) > 1 else LONELY)
    x_high = max(max(line.x) for line in lines) or 1
    low = min(min(line.y) for line in lines)
    high = max(max(line.y) for line in lines)
    ticks = log_ticks(low, high) if log else round_ticks(high or 1)
    low, high = min(low, ticks[0]), max(high, ticks[-1])

    def across(value: float) -> float:
        return LEFT + (right - LEFT) * value / x_high

    def up(value: float) -> float:
        share = math.log(value / low) / (math.log(high / low) or 1) if log else value / high
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share

    parts = [
        f'<svg class="chart" viewBox="0 0 {width} {HEIGHT}" role="img" aria-label="{escape(alt)}">'
    ]
    parts += [rule(tick, up(tick), right) for tick in ticks]
    parts += [below(tick, across(tick)) for tick in round_ticks(x_high)]
    parts.append(axis_titles(x_label, y_label, right))
    for index, (line, y) in enumerate(zip(lines, label_places(lines, up), strict=True)):
        points = " ".join(f"{across(a):.1f},{up(b):.1f}" for a, b in thinned(line))
        parts.append(f'<polyline class="s{index % 6}" points="{points}"/>')
        if len(lines) > 1:
            parts.append(
                f'<text class="name s{index % 6}" x="{right + 8}" y="{y + 4:.1f}">'
                f"{escape(line.name)}</text>"
            )
    return "".join([*parts, "</svg>"])


def rule(tick: float, y: float, right: float) -> str:
    """A line across at height `y`, and its value."""
    return (
        f'<path class="rule" d="M{LEFT} {y:.1f}H{right}"/>'
        f'<text class="tick" x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>'
    )


def below(tick: float, x: float) -> str:
    """A value of the lower axis."""
    return (
        f'<text class="tick" x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" '
        f'text-anchor="middle">{tick:g}</text>'
    )


def axis_titles(x_label: str, y_label: str, right: float) -> str:
    """The two titles; `right` is where the lower axis ends."""
    middle = (HEIGHT - BOTTOM + TOP) / 2
    return (
        f'<text class="axis" x="{(right + LEFT) / 2}" y="{HEIGHT - 4}" '
        f'text-anchor="middle">{escape(x_label)}</text>'
        f'<text class="axis" transform="translate(13 {middle}) rotate(-90)" text-anchor="middle">'
        f"{escape(y_label)}</text>"
    )


def log_ticks(low: float, high: float) -> list[float]:
    """Values 1, 2, 5 times powers of ten that cover [low, high], at least two."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    steps = [m * 10.0**e for e in range(first, last + 1) for m in (1, 2, 5)]
    below = max((s for s in steps if s <= low), default=steps[0])
    above = min((s for s in steps if s >= high), default=steps[-1])
    inside = [s for s in steps if below <= s <= above]
    return inside if len(inside) > 1 else [inside[0], inside[0] * 2]


def round_ticks(high: float, count: int = 5) -> list[float]:
    """About `count` round values from 0 to `high`."""
    raw = high / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= raw)
    return [i * step for i in range(int(high / step + 1e-9) + 1)]


def thinned(line: Line) -> list[tuple[float, float]]:
    """At most `MAX_POINTS` points of a line, its last one among them."""
    points = list(zip(line.x, line.y, strict=True))
    stride = max(1, math.ceil(len(points) / MAX_POINTS))
    return [*points[:-1:stride], points[-1]]


def label_places(lines: Sequence[Line], up: Callable[[float], float]) -> list[float]:
    """Heights of the names: at the curves' right ends, pushed apart until none overlap."""
    wanted = [up(line.y[-1]) for line in lines]
    order = sorted(range(len(lines)), key=lambda i: wanted[i])
    places = [0.0] * len(lines)
    lowest = -math.inf
    for i in order:
        places[i] = max(wanted[i], lowest + MIN_GAP)
        lowest = places[i]
    highest = HEIGHT - BOTTOM  # of the lowest name: below it stand the values of the axis
    for i in reversed(order):
        places[i] = min(places[i], highest)
        highest = places[i] - MIN_GAP
    return places
