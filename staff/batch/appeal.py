"""One student's one task again, with the seed of the first time: same verdict, and why?

Offers `Appeal`, `appeal` and `lines`. The inputs of a case are drawn from a stream of its own, so a
task alone is asked exactly what it was asked then. What is printed here holds inputs and answers of
the secret exam: it is for staff. Read next: staff/commands/appeal.py.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from hw5.kit.checks import InputError
from staff.batch.desk import RealDesk, SandboxGrader
from staff.batch.submissions import Submission, digest
from staff.batch.words import printable
from staff.grading.cases.case import Case
from staff.grading.exam import Exam
from staff.grading.graded import CaseResult, Graded, TaskResult

SHOWN = 6  # numbers of an array


@dataclass(frozen=True)
class Appeal:
    """A task, then and now."""

    exam: Exam
    then: TaskResult
    now: TaskResult | None  # None: it could not be graded
    message: str  # why it could not
    changed: tuple[str, ...]  # what decides a mark and is not what it was: "submission", "tests"

    @property
    def agrees(self) -> bool:
        """Is every case what it was?"""
        return self.now is not None and verdicts(self.then) == verdicts(self.now)


def appeal(submission: Submission, stored: Graded, task: str, desk: RealDesk) -> Appeal:
    """Grade one task again.

    Args:
        submission: where it lies.
        stored: its result.
        task: "1.2".
        desk: with the seed of the result.

    Raises:
        InputError: the result has no such task.
        StaffError: the grader itself failed.
    """
    then = next((found for found in stored.tasks if found.task == task), None)
    if then is None:
        expected = f"one of {', '.join(t.task for t in stored.tasks) or 'none'}"
        raise InputError.about("task", expected=expected, got=task)
    exam = desk.exam((task,))
    graded = SandboxGrader(exam, desk.backend, desk.unsafe)(submission)
    now = {**desk.common, "submission": digest(submission.path)}
    now.pop("notebooks")  # no task's points hang on them
    changed = tuple(name for name in now if now[name] != stored.digests.get(name))
    return Appeal(exam, then, next(iter(graded.tasks), None), graded.message, changed)


def verdicts(task: TaskResult) -> list[tuple[str, str, float]]:
    """What was decided about each case; times and words aside."""
    return [(case.name, case.state, case.score) for case in task.cases]


def lines(found: Appeal) -> Iterator[str]:
    """What is printed."""
    then, now = found.then, found.now
    points = "could not be graded" if now is None else f"{now.points:g}"
    before = f"{then.points:g} of {then.possible:g}"
    yield f"task {then.task} {then.function}: then {before}, now {points}"
    if found.message:
        yield f"  {printable(found.message)}"
    for name in found.changed:
        yield f"  careful: {name} is not what it was when this was graded"
    cases = {case.name: case for case in found.exam.cases}
    old = {case.name: case for case in then.cases}
    for result in now.cases if now else ():
        yield from of_case(result, old.get(result.name), cases[result.name], found.exam)


def of_case(now: CaseResult, then: CaseResult | None, case: Case, exam: Exam) -> Iterator[str]:
    """A case: the fact, then and now, what went in, what was expected, what came."""
    was = "not asked" if then is None else f"{then.state}, score {then.score:g}"
    yield ""
    yield f"{case.key}{'' if now.visible else ' (hidden)'}: {case.says}"
    yield f"  then {was}; now {now.state}, score {now.score:g}"
    yield from arrays("input", exam.inputs[case.key])
    yield from arrays("expected", exam.expected[case.key])
    if now.seen:
        yield from textwrap.wrap(f"seen: {printable(now.seen)}", 98, initial_indent="  ",
                                 subsequent_indent="    ")  # fmt: skip
    if now.hint:
        yield f"  hint: {printable(now.hint)}"


def arrays(title: str, named: Mapping[str, np.ndarray]) -> Iterator[str]:
    """Each array's name, type, shape, range and first numbers."""
    for name, array in named.items():
        flat = np.asarray(array).ravel()
        if not flat.size:
            yield f"  {title} {name}: {array.dtype}{list(array.shape)}"
            continue
        first = ", ".join(f"{value:.4g}" for value in flat[:SHOWN].tolist())
        more = ", ..." if flat.size > SHOWN else ""
        around = f", {flat.min():.4g} to {flat.max():.4g}" if flat.size > 1 else ""
        yield f"  {title} {name}: {array.dtype}{list(array.shape)}{around}: {first}{more}"
