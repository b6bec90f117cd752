"""A report in words: points per task, and for each failure why, where to look, and what was seen.

Offers `as_text`, `next_step` and `message`. Read next: outcome.py, for what a report holds.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from hw5.checking.outcome import FAILED, PASSED, UNWRITTEN, Outcome, Report, TaskReport
from hw5.checking.tasks import PARTS, part_of

WIDTH = 100  # columns
MARGIN = " " * 7
MAX_PRINTED = 4  # lines of a student's own printing that are shown


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
    """The lines of one task: its points, the failure to read first, and the others in short."""
    function = task.task.function if task.task else "(its file cannot be read)"
    line = f"  {task.number:4} {function:22} {task.points:2} of {task.possible:2}  "
    if task.state == UNWRITTEN:
        yield line + task.headline.seen
        return
    failed = task.state == FAILED
    place = f", {task.task.place}" if failed and task.task else ""
    yield f"{line}{'FAILED' if failed else 'passed'}{place}"
    if task.first:
        yield from wrapped("first", fix_first(task))
    elif failed:
        yield from failure_lines(task.headline)
        told = {task.headline.slip, task.headline.seen}
        for other in task.failures:
            if other is not task.headline:
                new = other.slip and other.slip not in told
                yield from wrapped("also", f"{other.says} ({other.slip})" if new else other.says)
                told.add(other.slip)


def failure_lines(outcome: Outcome) -> Iterator[str]:
    """The lines of one failure."""
    rows = [
        ("why", outcome.slip),
        ("look", outcome.look),
        ("expected", outcome.says),
        ("seen" if outcome.state == FAILED else outcome.state, outcome.seen),
    ]
    rows += [("printed", line) for line in outcome.printed.splitlines()[-MAX_PRINTED:]]
    for label, text in rows:
        yield from wrapped(label, text)


def fix_first(task: TaskReport) -> str:
    """What must be right before this task can be."""
    numbers = " and ".join(task.first)
    return f"fix {numbers} first: this task builds on {'it' if len(task.first) == 1 else 'them'}"


def wrapped(label: str, text: str) -> list[str]:
    """A labelled text over as many lines as it takes, each below the first's words."""
    first = f"{MARGIN}{label + ':':9} "
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=" " * len(first))


def next_step(report: Report) -> str:
    """What to do now: the first task that can be written or mended; "" when none is left."""
    left = [task for task in report.tasks if task.state != PASSED]
    ready = [task for task in left if task.task and not task.first]
    if not ready:
        return ""
    task = ready[0]
    verb = "write" if task.state == UNWRITTEN else "mend"
    return (
        f"next: {verb} task {task.number}, {task.task.function}, {task.task.place}; "
        f"then python -m hw5 check {task.number}"
    )


def message(task: TaskReport, outcome: Outcome) -> str:
    """One failure alone, for a test that stands for one check."""
    where = f"task {task.number}"
    if task.task:
        where += f", {task.task.function}, {task.task.place}"
    lines = [where, *(wrapped("first", fix_first(task)) if task.first else [])]
    return "\n".join([*lines, *failure_lines(outcome)])
