"""Which tasks there are, where they stand, and which are still to be written.

Offers `PARTS`, `Task` and `find_tasks`. Everything is read from the text of the files that students
edit: nothing of theirs is run, and a file that does not even parse does no harm. Read next:
suite.py, which holds the checks of a task.
"""

from __future__ import annotations

import ast
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]

# part -> its files; a part's number is its place in this table
PARTS = {
    "losses": "losses.py",
    "latents": "latents.py",
    "projector": "projector.py",
    "interpolate": "interpolate.py",
    "draw": "draw.py",
    "inversion": "inversion/*.py",
}
HEADER = re.compile(r"Task (\d+\.\d+) \(")
# An unwritten task is one line, raise NotImplementedError("task 1.2: pixel_loss").
UNWRITTEN = re.compile(r"task (\d+\.\d+):")
# CPython 3.11 counts the depth of the tree it makes once for all threads, and gives up with a
# SystemError when two make one at a time (gh-106905)
PARSING = threading.Lock()


@dataclass(frozen=True)
class Task:
    """A function to write."""

    number: str  # "1.2"
    function: str  # "pixel_loss", or "Criterion" for what its instances do when called
    file: str  # "hw5/losses.py"
    line: int  # of its `def`
    unwritten: int | None = None  # line that still says "not implemented", if one does

    @property
    def place(self) -> str:
        """Where it stands, for messages."""
        return f"{self.file} line {self.line}"


def part_of(number: str) -> str:
    """The part of task "1.2" is "losses"."""
    return list(PARTS)[int(number.split(".")[0]) - 1]


def order(number: str) -> tuple[int, int]:
    """Sorts 1.10 after 1.9."""
    part, task = number.split(".")
    return int(part), int(task)


def files_of(part: str) -> list[Path]:
    """The files of a part."""
    return sorted(PACKAGE.glob(PARTS[part]))


def find_tasks() -> dict[str, Task]:
    """Every task by number, in order; those of files that do not parse are missing."""
    found = [
        task
        for part in PARTS
        for path in files_of(part)
        for task in tasks_in(path.read_text(encoding="utf-8", errors="replace"), shown(path))
    ]
    return {task.number: task for task in sorted(found, key=lambda task: order(task.number))}


def tasks_in(text: str, file: str) -> Iterator[Task]:
    """The tasks of one file, given its text."""
    if not HEADER.search(text):
        return
    try:
        with PARSING:
            tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return
    owners = {
        id(child): node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for child in node.body
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            header = HEADER.match(ast.get_docstring(node) or "")
            if header:
                name = owners.get(id(node), node.name)
                yield Task(header[1], name, file, node.lineno, unwritten_line(node, header[1]))


def unwritten_line(function: ast.FunctionDef, number: str) -> int | None:
    """Line of the `raise NotImplementedError("task ...")` inside a function, or None."""
    for node in ast.walk(function):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            words = [a.value for a in node.exc.args if isinstance(a, ast.Constant)]
            found = UNWRITTEN.match(str(words[0])) if words else None
            if found and found[1] == number:
                return node.lineno
    return None


def shown(path: Path) -> str:
    """A path as messages show it: from the package's name on, with forward slashes."""
    return path.resolve().relative_to(PACKAGE.parent).as_posix()
