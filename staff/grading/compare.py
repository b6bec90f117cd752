"""Judges a case's answers: numbers against the solved functions' numbers, outside any jail.

Offers `judge` and its `Verdict`. What came back are plain arrays; before any of them is compared,
its dtype, shape and finiteness must be those of the answer. Then values, then relations that need
no answer, then, for searches, credit on a curve. Read next: grade.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from staff.grading.cases.case import Arrays, Case

SHOWN = 4  # numbers of an answer that a message shows


@dataclass(frozen=True)
class Tolerance:
    """How far right answers may differ: rounding, other orders of summation, other machines."""

    relative: float = 1e-6  # of float64; the functions are chains of a few hundred operations
    absolute: float = 1e-8
    relative_float32: float = 1e-4  # PyTorch's own figures for chains of convolutions
    absolute_float32: float = 1e-5


@dataclass(frozen=True)
class Curve:
    """Partial credit for a search, by the share of the way that it left."""

    full: float  # up to here all of it
    zero: float  # from here on nothing; between them along the logarithm

    def credit(self, left: float) -> float:
        """Between 0 and 1."""
        if left <= self.full:
            return 1.0
        if not left < self.zero:
            return 0.0
        return math.log(self.zero / left) / math.log(self.zero / self.full)


@dataclass(frozen=True)
class Verdict:
    """What a case is worth."""

    score: float  # 0 to 1
    seen: str = ""  # one line, where it is below 1


def judge(
    case: Case, x: Arrays, got: Arrays, want: Arrays, tolerance: Tolerance, curve: Curve | None
) -> Verdict:
    """Compare the answers of a submission with those of the solved functions.

    Args:
        case: what was asked.
        x: the inputs.
        got: the submission's answers; nothing is known of them but that they are numbers.
        want: the solved functions' answers.
        tolerance: of values.
        curve: of the measure; a case without measure needs none.
    """
    if set(got) != set(want):
        odd = ", ".join(sorted(set(got) ^ set(want))[:SHOWN])
        return Verdict(0.0, f"answers that are missing or too many: {odd}")
    with np.errstate(all="ignore"):
        for name in want:
            wrong = formally_wrong(got[name], want[name])
            if not wrong and name not in case.free:
                wrong = unlike(got[name], want[name], tolerance)
            if wrong:
                return Verdict(0.0, f"{name}: {wrong}")
        try:
            wrong = next((seen for holds in case.relations if (seen := holds(x, got))), "")
            return Verdict(0.0, wrong) if wrong else measured(case, x, got, curve)
        except Exception as error:  # odd numbers; what the solved functions answer was tried before
            return Verdict(0.0, f"an answer that cannot be judged: {type(error).__name__}")


def formally_wrong(got: np.ndarray, want: np.ndarray) -> str:
    """What is wrong with kind, shape or finiteness of an answer; "" if nothing."""
    if got.dtype != want.dtype:
        return f"numbers of {got.dtype}, expected {want.dtype}"
    if got.shape != want.shape:
        over = " (one number for the whole batch?)" if got.shape == () else ""
        return f"shape {got.shape}, expected {want.shape}{over}"
    if got.dtype.kind == "f" and not np.isfinite(got).all():
        return f"{int((~np.isfinite(got)).sum())} of {got.size} numbers are nan or infinite"
    return ""


def unlike(got: np.ndarray, want: np.ndarray, tolerance: Tolerance) -> str:
    """How numbers of one shape differ; "" if they agree."""
    if got.dtype.kind != "f":
        return "" if np.array_equal(got, want) else brief(got) + guess(got, want)
    single = got.dtype.itemsize < 8
    relative = tolerance.relative_float32 if single else tolerance.relative
    absolute = tolerance.absolute_float32 if single else tolerance.absolute
    if np.allclose(got, want, rtol=relative, atol=absolute):
        return ""
    return brief(got) + guess(got, want)


def brief(array: np.ndarray) -> str:
    """A few numbers of an answer."""
    shown = ", ".join(f"{value:.4g}" for value in array.reshape(-1)[:SHOWN].astype(float))
    more = ", ..." if array.size > SHOWN else ""
    return f"{shown}{more} is not right"


def guess(got: np.ndarray, want: np.ndarray) -> str:
    """What the numbers alone tell: all zero, turned round, or off by one factor."""
    got, want = got.astype(float).reshape(-1), want.astype(float).reshape(-1)
    if not got.any():
        return ": all zero"
    counted = np.abs(want) > 1e-6 * np.abs(want).max(initial=0)
    if not counted.any():
        return ": zeros are expected"
    factors = got[counted] / want[counted]
    if np.ptp(factors) > 1e-5 * np.abs(factors[0]):
        return ""
    factor = float(factors[0])
    return (
        ": the sign is turned round" if abs(factor + 1) < 1e-5 else f": {factor:.4g} times too much"
    )


def measured(case: Case, x: Arrays, got: Arrays, curve: Curve | None) -> Verdict:
    """Credit of a search by its curve; all of it for a case without measure."""
    if case.measure is None:
        return Verdict(1.0)
    left = case.measure(x, got)
    score = curve.credit(left)
    seen = f"{left:.2%} of the way to the best is left; full credit up to {curve.full:.2%}"
    return Verdict(score, "" if score == 1 else seen)
