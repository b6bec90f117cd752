"""How fast grading is, beside the same tests under plain pytest, and in Gradescope's box.

Offers `in_jails`, `under_pytest`, `Rate` and `boxed`. All are measured on solved submissions, many
at a time, in one run on one machine. A machine that does other things as well gives few submissions
a minute; the processor seconds of one stay about the same. Read next: staff/commands/bench.py.
"""

from __future__ import annotations

import os
import pickle
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from staff.batch import crew, run
from staff.batch.box import GRADESCOPE, Boxed, run_boxed
from staff.batch.submissions import Submission
from staff.grading.exam import Exam
from staff.grading.grade import grade
from staff.grading.graded import Graded
from staff.grading.tree import ROOT, package, solutions, write
from staff.sandbox import Ended, Jail

TESTS = ROOT / "staff" / "batch" / "plain_tests.py"


@dataclass(frozen=True)
class Rate:
    """How fast submissions are done."""

    a_minute: float
    processor_s: float  # seconds of one processor for one submission


def solved_submissions(folder: Path, count: int) -> list[Submission]:
    """So many submissions with the solved functions."""
    found = [Submission(f"s{i:03}", folder / f"s{i:03}") for i in range(count)]
    for submission in found:
        write(submission.path, solutions())
    return found


class CountedJail:
    """A jail that adds up the processor time of what runs in it."""

    def __init__(self, jail: Jail) -> None:
        """Count in this jail."""
        self.name, self.cpu_seconds, self._jail = jail.name, 0.0, jail

    def run(self, *words: Any, **options: Any) -> Ended:  # noqa: ANN401
        """As the jail's own."""
        ended = self._jail.run(*words, **options)
        self.cpu_seconds += ended.cpu_seconds
        return ended


def in_jails(exam: Exam, jail: Jail, todo: list[Submission], workers: int) -> Rate:
    """Solved submissions graded as in a batch.

    Raises:
        RuntimeError: one of them has not all points.
    """
    counted = CountedJail(jail)

    def grader(submission: Submission) -> Graded:
        return replace(grade(submission.path, exam, counted), submission=submission.name)

    def grade_all() -> None:
        with crew.threads(grader, workers) as hands:
            for submission, graded in run.results(todo, hands):
                if not graded.possible or graded.points < graded.possible:
                    message = graded.message or f"{graded.points:g} of {graded.possible:g} points"
                    raise RuntimeError(f"solved submission {submission.name}: {message}")

    return measured(grade_all, len(todo), lambda: counted.cpu_seconds)


def under_pytest(exam: Exam, folder: Path, count: int, workers: int) -> Rate:
    """The same cases under pytest, a process for each submission, as many at a time.

    Raises:
        RuntimeError: a test of the solved functions fails.
    """
    tree, kept = folder / "tree", folder / "exam.pickle"
    write(tree, dict(package()) | solutions())
    kept.write_bytes(pickle.dumps(exam))
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tree), str(ROOT)]),
           "HW5_EXAM": str(kept), "OMP_NUM_THREADS": "1"}  # fmt: skip
    command = [sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "--rootdir", str(tree),
               "-p", "no:cacheprovider", str(TESTS)]  # fmt: skip

    def one(_: int) -> None:
        done = subprocess.run(command, cwd=tree, env=env, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"plain pytest: {done.stdout[-500:]}{done.stderr[-500:]}")

    def test_all() -> None:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(one, range(count)))

    return measured(test_all, count, of_children)


def measured(work: Callable[[], None], count: int, others: Callable[[], float]) -> Rate:
    """How fast so many submissions are done, with the processor seconds of others than us."""
    began, before = time.perf_counter(), time.process_time() + others()
    work()
    return Rate(
        a_minute=60 * count / (time.perf_counter() - began),
        processor_s=(time.process_time() + others() - before) / count,
    )


def of_children() -> float:
    """Processor seconds of children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def boxed(folder: Path, rubric: str, backend: str, *, unsafe: bool) -> Boxed:
    """One solved submission graded by a process of its own in Gradescope's box, exam included."""
    submission = solved_submissions(folder, 1)[0].path
    command = [sys.executable, "-m", "staff", "bench", "--one", str(submission),
               "--rubric", rubric, "--backend", backend]  # fmt: skip
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return run_boxed(command + ["--unsafe"] * unsafe, GRADESCOPE, env)
