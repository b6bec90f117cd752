"""Grades one submission: unpack, run in jails, judge outside them.

Offers `grade`. The parent decides, the child computes: what comes out of a jail are numbers, and
each is compared here with the answer of the solved functions or with a fact. Nothing that the
student's code can do in its jail is worth a point beyond what its numbers earn. Read next: exam.py,
session.py, compare.py, in this order.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path

from hw5.checking.tasks import tasks_in
from staff.grading import tree
from staff.grading.cases.case import Case
from staff.grading.compare import judge
from staff.grading.exam import LIMITS, Exam, make_exam
from staff.grading.graded import (
    CRASHED,
    FAILED,
    GRADED,
    PASSED,
    REFUSED,
    UNWRITTEN,
    CaseResult,
    Graded,
    TaskResult,
)  # fmt: skip
from staff.grading.session import ANSWERED, Answer, compute
from staff.sandbox import Jail, Limits, Refused, unpack

__all__ = ["LIMITS", "Exam", "grade", "make_exam"]


def grade(submission: Path, exam: Exam, jail: Jail, limits: Limits = LIMITS) -> Graded:
    """What a submission earns; several threads may grade at a time.

    Args:
        submission: a zip or a folder that holds the students' files, perhaps some folders down.
        exam: what is asked.
        jail: where the submission runs.
        limits: of the jail; `wall_s` holds for all workers of the submission together.

    Raises:
        StaffError: the grader itself failed; the submission is not to blame.
    """
    began = time.monotonic()
    facts = {"submission": submission.stem, "seed": exam.seed, "backend": jail.name}
    with tempfile.TemporaryDirectory(prefix="hw5-grade-") as folder:
        handed_in, kit, package = (Path(folder, name) for name in ("handed-in", "kit", "tree"))
        try:
            unpacked = unpack(submission, handed_in, tree.student_files(Path(exam.root)))
        except Refused as refused:
            return Graded(state=REFUSED, message=str(refused), **facts, digests=exam.digests)
        files = tree.overlay(handed_in, tree.student_files(Path(exam.root)))
        tree.write_kit(kit)
        tree.write_package(package, Path(exam.root))
        tree.write(package, files)
        computed = compute(exam.cases, exam.inputs, kit, package, jail, limits)
    results = [judged(case, computed.answers[case.key], exam) for case in exam.cases]
    return Graded(
        state=GRADED,
        tasks=tuple(of_tasks(exam, results)),
        notes=(*unpacked.notes, *computed.notes),
        printed=computed.printed,
        seconds=time.monotonic() - began,
        digests={"submission": tree.digest(files), **exam.digests},
        **facts,
    )


def judged(case: Case, answer: Answer, exam: Exam) -> CaseResult:
    """One case's result. A stub tells its own task when it is called: "task 1.2: pixel_loss"."""
    rule = exam.rubric.rule(case.key)
    hidden = case.hidden if rule.hidden is None else rule.hidden
    state, score, seen = answer.state, 0.0, answer.text
    if state == UNWRITTEN and not answer.text.startswith(f"task {case.task}:"):
        state, seen = CRASHED, f"it calls {answer.text}, which is not filled in"
    elif state == ANSWERED:
        x, want = exam.inputs[case.key], exam.expected[case.key]
        verdict = judge(case, x, answer.arrays, want, exam.tolerance(case), exam.curve(case))
        score, seen = verdict.score, verdict.seen
        state = PASSED if score == 1 else FAILED
    hint = (rule.hint or case.hint) if state == FAILED else ""
    return CaseResult(
        case.name, case.task, state, round(score, 4), case.weight, printable(seen), hint,
        not hidden, round(answer.seconds, 4),
    )  # fmt: skip


def of_tasks(exam: Exam, results: Iterable[CaseResult]) -> Iterable[TaskResult]:
    """Results by task, with points; a hint says which task to put right first."""
    by_task: dict[str, list[CaseResult]] = {}
    for result in results:
        by_task.setdefault(result.task, []).append(result)
    names, points = function_names(Path(exam.root)), exam.rubric.tasks
    needs = {case.task: case.needs for case in exam.cases}
    lossy = {task for task, cases in by_task.items() if any(c.score < 1 for c in cases)}
    for task, cases in by_task.items():
        first = [need for need in needs[task] if need in lossy]
        if first:
            cases = [led_by(case, first[0]) for case in cases]
        earned = sum(case.weight * case.score for case in cases) / sum(c.weight for c in cases)
        yield TaskResult(
            task, names.get(task, ""), round(points[task] * earned, 4), points[task], tuple(cases)
        )


def led_by(case: CaseResult, first: str) -> CaseResult:
    """A failed case whose hint begins with the task that is called in it and not right either."""
    if case.state != FAILED:
        return case
    return replace(case, hint=f"first put task {first} right, it is called here; {case.hint}")


@cache
def function_names(root: Path) -> dict[str, str]:
    """Task -> the name of its function, of the solved tree at `root`; read once."""
    return {
        task.number: task.function
        for name in tree.student_files(root)
        for task in tasks_in(tree.package(root)[name].decode(), name)
    }


def printable(text: str) -> str:
    """Text on one line, without the characters that move a terminal's cursor."""
    return "".join(c if c.isprintable() else " " for c in text)
