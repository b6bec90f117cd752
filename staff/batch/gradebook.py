"""The gradebook: one row for each student of the roster, and for each submission beside it.

Offers `rows_of`, `to_csv` and `joined`. A student without a submission has a row that says
so; a submission that is nobody's on the roster has one too; where we failed there is no number,
because a zero would be a mark.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from staff.batch.marks import Marks
from staff.batch.roster import ID, Roster
from staff.batch.words import printable
from staff.grading.graded import STAFF_FAILURE, Graded

MISSING, UNKNOWN = "no submission", "not on the roster"
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # how a cell begins that a spreadsheet would run


@dataclass(frozen=True)
class Joined:
    """Who is where."""

    names: tuple[str, ...]  # everybody, the roster's order first
    missing: tuple[str, ...]  # on the roster, nothing handed in
    unknown: tuple[str, ...]  # handed in, not on the roster


def joined(graded: Mapping[str, Graded], roster: Roster) -> Joined:
    """Join results with a roster; without one, nobody is missing or unknown."""
    if not roster.students:
        return Joined(tuple(sorted(graded)), (), ())
    unknown = tuple(name for name in sorted(graded) if name not in roster.students)
    missing = tuple(name for name in roster.students if name not in graded)
    return Joined((*roster.students, *unknown), missing, unknown)


def rows_of(
    graded: Mapping[str, Graded], roster: Roster, marks: Callable[[Graded], Marks]
) -> list[dict[str, str]]:
    """A row for everybody, column to cell."""
    who = joined(graded, roster)
    return [
        {
            ID: name,
            **{c: roster.students.get(name, {}).get(c, "") for c in roster.columns},
            **cells(graded.get(name), marks),
            "remark": remark(name, graded.get(name), who),
        }
        for name in who.names
    ]


def cells(graded: Graded | None, marks: Callable[[Graded], Marks]) -> dict[str, str]:
    """State and numbers of one student."""
    if graded is None:
        return {"state": MISSING, "final": "0"}
    found = marks(graded)
    failed = graded.state == STAFF_FAILURE
    numbers = {
        **{line.name: line.points for line in (*found.parts, *found.manual)},
        "code": graded.points,
        "days_late": found.days_late,
        "penalty": found.penalty,
        "final": found.final,
        "out_of": found.out_of,
    }
    return {
        "state": graded.state,
        **{name: "" if v is None or failed else f"{v:.4g}" for name, v in numbers.items()},
    }


def remark(name: str, graded: Graded | None, who: Joined) -> str:
    """What a person has to look at."""
    words = [UNKNOWN] if name in who.unknown else []
    return "; ".join(words + ([printable(graded.message)] if graded and graded.message else []))


def to_csv(rows: Sequence[Mapping[str, str]]) -> str:
    """The text of the file; rows may lack cells."""
    columns = list(dict.fromkeys(column for row in widest_first(rows) for column in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({column: safe(cell) for column, cell in row.items()} for row in rows)
    return text.getvalue()


def widest_first(rows: Sequence[Mapping[str, str]]) -> list[Mapping[str, str]]:
    """The rows with the most columns first: they know the order of the columns."""
    return sorted(rows, key=len, reverse=True)


def safe(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula; numbers stay numbers."""
    return f"'{cell}" if cell.startswith(FORMULA) and not is_number(cell) else cell


def is_number(cell: str) -> bool:
    """Is it a number?"""
    try:
        float(cell)
    except ValueError:
        return False
    return True
