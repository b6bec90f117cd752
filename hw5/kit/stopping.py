"""Ctrl-C as a question that a loop can ask, instead of an error in the middle of a step.

Offers `Stop`. Loops take a `should_stop`, and know nothing of signals.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType


class Stop:
    """Within its `with` block, call it to learn whether Ctrl-C was pressed; twice ends at once.

        with Stop() as should_stop:
            project(..., should_stop=should_stop)

    The second Ctrl-C is a `KeyboardInterrupt`, as the first is outside of the block. Where Ctrl-C
    means something else already (it is ignored, or a server's), and in threads, which get none,
    nothing changes and the answer stays False.
    """

    def __init__(self) -> None:
        """Nobody has asked to stop."""
        self._pressed = False
        self._taken = False

    def __call__(self) -> bool:
        """Was Ctrl-C pressed?"""
        return self._pressed

    def __enter__(self) -> Stop:
        """Begin to listen."""
        is_usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        self._taken = is_usual and threading.current_thread() is threading.main_thread()
        if self._taken:
            signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *error: object) -> None:
        """Leave Ctrl-C as it was."""
        if self._taken:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._pressed:
            raise KeyboardInterrupt
        self._pressed = True
