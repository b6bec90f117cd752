"""An exam: what is asked of every submission of a batch, and the solved functions' answers.

Offers `make_exam` and `Exam`. Inputs are drawn from a secret seed, each case's from a stream of its
own, so that one case alone gets the same inputs as in the whole. The answers are computed from the
solved files by the same worker, in the same kind of jail, once; they stay in this process. Read
next: grade.py.
"""

from __future__ import annotations

import platform
import sys
import tempfile
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

from staff.grading import tree
from staff.grading.bands import largest_shares
from staff.grading.cases import all_cases
from staff.grading.cases.case import Arrays, Case
from staff.grading.compare import Curve, Tolerance, judge
from staff.grading.session import ANSWERED, compute
from staff.rubric_shapes import Rubric
from staff.sandbox import Jail, Limits, StaffError

SMALLEST_SHARE = 1e-4  # of a way to the best: less is rounding, and nobody's merit
# Torch itself takes about 200 MB that no file stands behind; cases add little.
LIMITS = Limits(wall_s=600.0, cpu_s=120.0, memory_mb=1024, processes=8, reply_mb=32.0)


@dataclass(frozen=True)
class Exam:
    """Inputs and answers by case; plain data, so that it travels to other machines."""

    seed: int
    rubric: Rubric
    keys: tuple[str, ...]  # of the cases, in the order they are asked
    inputs: Mapping[str, Arrays]
    expected: Mapping[str, Arrays]
    digests: Mapping[str, str]  # tests, rubric, environment
    root: str  # of the solved repository that the answers come from

    @property
    def cases(self) -> tuple[Case, ...]:
        """What is asked."""
        return tuple(case for case in all_cases() if case.key in self.inputs)

    def only(self, tasks: Collection[str]) -> Exam:
        """The same exam with the cases of some tasks."""
        kept = {case.key for case in self.cases if case.task in tasks}
        return Exam(
            self.seed, self.rubric, tuple(key for key in self.keys if key in kept),
            {key: self.inputs[key] for key in kept}, {key: self.expected[key] for key in kept},
            self.digests, self.root,
        )  # fmt: skip

    def curve(self, case: Case) -> Curve | None:
        """Of a search; None for other cases."""
        return curve_of(case, self.rubric)

    def tolerance(self, case: Case) -> Tolerance:
        """Of a case's values."""
        return tolerance_of(case, self.rubric)


def curve_of(case: Case, rubric: Rubric) -> Curve | None:
    """A search's curve: the rubric's multiples of what the solved search leaves at most."""
    if case.measure is None:
        return None
    rule, most = rubric.rule(case.key), max(largest_shares()[case.key], SMALLEST_SHARE)
    full = rubric.curve["full"] * most if rule.full is None else rule.full
    zero = rubric.curve["zero"] * most if rule.zero is None else rule.zero
    return Curve(full, min(zero, 1.0))


def tolerance_of(case: Case, rubric: Rubric) -> Tolerance:
    """Of a case's values: the rubric's, unless it has a rule for this case."""
    rule = rubric.rule(case.key)
    own = {name: getattr(rule, name) for name in ("relative", "absolute")}
    return Tolerance(**rubric.tolerance | {k: v for k, v in own.items() if v is not None})


def make_exam(
    seed: int,
    rubric: Rubric,
    jail: Jail,
    *,
    limits: Limits = LIMITS,
    tasks: Collection[str] = (),
    root: Path = tree.ROOT,
) -> Exam:
    """Draw inputs, and get the solved functions' answers.

    Args:
        seed: secret while the course runs.
        rubric: its tasks are asked.
        jail: where the solved functions are called.
        limits: of that jail.
        tasks: only these; all of the rubric's if empty.
        root: of the solved repository.

    Raises:
        StaffError: the solved functions do not answer a case, or are not right by its relations.
    """
    asked = set(tasks) or set(rubric.tasks)
    cases = [case for case in all_cases() if case.task in asked and case.task in rubric.tasks]
    inputs = {case.key: draw(case, seed) for case in cases}
    with tempfile.TemporaryDirectory(prefix="hw5-exam-") as folder:
        kit, solved = Path(folder, "kit"), Path(folder, "solved")
        tree.write_kit(kit)
        tree.write_package(solved, root)
        tree.write(solved, tree.solutions(root))
        computed = compute(cases, inputs, kit, solved, jail, limits)
    expected = {key: answer.arrays for key, answer in computed.answers.items()}
    for key, answer in computed.answers.items():
        if answer.state != ANSWERED:
            raise StaffError(f"the solved functions on {key}: {answer.state}, {answer.text}")
    exam = Exam(
        seed, rubric, tuple(case.key for case in cases), inputs, expected,
        digests(rubric, jail, root), str(root),
    )  # fmt: skip
    check(exam)
    return exam


def check(exam: Exam) -> None:
    """Require that the solved functions' answers hold what they are asked to hold.

    Raises:
        StaffError: a relation fails, or a search misses its own band.
    """
    for case in exam.cases:
        x, want = exam.inputs[case.key], exam.expected[case.key]
        verdict = judge(case, x, want, want, exam.tolerance(case), exam.curve(case))
        if verdict.score < 1:
            raise StaffError(f"the solved functions on {case.key}: {verdict.seen}")


def draw(case: Case, seed: int) -> Arrays:
    """A case's inputs: a stream of random numbers for its name and the seed alone."""
    name = zlib.crc32(case.key.encode())
    drawn = case.inputs(np.random.default_rng(np.random.SeedSequence([seed, name])))
    return {key: np.asarray(value, order="C") for key, value in drawn.items()}


def digests(rubric: Rubric, jail: Jail, root: Path) -> dict[str, str]:
    """What decided, beside the submission: tests, rubric, environment."""
    tests = dict(tree.package(root)) | tree.solutions(root) | tree.kit()
    tests |= tree.named("staff/grading/*.py") | tree.named("staff/grading/*.toml")
    libraries = (f"{name} {version(name)}" for name in ("torch", "numpy", "safetensors"))
    environment = (f"Python {sys.version}", platform.platform(), platform.machine(), jail.name)
    return {
        "tests": tree.digest(tests),
        "rubric": tree.digest({rubric.name: rubric.text.encode()}),
        "environment": "; ".join([*environment, *libraries]),
    }
