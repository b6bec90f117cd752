"""What grading needs: a tried jail, an exam, and what decides a mark, as digests.

Offers `Desk`, `open_desk` and `SandboxGrader`. Opening tries the jail and is quick; the exam is
made only when something is to be graded. Read next: staff/grading/grade.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Protocol

from staff.batch.canaries import Canary, canaries_of
from staff.batch.crew import Grader
from staff.batch.submissions import Submission
from staff.grading import tree
from staff.grading.exam import Exam, digests, make_exam
from staff.grading.grade import grade
from staff.grading.graded import Graded
from staff.rubric import Rubric
from staff.sandbox import Jail, open_jail


class Desk(Protocol):
    """What a batch is graded with."""

    common: Mapping[str, str]  # digests of what decides, beside the submission

    def open(self) -> tuple[Grader, Sequence[Canary]]:
        """The grader, and submissions whose marks are known."""


@dataclass(frozen=True)
class SandboxGrader:
    """Grades in jails; travels to the workers of a cluster, and opens a jail on each."""

    exam: Exam
    backend: str
    unsafe: bool = False

    def __call__(self, submission: Submission) -> Graded:
        """The result of a submission.

        Raises:
            StaffError: the grader itself failed.
        """
        found = grade(submission.path, self.exam, jail_of(self.backend, self.unsafe))
        return replace(found, submission=submission.name)


@dataclass(frozen=True)
class RealDesk:
    """The desk that every command uses."""

    rubric: Rubric
    seed: int
    backend: str
    unsafe: bool
    common: Mapping[str, str] = field(default_factory=dict)

    def exam(self, tasks: Sequence[str] = ()) -> Exam:
        """The exam, or the part of it that asks for some tasks.

        Raises:
            StaffError: the solved functions do not pass it.
        """
        return make_exam(self.seed, self.rubric, jail_of(self.backend, self.unsafe), tasks=tasks)

    def open(self) -> tuple[Grader, Sequence[Canary]]:
        """The grader, and the canaries for its exam."""
        exam = self.exam()
        return SandboxGrader(exam, self.backend, self.unsafe), canaries_of(exam)


@cache
def jail_of(backend: str, unsafe: bool) -> Jail:
    """This process's jail; tried when first asked for.

    Raises:
        StaffError: there is none that keeps its promises.
    """
    return open_jail(backend, unsafe=unsafe)


def open_desk(
    rubric: Rubric, seed: int, *, backend: str = "auto", unsafe: bool = False
) -> RealDesk:
    """Try the jail, and gather what decides a mark.

    Raises:
        StaffError: no jail keeps its promises.
    """
    jail = jail_of(backend, unsafe)
    common = {
        **digests(rubric, jail, tree.ROOT),
        "sandbox": tree.digest(tree.named("staff/sandbox/*.py")),
        "seed": hashlib.sha256(f"seed {seed}".encode()).hexdigest(),
    }
    return RealDesk(rubric, seed, backend, unsafe, common)
