"""What grading needs: a tried jail, an exam, and what decides a mark, as digests.

Offers `Desk`, `Opened`, `open_desk` and `SandboxGrader`. Opening tries the jail and is quick; the
exam is made only when something is to be graded. Read next: staff/grading/grade.py.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import Protocol, TextIO

from staff.attacks.attack import load
from staff.batch.canaries import Canary, canaries_of
from staff.batch.crew import Grader
from staff.batch.hostile import try_attacks
from staff.batch.store import file_name
from staff.batch.submissions import Submission
from staff.grading import tree
from staff.grading.exam import Exam, digests, make_exam
from staff.grading.grade import grade
from staff.grading.graded import GRADED, Graded, NotebookResult
from staff.grading.notebooks import Sheet, grade_notebooks, prepare
from staff.rubric import Rubric
from staff.sandbox import Jail, open_jail, unpack


def no_attacks(stream: TextIO) -> Mapping[str, str]:
    """Nothing was tried."""
    return {}


@dataclass(frozen=True)
class Opened:
    """Ready to grade."""

    grader: Grader
    canaries: Sequence[Canary]  # submissions whose marks are known, for the crew
    attack: Callable[[TextIO], Mapping[str, str]] = no_attacks  # name -> complaint; "" if none


class Desk(Protocol):
    """What a batch is graded with."""

    common: Mapping[str, str]  # digests of what decides, beside the submission

    def open(self) -> Opened:
        """The grader, and what shows that it can be trusted."""


@dataclass(frozen=True)
class Books:
    """The notebooks that a submission is graded with."""

    sheets: tuple[Sheet, ...]
    points: Mapping[str, float]  # notebook -> points to be had
    pictures: Path  # pictures/ID/ is written here; a cluster's workers must see it


@dataclass(frozen=True)
class SandboxGrader:
    """Grades in jails; travels to the workers of a cluster, and opens a jail on each."""

    exam: Exam
    backend: str
    unsafe: bool = False
    books: Books | None = None

    def __call__(self, submission: Submission) -> Graded:
        """The result of a submission.

        Raises:
            StaffError: the grader itself failed.
        """
        jail = jail_of(self.backend, self.unsafe)
        found = replace(grade(submission.path, self.exam, jail), submission=submission.name)
        if self.books is None or submission.values_only or found.state != GRADED:
            return found
        return replace(found, notebooks=with_notebooks(submission, self.books, jail))


def with_notebooks(submission: Submission, books: Books, jail: Jail) -> tuple[NotebookResult, ...]:
    """The notebooks' results with a submission's functions; its pictures replace earlier ones.

    Raises:
        StaffError: a notebook did not start.
    """
    pictures = books.pictures / file_name(submission.name)
    shutil.rmtree(pictures, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="hw5-notebooks-") as folder:
        unpack(submission.path, Path(folder), tree.student_files())
        files = tree.overlay(Path(folder), tree.student_files())
    return grade_notebooks(files, books.sheets, books.points, jail, pictures=pictures)


@dataclass(frozen=True)
class RealDesk:
    """The desk that every command uses."""

    rubric: Rubric
    seed: int
    backend: str
    unsafe: bool
    common: Mapping[str, str] = field(default_factory=dict)
    pictures: Path | None = None  # None: no notebooks

    def exam(self, tasks: Sequence[str] = ()) -> Exam:
        """The exam, or the part of it that asks for some tasks.

        Raises:
            StaffError: the solved functions do not pass it.
        """
        return make_exam(self.seed, self.rubric, jail_of(self.backend, self.unsafe), tasks=tasks)

    def open(self) -> Opened:
        """The grader, the canaries for its exam, and the attacks on it."""
        exam, jail, books = self.exam(), jail_of(self.backend, self.unsafe), None
        if self.pictures is not None:
            points = notebooks_of(self.rubric)
            sheets = prepare(tuple(points), jail)
            books = Books(sheets, points, self.pictures)
        grader = SandboxGrader(exam, self.backend, self.unsafe, books)
        return Opened(grader, canaries_of(exam), partial(try_attacks, load(), exam, jail))


def notebooks_of(rubric: Rubric) -> dict[str, float]:
    """Every notebook that gives points."""
    return {name: points for part in rubric.parts for name, points in part.notebooks.items()}


@cache
def jail_of(backend: str, unsafe: bool) -> Jail:
    """This process's jail; tried when first asked for.

    Raises:
        StaffError: there is none that keeps its promises.
    """
    return open_jail(backend, unsafe=unsafe)


def open_desk(
    rubric: Rubric,
    seed: int,
    *,
    backend: str = "auto",
    unsafe: bool = False,
    pictures: Path | None = None,
) -> RealDesk:
    """Try the jail, and gather what decides a mark.

    Args:
        rubric: the course's rules.
        seed: of the inputs.
        backend: of the sandbox.
        unsafe: allow a plain process.
        pictures: where those of notebooks go; None: no notebooks are run.

    Raises:
        StaffError: no jail keeps its promises.
    """
    jail = jail_of(backend, unsafe)
    books = {} if pictures is None else tree.named("notebooks/*.ipynb")
    common = {
        **digests(rubric, jail, tree.ROOT),
        "sandbox": tree.digest(tree.named("staff/sandbox/*.py")),
        "notebooks": tree.digest(books) if books else "not run",
        "seed": hashlib.sha256(f"seed {seed}".encode()).hexdigest(),
    }
    return RealDesk(rubric, seed, backend, unsafe, common, pictures)
