"""The second backend: a container of docker or podman.

Offers `Container`. The image is empty but for a few links: the container sees this machine's own
programs and this Python, read-only, as bubblewrap's jails do, and nothing has to be downloaded. A
container passes no descriptor on, so inside standard output becomes the reply and what is printed
goes to standard error. Read next: jail.py.
"""

from __future__ import annotations

import contextlib
import io
import os
import secrets
import shutil
import subprocess
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from staff.sandbox import environment
from staff.sandbox.accounts import FIRST
from staff.sandbox.bubblewrap import OUTER_PATH, refuse_unreadable
from staff.sandbox.shapes import Limits, Mount, StaffError
from staff.sandbox.supervise import Launch

PROGRAMS = ("docker", "podman")
IMAGE = "hw5-jail:1"
ASKING_S = 30  # seconds that the program may take to answer a question
# inside: descriptor 3 is the reply, and nothing printed gets into it
SHIM = 'mkdir -p "$HOME"; cd "$HOME"; exec 3>&1 1>&2; exec "$@"'


@dataclass(frozen=True)
class Container:
    """Containers of docker or podman."""

    name = "container"
    program: str

    @classmethod
    def find(cls) -> Container:
        """The backend, with its image made where it was missing.

        Raises:
            StaffError: no program is installed, or it does not answer.
        """
        programs = [found for name in PROGRAMS if (found := shutil.which(name))]
        if not programs:
            raise StaffError("neither docker nor podman is installed")
        found = cls(programs[0])
        if found.ask("image", "inspect", IMAGE).returncode != 0:
            made = found.ask("import", "-", IMAGE, stdin=empty_image())
            if made.returncode != 0:
                lines = made.stderr.decode(errors="replace").strip().splitlines()
                raise StaffError(f"{found.program}: {lines[0] if lines else 'no answer'}")
        return found

    def ask(self, *words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run a command of the program.

        Raises:
            StaffError: it cannot be run, or takes too long.
        """
        try:
            return subprocess.run(
                [self.program, *words], input=stdin, capture_output=True, check=False,
                timeout=ASKING_S,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            raise StaffError(f"{self.program}: {error}") from error

    @contextlib.contextmanager
    def starting(
        self,
        words: Sequence[str],
        mounts: Sequence[Mount],
        limits: Limits,
        env: Mapping[str, str],
    ) -> Iterator[Launch]:
        """What it takes to start one; the container is removed with the block."""
        name = f"hw5-jail-{secrets.token_hex(6)}"
        env = {**environment.ENVIRONMENT, **env, "HW5_REPLY_FD": "3"}

        def kill(pid: int) -> None:  # ending the client does not end the container
            self.ask("kill", name)

        def was_memory() -> bool:
            return b"true" in self.ask("inspect", "-f", "{{.State.OOMKilled}}", name).stdout

        try:
            yield Launch(
                words=self.command(name, words, mounts, limits, env),
                env={"PATH": OUTER_PATH} | _addresses(),
                watched=False,
                kill=kill,
                was_memory=was_memory,
            )
        finally:
            self.ask("rm", "--force", name)

    def command(
        self,
        name: str,
        words: Sequence[str],
        mounts: Sequence[Mount],
        limits: Limits,
        env: Mapping[str, str],
    ) -> list[str]:
        """The whole command that runs `words` in a container called `name`."""
        system, _ = environment.system_folders()
        seen = [word for mount in [*system, *mounts] for word in _bind(mount)]
        told = [word for pair in env.items() for word in ("--env", "=".join(pair))]
        memory = f"{limits.memory_mb + limits.files_mb}m"  # files lie in memory
        return [
            self.program, "run", "--interactive", "--name", name, "--pull", "never",
            "--network", "none", "--read-only", "--user", f"{FIRST}:{FIRST}",
            "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
            "--ipc", "private", "--hostname", "jail", "--log-driver", "none", "--init",
            "--pids-limit", str(limits.processes),
            "--memory", memory, "--memory-swap", memory,  # alike: nothing is swapped
            "--ulimit", f"cpu={int(limits.cpu_s) + 1}", "--ulimit", "core=0",
            "--ulimit", f"nofile={limits.open_files}",
            "--ulimit", f"fsize={limits.files_mb * 1024 * 1024}",
            "--tmpfs", f"/tmp:rw,mode=1777,size={limits.files_mb}m,nr_inodes={limits.file_count}",
            "--shm-size", f"{limits.files_mb}m",
            *seen, *told, IMAGE, "/bin/sh", "-c", SHIM, "sh", *words,
        ]  # fmt: skip


def empty_image() -> bytes:
    """A tar file with the system's own links (/lib -> usr/lib), folders to mount on, no file."""
    held = io.BytesIO()
    _, links = environment.system_folders()
    with tarfile.open(fileobj=held, mode="w") as tar:
        for link, target in links.items():
            entry = tarfile.TarInfo(link.lstrip("/"))
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            tar.addfile(entry)
        for folder in ("usr", "tmp", "proc", "dev", "etc", "sys"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
    return held.getvalue()


def _bind(mount: Mount) -> list[str]:
    refuse_unreadable(mount.source)
    if "," in f"{mount.source}{mount.target}":
        raise StaffError(f"{mount.source}: a comma in a path is no use to a container")
    words = f"type=bind,source={mount.source},target={mount.target}"
    return ["--mount", words if mount.writable else words + ",readonly"]


def _addresses() -> dict[str, str]:
    """What the program needs to find its server; nothing of it goes into the container."""
    names = ("HOME", "XDG_RUNTIME_DIR", "DOCKER_HOST", "CONTAINER_HOST")
    return {name: os.environ[name] for name in names if name in os.environ}
