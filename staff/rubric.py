"""What a course counts: parts, tasks, points, marks given by hand, late days; and the sum of it.

Offers `load`, `Rubric`, `total` and `Total`. A rubric is a TOML file (staff/rubrics/), read and
checked by rubric_file.py; nothing about points stands in code. Read next: rubrics/spring2025.toml.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from staff.grading.graded import Graded
from staff.rubric_file import RubricError, load
from staff.rubric_shapes import CaseRule, Late, Manual, Part, Rubric

__all__ = [
    "CaseRule", "Late", "Manual", "Part", "Rubric", "RubricError", "Total", "load", "total",
]  # fmt: skip


@dataclass(frozen=True)
class Total:
    """A student's points, put together."""

    parts: Mapping[str, float]  # name -> code, notebooks and manual marks, at most the part's
    possible: Mapping[str, float]
    manual: Mapping[str, float | None]  # None: not marked yet
    earned: float  # before lateness
    days_late: int
    penalty: float  # points taken for lateness
    final: float
    out_of: float  # extras not counted

    @property
    def complete(self) -> bool:
        """Are all columns marked?"""
        return all(mark is not None for mark in self.manual.values())


def total(
    rubric: Rubric,
    graded: Graded,
    manual: Mapping[str, float | None] | None = None,
    days_late: int = 0,
    *,
    free_days: int | None = None,
) -> Total:
    """Add up what a program and people gave.

    Args:
        rubric: the course's rules.
        graded: code and notebooks; a submission that could not be read has none.
        manual: column -> mark; columns that are missing or None are not marked yet, and count 0.
        days_late: of this submission.
        free_days: that the student has left; None: all of the rubric's.

    Raises:
        ValueError: a column that the rubric has not, or a mark out of its range.
    """
    marks = checked_marks(rubric, manual or {})
    of_tasks = {result.task: result.points for result in graded.tasks}
    of_notebooks = {result.notebook: result.points for result in graded.notebooks}
    parts = {}
    for part in rubric.parts:
        got = sum(of_tasks.get(task, 0.0) for task in part.tasks)
        got += sum(of_notebooks.get(name, 0.0) for name in part.notebooks)
        got += sum(marks[column.name] or 0.0 for column in part.manual)
        parts[part.name] = rounded(min(got, part.points))
    earned = rounded(sum(parts.values()))
    free = rubric.late.free_days if free_days is None else free_days
    share = min(1.0, max(0, days_late - free) * rubric.late.percent_a_day / 100)
    penalty = rounded(earned * share)
    return Total(
        parts=parts,
        possible={part.name: part.points for part in rubric.parts},
        manual=marks,
        earned=earned,
        days_late=days_late,
        penalty=penalty,
        final=rounded(earned - penalty),
        out_of=rubric.out_of,
    )


def checked_marks(rubric: Rubric, manual: Mapping[str, float | None]) -> dict[str, float | None]:
    """A mark or None for every column.

    Raises:
        ValueError: a column that the rubric has not, or a mark out of its range.
    """
    columns = {column.name: column for column in rubric.manual}
    for name, mark in manual.items():
        if name not in columns:
            known = ", ".join(columns) or "none"
            raise ValueError(f"{name}: not a column of {rubric.name}, which has {known}")
        if mark is not None and not 0 <= mark <= columns[name].points:
            raise ValueError(f"{name}: expected 0 to {columns[name].points:g} points, got {mark!r}")
    return {name: manual.get(name) for name in columns}


def rounded(points: float) -> float:
    """To the hundredth, halves up: 0.125 is 0.13 for everybody."""
    return math.floor(100 * points + 0.5 + 1e-9) / 100
