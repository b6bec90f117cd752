"""Threads that do not outlive Python.

Offers `at_work` and `is_ending`. A daemon thread inside torch while the interpreter goes away
aborts the process; so the work is counted, and the end waits for it. Used by latest.py, runs.py.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Iterator
from contextlib import contextmanager

GRACE = 10.0  # seconds that the end of Python waits at most

_changed = threading.Condition()
_state = {"working": 0, "ending": False}


@contextmanager
def at_work() -> Iterator[None]:
    """Around computation in a thread: Python does not end within the block."""
    with _changed:
        _state["working"] += 1
    try:
        yield
    finally:
        with _changed:
            _state["working"] -= 1
            _changed.notify_all()


def is_ending() -> bool:
    """Whether Python is about to end: begin nothing new."""
    return bool(_state["ending"])


@atexit.register
def _end() -> None:
    with _changed:
        _state["ending"] = True
        _changed.wait_for(lambda: not _state["working"], GRACE)
