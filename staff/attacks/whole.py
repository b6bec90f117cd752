"""The whole grader, for attacks: an exam on two files, as `staff/grading/grade.py` grades it.

Offers `TASKS`, `sources` and `whole_grader`. Read next: runner.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from staff.attacks.attack import INTERPOLATE, LOSSES, Attack
from staff.attacks.small import Grader
from staff.grading import tree
from staff.grading.exam import Exam
from staff.grading.grade import grade
from staff.grading.graded import Graded
from staff.sandbox import Jail

# Two of each file, as few as show whether one file's ruin is another's.
TASKS = ("1.1", "1.2", "4.1", "4.2")
FILES_OF_PARTS = {"1.": LOSSES, "4.": INTERPOLATE}


def sources() -> tuple[dict[str, str], dict[str, str]]:
    """The two files with solutions, and without."""
    solved, stubs = tree.solutions(), tree.package()
    files = FILES_OF_PARTS.values()
    return {f: solved[f].decode() for f in files}, {f: stubs[f].decode() for f in files}


def whole_grader(exam: Exam, jail: Jail) -> Grader:
    """The grader of an exam on `TASKS`."""

    def whole(attack: Attack, submission: Path) -> tuple[Mapping[str, float], str]:
        graded = grade(submission, exam, jail)
        shares = {file: share(graded, part) for part, file in FILES_OF_PARTS.items()}
        return shares, said(graded)

    return whole


def share(graded: Graded, part: str) -> float:
    """The share of a part's points that were earned; none where nothing was graded."""
    tasks = [task for task in graded.tasks if task.task.startswith(part)]
    possible = sum(task.possible for task in tasks)
    return sum(task.points for task in tasks) / possible if possible else 0.0


def said(graded: Graded) -> str:
    """Everything that a result says."""
    cases = [f"{case.state} {case.seen}" for task in graded.tasks for case in task.cases]
    return "\n".join([graded.message, *graded.notes, *cases, graded.printed])
