"""A clock for runs under test."""

from __future__ import annotations

import time


class Clock:
    """Time that passes with every look at it: a run takes the same steps on any machine."""

    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        self.now += 0.02
        return self.now

    def perf_counter(self):
        return time.perf_counter()
