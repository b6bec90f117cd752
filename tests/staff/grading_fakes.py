"""A grader without jail or torch: points come from the submission's text, at once.

Offers `submit`, `FakeGrader` and `graded_of`. A submission is a folder with code.txt, whose text is
the share of points, or a word: `refused`, `staff` (we fail), `raise` (the grader raises).
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from staff.batch.submissions import Submission
from staff.grading.graded import (
    FAILED,
    GRADED,
    PASSED,
    REFUSED,
    STAFF_FAILURE,
    CaseResult,
    Graded,
    TaskResult,
)


def submit(folder: Path, texts: Mapping[str, str]) -> Path:
    """Write a submission for each name."""
    for name, text in texts.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "code.txt").write_text(text)
    return folder


def graded_of(name: str, share: float, **rest: object) -> Graded:
    """A result with two tasks, the first with full points and the second with a share of 4."""
    state = PASSED if share == 1 else FAILED
    case = CaseResult("adds up", "1.2", state, score=share, seen="got 3", hint="see eq. 4")
    return Graded(
        name,
        GRADED,
        tasks=(
            TaskResult("1.1", "masked_mean", 2, 2, (CaseResult("ones", "1.1", PASSED, score=1),)),
            TaskResult("1.2", "pixel_loss", 4 * share, 4, (case,)),
        ),
        backend="fake",
        **rest,
    )


@dataclass(frozen=True)
class FakeGrader:
    """Grades by what code.txt says; appends each call to a log, one line a call."""

    log: Path | None = None
    seconds: float = 0.0

    def __call__(self, submission: Submission) -> Graded:
        """The result of a submission."""
        if self.log is not None:
            with self.log.open("a") as file:
                file.write(f"{submission.name} {os.getpid()}\n")
        time.sleep(self.seconds)
        text = (submission.path / "code.txt").read_text()
        if text == "raise":
            raise RuntimeError("the jail would not open")
        if text == "staff":
            return Graded(submission.name, STAFF_FAILURE, message="no memory left on this machine")
        if text == "refused":
            return Graded(submission.name, REFUSED, message="no hw5 in it")
        return graded_of(submission.name, float(text))
