"""The course's own lists: who is enrolled, days late, and marks that people give.

Offers `read_table`, `Roster` and `read`. Both are CSV files with a column `id`; a spreadsheet can
write them. Read next: gradebook.py.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hw5.kit.checks import InputError, brief
from hw5.kit.files import read_bytes

ID, DAYS_LATE, FREE_DAYS, COMMENT = "id", "days_late", "free_days", "comment"
MAX_DAYS = 365  # a larger number of days is a slip of the keyboard

Table = Mapping[str, Mapping[str, str]]  # id -> column -> text


@dataclass(frozen=True)
class Roster:
    """What people say about students, by id."""

    students: Table = field(default_factory=dict)  # who is enrolled, with all columns
    marks: Table = field(default_factory=dict)  # manual marks and days late
    columns: tuple[str, ...] = ()  # of the roster, beside the id
    manual: Mapping[str, float] = field(default_factory=dict)  # manual mark -> most points

    def days_late(self, name: str) -> int:
        """Days late of a student, begun ones too; 0 if nobody says so."""
        return self._days(name, DAYS_LATE) or 0

    def free_days(self, name: str) -> int | None:
        """Free days that a student has left; None: as many as the rubric gives."""
        return self._days(name, FREE_DAYS)

    def manual_of(self, name: str) -> dict[str, float | None]:
        """A student's manual marks; None for those that nobody has given yet."""
        texts = {column: self._text(name, column) for column in self.manual}
        return {
            column: number(text, f"{name}, {column}", self.manual[column]) if text else None
            for column, text in texts.items()
        }

    def comment(self, name: str) -> str:
        """What a person wrote for the student."""
        return self._text(name, COMMENT)

    def _days(self, name: str, column: str) -> int | None:
        text = self._text(name, column)
        return math.ceil(number(text, f"{name}, {column}", MAX_DAYS)) if text else None

    def _text(self, name: str, column: str) -> str:
        tables = (self.marks, self.students)
        return next((t[name][column] for t in tables if t.get(name, {}).get(column)), "")


def read(roster: Path | None, marks: Path | None, manual: Mapping[str, float]) -> Roster:
    """Read both lists; either may be None.

    Args:
        roster: ids and whatever the gradebook shall repeat (name, section).
        marks: days_late, free_days (that are left), comment and manual marks by id; the roster
            may hold these columns too.
        manual: the rubric's manual marks, each with its most points.

    Raises:
        InputError: a file that cannot be read, an id twice, a column or a mark that cannot be.
    """
    students, given = (read_table(path) if path else {} for path in (roster, marks))
    ours = {ID, DAYS_LATE, FREE_DAYS, COMMENT, *manual}
    for column in columns_of(given):
        if column not in ours:
            expected = f"columns out of {', '.join(sorted(ours))}"
            raise InputError.about(str(marks), expected=expected, got=brief(column))
    strangers = [name for name in given if students and name not in students]
    if strangers:
        hint = "correct the id, or add the student to the roster"
        got = ", ".join(strangers[:5])
        raise InputError.about(str(marks), expected="ids of the roster", got=got, hint=hint)
    columns = tuple(c for c in columns_of(students) if c not in ours)
    found = Roster(students, given, columns, manual)
    for name in {**students, **given}:  # so that a slip stops us before anything is written
        found.days_late(name), found.free_days(name), found.manual_of(name)
    return found


def columns_of(table: Table) -> Sequence[str]:
    """The columns of a table."""
    return list(next(iter(table.values()), {}))


def read_table(path: Path) -> dict[str, dict[str, str]]:
    """A CSV file by its column `id`; spaces around cells and empty rows are dropped.

    Raises:
        InputError: not such a file, no column `id`, an id twice, or a row of another length.
    """
    try:
        text = read_bytes(path, expected="a CSV file").decode("utf-8-sig")
    except UnicodeDecodeError as error:
        hint = "save it as CSV in UTF-8"
        raise InputError.about(str(path), expected="text", got="other bytes", hint=hint) from error
    rows = [[cell.strip() for cell in row] for row in csv.reader(text.splitlines())]
    header, *rows = [row for row in rows if any(row)] or [[]]
    if ID not in header:
        got = brief(", ".join(header))
        raise InputError.about(str(path), expected=f"a column {ID!r}", got=got)
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        if len(row) != len(header):
            got = f"{len(row)} in {brief(','.join(row))}"
            raise InputError.about(str(path), expected=f"{len(header)} cells a row", got=got)
        cells = dict(zip(header, row, strict=True))
        if not cells[ID] or cells[ID] in found:
            got = brief(cells[ID]) if cells[ID] else "none"
            raise InputError.about(str(path), expected="each id once", got=got)
        found[cells[ID]] = cells
    return found


def number(text: str, where: str, most: float) -> float:
    """A number from 0 to `most`.

    Raises:
        InputError: it is none.
    """
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= most:
        raise InputError.about(where, expected=f"a number from 0 to {most:g}", got=brief(text))
    return value
