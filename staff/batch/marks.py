"""What a result is worth, line by line, as every page and table shows it.

Offers `Line`, `Marks` and `marks_of`, which asks the rubric. Read next: staff/rubric.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from staff.batch.roster import Roster
from staff.grading.graded import Graded

if TYPE_CHECKING:
    from staff.rubric import Part, Rubric, Total


@dataclass(frozen=True)
class Line:
    """A part of the rubric, or a mark that a person gives."""

    name: str  # "inversion"; the gradebook's column
    title: str
    points: float | None  # None: nobody has marked it yet
    possible: float
    tasks: tuple[str, ...] = ()  # of a part
    manual: tuple[Line, ...] = ()  # of a part; its points hold theirs


@dataclass(frozen=True)
class Marks:
    """All marks of one student."""

    parts: tuple[Line, ...]
    days_late: float = 0.0
    penalty: float = 0.0  # points that lateness costs
    final: float = 0.0  # of what is marked so far
    out_of: float = 0.0
    late_words: str = ""
    comment: str = ""  # a person's words to the student

    @property
    def manual(self) -> tuple[Line, ...]:
        """Every mark that a person gives."""
        return tuple(line for part in self.parts for line in part.manual)

    @property
    def sentence(self) -> str:
        """What is still open, in one line."""
        still = sum(line.points is None for line in self.manual)
        if not still:
            return "All marks are in."
        return f"{still} of {len(self.manual)} marks that people give are still open."


def marks_of(rubric: Rubric, graded: Graded, roster: Roster) -> Marks:
    """A student's marks by the rubric, with what the course's lists say.

    Raises:
        ValueError: a list says what the rubric does not know.
    """
    from staff.rubric import total

    name = graded.submission
    found = total(
        rubric,
        graded,
        roster.manual_of(name),
        roster.days_late(name),
        free_days=roster.free_days(name),
    )
    return Marks(
        parts=tuple(part_line(part, found) for part in rubric.parts),
        days_late=found.days_late,
        penalty=found.penalty,
        final=found.final,
        out_of=found.out_of,
        late_words=late_words(rubric, found, roster.free_days(name)),
        comment=roster.comment(name),
    )


def part_line(part: Part, found: Total) -> Line:
    """A part with its manual marks."""
    columns = tuple(
        Line(column.name, column.title, found.manual[column.name], column.points)
        for column in part.manual
    )
    title = f"{part.title} (extra)" if part.is_extra else part.title
    return Line(part.name, title, found.parts[part.name], part.points, tuple(part.tasks), columns)


def late_words(rubric: Rubric, found: Total, free_days: int | None) -> str:
    """How the penalty comes about."""
    free = rubric.late.free_days if free_days is None else free_days
    days = f"{found.days_late:g} day{'s' * (found.days_late != 1)}"
    return f"{days}, {free:g} of them free at most, then {rubric.late.percent_a_day:g} % a day"
