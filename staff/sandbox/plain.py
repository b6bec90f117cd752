"""No jail at all: a plain process, for a student's own machine, by explicit wish only.

Offers `Plain`. Clock, output caps, limits of a process and an empty home are there; the network,
the files of whoever runs it, and their other processes are not protected. Read next: jail.py.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence

from staff.sandbox import environment
from staff.sandbox.bubblewrap import OUTER_PATH, rlimits
from staff.sandbox.shapes import Limits, Mount
from staff.sandbox.supervise import Launch


class Plain:
    """A process like any other."""

    name = "plain (unsafe)"

    @contextlib.contextmanager
    def starting(
        self,
        words: Sequence[str],
        mounts: Sequence[Mount],
        limits: Limits,
        env: Mapping[str, str],
    ) -> Iterator[Launch]:
        """What it takes to start one; its home is removed with the block."""
        reply, reply_end = os.pipe()
        with tempfile.TemporaryDirectory(prefix="hw5-plain-", ignore_cleanup_errors=True) as home:
            known = environment.ENVIRONMENT | {"HOME": home, "TMPDIR": home, "PATH": OUTER_PATH}
            known |= {name: outside(value, mounts) for name, value in env.items()}
            try:
                yield Launch(
                    words=[*_limited(limits), *(outside(word, mounts) for word in words)],
                    env=known | {"HW5_REPLY_FD": str(reply_end)},
                    reply=reply,
                    pass_fds=(reply_end,),
                    cwd=home,
                )
            finally:
                os.close(reply)


def outside(word: str, mounts: Sequence[Mount]) -> str:
    """A path as seen inside a jail, where it lies outside; any other word as it is."""
    for mount in sorted(mounts, key=lambda mount: len(mount.target), reverse=True):
        if word == mount.target or word.startswith(mount.target.rstrip("/") + "/"):
            return str(mount.source) + word[len(mount.target.rstrip("/")) :]
    return word


def _limited(limits: Limits) -> list[str]:
    """Limits of a process, where the system has prlimit; processes are not counted."""
    if shutil.which("prlimit") is None:
        return []
    return [word for word in rlimits(limits) if not word.startswith("--nproc")]
