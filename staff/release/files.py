"""Which files students get: every tracked file is either admitted by name or left out by a rule.

Offers `tracked`, `decide`, `Decision` and `write_admitted`. The admitted names stand in tree.txt,
so that a new file reaches students only after somebody has looked: `python -m staff release
--admit` lists the new ones and writes them down. Read next: tree.py.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ADMITTED = Path("staff/release/tree.txt")  # within the repository

# pattern -> why; `*` stands for folders too
LEFT_OUT = {
    "staff/*": "the instructors' side",
    "tests/staff/*": "tests of the instructors' side",
    ".ci/*": "the course's own machinery",
    "tests/assignment/*": "answers written out; students have the checks in tests/public",
    "tests/inversion/*": "answers written out; students have the checks in tests/public",
    "tests/test_house_rules.py": "our style is no task: a student may print and plot",
    "tests/test_imports.py": "our import rules are no task either",
    "tests/notebooks/test_structure.py": "one's own copy of a notebook may look as one likes",
    "docs/decisions/0003-*": "how solutions are marked",
    "docs/grading*": "how submissions are graded",
}


class ReleaseError(ValueError):
    """No release can be made of this; `faults` has a line for each reason."""

    def __init__(self, *faults: str) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


@dataclass(frozen=True)
class Decision:
    """The tracked files, sorted by what becomes of them. All paths are relative, with slashes."""

    released: tuple[str, ...]  # not left out, admitted or not
    left_out: tuple[str, ...]
    undecided: tuple[str, ...]  # released, but not yet admitted
    gone: tuple[str, ...]  # admitted, but no longer there


def tracked(root: Path) -> list[str]:
    """Every file that git tracks in `root`.

    Raises:
        ReleaseError: it is no git repository, or holds a link or a submodule.
    """
    words = ["git", "-C", str(root), "ls-files", "--stage", "-z"]
    done = subprocess.run(words, capture_output=True, check=False)
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip()
        raise ReleaseError(f"{root}: git cannot list its files: {reason}")
    names = []
    for entry in filter(None, done.stdout.decode().split("\0")):
        mode, _, name = entry.partition(" ")[0], *entry.partition("\t")[1:]
        if mode not in ("100644", "100755"):
            raise ReleaseError(f"{name}: expected a plain file, got a link or submodule ({mode})")
        names.append(name)
    return sorted(set(names))


def why_left_out(name: str) -> str:
    """The reason for which a file is left out; "" for one that students get."""
    return next((why for pattern, why in LEFT_OUT.items() if fnmatch(name, pattern)), "")


def decide(root: Path) -> Decision:
    """Sort the tracked files of `root`."""
    names = tracked(root)
    released = tuple(name for name in names if not why_left_out(name))
    known = admitted(root)
    return Decision(
        released=released,
        left_out=tuple(name for name in names if why_left_out(name)),
        undecided=tuple(name for name in released if name not in known),
        gone=tuple(sorted(known - set(released))),
    )


def admitted(root: Path) -> set[str]:
    """The names in tree.txt; none where there is no such file."""
    path = root / ADMITTED
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return {line for line in lines if line and not line.startswith("#")}


def write_admitted(root: Path) -> Decision:
    """Admit all released files; what was undecided and gone before, for somebody to look at."""
    decision = decide(root)
    head = "# What students get, file by file; written by `python -m staff release --admit`.\n"
    (root / ADMITTED).write_text(head + "\n".join(decision.released) + "\n", encoding="utf-8")
    return decision
