"""Last value wins: a worker that drops the requests it has no time for.

Offers `Latest`. A slider sends values faster than a network renders; only the newest is worth a
picture. Nothing here knows a widget. Read next: live.py, which shows what the worker makes.

Why a thread and not an event loop: a Jupyter kernel handles the messages of widgets in another
thread than cells, and not all of them in the same one. A thread with a condition variable is right
wherever the call comes from.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from hw5.ui.threads import at_work, is_ending

V = TypeVar("V")

# Seconds without a new value after which the hand is taken to rest. Shorter than a glance, longer
# than the gap between two movements of a mouse.
PAUSE = 0.2
# Seconds after which an idle thread ends: a cell that is run again leaves nothing behind.
PATIENCE = 20.0


class Latest(Generic[V]):
    """Calls `work(value)` in a thread of its own, always for the newest value only."""

    def __init__(
        self,
        work: Callable[[V], None],
        *,
        on_error: Callable[[Exception], None],
        rest: Callable[[V], None] | None = None,
        idle: Callable[[], bool] | None = None,
        pause: float = PAUSE,
    ) -> None:
        """Set up; the thread starts with the first value.

        Args:
            work: what to do with a value.
            on_error: gets what `work`, `rest` or `idle` raised; an exception in a thread would
                otherwise vanish.
            rest: called with the same value once no newer one came for `pause` seconds.
            idle: called again and again while nothing waits, until it returns False.
            pause: in seconds.
        """
        self._work, self._on_error = work, on_error
        self._rest, self._idle, self._pause = rest, idle, pause
        self._changed = threading.Condition()
        self._value: V | None = None
        self._is_fresh, self._is_settled = False, True
        self._thread: threading.Thread | None = None

    def __call__(self, value: V) -> None:
        """Ask for `value`; older values that still wait are dropped."""
        with self._changed:
            self._value, self._is_fresh, self._is_settled = value, True, False
            if self._thread is None:
                self._thread = threading.Thread(target=self._loop, name="hw5-latest", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def is_stale(self) -> bool:
        """True while a newer value waits: slow work can ask, and give up."""
        return self._is_fresh

    def settle(self, timeout: float) -> bool:
        """Wait until the newest value is done, `rest` included; False after `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: self._is_settled, timeout)

    def _loop(self) -> None:
        while self._take(PATIENCE):
            value = self._value
            if self._try(self._work, value) and self._rest and not self._wait(self._pause):
                self._try(self._rest, value)
            with self._changed:
                self._is_settled = not self._is_fresh
                self._changed.notify_all()
            while self._idle and not self._is_fresh and self._try(self._idle):
                pass

    def _wait(self, seconds: float) -> bool:
        """Whether a new value comes within so many seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: self._is_fresh, seconds)

    def _take(self, seconds: float) -> bool:
        """Wait for a value and take it; False, and the thread is over, if none comes."""
        with self._changed:
            came = self._changed.wait_for(lambda: self._is_fresh, seconds)
            self._is_fresh = False
            if not came:
                self._thread = None
            return came

    def _try(self, work: Callable[..., object], *values: V) -> bool:
        """Call `work`; its truth where it answers, True where it does not, False where it fails."""
        if is_ending():
            return False
        try:
            with at_work():
                return work(*values) is not False
        except Exception as error:
            self._on_error(error)
            return False
