"""What a slow cell is at: after two seconds a line below it counts, and quotes the line that runs.

Offers `install`, which notebook.py calls. The line is gone when the cell ends. It appears where
somebody looks on: a notebook that is run to be compared shows what it always shows.
"""

from __future__ import annotations

import html
import sys
import threading
import time
from types import FrameType
from typing import TYPE_CHECKING, Any

from IPython.display import display

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

PATIENCE, TICK = 2.0, 1.0  # seconds before the first line, and between two
WIDEST = 70  # characters of a line of code


class Waiting:
    """Watches one shell's cells, one after the other."""

    def __init__(self, shell: InteractiveShell) -> None:
        """Watch nothing yet."""
        self._shell = shell
        self._ended = threading.Event()
        self._watcher: threading.Thread | None = None

    def begin(self, info: Any) -> None:  # noqa: ANN401 - IPython's ExecutionInfo, None in old versions
        """A cell begins: `info.raw_cell` is its text."""
        self.end()
        if not is_watched(self._shell):
            return
        self._ended = threading.Event()
        words = (threading.get_ident(), getattr(info, "raw_cell", ""), self._ended)
        self._watcher = threading.Thread(target=self._watch, args=words, daemon=True)
        self._watcher.start()

    def end(self, result: object = None) -> None:
        """The cell has ended, or another begins: its line goes."""
        self._ended.set()
        if self._watcher is not None:
            self._watcher.join()
            self._watcher = None

    def _watch(self, thread: int, code: str, ended: threading.Event) -> None:
        start, line = time.monotonic(), None
        while not ended.wait(TICK if line else PATIENCE):
            frame = running(thread, self._shell.user_ns)
            shown = said(time.monotonic() - start, code, frame and frame.f_lineno)
            line = _put(line, shown)
        if line:
            _put(line, "")


def install(shell: InteractiveShell) -> None:
    """Watch this shell's cells from now on; once is enough, twice does no harm."""
    events = shell.events
    for event in ("pre_run_cell", "post_run_cell"):
        for known in list(events.callbacks[event]):
            if isinstance(getattr(known, "__self__", None), Waiting):
                events.unregister(event, known)
    waiting = Waiting(shell)
    events.register("pre_run_cell", waiting.begin)
    events.register("post_run_cell", waiting.end)


def is_watched(shell: InteractiveShell) -> bool:
    """Whether a person could be asked something: true of JupyterLab, false of a run by nbval."""
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return False
    parent = kernel.get_parent("shell") or {}
    return bool(parent.get("content", {}).get("allow_stdin"))


def running(thread: int, names: dict[str, object]) -> FrameType | None:
    """The frame of the cell itself in a thread: the one whose globals are the notebook's."""
    frame = sys._current_frames().get(thread)
    while frame is not None and not (
        frame.f_code.co_name == "<module>" and frame.f_globals is names
    ):
        frame = frame.f_back
    return frame


def said(seconds: float, code: str, line: int | None) -> str:
    """The line as HTML: the time, and what runs as far as that is known."""
    lines = code.splitlines()
    where = ""
    if line is not None and 1 <= line <= len(lines):
        text = lines[line - 1].strip()
        text = text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"
        where = f"; line {line} of {len(lines)}: <code>{html.escape(text)}</code>"
    return f'<small role="status">running for {seconds:.0f} s{where}</small>'


def _put(line: Any, text: str) -> Any:  # noqa: ANN401 - IPython's DisplayHandle
    """Show the text, in the place of the line before where there is one; the place."""
    data = {"text/html": text, "text/plain": ""}
    if line is None:
        return display(data, raw=True, display_id=True)
    line.update(data, raw=True)
    return line
