"""One long job at a time: a new one cancels the old one and waits for its turn.

Offers `Run`. Nothing here knows a widget. Read next: jobs.py, answer.py.

Why one: two searches on two cores are both slow, and a cell that is run again leaves a job behind
whose Stop button is gone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from hw5.ui.threads import at_work, is_ending

_turn = threading.Lock()  # held by the job that computes
_guard = threading.Lock()  # around `_newest`
_newest: Run | None = None


class Run:
    """A job in a thread of its own.

    `work` gets this object; it asks `should_stop` now and then and handles its own exceptions. It
    is called even when the job was cancelled while it waited.
    """

    def __init__(self, work: Callable[[Run], None]) -> None:
        """Set up; nothing happens before `begin`, so the caller can keep the object first."""
        self._work = work
        self._stop, self._done = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="hw5-run", daemon=True)

    def begin(self) -> Run:
        """Cancel the job that runs, if any, and start as soon as it is over."""
        global _newest
        with _guard:
            if _newest is not None:
                _newest.stop()
            _newest = self
            self._thread.start()
        return self

    def stop(self) -> None:
        """Ask the job to stop; it does so at its next step."""
        self._stop.set()

    def should_stop(self) -> bool:
        """Whether it was asked to."""
        return self._stop.is_set() or is_ending()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the job is over; False after `timeout` seconds."""
        return self._done.wait(timeout)

    def _run(self) -> None:
        try:
            with _turn, at_work():
                self._work(self)
        finally:
            self._done.set()
