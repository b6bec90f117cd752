"""What grading a submission found: the one shape of answer that every part of the grader speaks.

Offers `CaseResult`, `TaskResult`, `NotebookResult`, `Graded`, and `to_json` and `from_json` for the
file that is kept. Nothing here was decided by a student's process: the parent fills it in from
plain arrays. Everything that came out of a jail as text is cut to length and kept as data; who
shows it escapes it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

# of a case
PASSED, FAILED, UNWRITTEN, CRASHED, STUCK, NOT_RUN = (
    "passed", "failed", "not filled in", "crashed", "no end", "not run",
)  # fmt: skip
CASE_STATES = (PASSED, FAILED, UNWRITTEN, CRASHED, STUCK, NOT_RUN)
# of a submission: `REFUSED` is the student's doing (nothing readable), `STAFF_FAILURE` is not
GRADED, REFUSED, STAFF_FAILURE = "graded", "refused", "staff failure"


@dataclass(frozen=True)
class CaseResult:
    """One call, or a few that belong together, judged."""

    name: str
    task: str  # "1.2"
    state: str  # of CASE_STATES
    score: float = 0.0  # 0 to 1; between them where credit is partial
    weight: float = 1.0  # within its task
    seen: str = ""  # one line: what came instead of what was expected
    hint: str = ""  # where to look
    visible: bool = True  # may the student see name, seen and hint?
    seconds: float = 0.0


@dataclass(frozen=True)
class TaskResult:
    """The cases of one task, and what they are worth."""

    task: str  # "1.2"
    function: str
    points: float
    possible: float
    cases: tuple[CaseResult, ...] = ()


@dataclass(frozen=True)
class NotebookResult:
    """The instructor's notebook, run with the student's functions."""

    notebook: str  # "02_inversion"
    points: float
    possible: float
    cells: int  # compared
    failed: tuple[str, ...] = ()  # a line for each cell that differs
    pictures: tuple[tuple[str, str, str], ...] = ()  # (caption, theirs, expected): files by name


@dataclass(frozen=True)
class Graded:
    """One submission's result."""

    submission: str  # its name: a student's id
    state: str  # GRADED, REFUSED or STAFF_FAILURE
    message: str = ""  # why not graded
    tasks: tuple[TaskResult, ...] = ()
    notebooks: tuple[NotebookResult, ...] = ()
    notes: tuple[str, ...] = ()  # what happened: files left out, limits hit, processes killed
    printed: str = ""  # the tail of what the student's code printed
    seed: int = 0  # secret while a course runs; an appeal repeats the grading with it
    backend: str = ""  # of the sandbox, "bubblewrap", "container" or "plain (unsafe)"
    canaries: str = ""  # graded before it, in the same batch: "all", or "few" by wish
    seconds: float = 0.0
    digests: Mapping[str, str] = field(default_factory=dict)  # submission, tests, rubric, ...

    @property
    def points(self) -> float:
        """Points of the code; notebooks and manual marks are the rubric's business."""
        return sum(task.points for task in self.tasks)

    @property
    def possible(self) -> float:
        """Points of the code that could be had."""
        return sum(task.possible for task in self.tasks)


def to_json(graded: Graded) -> str:
    """The text of a result file."""
    return json.dumps(asdict(graded), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def from_json(text: str) -> Graded:
    """The result in the text of a file that `to_json` made.

    Raises:
        ValueError: it holds anything else.
    """
    try:
        return _graded(json.loads(text))
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"not a result of the grader: {error}") from error


def _graded(stored: dict[str, Any]) -> Graded:
    tasks = tuple(
        TaskResult(**{**task, "cases": tuple(CaseResult(**case) for case in task["cases"])})
        for task in stored.pop("tasks")
    )
    notebooks = tuple(
        NotebookResult(
            **{**found, "failed": tuple(found["failed"]),
               "pictures": tuple(map(tuple, found["pictures"]))}
        )
        for found in stored.pop("notebooks")
    )  # fmt: skip
    notes = tuple(stored.pop("notes"))
    return Graded(**stored, tasks=tasks, notebooks=notebooks, notes=notes)
