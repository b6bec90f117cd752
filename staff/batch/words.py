"""What is said of a result, the same on every page and in every file.

Offers `printable`, `reason`, `readable`, `hidden_line`, `points`. Some of these words came out of a
student's process: here they lose what could steer a terminal or turn a line around, and whoever
sets them into HTML escapes them as well.
"""

from __future__ import annotations

import unicodedata

from staff.grading.graded import PASSED, CaseResult, TaskResult

LIMIT = 600  # characters of one line


def printable(text: str) -> str:
    """Text on one line without control and direction characters, cut to length."""
    kept = "".join(
        " " if c.isspace() else c for c in text if c.isspace() or unicodedata.category(c)[0] != "C"
    )
    return kept if len(kept) <= LIMIT else kept[: LIMIT - 4] + " ..."


def reason(case: CaseResult) -> str:
    """Why a case has not all its points: what was seen, and where to look."""
    what = f"{readable(case.name)}: {case.state if not case.seen else case.seen}"
    return printable(f"{what}. {case.hint}" if case.hint else what)


def readable(name: str) -> str:
    """The name of a case, which is that of a function, as words."""
    return name.replace("_", " ")


def hidden_line(task: TaskResult) -> str:
    """How many cases that nobody may read lost points; "" if none did."""
    hidden = [case for case in task.cases if not case.visible]
    lost = sum(case.state != PASSED or case.score < 1 for case in hidden)
    return f"{lost} of {len(hidden)} further cases on other inputs failed" if lost else ""


def points(value: float) -> str:
    """Points with at most two decimals: 4, 4.5, 4.25."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if value else "0"
