"""A report in words: points per task, and for each failure what was expected, what came, and why.

Offers `as_text`. Read next: outcome.py, for what a report holds.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from hw5.checking.outcome import FAILED, PASSED, UNWRITTEN, Outcome, Report, TaskReport
from hw5.checking.tasks import PARTS, part_of

WIDTH = 100  # columns
MARGIN = " " * 7


def as_text(report: Report) -> str:
    """The whole report; no times, so that a notebook's stored output stays true."""
    lines: list[str] = []
    for part in dict.fromkeys(part_of(task.number) for task in report.tasks):
        lines += part_lines(part, [t for t in report.tasks if part_of(t.number) == part])
    return "\n".join(lines)


def part_lines(part: str, tasks: list[TaskReport]) -> Iterator[str]:
    """The lines of one part."""
    points, possible = sum(t.points for t in tasks), sum(t.possible for t in tasks)
    yield f"Part {list(PARTS).index(part) + 1}, {part}: {points} of {possible} points"
    for task in tasks:
        yield from task_lines(task)


def task_lines(task: TaskReport) -> Iterator[str]:
    """The lines of one task: its points, then its failures."""
    function = task.task.function if task.task else "(its file cannot be read)"
    line = f"  {task.number:4} {function:22} {task.points:2} of {task.possible:2}  "
    if task.state == UNWRITTEN:
        yield line + task.headline.seen
        return
    failed = task.state == FAILED
    place = f", {task.task.place}" if failed and task.task else ""
    yield f"{line}{'FAILED' if failed else 'passed'}{place}"
    for number in task.first:
        yield f"{MARGIN}first:    task {number} is not right yet, and this one uses it; mend {number} first"
    headline = task.headline
    for outcome in task.failures:
        yield from failure_lines(outcome, with_slip=outcome is headline or repeats_not(outcome, headline))


def repeats_not(outcome: Outcome, headline: Outcome) -> bool:
    """Does a failure tell another slip than the headline?"""
    return bool(outcome.slip) and outcome.slip != headline.slip


def failure_lines(outcome: Outcome, *, with_slip: bool = True) -> Iterator[str]:
    """The lines of one failure."""
    rows = [("expected", outcome.says), (outcome.state if outcome.state != FAILED else "seen", outcome.seen)]
    if with_slip and outcome.slip:
        rows += [("slip", outcome.slip), ("look", outcome.look)]
    rows += [("printed", line) for line in outcome.printed.splitlines()]
    for label, text in rows:
        if text:
            yield from wrapped(f"{label + ':':9} ", text)


def wrapped(label: str, text: str) -> list[str]:
    """A labelled text over as many lines as it takes, each below the first's words."""
    first = MARGIN + label
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=" " * len(first))


def message(task: TaskReport, outcome: Outcome) -> str:
    """One failure alone, for a test that stands for one check."""
    where = f"task {task.number}"
    if task.task:
        where += f", {task.task.function}, {task.task.place}"
    lines = [where]
    lines += [f"{MARGIN}first:    mend task {number}, which this one uses" for number in task.first]
    return "\n".join([*lines, *failure_lines(outcome)])
