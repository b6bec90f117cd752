"""The cases of an exam as ordinary tests in the student's own process, for `bench` to compare with.

    HW5_EXAM=exam.pickle pytest staff/batch/plain_tests.py

This is how graders are usually written, and is never used for marks: the tests believe whatever the
student's code does to them. The exam is a file that `bench` has just written itself.
"""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from staff.grading.compare import judge
from staff.grading.exchange import Reader, pack
from staff.grading.worker import ANSWER, outcome

if TYPE_CHECKING:
    from staff.grading.cases.case import Case
    from staff.grading.exam import Exam

EXAM: Exam = pickle.loads(Path(os.environ["HW5_EXAM"]).read_bytes())


@pytest.mark.parametrize("case", EXAM.cases, ids=lambda case: case.key)
def test_case(case: Case) -> None:
    """The case's answer has full credit."""
    inputs, expected = EXAM.inputs[case.key], EXAM.expected[case.key]
    kind, text, answers = outcome(case, inputs)
    assert kind == ANSWER, text
    (frame,) = Reader().frames(pack({}, answers))  # as the answers went that these are compared to
    verdict = judge(case, inputs, frame.arrays, expected, EXAM.tolerance(case), EXAM.curve(case))
    assert verdict.score == 1, verdict.seen
