"""Is a jail what it claims to be? It is tried for real, from inside, before it is trusted.

Offers `promises_broken`. A file is hidden and two sockets are opened outside; inside.py then tries
to read, connect, write, fork and become more than it is. Read next: inside.py.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from staff.sandbox.environment import ENVIRONMENT
from staff.sandbox.shapes import TIMEOUT, Ended, Limits

if TYPE_CHECKING:
    from staff.sandbox.jail import Jail

PROCESSES = 12
# loopback: so that it is the missing network that is tried, and not the filter of system calls
LIMITS = Limits(wall_s=30, cpu_s=15, memory_mb=256, processes=PROCESSES, loopback=True)
TRIED = PROCESSES + 10
ALLOWED_VARIABLES = {"HW5_REPLY_FD", "PWD", "SHLVL", "_", "LC_CTYPE", "HOSTNAME", "container"}
SECRET = "HW5_PROBE_SECRET"  # a variable of the parent that must stay there


def promises_broken(jail: Jail) -> list[str]:
    """Every promise that the jail does not keep, a few words each; none when all is well.

    Raises:
        StaffError: it could not be started at all.
    """
    with outside() as place:
        ended = jail.run(place.command, limits=LIMITS)
        if place.was_called():
            return ["there is a network"]
    found = answer(ended)
    if found is None:
        return [f"the probe inside said nothing ({ended.message}): {last_line(ended.stderr)}"]
    endless = [sys.executable, "-I", "-S", "-c", "import time; time.sleep(60)"]
    late = jail.run(endless, limits=Limits(wall_s=0.5))
    return broken(found) + ([] if late.status == TIMEOUT else ["the clock does not end it"])


def broken(found: dict[str, Any]) -> list[str]:
    """The promises that a probe's findings contradict."""
    variables = set(found["environment"]) - ALLOWED_VARIABLES
    complaints = {
        "a hidden file can be seen": found["hidden"],
        "there is a network": found["network"],
        "sockets of other programs can be reached": found["neighbours"],
        f"can write in {', '.join(found['written'])}": found["written"],
        "its home is not empty": found["home"],
        "sees variables of the grader": variables - set(ENVIRONMENT),
        "it is root": found["user"] == 0,
        "it has an administrator's rights": found["rights"],
        "system calls are not filtered": not found["filtered"],
        "sees other processes": found["others"] > 4,
        "can make itself an administrator of a new namespace": found["namespace"],
        f"{found['forked']} processes under a limit of {PROCESSES}": found["forked"] >= PROCESSES,
    }
    return [complaint for complaint, is_so in complaints.items() if is_so]


def answer(ended: Ended) -> dict[str, Any] | None:
    """What the probe wrote, if it wrote all of it."""
    with contextlib.suppress(ValueError):
        found = json.loads(ended.reply)
        return found if isinstance(found, dict) else None
    return None


def last_line(text: bytes) -> str:
    """The last line of what was printed, as text."""
    lines = text.decode(errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else "no word of why"


@dataclass(frozen=True)
class Outside:
    """What a probe looks for in vain."""

    command: list[str]
    listeners: tuple[socket.socket, ...]

    def was_called(self) -> bool:
        """Has anybody connected?"""
        for listener in self.listeners:
            with contextlib.suppress(BlockingIOError):
                listener.accept()
                return True
        return False


@contextlib.contextmanager
def outside() -> Iterator[Outside]:
    """A hidden file, two listening sockets and a variable, for the length of the block."""
    name = f"hw5-probe-{secrets.token_hex(8)}"
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hw5-hidden-")))
        folder.chmod(0o755)  # permissions alone are not to hide it
        hidden = folder / "answers.txt"
        hidden.write_text("nobody inside may read this\n")
        stack.enter_context(_variable(SECRET, name))
        listeners = []
        for family, address in ((socket.AF_INET, ("127.0.0.1", 0)), (socket.AF_UNIX, "\0" + name)):
            listener = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
            listener.bind(address)
            listener.listen()
            listener.setblocking(False)
            listeners.append(listener)
        port = str(listeners[0].getsockname()[1])
        code = Path(__file__).with_name("inside.py").read_text(encoding="utf-8")
        words = [sys.executable, "-I", "-S", "-c", code, str(hidden), port, name, str(TRIED)]
        yield Outside(words, tuple(listeners))


@contextlib.contextmanager
def _variable(name: str, value: str) -> Iterator[None]:
    os.environ[name] = value
    try:
        yield
    finally:
        os.environ.pop(name, None)
