"""The figures of `bench cost` as two charts.

Offers `write_cost`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from hw5.cli import pages
from report import charts, markup

TITLE = "What an evaluation costs"
INTRODUCTION = (
    "One evaluation renders a code, compares the picture and brings the gradient back. Adam takes "
    "hundreds of them, the fastest search here about sixty. Measured on this machine, in one run."
)
AXES = {
    "batch": ("Pictures side by side", "pictures side by side at 64 px"),
    "size": ("Size of the picture", "pixels per side, four pictures side by side"),
}


def write_cost(page: Path, found: Mapping[str, float]) -> Path:
    """Write the page and return its path; `found` is what the bench printed."""
    parts = [f"<h1>{TITLE}</h1>\n<p>{INTRODUCTION}</p>"]
    for number, (kind, (title, label)) in enumerate(AXES.items(), 1):
        pattern = re.compile(rf"cost\.{kind}_(\d+)_seconds_per_picture")
        points = sorted(
            (int(match[1]), 1000 * value)
            for name, value in found.items()
            if (match := pattern.fullmatch(name))
        )
        across, up = zip(*points, strict=True)
        drawing = charts.line_chart(
            [charts.Line("evaluation", across, up)],
            x_label=label, y_label="ms per picture", alt=f"{title}: milliseconds per picture",
            log=False,
        )  # fmt: skip
        parts.append(f'<h2 id="{kind}">{title}</h2>')
        parts.append(markup.figure(f"{kind}-chart", number, drawing, f"{title}."))
        rows = [[str(x), f"{y:.1f}"] for x, y in points]
        parts.append(markup.table(f"{kind}-table", title, (label, "ms per picture"), rows))
    contents = {kind: title for kind, (title, _) in AXES.items()}
    return pages.write_page(page, TITLE, "\n".join(parts), contents=contents)
