"""How fast grading is, beside the same tests under plain pytest, and in Gradescope's box.

Offers `jailed_rate`, `pytest_rate` and `boxed`. All are measured on solved submissions, one after
the other in so many workers, in one run on one machine. Read next: staff/commands/bench.py.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from staff.batch import crew, run
from staff.batch.box import GRADESCOPE, Boxed, run_boxed
from staff.batch.desk import SandboxGrader
from staff.batch.submissions import Submission
from staff.grading.exam import Exam
from staff.grading.tree import ROOT, package, solutions, write

TESTS = ROOT / "staff" / "batch" / "plain_tests.py"


def solved_submissions(folder: Path, count: int) -> list[Submission]:
    """So many submissions with the solved functions."""
    found = [Submission(f"s{i:03}", folder / f"s{i:03}") for i in range(count)]
    for submission in found:
        write(submission.path, solutions())
    return found


def jailed_rate(grader: SandboxGrader, todo: list[Submission], workers: int) -> float:
    """Submissions a minute, graded as in a batch.

    Raises:
        RuntimeError: a solved submission has not all points.
    """
    began = time.perf_counter()
    with crew.threads(grader, workers) as hands:
        for submission, graded in run.results(todo, hands):
            if not graded.possible or graded.points < graded.possible:
                message = graded.message or f"{graded.points:g} of {graded.possible:g} points"
                raise RuntimeError(f"solved submission {submission.name}: {message}")
    return 60 * len(todo) / (time.perf_counter() - began)


def pytest_rate(exam: Exam, folder: Path, count: int, workers: int) -> float:
    """Submissions a minute under pytest, a process for each, as many at a time.

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

    return rate(one, count, workers)


def rate(one: Callable[[int], None], count: int, workers: int) -> float:
    """How often a minute `one` can be called by so many threads."""
    began = time.perf_counter()
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(one, range(count)))
    return 60 * count / (time.perf_counter() - began)


def boxed(folder: Path, rubric: str, backend: str, *, unsafe: bool) -> Boxed:
    """One solved submission graded by a process of its own in Gradescope's box, exam included."""
    submission = solved_submissions(folder, 1)[0].path
    command = [sys.executable, "-m", "staff", "bench", "--one", str(submission),
               "--rubric", rubric, "--backend", backend]  # fmt: skip
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return run_boxed(command + ["--unsafe"] * unsafe, GRADESCOPE, env)
