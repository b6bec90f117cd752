"""An appeal repeats one task: says whether the verdict stands, and from what."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from grading_fakes import graded_of, submit

from hw5.kit.checks import InputError
from staff.batch import appeal
from staff.batch.submissions import Submission, digest

COMMON = {"tests": "t", "seed": "s", "notebooks": "not run"}


class Desk:
    """A desk whose exam has one case of task 1.2."""

    common, backend, unsafe = COMMON, "fake", True

    def exam(self, tasks):
        assert tasks == ("1.2",)
        key = "1.2 adds up"
        case = SimpleNamespace(key=key, name="adds up", says="one and one are two")
        arrays = {"a": np.arange(9.0).reshape(3, 3)}
        return SimpleNamespace(
            cases=(case,), inputs={key: arrays}, expected={key: {"sum": np.array(2.0)}}
        )


@pytest.fixture
def submission(tmp_path):
    return Submission("ada", submit(tmp_path, {"ada": "0.5"}) / "ada")


@pytest.fixture
def stored(submission):
    return replace(graded_of("ada", 0.5), digests={**COMMON, "submission": digest(submission.path)})


@pytest.fixture
def again(monkeypatch):
    """Makes the second grading give a share of the points of task 1.2."""

    def give(share):
        found = graded_of("ada", share)
        only = replace(found, tasks=tuple(t for t in found.tasks if t.task == "1.2"))
        monkeypatch.setattr(appeal, "SandboxGrader", lambda *_: lambda _: only)

    return give


def test_the_same_verdict_stands(submission, stored, again):
    again(0.5)
    found = appeal.appeal(submission, stored, "1.2", Desk())
    assert found.agrees
    assert found.changed == ()


def test_another_verdict_is_told(submission, stored, again):
    again(1)
    assert not appeal.appeal(submission, stored, "1.2", Desk()).agrees


def test_another_score_of_the_same_state_is_another_verdict(submission, stored, again):
    again(0.25)
    assert not appeal.appeal(submission, stored, "1.2", Desk()).agrees


def test_notebooks_that_were_run_then_change_no_task(submission, stored, again):
    again(0.5)
    stored = replace(stored, digests={**stored.digests, "notebooks": "abc"})
    assert appeal.appeal(submission, stored, "1.2", Desk()).changed == ()


def test_a_submission_that_could_not_be_graded_does_not_agree(submission, stored, monkeypatch):
    nothing = replace(graded_of("ada", 1), tasks=(), message="no archive")
    monkeypatch.setattr(appeal, "SandboxGrader", lambda *_: lambda _: nothing)
    found = appeal.appeal(submission, stored, "1.2", Desk())
    assert not found.agrees
    assert "no archive" in "\n".join(appeal.lines(found))


def test_what_changed_since_is_named(submission, stored, again):
    again(0.5)
    (submission.path / "code.txt").write_text("1")
    stored = replace(stored, digests={**stored.digests, "tests": "other"})
    found = appeal.appeal(submission, stored, "1.2", Desk())
    assert found.changed == ("tests", "submission")
    assert "careful: tests" in "\n".join(appeal.lines(found))


def test_it_shows_fact_input_expected_and_seen(submission, stored, again):
    again(0.5)
    text = "\n".join(appeal.lines(appeal.appeal(submission, stored, "1.2", Desk())))
    for words in ("one and one are two", "then failed, score 0.5; now failed, score 0.5",
                  "input a: float64[3, 3], 0 to 8: 0, 1, 2, 3, 4, 5, ...",
                  "expected sum: float64[]: 2", "seen: got 3", "hint: see eq. 4"):  # fmt: skip
        assert words in text


def test_a_task_that_was_not_graded_is_refused(submission, stored):
    with pytest.raises(InputError, match=r"one of 1\.1, 1\.2"):
        appeal.appeal(submission, stored, "9.9", Desk())
