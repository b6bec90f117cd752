"""What lies outside while attacks run, and whether any of it was touched.

Offers `Host`: a secret file, a folder, two listening sockets, a variable, and the list of harm done
to them. Read next: runner.py.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import secrets
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from staff.sandbox.watch import descendants

PR_SET_CHILD_SUBREAPER = 36
PATIENCE = 2.0  # seconds for the kernel to clear the last jail away


class Host:
    """The outside of all jails of a series."""

    def __init__(self, folder: Path, listeners: dict[str, socket.socket]) -> None:
        """Use `Host.opened`, which also cleans up."""
        self.folder, self.listeners = folder, listeners
        self.token = f"secret-{secrets.token_hex(8)}"
        self.escaped = f"escaped-{secrets.token_hex(8)}"
        self.secret = folder / "secret.txt"
        self.secret.write_text(self.token)
        self.secret.chmod(0o644)
        self.before = self._state()
        self.others = set(descendants(os.getpid()))  # children of ours that no jail made

    @classmethod
    @contextlib.contextmanager
    def opened(cls) -> Iterator[Host]:
        """A host for the length of the block; orphans of its jails become children of ours."""
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hw5-host-")))
            folder.chmod(0o777)  # permissions alone are not to protect it
            name = f"hw5-host-{secrets.token_hex(8)}"
            listeners = {"PORT": socket.create_server(("127.0.0.1", 0))}
            listeners["SOCKET"] = socket.socket(socket.AF_UNIX)
            listeners["SOCKET"].bind("\0" + name)
            listeners["SOCKET"].listen()
            for listener in listeners.values():
                stack.enter_context(listener).setblocking(False)
            host = cls(folder, listeners)
            os.environ["HW5_HOST_SECRET"] = host.token
            stack.callback(os.environ.pop, "HW5_HOST_SECRET", None)
            prctl = ctypes.CDLL(None).prctl
            prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
            stack.callback(prctl, PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
            yield host

    @property
    def words(self) -> dict[str, str]:
        """What attacks are told of it: their targets."""
        return {
            "SECRET": str(self.secret),
            "OUTSIDE": str(self.folder),
            "PORT": str(self.listeners["PORT"].getsockname()[1]),
            "SOCKET": self.listeners["SOCKET"].getsockname()[1:].decode(),
            "ESCAPED": self.escaped,
        }

    def harm(self, said: str) -> list[str]:
        """What was done to it so far, and what of it shows in the words of a result."""
        found = []
        if self._state() != self.before:
            found.append(f"files outside were changed: {sorted(p.name for p in self._files())}")
        for name, listener in self.listeners.items():
            with contextlib.suppress(BlockingIOError):
                listener.accept()
                found.append(f"somebody called outside ({name})")
        if self.token in said:
            found.append("the secret is in the result")
        if self.escaped in said:
            found.append("says that it got out: " + said[said.index(self.escaped) :][:200])
        return found

    def left_behind(self) -> list[int]:
        """Processes that outlived the jails; for when none is running."""
        until = time.monotonic() + PATIENCE
        while True:
            left = [pid for pid in descendants(os.getpid()) if pid not in self.others]
            for pid in left:
                with contextlib.suppress(ChildProcessError):  # an orphan that has ended
                    os.waitpid(pid, os.WNOHANG)
            if not left or time.monotonic() > until:
                return left
            time.sleep(0.02)

    def _files(self) -> list[Path]:
        return sorted(self.folder.rglob("*"))

    def _state(self) -> list[tuple[str, int, int, bytes]]:
        return [
            (path.name, path.stat().st_mode, path.stat().st_mtime_ns, path.read_bytes())
            for path in self._files()
            if path.is_file()
        ]
