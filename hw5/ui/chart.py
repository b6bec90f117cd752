"""Curves for notebooks, as a picture with a text that describes it.

Offers `curves`. Colours differ in brightness and lines in their dashes, so that a chart can be read
without colour. Read next: shown.py.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from hw5.ui.shown import Shown

SIZE = (7.2, 3.4)  # inches, at DPI dots each
DPI = 100
STYLES = (
    ("#00429d", "-"),
    ("#c2571a", "--"),
    ("#3a7d44", "-."),
    ("#7b2d8b", ":"),
    ("#555555", "-"),
)

Curve = tuple[Sequence[float], Sequence[float]]


def curves(
    lines: Mapping[str, Curve], *, x: str, y: str, alt: str, log: bool = False, marks: bool = False
) -> Shown:
    """Draw lines over a common axis.

    Args:
        lines: label -> (values along x, values along y).
        x: what the horizontal axis says, with its unit.
        y: what the vertical axis says, with its unit.
        alt: the chart in a sentence, for those who do not see it.
        log: a logarithmic vertical axis.
        marks: a dot at each value.
    """
    figure = Figure(figsize=SIZE, dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for index, (label, (along, up)) in enumerate(lines.items()):
        colour, dash = STYLES[index % len(STYLES)]
        axes.plot(along, up, dash, color=colour, label=label, marker="o" if marks else "")
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    if log:
        axes.set_yscale("log")
    axes.grid(True, color="#dddddd")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return Shown(buffer.getvalue(), alt)
