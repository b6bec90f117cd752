"""What a jail's processes use, read from /proc by whoever watches.

Offers `Tree` and `Use`. A process counts the memory that no file stands behind: its own pages,
shared ones, what was swapped out, and its page tables, which can be made to grow without a page of
memory. Read next: supervise.py.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_MEMORY = ("RssAnon", "RssShmem", "VmSwap", "VmPTE")
_TICKS = os.sysconf("SC_CLK_TCK")
PROC = Path("/proc")
OUTERMOST = 4  # processes, among them the first that sees the jail's file systems


@dataclass(frozen=True)
class Use:
    """What a tree of processes uses at one moment."""

    memory_mb: float = 0.0
    cpu_seconds: float = 0.0  # of those that live, and of the children they waited for
    processes: int = 0
    files: int = 0  # in the fullest of the writable places


class Tree:
    """A process and all its descendants."""

    def __init__(self, pid: int, writable: tuple[str, ...] = (), capacity: int = 0) -> None:
        """Watch from `pid` down, and the file systems of `capacity` bytes at `writable`."""
        self.pid, self.writable, self.capacity = pid, writable, capacity

    def use(self) -> Use:
        """What the tree uses now; zero where a process has just gone."""
        pids = list(descendants(self.pid))
        return Use(
            memory_mb=sum(map(memory_kb, pids)) / 1024,
            cpu_seconds=sum(map(cpu_seconds, pids)),
            processes=len(pids),
            files=max((self.files(pid) for pid in pids[:OUTERMOST]), default=0),
        )

    def files(self, pid: int) -> int:
        """How many files are in the fullest place, as one process sees them."""
        return max((files(pid, at, self.capacity) for at in self.writable), default=0)

    def memory_mb(self) -> float:
        """The same memory with shared pages counted once: exact, and slower."""
        return sum(map(proportional_kb, descendants(self.pid))) / 1024


def descendants(pid: int) -> Iterator[int]:
    """The process and all that descend from it."""
    waiting = [pid]
    while waiting:
        parent = waiting.pop()
        yield parent
        for thread in _listed(PROC / str(parent) / "task"):
            waiting += map(int, _text(thread / "children").split())


def memory_kb(pid: int) -> int:
    """Memory of one process that no file stands behind, pages shared with others included."""
    lines = (line.split() for line in _text(PROC / str(pid) / "status").splitlines())
    return sum(int(words[1]) for words in lines if words and words[0][:-1] in _MEMORY)


def proportional_kb(pid: int) -> int:
    """As `memory_kb`, but of a page shared by n processes only the nth part."""
    lines = (line.split() for line in _text(PROC / str(pid) / "smaps_rollup").splitlines())
    shares = {words[0][:-1]: words[1] for words in lines if len(words) == 3}
    if "Pss_Anon" not in shares:  # an old kernel, or no permission
        return memory_kb(pid)
    page_tables = memory_kb_of(pid, "VmPTE")
    return page_tables + sum(int(shares[name]) for name in ("Pss_Anon", "Pss_Shmem", "SwapPss"))


def memory_kb_of(pid: int, name: str) -> int:
    """One line of a process's status, in kB."""
    for line in _text(PROC / str(pid) / "status").splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1])
    return 0


def cpu_seconds(pid: int) -> float:
    """Processor time of a process and of the children that it has waited for."""
    fields = _text(PROC / str(pid) / "stat").rpartition(") ")[2].split()
    return sum(map(int, fields[11:15])) / _TICKS if fields else 0.0


def files(pid: int, place: str, capacity: int) -> int:
    """How many files the file system at a path holds, as the process sees it.

    A jail that is being built still sees the host's; that has another capacity, and is not counted.
    """
    try:
        state = os.statvfs(f"{PROC}/{pid}/root{place}")
    except OSError:
        return 0
    is_ours = state.f_blocks * state.f_frsize == capacity
    return state.f_files - state.f_ffree if is_ours else 0


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:  # it ended
        return ""


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []
