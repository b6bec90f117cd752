"""What is kept: one result file for each submission, written whole or not at all.

Offers `Store`. A result counts again when its digests are those of the present batch; then the
submission is not graded twice. A process may be killed at any moment: a result is there or not,
never half. Read next: run.py, which fills a store, and staff/grading/graded.py for what it holds.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from hw5.kit.checks import InputError, brief
from hw5.kit.files import atomic_write
from staff.grading.graded import STAFF_FAILURE, Graded, from_json, to_json

PLAIN = re.compile(r"[\w@+-][\w@+. -]{0,79}")  # names that are file names as they stand


@dataclass(frozen=True)
class Store:
    """The result files of a folder."""

    folder: Path

    def path(self, name: str, suffix: str = ".json") -> Path:
        """Where a submission's file lies."""
        return self.folder / f"{file_name(name)}{suffix}"

    def write(self, graded: Graded) -> None:
        """Keep a result; it is on the disk when this returns.

        Raises:
            InputError: the place cannot be written.
        """
        write_durably(self.path(graded.submission), to_json(graded))

    def read(self, name: str) -> Graded | None:
        """The result of a submission; None if there is none that can be read."""
        try:
            found = from_json(self.path(name).read_text("utf-8"))
        except (OSError, ValueError):  # missing, cut short by a full disk, edited by hand
            return None
        return found if found.submission == name else None

    def current(self, name: str, digests: Mapping[str, str]) -> Graded | None:
        """The result of a submission if it was graded from just these things."""
        found = self.read(name)
        if found is None or found.state == STAFF_FAILURE or dict(found.digests) != dict(digests):
            return None
        return found

    def all(self) -> list[Graded]:
        """Every result, sorted by submission.

        Raises:
            InputError: no such folder, or a file that is no result.
        """
        if not self.folder.is_dir():
            hint = "name a folder that `grade --out` wrote"
            raise InputError.about(str(self.folder), expected="results", got="no folder", hint=hint)
        paths = [path for path in self.folder.glob("*.json") if path.name[0] != "."]
        return sorted(map(result_in, paths), key=lambda graded: graded.submission)

    def sweep(self) -> None:
        """Remove what killed writers left behind; nobody else may be writing."""
        for path in self.folder.glob(".*.tmp.json"):
            path.unlink()

    def lock(self) -> FileLock:
        """Held by whoever fills this store; it goes when its process goes.

        Raises:
            InputError: another process holds it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.folder / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            hint = "wait for it, or choose another --out"
            raise InputError.about(
                str(self.folder), expected="a folder for us alone", got="another run", hint=hint
            ) from error
        return lock


def result_in(path: Path) -> Graded:
    """The result in a file.

    Raises:
        InputError: it holds none.
    """
    try:
        return from_json(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError.about(str(path), expected="a result", got=brief(str(error))) from error


def file_name(name: str) -> str:
    """A name for files made of a student's id, unlike any other's."""
    if PLAIN.fullmatch(name):
        return name
    plain = re.sub(r"[^\w@+-]+", "_", name)[:40]
    return f"{plain}-{hashlib.sha256(os.fsencode(name)).hexdigest()[:12]}"


def write_durably(path: Path, text: str) -> None:
    """Write a file atomically and wait until the disk has it."""
    with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
