"""What a regrade changed: each student and task whose points or state are not what they were.

Offers `Change`, `changes` and `summary`. Read next: staff/commands/regrade.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from staff.grading.graded import Graded

TOLERANCE = 1e-9  # points; sums of the same fractions in another order may differ by as much
WHOLE, GONE = "whole", "not there"


@dataclass(frozen=True)
class Change:
    """One difference between two gradings."""

    submission: str
    task: str  # "1.2", a notebook's name, or WHOLE
    before: str
    after: str
    points: float = 0.0  # gained; negative: lost

    def __str__(self) -> str:
        """The line that is printed."""
        gain = f"  {self.points:+.4g}" if self.points else ""
        return f"{self.submission}  {self.task}: {self.before} -> {self.after}{gain}"


def changes(before: Sequence[Graded], after: Sequence[Graded]) -> list[Change]:
    """Every difference, sorted by student and then in the order of the tasks."""
    old, new = ({g.submission: g for g in all_of} for all_of in (before, after))
    return [
        change
        for name in sorted({*old, *new})
        for change in of_student(name, old.get(name), new.get(name))
    ]


def of_student(name: str, old: Graded | None, new: Graded | None) -> Iterator[Change]:
    """The differences of one student."""
    if old is None or new is None:
        yield Change(name, WHOLE, state(old), state(new))
        return
    if state(old) != state(new):
        yield Change(name, WHOLE, state(old), state(new), new.points - old.points)
        return
    was, now = pieces(old), pieces(new)
    for task in {**was, **now}:
        gain = now.get(task, 0.0) - was.get(task, 0.0)
        if abs(gain) > TOLERANCE or (task in was) != (task in now):
            yield Change(name, task, shown(was, task), shown(now, task), gain)


def state(graded: Graded | None) -> str:
    """A word for what became of a submission."""
    return GONE if graded is None else graded.state


def pieces(graded: Graded) -> Mapping[str, float]:
    """Points of each task and notebook, in order."""
    tasks = {task.task: task.points for task in graded.tasks}
    return {**tasks, **{book.notebook: book.points for book in graded.notebooks}}


def shown(points: Mapping[str, float], task: str) -> str:
    """Points for a line."""
    return f"{points[task]:.4g}" if task in points else GONE


def summary(found: Sequence[Change], students: int) -> str:
    """How many gained and lost, in one line."""
    totals: dict[str, float] = {}
    for change in found:
        totals[change.submission] = totals.get(change.submission, 0.0) + change.points
    up = sum(gain > TOLERANCE for gain in totals.values())
    down = sum(gain < -TOLERANCE for gain in totals.values())
    changed = len({change.submission for change in found})
    return f"{changed} of {students} students changed: {up} gained, {down} lost"
