"""Facts about answers that need no reference: relations, used beside the values.

Offers `equal`, `same`, `standard_normal`, `within` and others. Each makes a `Relation`, a function
of inputs and answer that says "" where the fact holds, else what was seen. Read next: losses.py.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from staff.grading.cases.case import Arrays, Relation

SIGMAS = 6.0  # chance fails a right answer less than once in a hundred million


def same(one: str, other: str, says: str, close: float = 1e-9) -> Relation:
    """Two answers agree; `says` tells what it means if they do not."""

    def relation(x: Arrays, got: Arrays) -> str:
        agree = got[one].shape == got[other].shape and np.allclose(
            got[one], got[other], rtol=close, atol=close
        )
        return "" if agree else says

    return relation


def different(one: str, other: str, says: str) -> Relation:
    """Two answers are not the same everywhere."""
    return lambda x, got: says if np.array_equal(got[one], got[other]) else ""


def exactly(answer: str, given: str, says: str) -> Relation:
    """An answer is an input, to the last digit."""
    return lambda x, got: "" if np.array_equal(got[answer], x[given]) else says


def standard_normal(of: Callable[[Arrays, Arrays], np.ndarray], says: str) -> Relation:
    """The rows (n, d) that `of` gives are independent standard normal numbers, as far as seen."""

    def relation(x: Arrays, got: Arrays) -> str:
        rows = of(x, got)
        count = len(rows)
        off_mean = np.abs(rows.mean(axis=0)).max() * np.sqrt(count)
        off_square = np.abs((rows**2).mean(axis=0) - 1).max() * np.sqrt(count / 2)
        off_fourth = np.abs((rows**4).mean(axis=0) - 3).max() * np.sqrt(count / 96)
        if max(off_mean, off_square, off_fourth) < SIGMAS and distinct(rows):
            return ""
        mean, spread = rows.mean(), rows.std()
        return f"{says}: entries have mean {mean:.3g} and standard deviation {spread:.3g}"

    return relation


def distinct(rows: np.ndarray) -> bool:
    """Are no two rows the same?"""
    return len(np.unique(rows, axis=0)) == len(rows)


def near(
    of: Callable[[Arrays, Arrays], np.ndarray],
    want: Callable[[Arrays], np.ndarray],
    share: float,
    says: str,
) -> Relation:
    """What `of` gives lies within a share of what is expected of it."""

    def relation(x: Arrays, got: Arrays) -> str:
        found, expected = np.asarray(of(x, got)), np.asarray(want(x))
        if found.shape == expected.shape and np.all(
            np.abs(found - expected) <= share * np.abs(expected)
        ):
            return ""
        return says

    return relation
