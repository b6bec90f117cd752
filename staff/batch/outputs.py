"""What goes out of a batch: gradebook, pages, Gradescope's files; all made anew from the results.

Offers `write_outputs`. Results are the only thing that is kept; everything here can be deleted and
comes back with the next run, with whatever marks people have given since. Read next: gradebook.py,
feedback.py, gradescope.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from hw5.kit.files import atomic_write
from staff.batch import feedback, gradescope
from staff.batch.gradebook import Joined, joined, rows_of, to_csv
from staff.batch.marks import marks_of
from staff.batch.roster import DAYS_LATE, ID, Roster
from staff.batch.store import Store, file_name
from staff.grading.graded import Graded
from staff.rubric import Rubric

GRADEBOOK, TEMPLATE = "gradebook.csv", "marks_template.csv"
PICTURES = "pictures"  # pictures/ID/ holds those that results name


def write_outputs(
    out: Path, graded: Mapping[str, Graded], rubric: Rubric, roster: Roster
) -> Joined:
    """Write everything that is made from results; who is missing, who is unknown.

    Raises:
        InputError: a place cannot be written.
        ValueError: a list says what the rubric does not know.
    """
    pages = Store(out / "feedback")
    for name, found in graded.items():
        marks = marks_of(rubric, found, roster)
        pictures = out / PICTURES / file_name(name)
        write(pages.path(name, ".html"), feedback.page(found, marks, pictures))
        text = json.dumps(gradescope.results(found), indent=1, ensure_ascii=False)
        write(out / "gradescope" / file_name(name) / "results.json", text + "\n")
    rows = rows_of(graded, roster, lambda found: marks_of(rubric, found, roster))
    write(out / GRADEBOOK, to_csv(rows))
    empty = dict.fromkeys([DAYS_LATE, *(column.name for column in rubric.manual)], "")
    write(out / TEMPLATE, to_csv([{ID: row[ID], **empty} for row in rows]))
    return joined(graded, roster)


def write(path: Path, text: str) -> None:
    """Write a text whole or not at all."""
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
