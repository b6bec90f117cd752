"""The words of the sandbox: what a jail may use, what it sees, how it ended.

Offers `Limits`, `Mount`, `Ended`, the ways of ending, and `StaffError` and `Refused`. Read next:
jail.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# How a run ended; only the first two were the command's own doing.
EXIT, SIGNAL, TIMEOUT, MEMORY, OUTPUT, STOPPED = (
    "exit", "signal", "timeout", "memory", "output", "stopped",
)  # fmt: skip
# Called with every byte of the reply so far, at each tick; False stops the run.
OnReply = Callable[[bytearray], "bool | None"]


class StaffError(ValueError):
    """The grader cannot do its work safely; no student is to blame."""


class Refused(ValueError):
    """A submission cannot be read; the student is to be told the message."""


@dataclass(frozen=True)
class Limits:
    """What a jail may use. Whole tree of processes, unless a line says otherwise."""

    wall_s: float = 60.0  # by the clock on the wall; sleeping counts
    cpu_s: float = 60.0  # of processor time, all processes together
    # Importing torch 2.x takes 293 MB of this kind, as `Ended.peak_mb` says.
    memory_mb: int = 1024  # of memory that no file stands behind
    processes: int = 32  # threads count; torch on one thread needs 1
    files_mb: int = 64  # in each of the two places that can be written, gone when the jail ends
    file_count: int = 5000  # in each of them; an empty file costs the kernel about a kilobyte
    output_kb: int = 256  # standard output and standard error, each
    reply_mb: float = 64.0  # through the descriptor named in HW5_REPLY_FD
    open_files: int = 128  # of one process; each may be a socket that buffers 200 kB
    loopback: bool = False  # may processes inside speak TCP to each other? (Jupyter's kernels do)


@dataclass(frozen=True)
class Mount:
    """A file or folder of the host that the jail sees, read-only unless `writable`.

    An ordinary user must be able to read it once it is reached; the folders above do not matter.
    """

    source: Path
    target: str
    writable: bool = False


@dataclass(frozen=True)
class Ended:
    """One run of a command in a jail. Everything in bytes was written by whoever was jailed."""

    status: str  # EXIT, SIGNAL, TIMEOUT, MEMORY, OUTPUT or STOPPED
    code: int  # exit status, or the signal's number; -1 when the parent ended it
    seconds: float
    cpu_seconds: float
    peak_mb: float  # of memory, measured as `Limits.memory_mb` is
    reply: bytes
    stdout: bytes
    stderr: bytes
    message: str  # one line that says what happened
