"""What a case's answers are worth: form first, then values, relations, and credit on a curve."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from staff.grading import worker
from staff.grading.cases.case import Case
from staff.grading.compare import Curve, Tolerance, judge

WANT = {"loss": np.array([1.0, 2.0, 3.0])}


def case(**fields):
    return Case("1.1", "name", "says", dict, dict, "hw5.losses", **fields)


def verdict(got, want=WANT, **fields):
    curve = Curve(0.01, 1.0) if "measure" in fields else None
    return judge(case(**fields), {}, got, want, Tolerance(), curve)


def test_the_answer_itself_is_worth_everything():
    assert verdict({"loss": WANT["loss"] * (1 + 1e-9)}).score == 1


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (2 * WANT["loss"], "2 times too much"),
        (-WANT["loss"], "sign is turned"),
        (0 * WANT["loss"], "all zero"),
        (np.array(2.0), "one number for the whole batch"),
        (WANT["loss"].astype("float32"), "float32, expected float64"),
        (WANT["loss"].astype(int), "int64"),
        (WANT["loss"][:2], "shape (2,)"),
        (np.array([1.0, np.nan, 3.0]), "1 of 3 numbers are nan"),
        (np.array([1.0, np.inf, 3.0]), "infinite"),
        (WANT["loss"] + 1e-4, "is not right"),
    ],
)
def test_anything_else_is_worth_nothing_and_says_why(loss, words):
    found = verdict({"loss": loss})
    assert found.score == 0
    assert words in found.seen


@pytest.mark.parametrize("got", [{}, {"loss": WANT["loss"], "more": np.ones(1)}])
def test_answers_are_neither_missing_nor_too_many(got):
    assert verdict(got).score == 0


def test_no_message_holds_the_expected_numbers():
    want = {"loss": np.array([123.4567, 765.4321])}
    assert "765" not in verdict({"loss": np.array([1.0, 2.0])}, want).seen


def test_a_relation_judges_what_is_free():
    def positive(x, got):
        return "" if (got["loss"] > 0).all() else "a loss is negative"

    fields = {"free": frozenset({"loss"}), "relations": (positive,)}
    assert verdict({"loss": np.array([7.0, 8.0, 9.0])}, **fields).score == 1
    assert verdict({"loss": np.array([7.0, -8.0, 9.0])}, **fields).seen == "a loss is negative"


def test_an_answer_that_a_relation_cannot_read_costs_its_case_and_nothing_else():
    def broken(x, got):
        raise TypeError("only 0-dimensional arrays can be converted")

    found = verdict(WANT, relations=(broken,))
    assert (found.score, found.seen) == (0, "an answer that cannot be judged: TypeError")


def test_what_is_free_must_still_be_finite():
    got = {"loss": np.array([7.0, np.nan, 9.0])}
    assert verdict(got, free=frozenset({"loss"})).score == 0


@pytest.mark.parametrize(
    ("left", "score"), [(0.0, 1), (0.01, 1), (0.1, 0.5), (1.0, 0), (float("nan"), 0), (9.0, 0)]
)
def test_a_search_is_given_credit_along_the_logarithm_of_what_it_left(left, score):
    found = verdict(WANT, measure=lambda x, got: left)
    assert found.score == pytest.approx(score)
    assert bool(found.seen) == (score < 1)


def test_code_that_leaves_python_is_called_that():
    def leave(inputs):
        sys.exit(3)

    state, text, _ = worker.outcome(SimpleNamespace(call=leave), {})
    assert state == worker.ERROR
    assert text == "SystemExit: 3: your code leaves Python, here or where its file is imported"
