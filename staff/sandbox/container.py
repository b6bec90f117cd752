"""The second backend: a container of docker or podman.

Offers `Container`. Its image (image.py) is empty but for a few links: the container sees this
machine's own programs and this Python, read-only, as bubblewrap's jails do, and nothing has to be
downloaded. A container passes no descriptor on, so inside standard output becomes the reply and
what is printed goes to standard error. Podman's containers are children of this machine that anyone
may watch; docker's belong to its server, which limits them by control groups alone. Read next:
jail.py.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from staff.sandbox import accounts, cgroups, environment, owner, syscalls
from staff.sandbox.bubblewrap import (
    OUTER_PATH,
    WRITABLE,
    of_each,
    own_clock,
    refuse_unreadable,
)
from staff.sandbox.image import empty_image, image_name
from staff.sandbox.shapes import Limits, Mount, StaffError
from staff.sandbox.supervise import Launch

# The last is for machines with control groups of both versions, which crun declines.
PROGRAMS = (("docker",), ("podman",), ("podman", "--runtime", "runc"))
PREFIX = "hw5-jail-"  # of a container's name
ASKING_S = 30  # seconds that the program may take to answer a question
# inside: descriptor 3 is the reply, and nothing printed gets into it
SHIM = 'mkdir -p "$HOME"; cd "$HOME"; unset OLDPWD TERM; exec 3>&1 1>&2; exec "$@"'
_OWN_PROCESSES = 1  # the clock


@dataclass(frozen=True)
class Container:
    """Containers of docker or podman."""

    name = "container"
    program: tuple[str, ...]  # and its first words
    is_podman: bool
    ids: Iterator[int] = field(default_factory=accounts.ordinary_ids)

    @classmethod
    def find(cls) -> Container:
        """The first program that can start a container, with its image made where it was missing.

        Raises:
            StaffError: there is none.
        """
        reasons = []
        for name, *words in PROGRAMS:
            path = shutil.which(name)
            if path is None:
                continue
            try:
                is_podman = b"podman" in _ask([path, "--version"]).stdout  # it can be called docker
                found = cls((path, *words), is_podman)
                found.prepare()
                return found
            except StaffError as error:
                reasons.append(str(error))
        raise StaffError("; ".join(reasons) or "neither docker nor podman is installed")

    def prepare(self) -> None:
        """Make the image, start a container for a try, and remove what killed graders left.

        Raises:
            StaffError: one of them failed.
        """
        if _ask([*self.program, "image", "inspect", image_name()]).returncode != 0:
            _insist([*self.program, "import", "-", image_name()], stdin=empty_image())
        with self.starting(["true"], [], Limits(), {}) as launch:
            _insist(launch.words)
        self.sweep()

    def sweep(self) -> None:
        """Remove containers that have ended and whose grader was killed before it could do so."""
        ended = ["--filter", f"name={PREFIX}", "--filter", "status=exited"]
        listed = _ask([*self.program, "ps", "--all", *ended, "--format", "{{.Names}}"])
        for name in listed.stdout.decode(errors="replace").split():
            if owner.is_gone(name, PREFIX):
                _ask([*self.program, "rm", "--force", name])

    @contextlib.contextmanager
    def starting(
        self,
        words: Sequence[str],
        mounts: Sequence[Mount],
        limits: Limits,
        env: Mapping[str, str],
    ) -> Iterator[Launch]:
        """What it takes to start one; the container is removed with the block.

        Raises:
            StaffError: no filter of system calls is known for this kind of processor.
        """
        profile = syscalls.profile(loopback=limits.loopback)
        if profile is None:
            raise StaffError("no filter of system calls is known for this processor")
        name = f"{owner.mark(PREFIX)}{secrets.token_hex(6)}"
        env = {**environment.ENVIRONMENT, **env, "HW5_REPLY_FD": "3"}

        def kill(pid: int) -> None:  # ending the client does not end the container
            _ask([*self.program, "kill", name])

        def was_memory() -> bool:
            state = [*self.program, "inspect", "-f", "{{.State.OOMKilled}}", name]
            # Podman's watcher leaves this file where it was started from.
            return Path(folder, "oom").exists() or b"true" in _ask(state).stdout

        with tempfile.TemporaryDirectory(prefix=PREFIX) as folder:
            Path(folder, "seccomp.json").write_text(profile)
            pid_file = Path(folder, "pid")
            try:
                yield Launch(
                    words=self.command(name, words, mounts, limits, env, Path(folder)),
                    env={"PATH": OUTER_PATH} | _addresses(),
                    watched=self.is_podman,
                    first=lambda: _number_in(pid_file),
                    writable=WRITABLE,
                    kill=kill,
                    was_memory=was_memory,
                    cwd=folder,
                )
            finally:
                _ask([*self.program, "rm", "--force", name])

    def command(
        self,
        name: str,
        words: Sequence[str],
        mounts: Sequence[Mount],
        limits: Limits,
        env: Mapping[str, str],
        folder: Path,
    ) -> list[str]:
        """The whole command that runs `words` in a container called `name`.

        Args:
            name: for `kill` and `rm`.
            words: a program and its arguments, as seen inside.
            mounts: what is seen beside the system.
            limits: what it may use.
            env: its environment, all of it.
            folder: holds the filter of system calls; podman writes the number of the container's
                first process there.
        """
        system, _ = environment.system_folders()
        seen = [word for mount in [*system, *mounts] for word in _bind(mount)]
        told = [word for pair in env.items() for word in ("--env", "=".join(pair))]
        user = next(self.ids)
        return [
            *self.program, "run", "--interactive", "--name", name, "--pull", "never",
            "--network", "none", "--read-only", "--user", f"{user}:{user}",
            "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
            "--security-opt", f"seccomp={folder / 'seccomp.json'}",
            "--ipc", "private", "--hostname", "jail", "--log-driver", "none",
            *_limited(limits), *(self._of_podman(folder) if self.is_podman else []),
            *self._places(limits), *seen, *told, image_name(),
            *own_clock(limits), "/bin/sh", "-c", SHIM, "sh", *words,
        ]  # fmt: skip

    def _of_podman(self, folder: Path) -> list[str]:
        """What docker does not know: no places to write by itself, and where its number goes."""
        return ["--read-only-tmpfs=false", "--pidfile", str(folder / "pid")]

    def _places(self, limits: Limits) -> list[str]:
        """The two places to write; podman has no limit on files, so they are watched."""
        most = "" if self.is_podman else f",nr_inodes={limits.file_count}"
        size = f"{limits.files_mb}m"
        return ["--tmpfs", f"/tmp:rw,mode=1777,size={size}{most}", "--shm-size", size]


def _limited(limits: Limits) -> list[str]:
    """Limits of the whole by control groups, of each process by itself, as `rlimits` has them."""
    memory = f"{cgroups.memory_mb(limits)}m"
    processes = limits.processes + _OWN_PROCESSES
    each = of_each(limits) | {"nproc": processes}  # of this user, whom no other container has
    words = [word for pair in each.items() for word in ("--ulimit", "{}={}".format(*pair))]
    words += ["--memory", memory, "--memory-swap", memory]  # alike: nothing is swapped
    return [*words, "--pids-limit", str(processes)]


def _ask(words: Sequence[str], stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run a command of the program.

    Raises:
        StaffError: it cannot be run, or takes too long.
    """
    try:
        return subprocess.run(
            words, input=stdin, capture_output=True, check=False, timeout=ASKING_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StaffError(f"{words[0]}: {error}") from error


def _insist(words: Sequence[str], stdin: bytes = b"") -> None:
    """Run a command that must work.

    Raises:
        StaffError: it did not; with the program's own last line.
    """
    done = _ask(words, stdin)
    if done.returncode != 0:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise StaffError(f"{words[0]}: {lines[-1] if lines else 'no answer'}")


def _number_in(file: Path) -> int | None:
    """The number of a process in a file; None until it is there."""
    with contextlib.suppress(OSError, ValueError):
        return int(file.read_text())
    return None


def _bind(mount: Mount) -> list[str]:
    refuse_unreadable(mount.source)
    if "," in f"{mount.source}{mount.target}":
        raise StaffError(f"{mount.source}: a comma in a path is no use to a container")
    words = f"type=bind,source={mount.source},target={mount.target}"
    return ["--mount", words if mount.writable else words + ",readonly"]


def _addresses() -> dict[str, str]:
    """What the program needs to find its server; nothing of it goes into the container."""
    names = ("HOME", "XDG_RUNTIME_DIR", "DOCKER_HOST", "DOCKER_CONTEXT", "CONTAINER_HOST",
             "CONTAINERS_CONF", "CONTAINERS_STORAGE_CONF")  # fmt: skip
    return {name: os.environ[name] for name in names if name in os.environ}
