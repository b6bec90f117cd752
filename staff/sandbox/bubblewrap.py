"""The command line of a jail made by bubblewrap: what it sees, what it may use, who it is.

Offers `Bubblewrap`; its `command` is the whole policy. From the outside in:

    bwrap, as root  only for root: makes the mounts' sources reachable for an ordinary user, also
                    those under a folder that root alone may enter, and hides the rest
    setpriv         only for root: from here on it is an ordinary user without any rights
    bwrap           the jail: namespaces of its own, read-only system, small places to write
    timeout         the jail's first process, so nothing inside can end it: the clock of a jail
                    whose grader was killed while the jail was being built
    prlimit         limits of each process, and on the number of processes of this jail
    the command

Everything that student's code can reach is stated here, and probe.py tries each of it. Read next:
supervise.py.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from staff.sandbox import accounts, cgroups, environment, syscalls
from staff.sandbox.shapes import Limits, Mount, StaffError
from staff.sandbox.supervise import Launch

WRITABLE = (environment.TMP, "/dev/shm")  # file systems in memory, each of `files_mb`
STAGE = "/run"  # where root lays out the sources for the ordinary user
# Above the system's single files; bwrap would make them for root alone.
STAGED_FOLDERS = ("/etc", "/sys", "/sys/devices", "/sys/devices/system")
INSIDE = 1000  # number of user and group inside
GRACE_S = 5.0  # seconds beyond the limit, for the grader to be first and to say why
OUTER_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Bubblewrap:
    """Jails of bubblewrap."""

    name = "bubblewrap"
    program: str
    ids: Iterator[int] = field(default_factory=accounts.ordinary_ids)

    @classmethod
    def find(cls) -> Bubblewrap:
        """The backend, where bwrap is installed.

        Raises:
            StaffError: it is not.
        """
        program = shutil.which("bwrap")
        if program is None:
            raise StaffError("bwrap is not installed. Hint: apt-get install bubblewrap")
        cgroups.sweep()
        return cls(program)

    @contextlib.contextmanager
    def starting(
        self,
        words: Sequence[str],
        mounts: Sequence[Mount],
        limits: Limits,
        env: Mapping[str, str],
    ) -> Iterator[Launch]:
        """What it takes to start one jail; pipes and control group live as long as the block.

        Raises:
            StaffError: no filter of system calls is known for this kind of processor.
        """
        program = syscalls.program(loopback=limits.loopback)
        if program is None:
            raise StaffError("no filter of system calls is known for this processor")
        with contextlib.ExitStack() as stack:
            reply, reply_end = _pipe(stack)
            status, status_end = _file_in_memory(stack)
            filter_end, filter_start = os.pipe()  # small enough to wait in the pipe
            os.write(filter_start, program)
            os.close(filter_start)
            group = cgroups.make(limits)
            if group is not None:
                stack.callback(group.remove)
            env = {**environment.ENVIRONMENT, **env, "HW5_REPLY_FD": str(reply_end)}
            command = self.command(
                words, mounts, limits, env, status_fd=status_end, filter_fd=filter_end
            )
            yield Launch(
                words=[*(group.enter() if group else []), *command],
                env={"PATH": OUTER_PATH},  # bwrap's own environment can be read inside
                reply=reply,
                first=lambda: _first_process(status),
                pass_fds=(reply_end, status_end, filter_end),
                writable=WRITABLE,
                was_memory=group.ran_out_of_memory if group else lambda: False,
            )

    def command(
        self,
        words: Sequence[str],
        mounts: Sequence[Mount],
        limits: Limits,
        env: Mapping[str, str],
        *,
        status_fd: int,
        filter_fd: int,
    ) -> list[str]:
        """The whole command that runs `words` in a jail.

        Args:
            words: a program and its arguments, as seen inside.
            mounts: what else is seen; sorted, so that a mount within another comes after it.
            limits: what it may use.
            env: its environment, all of it.
            status_fd: where bwrap tells the number of the jail's first process, as JSON.
            filter_fd: from where bwrap reads the filter of system calls.
        """
        mounts = sorted(mounts, key=lambda mount: len(PurePosixPath(mount.target).parts))
        stage: list[str] = []
        if os.geteuid() == 0:
            number = next(self.ids)
            for mount in mounts:
                refuse_unreadable(mount.source)
            stage = [*self._stage(mounts, status_fd), *accounts.drop(number)]
            mounts = [
                Mount(Path(STAGE, str(index)), mount.target, mount.writable)
                for index, mount in enumerate(mounts)
            ]
        jail = self._jail(mounts, limits, env, filter_fd)
        if not stage:
            jail += ["--json-status-fd", str(status_fd)]
        return [*stage, *jail, "--", *own_clock(limits), *rlimits(limits), *words]

    def _stage(self, mounts: Sequence[Mount], status_fd: int) -> list[str]:
        """Root's own bwrap: the system, and each mount at a path that anyone can reach.

        Its processes have numbers of their own, because whoever dies as root without root's rights
        cannot take an ordinary user's process along: the kernel ends all that it numbered.
        """
        words = [self.program, "--die-with-parent", "--unshare-pid"]
        words += ["--json-status-fd", str(status_fd)]
        for folder in (STAGE, environment.TMP, *STAGED_FOLDERS):  # bwrap builds in /tmp
            words += ["--perms", "0755", "--dir", folder]
        words += [*_system(), "--bind", "/proc", "/proc", "--dev-bind", "/dev", "/dev"]
        for index, mount in enumerate(mounts):
            words += _bind(mount.source, f"{STAGE}/{index}", mount.writable)
        return [*words, "--"]

    def _jail(
        self, mounts: Sequence[Mount], limits: Limits, env: Mapping[str, str], filter_fd: int
    ) -> list[str]:
        """The jail itself, up to the words that end its options."""
        size = str(limits.files_mb * 1024 * 1024)
        words = [
            self.program, "--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-net",
            "--unshare-uts", "--unshare-cgroup-try", "--uid", str(INSIDE), "--gid", str(INSIDE),
            "--hostname", "jail", "--die-with-parent", "--new-session", "--as-pid-1", "--clearenv",
            *_if_known(self.program, "--disable-userns"),
            *_system(), "--proc", "/proc", "--dev", "/dev",
        ]  # fmt: skip
        for place in WRITABLE:
            words += ["--size", size, "--perms", "1777", "--tmpfs", place]
        words += ["--dir", environment.HOME]
        for mount in mounts:
            words += _bind(mount.source, mount.target, mount.writable)
        # What bwrap made to hang mounts on is memory too, and nobody counts it: not writable.
        words += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", environment.HOME]
        for name, value in env.items():
            words += ["--setenv", name, value]
        return [*words, "--seccomp", str(filter_fd)]


def own_clock(limits: Limits) -> list[str]:
    """The words before a command that end it a while after its time, whoever else has died.

    As the first process of its namespace it is beyond the reach of the others, and takes them along
    when it goes.
    """
    return ["timeout", "--signal=KILL", f"{limits.wall_s + GRACE_S:g}"]


def rlimits(limits: Limits) -> list[str]:
    """The words before a command that limit each of its processes, and their number."""
    return ["prlimit", *(f"--{name}={value}" for name, value in of_each(limits).items()), "--"]


def of_each(limits: Limits) -> dict[str, int]:
    """What each process may use, by the names of prlimit and of containers' ulimits.

    Data is limited far above memory: it counts what a process asked for, and torch asks for more
    than it uses. The limit is there for what is faster than a look of the watch.
    """
    mebibyte = 1024 * 1024
    return {
        "nproc": limits.processes,
        "cpu": int(limits.cpu_s) + 1,
        "data": (limits.memory_mb + 1024) * mebibyte,
        "fsize": limits.files_mb * mebibyte,
        "nofile": limits.open_files,
        "core": 0,
        "memlock": 0,
        "msgqueue": 0,
    }


def refuse_unreadable(source: Path) -> None:
    """Require that an ordinary user may read a source of a mount, once there.

    Raises:
        StaffError: it is not there, or for root alone.
    """
    try:
        mode = source.stat().st_mode
    except OSError as error:
        raise StaffError(f"{source}: cannot be shown to a jail ({error.strerror})") from error
    needed = 0o005 if source.is_dir() else 0o004
    if mode & needed != needed:
        raise StaffError(
            f"{source}: an ordinary user may not read it, and the jail runs as one."
            f" Hint: chmod o+r{'x' * source.is_dir()} it (a fresh temporary folder is private)"
        )


def _system() -> list[str]:
    seen, links = environment.system_folders()
    words = [word for mount in seen for word in _bind(mount.source, mount.target, False)]
    return words + [word for link, to in links.items() for word in ("--symlink", to, link)]


def _bind(source: Path, target: str, writable: bool) -> list[str]:
    return ["--bind" if writable else "--ro-bind", str(source), target]


def _pipe(stack: contextlib.ExitStack) -> tuple[int, int]:
    """A pipe whose reading end is closed with the stack; the other end goes into the jail."""
    ours, theirs = os.pipe()
    stack.callback(os.close, ours)
    return ours, theirs


def _file_in_memory(stack: contextlib.ExitStack) -> tuple[int, int]:
    """A file for bwrap to write to; unlike a pipe it can be written when its reader is gone.

    A bwrap that is stopped by a broken pipe half-way leaves a half-built jail behind for ever.
    """
    ours = os.memfd_create("status")
    stack.callback(os.close, ours)
    return ours, os.dup(ours)


def _first_process(status: int) -> int | None:
    """The jail's first process, as bwrap says; None until it has."""
    with contextlib.suppress(ValueError, KeyError):
        return int(json.loads(os.pread(status, 4096, 0).partition(b"\n")[0])["child-pid"])
    return None


def _if_known(program: str, option: str) -> list[str]:
    return [option] if option in _help(program) else []


@functools.cache
def _help(program: str) -> str:
    return subprocess.run(
        [program, "--help"], capture_output=True, text=True, check=False, env={}
    ).stderr
