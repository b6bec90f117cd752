"""Which ordinary account a jail runs as when the grader is root.

Offers `drop` and `ordinary_ids`. For root the limit on processes does not bind, nor do a file's
permissions, so root's jail first becomes someone with neither name nor files: one number for each
jail, because a user's processes, pipes and locks are counted together. Read next: bubblewrap.py.
"""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
from collections.abc import Iterator

from staff.sandbox.shapes import StaffError

# Numbers that systemd sets aside for services without a name (man 5 systemd.exec, DynamicUser=).
FIRST, LAST = 61184, 65519


def ordinary_ids() -> Iterator[int]:
    """Numbers of users that no account of this machine has, without end."""
    taken = {account.pw_uid for account in pwd.getpwall()}
    free = [number for number in range(FIRST, LAST + 1) if number not in taken]
    start = os.getpid() % len(free)  # two graders at a time begin apart
    return itertools.cycle(free[start:] + free[:start])


def drop(number: int) -> list[str]:
    """The words before a command that let root run it as user `number`, with no rights kept.

    Raises:
        StaffError: setpriv is missing.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise StaffError(
            "setpriv is missing, and as root a jail would not bind. Hint: install util-linux,"
            " or grade as an ordinary user"
        )
    return [
        setpriv, f"--reuid={number}", f"--regid={number}", "--clear-groups", "--inh-caps=-all",
        "--bounding-set=-all", "--no-new-privs", "--",
    ]  # fmt: skip
