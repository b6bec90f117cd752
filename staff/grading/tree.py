"""The folders that a jail is shown: a pristine student's package, and the worker with its cases.

Offers `write_package`, `write_kit`, `student_files`, `overlay`, `digest`. A submission contributes
its students' files and nothing else: whatever else lay beside them never reaches a jail. Read next:
session.py.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from staff.stubs import cut

ROOT = Path(__file__).resolve().parents[2]
MARK = "# BEGIN SOLUTION"
KIT = ("staff/__init__.py", "staff/grading/__init__.py", "staff/grading/exchange.py",
       "staff/grading/no_compiler.py", "staff/grading/worker.py")  # fmt: skip


@cache
def package(root: Path = ROOT) -> Mapping[str, bytes]:
    """Every Python file of hw5 as students receive it, name -> text."""
    paths = sorted((root / "hw5").rglob("*.py"))
    return {p.relative_to(root).as_posix(): released(p.read_bytes()) for p in paths}


def released(text: bytes) -> bytes:
    """A file with stubs in place of solutions."""
    return cut(text.decode()).encode() if MARK.encode() in text else text


@cache
def student_files(root: Path = ROOT) -> tuple[str, ...]:
    """The names of the files that students hand in: those with solutions in them."""
    found = (name for name in package(root) if MARK.encode() in (root / name).read_bytes())
    return tuple(found)


def write_package(into: Path, root: Path = ROOT) -> None:
    """Write the pristine student's hw5 below a folder."""
    write(into, package(root))


def kit() -> dict[str, bytes]:
    """What a worker runs: itself, its frames, the cases; no answer."""
    return {name: (ROOT / name).read_bytes() for name in KIT} | named("staff/grading/cases/*.py")


def named(pattern: str) -> dict[str, bytes]:
    """Our own files by a pattern, name -> text."""
    return {p.relative_to(ROOT).as_posix(): p.read_bytes() for p in sorted(ROOT.glob(pattern))}


def write_kit(into: Path) -> None:
    """Write what a worker runs below a folder."""
    write(into, kit())


def solutions(root: Path = ROOT) -> dict[str, bytes]:
    """The solved students' files, as a submission would hold them."""
    return {name: (root / name).read_bytes() for name in student_files(root)}


def overlay(folder: Path, wanted: Iterable[str]) -> dict[str, bytes]:
    """The wanted files that an unpacked submission holds; links are not followed."""
    paths = {name: folder / name for name in wanted}
    return {
        name: path.read_bytes()
        for name, path in paths.items()
        if path.is_file() and not path.is_symlink()
    }


def write(into: Path, files: Mapping[str, bytes]) -> None:
    """Write files by name below a folder; all may read them, in a jail by another user too."""
    for name, text in files.items():
        path = into / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
    for path in (into, *into.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def digest(files: Mapping[str, bytes]) -> str:
    """One digest of named files, in whatever order they come."""
    total = hashlib.sha256()
    for name in sorted(files):
        total.update(f"{name}\0{len(files[name])}\0".encode() + files[name])
    return total.hexdigest()


def clear(folder: Path) -> None:
    """Remove a folder."""
    shutil.rmtree(folder, ignore_errors=True)
