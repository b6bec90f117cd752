"""No jail at all: a plain process, for a student's own machine, by explicit wish only.

Offers `Plain`. Clock, output caps, limits of a process and an empty home are there; the network,
the files of whoever runs it, and their other processes are not protected. Where the grader is root
and the program can be reached by others (a container without namespaces), it runs as an ordinary
user at least, who can read neither root's files nor write any but its own. Read next: jail.py.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from staff.sandbox import accounts, environment
from staff.sandbox.bubblewrap import OUTER_PATH, own_clock, rlimits
from staff.sandbox.shapes import Limits, Mount
from staff.sandbox.supervise import Launch


@dataclass(frozen=True)
class Plain:
    """A process like any other."""

    name = "plain (unsafe)"
    ids: Iterator[int] = field(default_factory=accounts.ordinary_ids)

    @contextlib.contextmanager
    def starting(
        self,
        words: Sequence[str],
        mounts: Sequence[Mount],
        limits: Limits,
        env: Mapping[str, str],
    ) -> Iterator[Launch]:
        """What it takes to start one; its home is removed with the block."""
        with contextlib.ExitStack() as stack:
            folder = tempfile.TemporaryDirectory(prefix="hw5-plain-", ignore_cleanup_errors=True)
            home, dropped = Path(stack.enter_context(folder)), []
            if os.geteuid() == 0 and can_reach(Path(outside(words[0], mounts))):
                number = next(self.ids)
                mounts = [brought(mount, home) for mount in mounts]
                os.chown(home, number, number)
                dropped = accounts.drop(number)
            known = {"HOME": str(home), "TMPDIR": str(home), "PATH": OUTER_PATH}
            known |= {name: outside(value, mounts) for name, value in env.items()}
            reply, reply_end = os.pipe()
            stack.callback(os.close, reply)
            yield Launch(
                words=[*dropped, *_limited(limits), *(outside(word, mounts) for word in words)],
                env=environment.ENVIRONMENT | known | {"HW5_REPLY_FD": str(reply_end)},
                reply=reply,
                pass_fds=(reply_end,),
                cwd=str(home),
            )


def can_reach(path: Path) -> bool:
    """May an ordinary user come to a path and read what is there?"""
    path = path.resolve()
    return (
        path.exists()
        and all(folder.stat().st_mode & 0o001 for folder in path.parents)
        and path.stat().st_mode & 0o004 != 0
    )


def brought(mount: Mount, home: Path) -> Mount:
    """The mount, copied into a home if an ordinary user cannot come to it.

    What is seen at its own path, such as this Python, is never copied: it may be gigabytes.
    """
    if can_reach(mount.source) or Path(mount.target).resolve() == mount.source.resolve():
        return mount
    copy = Path(tempfile.mkdtemp(dir=home), mount.source.name)
    copy.parent.chmod(0o755)
    (shutil.copytree if mount.source.is_dir() else shutil.copy)(mount.source, copy)
    return Mount(copy, mount.target, mount.writable)


def outside(word: str, mounts: Sequence[Mount]) -> str:
    """A path as seen inside a jail, where it lies outside; any other word as it is."""
    for mount in sorted(mounts, key=lambda mount: len(mount.target), reverse=True):
        if word == mount.target or word.startswith(mount.target.rstrip("/") + "/"):
            return str(mount.source) + word[len(mount.target.rstrip("/")) :]
    return word


def _limited(limits: Limits) -> list[str]:
    """A clock and limits of a process, where the system has them; processes are not counted."""
    clock = own_clock(limits) if shutil.which("timeout") else []
    each = rlimits(limits) if shutil.which("prlimit") else []
    return [*clock, *(word for word in each if not word.startswith("--nproc"))]
