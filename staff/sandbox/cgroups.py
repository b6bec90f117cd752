"""A control group for each jail, where this machine lets us make one.

Offers `make`, `memory_mb`, `sweep` and `Group`. The kernel then counts memory of every kind and the
number of processes itself, at once and without a gap between two looks; without one, limits of each
process and the watch of supervise.py stand alone. Both versions of control groups are known. Read
next: jail.py.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from staff.sandbox import owner
from staff.sandbox.shapes import Limits

ROOT = Path("/sys/fs/cgroup")
PREFIX = "hw5-jail-"
# The kernel ends a process at this much more than the watch does, which can say better why.
SLACK_MB = 64
# controller -> file of version 1, of version 2; and what each limits
_LIMIT_FILES = {
    "memory": ("memory.limit_in_bytes", "memory.max"),
    "pids": ("pids.max", "pids.max"),
}
# bubblewrap, setpriv and their helpers are counted as well
_OWN_PROCESSES = 8


@dataclass(frozen=True)
class Group:
    """A control group, or one for each controller (version 1)."""

    folders: tuple[Path, ...]

    def enter(self) -> list[str]:
        """The words before a command that put it into the group."""
        lines = "; ".join(f'echo $$ > "{folder}/cgroup.procs"' for folder in self.folders)
        return ["/bin/sh", "-c", f'{lines}; exec "$@"', "sh"]

    def ran_out_of_memory(self) -> bool:
        """Has the kernel ended a process of the group for its memory?"""
        texts = [
            _read(folder / name)
            for folder in self.folders
            for name in ("memory.events", "memory.oom_control")
        ]
        counts = [line.split() for text in texts for line in text.splitlines()]
        return any(words[0] == "oom_kill" and int(words[1]) > 0 for words in counts)

    def remove(self) -> None:
        """Remove the group, whose processes have ended; the kernel may need a moment for that."""
        for folder in self.folders:
            for _ in range(50):
                with contextlib.suppress(OSError):
                    folder.rmdir()
                if not folder.exists():
                    break
                time.sleep(0.01)


def make(limits: Limits) -> Group | None:
    """A new group with limits on memory and processes; None where one cannot be had."""
    values = {
        "memory": str(memory_mb(limits) * 1024 * 1024),
        "pids": str(limits.processes + _OWN_PROCESSES),
    }
    name, made = f"{owner.mark(PREFIX)}{secrets.token_hex(4)}", []
    try:
        for controllers, parent, version in _parents():
            folder = parent / name
            folder.mkdir()
            made.append(folder)
            for controller in controllers:
                (folder / _LIMIT_FILES[controller][version]).write_text(values[controller])
    except OSError:
        Group(tuple(made)).remove()
        return None
    return Group(tuple(made)) if made else None


def memory_mb(limits: Limits) -> int:
    """What the kernel may count before it ends a process: files lie in memory too."""
    return limits.memory_mb + SLACK_MB + 2 * limits.files_mb


def sweep() -> None:
    """End and remove what graders left that were killed before they could do it themselves."""
    for _, parent, _ in _parents():
        for folder in parent.glob(f"{PREFIX}*"):
            if owner.is_gone(folder.name, PREFIX):
                for pid in _read(folder / "cgroup.procs").split():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(int(pid), signal.SIGKILL)
                Group((folder,)).remove()


def _parents() -> list[tuple[list[str], Path, int]]:
    """Where groups may be made: controllers, folder, and the index of their files' names."""
    own = [line.split(":", 2) for line in _read(Path("/proc/self/cgroup")).splitlines()]
    if not os.access(ROOT, os.R_OK) or not own:
        return []
    paths = {names: path.lstrip("/") for _, names, path in own}
    first = [
        ([name], ROOT / name / paths[name], 0)
        for name in _LIMIT_FILES
        if name in paths and (ROOT / name).is_dir()
    ]
    if len(first) == len(_LIMIT_FILES):
        return first
    # Version 2: a group with processes has no groups below it, so a sister is made.
    parent = (ROOT / paths.get("", "")).parent
    offered = _read(parent / "cgroup.subtree_control").split()
    if parent.is_relative_to(ROOT) and set(_LIMIT_FILES) <= set(offered):
        return [(list(_LIMIT_FILES), parent, 1)]
    return []


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
