"""A kernel that is watched: when its process is gone, whoever waits for it hears so at once.

Offers `WatchedKernel` and `KernelDied`. Nbval alone waits for a dead kernel until the cell's time
is up, and throws away what the kernel said last.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from queue import Empty
from typing import Any

from nbval.kernel import RunningKernel, start_new_kernel

POLL = 0.5  # seconds between two looks at the process
LAST_LINES = 12  # of what the kernel wrote to the terminal


class KernelDied(Exception):
    """The kernel's process ended by itself; the message is what it wrote last."""


class WatchedKernel(RunningKernel):
    """Nbval's kernel, with an eye on its process and its last words kept."""

    def __init__(
        self, name: str, *, folder: Path, env: Mapping[str, str], startup_timeout: float
    ) -> None:
        """Start the kernel called `name` in `folder` with the environment `env`."""
        self.asked = ""  # id of the last cell that was sent
        self._terminal = tempfile.TemporaryFile()  # noqa: SIM115 (closed by stop)
        self.km, self.kc = start_new_kernel(
            startup_timeout=startup_timeout, kernel_name=name, cwd=str(folder), env=dict(env),
            stdout=self._terminal, stderr=self._terminal,
        )  # fmt: skip
        self._ensure_iopub_up()

    def execute_cell_input(self, cell_input: str, allow_stdin: bool | None = None) -> str:
        """Send a cell and return the id of the request."""
        self.asked = super().execute_cell_input(cell_input, allow_stdin)
        return self.asked

    def get_message(self, stream: str, timeout: float | None = None) -> dict[str, Any]:
        """The next message; `timeout` is in seconds.

        Raises:
            Empty: none came in time.
            KernelDied: none will come.
        """
        deadline = time.monotonic() + (float("inf") if timeout is None else timeout)
        while True:
            left = deadline - time.monotonic()
            try:
                return super().get_message(stream, timeout=max(0.0, min(POLL, left)))
            except Empty:
                if not self.is_alive():
                    raise KernelDied(self.last_words()) from None
                if left <= POLL:
                    raise

    def last_words(self) -> str:
        """The last lines that the process wrote to its terminal."""
        self._terminal.seek(0)
        lines = self._terminal.read().decode("utf-8", "replace").splitlines()
        return "\n".join(lines[-LAST_LINES:]) or "(it said nothing)"

    def stop(self) -> None:
        """End the process and forget what it wrote."""
        super().stop()
        self._terminal.close()
