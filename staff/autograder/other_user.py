"""A jail for a container that allows none: a process of another user, who owns nothing there.

Offers `OtherUser` and `jail_for_here`. Gradescope's containers run as root and usually forbid the
namespaces that bubblewrap needs. The container is thrown away after one submission, so what is left
to protect in it are the results and the answers, and both belong to root. Read next: inside.py.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from staff.sandbox import Jail, Limits, Mount, StaffError, open_jail
from staff.sandbox.plain import Plain
from staff.sandbox.supervise import Launch

NOBODY = 65534  # user and group without property, on every Linux


class OtherUser(Plain):
    """A plain process, but of a user who may write nothing."""

    name = "another user"

    @contextlib.contextmanager
    def starting(
        self,
        words: Sequence[str],
        mounts: Sequence[Mount],
        limits: Limits,
        env: Mapping[str, str],
    ) -> Iterator[Launch]:
        """What it takes to start one.

        Raises:
            StaffError: this process is not root's, or setpriv is missing.
        """
        program = shutil.which("setpriv")
        if os.geteuid() != 0 or program is None:
            raise StaffError("only root can run a process as another user, with setpriv")
        for mount in mounts:
            let_through(mount.source)
        with super().starting(words, mounts, limits, env) as launch:
            os.chown(launch.cwd, NOBODY, NOBODY)
            become = [program, f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
                      "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]  # fmt: skip
            yield replace(launch, words=[*become, *launch.words])


def let_through(path: Path) -> None:
    """Let everybody pass the temporary folders above a path; they still cannot list them."""
    temporary = Path(tempfile.gettempdir())
    for folder in path.parents:
        if temporary in folder.parents:
            folder.chmod(stat.S_IMODE(folder.stat().st_mode) | 0o011)


def jail_for_here() -> Jail:
    """The best jail that this container allows, tried for real.

    Raises:
        StaffError: not even another user.
    """
    try:
        return open_jail("bubblewrap")
    except StaffError as no_bubblewrap:
        jail = Jail(OtherUser())
        words = [sys.executable, "-I", "-S", "-c", "import os; print(os.getuid())"]
        ended = jail.run(words, limits=Limits(wall_s=30))
        if ended.stdout.strip() != str(NOBODY).encode():
            said = ended.stderr.decode("utf-8", "replace").strip()
            raise StaffError(f"no jail here: {no_bubblewrap}; {said}") from no_bubblewrap
        return jail
