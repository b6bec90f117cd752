"""How far a batch is, and how long it will take: one line, rewritten on a terminal.

Offers `Progress`. In a log a line comes every half minute, so that it stays readable.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import TextIO

from staff.grading.graded import STAFF_FAILURE, Graded

EVERY_S = {True: 0.2, False: 30.0}  # seconds between lines on a terminal, in a log


class Progress:
    """Counts results, and says what is left; call it with each."""

    def __init__(
        self,
        total: int,
        stream: TextIO,
        clock: Callable[[], float] = time.monotonic,
        what: str = "graded",
    ) -> None:
        """Begin the clock; `total` are to come, and `what` says what becomes of them."""
        self.states: Counter[str] = Counter()
        self._total, self._stream, self._clock, self._what = total, stream, clock, what
        self._lock = threading.Lock()
        self._begun = self._said = clock()
        self._terminal = stream.isatty()

    def __call__(self, graded: Graded) -> None:
        """Count a result."""
        self.count(graded.state)

    def count(self, state: str) -> None:
        """Count one of any kind; from any thread."""
        with self._lock:
            self.states[state] += 1
            now = self._clock()
            last = self.states.total() == self._total
            if last or now - self._said >= EVERY_S[self._terminal]:
                self._said = now
                ends = ("\r", "\x1b[K" + "\n" * last) if self._terminal else ("", "\n")
                print(ends[0] + self.line(now), end=ends[1], file=self._stream, flush=True)

    def line(self, now: float) -> str:
        """The state of things at a time of the clock."""
        done, spent = self.states.total(), now - self._begun
        left = (self._total - done) * spent / max(1, done)
        words = [
            f"{self._what} {done} of {self._total}",
            f"{60 * done / max(spent, 1e-9):.1f} a minute",
            f"{duration(left)} left" if done < self._total else f"took {duration(spent)}",
        ]
        if failures := self.states[STAFF_FAILURE]:
            words.append(f"{failures} failure{'s' * (failures > 1)} of ours")
        return ", ".join(words)


def duration(seconds: float) -> str:
    """A length of time in one or two units."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02d} min"
