"""Timing of a function: warm up, repeat for a while, take the middle.

Offers `times`, `median_seconds` and `percentile`.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

WARM_UPS = 2  # the first calls pay for memory and for choosing algorithms


def times(work: Callable[[], object], *, seconds: float, at_least: int = 5) -> list[float]:
    """Seconds of each call of `work`, called for about `seconds` and at least `at_least` times."""
    for _ in range(WARM_UPS):
        work()
    found: list[float] = []
    end = time.perf_counter() + seconds
    while len(found) < at_least or time.perf_counter() < end:
        begin = time.perf_counter()
        work()
        found.append(time.perf_counter() - begin)
    return found


def median_seconds(work: Callable[[], object], *, seconds: float = 2, at_least: int = 5) -> float:
    """Middle time of a call of `work`."""
    return statistics.median(times(work, seconds=seconds, at_least=at_least))


def percentile(values: list[float], share: float) -> float:
    """The value that `share` of `values` do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
