"""A progress bar that loops can report to, and that leaves logs alone.

Offers `bar`. Loops know nothing of it: they call `on_step(record)`, and a bar is one thing to call.
"""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TextIO

from tqdm import tqdm

from hw5.kit.checks import check_number


class Bar:
    """A bar made by `bar`: call it once per step, close it by leaving its `with` block."""

    def __init__(self, total: int, label: str, stream: TextIO) -> None:
        """Show the bar at once if `stream` is a terminal; elsewhere stay quiet until the end."""
        check_number("total", total, low=0, whole=True)
        self._label, self._total, self._stream = label, total, stream
        self._is_terminal = stream.isatty()
        self._done, self._record, self._start = 0, None, time.monotonic()
        self._tqdm = tqdm(
            total=total, desc=label, file=stream, leave=False, disable=not self._is_terminal
        )

    def __call__(self, record: object = None) -> None:
        """Count one step; show `record.loss` if there is one."""
        self._done += 1
        self._record = record
        if self._is_terminal:
            self._tqdm.set_postfix_str(_loss(record), refresh=False)
            self._tqdm.update()

    def __enter__(self) -> Bar:
        """Return the bar itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Replace the bar by one line that says what was done, and whether it was cut short."""
        self._tqdm.close()
        seconds = time.monotonic() - self._start
        count = str(self._done) if self._done == self._total else f"{self._done} of {self._total}"
        words = [f"{self._label}:", "" if kind is None else "stopped after", f"{count} steps in"]
        words += [f"{seconds:.1f} s", _loss(self._record)]
        self._stream.write(" ".join(filter(None, words)) + "\n")
        self._stream.flush()


def _loss(record: object) -> str:
    """Return "loss 0.123" for a record with a loss that is one number, else nothing."""
    try:
        return f"loss {float(record.loss):.4g}"
    except (AttributeError, TypeError, ValueError, RuntimeError):  # none, or one per picture
        return ""


def bar(total: int, label: str, *, stream: TextIO | None = None) -> Bar:
    """Return a bar to pass as `on_step`, in a `with` block.

        with progress.bar(settings.steps, "project") as on_step:
            project(..., on_step=on_step)

    On a terminal it moves; in a log or a pipe there is only one line, at the end.

    Args:
        total: steps expected; a loop that stops early just ends the bar early.
        label: what is going on, one or two words.
        stream: where to; the default is standard error, so that output can be piped.

    Raises:
        InputError: `total` is not a whole number from 0.
    """
    return Bar(total, label, sys.stderr if stream is None else stream)
