"""One long job at a time: a new one cancels the old one and waits for its turn.

Offers `start` and `Run`. Nothing here knows a widget. Read next: jobs.py, answer.py.

Why one: two searches on two cores are both slow, and a cell that is run again leaves a job behind
whose Stop button is gone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

_turn = threading.Lock()  # held by the job that computes
_guard = threading.Lock()  # around `_newest`
_newest: Run | None = None


class Run:
    """A job in a thread of its own; made by `start`."""

    def __init__(self, work: Callable[[Run], None]) -> None:
        """Set up; `work` gets this object and asks `should_stop`."""
        self._work = work
        self._stop, self._done = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="hw5-run", daemon=True)

    def stop(self) -> None:
        """Ask the job to stop; it does so at its next step."""
        self._stop.set()

    def should_stop(self) -> bool:
        """Whether it was asked to."""
        return self._stop.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the job is over; False after `timeout` seconds."""
        return self._done.wait(timeout)

    def _run(self) -> None:
        try:
            with _turn:
                self._work(self)
        finally:
            self._done.set()


def start(work: Callable[[Run], None]) -> Run:
    """Cancel the job that runs, if any, and do `work` in a new thread as soon as it is over.

    Args:
        work: gets its `Run`; must ask `should_stop` now and then, and handle its own exceptions. It
            is called even when it was cancelled while it waited.
    """
    global _newest
    with _guard:
        if _newest is not None:
            _newest.stop()
        _newest = Run(work)
        _newest._thread.start()
        return _newest
