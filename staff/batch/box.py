"""A command in a small box: a share of one processor, a limit of memory, a limit of time.

Offers `Box`, `GRADESCOPE`, `Boxed` and `run_boxed`. The share of the processor is kept by the
kernel (a control group, version 1 or 2), the memory by looking at all processes of the command ten
times a second, as a jail's watch does (staff/sandbox/watch.py). Pages of files, such as torch's
libraries, do not count, because a kernel short of memory drops them instead of ending a process.
Read next: bench.py.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hw5.kit.checks import InputError
from staff.sandbox import watch

GROUPS = Path("/sys/fs/cgroup")
PERIOD_US = 100_000  # in which a group may use its share
LOOK_S = 0.1  # between looks at the memory


@dataclass(frozen=True)
class Box:
    """What a command may use."""

    cpus: float
    memory_mb: float
    wall_s: float


# Half a virtual processor, 768 MB and ten minutes: Gradescope's default container (its help pages)
GRADESCOPE = Box(cpus=0.5, memory_mb=768, wall_s=600)


@dataclass(frozen=True)
class Boxed:
    """How it went."""

    code: int  # exit status
    seconds: float
    peak_mb: float
    ended: str  # "" by itself, else the limit that ended it
    output: str


def run_boxed(command: Sequence[str], box: Box, env: Mapping[str, str]) -> Boxed:
    """Run a command to its end or to the first limit.

    Raises:
        InputError: no control group can be made here.
    """
    began, peak, ended = time.monotonic(), 0.0, ""
    with share_of_cpu(box.cpus) as group:
        enter = ["/bin/sh", "-c", f'echo $$ > "{group}/cgroup.procs"; exec "$@"', "sh"]
        process = subprocess.Popen(
            [*enter, *command], env=dict(env), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        try:
            while process.poll() is None and not ended:
                peak = max(peak, watch.Tree(process.pid).memory_mb())
                if peak > box.memory_mb:
                    ended = f"more than {box.memory_mb:g} MB"
                elif time.monotonic() - began > box.wall_s:
                    ended = f"longer than {box.wall_s:g} s"
                time.sleep(LOOK_S)
        finally:
            kill_tree(process.pid)
            output = process.communicate()[0].decode("utf-8", errors="replace")
    return Boxed(process.returncode, time.monotonic() - began, peak, ended, output)


@contextlib.contextmanager
def share_of_cpu(cpus: float) -> Iterator[Path]:
    """A control group that uses so many processors at most.

    Raises:
        InputError: none can be made here.
    """
    base = GROUPS / "cpu" if (GROUPS / "cpu").is_dir() else GROUPS
    group = base / f"hw5-box-{secrets.token_hex(4)}"
    quota = round(cpus * PERIOD_US)
    try:
        group.mkdir()
        if base != GROUPS:
            (group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
            (group / "cpu.cfs_quota_us").write_text(str(quota))
        else:
            (group / "cpu.max").write_text(f"{quota} {PERIOD_US}")
    except OSError as error:
        hint = "run as a user who may make control groups"
        raise InputError.about(
            str(base), expected="control groups", got=os.strerror(error.errno or 0), hint=hint
        ) from error
    try:
        yield group
    finally:
        remove(group)


def remove(group: Path) -> None:
    """Remove a group, once the kernel has seen all its processes end."""
    for _ in range(100):
        try:
            group.rmdir()
            return
        except OSError:
            time.sleep(0.05)


def kill_tree(pid: int) -> None:
    """End a process and all its descendants."""
    for each in list(watch.descendants(pid)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)
