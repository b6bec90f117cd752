"""The figures of `bench fastest` as curves: how near, after so many evaluations or seconds.

Offers `write_fastest`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from hw5.bench.fastest import BUDGET, NUM_PICTURES, kept_traces
from hw5.cli import pages
from hw5.inversion.improvements import ASIDE, LADDER, RUNGS, Pace, Trace, middle
from report import charts, markup

TITLE = "What makes the fastest search fast"
INTRODUCTION = (
    f"Median of {NUM_PICTURES} held-out pictures at 64 px, searched in w+ by {BUDGET} evaluations; "
    "an evaluation renders a code, compares the picture and brings the gradient back. The goal is "
    "the loss that Adam, at the best of three rates for each picture, ends with. Each rung has "
    "all that the rungs above it have; the last three rows were tried beside the ladder. "
    "Measured on this machine, in one run."
)
TIMED = ("adam", *LADDER, *ASIDE)
SHOWN = {  # on which axis which curves; frozen weights change the seconds only
    "evaluations": ("adam", "lbfgs", "encoder", "metric", "mean-metric", "gauss-newton"),
    "seconds": ("adam", "lbfgs", "encoder", "metric", "frozen", "batch"),
}
AXES = {"evaluations": "evaluations", "seconds": "seconds for each picture"}
HEADER = ("rung", "ms an evaluation", "evaluations to the goal", "seconds", "times as fast",
          "share that gets there", "loss at the end / Adam's", "LPIPS at the end")  # fmt: skip
FORMS = {"ms_per_evaluation": ".1f", "evaluations": ".3g", "seconds": ".2f",
         "times_as_fast": ".1f", "reached": ".0%", "loss_over_adam": ".2f",
         "lpips": ".2f"}  # fmt: skip


def write_fastest(page: Path, found: Mapping[str, float]) -> Path:
    """Write the page and return its path; `found` is what the bench printed."""
    told = {name.removeprefix("fastest."): value for name, value in found.items()}
    names = [name for name in (*LADDER, *ASIDE) if f"{name}_evaluations" in told]
    traces = kept_traces(names)
    parts = [f"<h1>{TITLE}</h1>\n<p>{INTRODUCTION}</p>", _table(told)]
    contents, number = {}, 0
    for what, label in (("loss", "loss"), ("lpips", "LPIPS")):
        for axis, shown in SHOWN.items():
            number += 1
            anchor, title = f"{what}-{axis}", f"{label} over {axis}"
            title = title[0].upper() + title[1:]
            contents[anchor] = title
            lines = [_line(name, traces[name], told, what, axis) for name in shown]
            drawing = charts.line_chart(
                lines, x_label=AXES[axis], y_label=label, alt=f"{title}. {_words(told, axis)}"
            )
            parts.append(f'<h2 id="{anchor}">{title}</h2>')
            caption = _caption(what, axis) + (f" {_words(told, axis)}" if what == "loss" else "")
            parts.append(markup.figure(f"{anchor}-chart", number, drawing, caption))
    return pages.write_page(page, TITLE, "\n".join(parts), contents=contents)


def _line(
    name: str, rows: Sequence[Trace], told: Mapping[str, float], what: str, axis: str
) -> charts.Line:
    counts, heights = middle(rows, what)
    if axis == "evaluations":
        return charts.Line(_label(name), counts, heights)
    pace = Pace(told[f"{name}_first_ms"] / 1000, told[f"{name}_ms_per_evaluation"] / 1000)
    return charts.Line(_label(name), [pace.seconds(count) for count in counts], heights)


def _table(told: Mapping[str, float]) -> str:
    rows = []
    for name in TIMED:
        cells = [
            f"{told[key]:{form}}" if (key := f"{name}_{what}") in told else "-"
            for what, form in FORMS.items()
        ]
        says = "Adam from the mean, best rate" if name == "adam" else RUNGS[name].says
        rows.append([says, *cells])
    return markup.table("rungs", "To where Adam ends", HEADER, rows, quoted=len(ASIDE))


def _label(name: str) -> str:
    return "Adam" if name == "adam" else RUNGS[name].label


def _words(told: Mapping[str, float], axis: str) -> str:
    """The chart's message, also for those who do not see it."""
    ends = [f"{_label(name)} {told[f'{name}_{axis}']:.3g}" for name in SHOWN[axis]]
    return f"{axis.capitalize()} until the loss is where Adam ends: {', '.join(ends)}."


def _caption(what: str, axis: str) -> str:
    height = {
        "loss": "Lowest loss so far",
        "lpips": "LPIPS of the picture with the lowest loss so far, looked at now and then",
    }[what]
    alone = ", one picture alone but for the last" if axis == "seconds" else ""
    return f"{height}; median of the pictures{alone}."
