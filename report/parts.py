"""What a complete page has: the parts of the assignment as a table, and what is missing of them.

Offers `Part`, `PARTS`, `Gap`, `gaps` and `checklist`. Another rubric is another table. Read next:
build.py, which shows the gaps on the page, and handin.py, which refuses to pack them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from report.page import HERE, unwritten
from report.runs import Found

COMMAND = "python -m hw5"


@dataclass(frozen=True)
class Part:
    """Runs of one kind that the page shows."""

    kind: str  # one of runs.KINDS
    least: int  # how many of them
    what: str  # in words
    how: str  # commands that make them, one a line


# The course's parts: inversion with its ablations, interpolation, scribbles (rubric of 2022; that
# of 2025 counts interpolation among the extras).
PARTS = (
    Part(
        "projections",
        2,
        "a picture of your own, found again in two spaces",
        f"{COMMAND} project my_cat.jpg --space w --out runs/my_cat_w\n"
        f"{COMMAND} project my_cat.jpg --space w+ --out runs/my_cat_wplus",
    ),
    Part(
        "ablations",
        1,
        "an ablation of losses, spaces and optimisers",
        f"{COMMAND} ablate --out runs/ablate",
    ),
    Part(
        "films",
        1,
        "a film from one cat to another",
        f"{COMMAND} interpolate my_cat.jpg chelsea --out runs/film",
    ),
    Part(
        "drawings",
        2,
        "two scribbles, a sparse and a dense one",
        f"{COMMAND} draw my_sparse_sketch.json --out runs/sparse\n"
        f"{COMMAND} draw my_dense_sketch.json --out runs/dense",
    ),
)
JOB = Part("job", 1, "the figures of the main job", f"{COMMAND} report")


@dataclass(frozen=True)
class Gap:
    """Something missing, and how to make it."""

    what: str
    how: str


def gaps(runs: Sequence[Found], *, has_job: bool, folder: Path = HERE) -> list[Gap]:
    """What a page of these runs lacks, in the order of the parts."""
    found = [] if has_job else [Gap(JOB.what, JOB.how)]
    for part in PARTS:
        count = counted(runs, part.kind)
        if count < part.least:
            have = f" ({count} of {part.least} are there)" if count else ""
            found.append(Gap(part.what + have, part.how))
    return found + [
        Gap(f"your words: {question}", f"answer in place of the mark in report/text/{name}")
        for name, question in unwritten(folder)
    ]


def counted(runs: Sequence[Found], kind: str) -> int:
    """How many runs of a kind there are."""
    return sum(run.kind == kind for run in runs)


def checklist(runs: Sequence[Found], open_gaps: Sequence[Gap], *, has_job: bool) -> str:
    """The parts as a list for the page: what is there, what is missing and how to make it."""
    there = [JOB.what] if has_job else []
    there += [f"{part.what}" for part in PARTS if counted(runs, part.kind) >= part.least]
    rows = [row("done", "✓", "there", escape(what)) for what in there]
    for gap in open_gaps:
        how = "<br>".join(f"<code>{escape(line)}</code>" for line in gap.how.splitlines())
        is_words = gap.how.startswith("answer")
        tail = escape(gap.how) if is_words else how
        rows.append(row("open", "○", "missing", f"{escape(gap.what)}<br>{tail}"))
    verdict = "This page is complete." if not open_gaps else f"{len(open_gaps)} things are missing."
    return f'<p>{verdict}</p><ul class="done">{"".join(rows)}</ul>'


def row(kind: str, mark: str, spoken: str, words: str) -> str:
    """One line of the list; the mark is read out as a word."""
    return (
        f'<li class="{kind}"><span class="mark" role="img" aria-label="{spoken}">{mark}</span>'
        f"<span>{words}</span></li>"
    )


def by_kind(runs: Sequence[Found]) -> Mapping[str, list[Found]]:
    """Runs sorted by kind, in their order."""
    kinds: dict[str, list[Found]] = {}
    for run in runs:
        kinds.setdefault(run.kind, []).append(run)
    return kinds
