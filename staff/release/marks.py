"""Lines that are for one side only: dropped from the student's copy, or found there alone.

Offers `for_students` and `leftovers`. In code, Makefile and settings the marks are comments,

    # BEGIN STAFF                    # BEGIN STUDENT
    a line for instructors           # a line for students, a comment in the repository
    # END STAFF                      # END STUDENT
    one line for instructors  # STAFF

and in Markdown and HTML they are `<!-- BEGIN STAFF -->`, `<!-- END STAFF -->`, `<!-- STAFF -->` and

    <!-- BEGIN STUDENT
    text for students, invisible in the repository
    END STUDENT -->

Solutions have marks of their own (staff/stubs.py). Read next: tree.py.
"""

from __future__ import annotations

import re

from staff.stubs import MarksError

_BEGIN = re.compile(r"\s*(?:#|<!--) BEGIN (STAFF|STUDENT)(?: -->)?\s*")
_END = re.compile(r"\s*(?:(?:#|<!--) )?END (STAFF|STUDENT)(?: -->)?\s*")
_SINGLE = re.compile(r"(?:# STAFF\s*$|<!-- STAFF -->)")
_COMMENT = re.compile(r"^(\s*)# ?")
_ANY = re.compile(r"\b(?:BEGIN|END) (?:STAFF|STUDENT|SOLUTION)\b|# STAFF\b|<!-- STAFF")


def for_students(text: str) -> str:
    """The text as students read it.

    Raises:
        MarksError: a mark without its partner, or nested in another.
    """
    kept: list[str] = []
    begin = None  # the mark of the block that the line is in
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        begins, ends = _BEGIN.fullmatch(line), _END.fullmatch(line)
        check_mark(number, begin, begins or ends, is_end=bool(ends))
        if begins or ends:
            begin = begins
        else:
            kept.append(_line_for_students(line, begin))
    if begin:
        raise MarksError(f"BEGIN {begin[1]} is never closed")
    return re.sub(r"\n{2,}\Z", "\n", "".join(kept))  # what stood last may be gone


def _line_for_students(line: str, begin: re.Match[str] | None) -> str:
    """What students get of one line in the block that `begin` opens; "" for nothing."""
    if begin is None:
        return "" if _SINGLE.search(line) else line
    if begin[1] == "STAFF":
        return ""
    return line if "<!--" in begin[0] else _COMMENT.sub(r"\1", line)


def check_mark(
    number: int, begin: re.Match[str] | None, mark: re.Match[str] | None, *, is_end: bool
) -> None:
    """Require that the mark in a line, if there is one, fits the block around it.

    Raises:
        MarksError: it does not.
    """
    if mark and begin and not is_end:
        raise MarksError(f"line {number}: BEGIN {mark[1]} inside BEGIN {begin[1]}")
    if mark and is_end and (begin is None or begin[1] != mark[1]):
        raise MarksError(f"line {number}: END {mark[1]} without its BEGIN")


def leftovers(text: str) -> list[str]:
    """Every line that still holds a mark of any kind, with its number."""
    found = ((number, _ANY.search(line)) for number, line in enumerate(text.splitlines(), 1))
    return [f"line {number}: {mark[0]!r}" for number, mark in found if mark]
