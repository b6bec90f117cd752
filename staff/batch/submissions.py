"""What was handed in: one folder or archive for each student, found by name, known by digest.

Offers `Submission`, `find` and `digest`. Nothing is opened that is not a regular file, no link is
followed, and nothing is unpacked here. Read next: run.py.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hw5.kit.checks import InputError, brief

# "ada_code_proj5.zip" as `python -m hw5 handin` names it, "ada.zip", or the folder "ada"
NAMES = r"(.+?)(?:_code_proj\d+)?(?:\.zip)?"
LITTER = {"Thumbs.db", "desktop.ini", "__MACOSX"}  # what file managers leave
BLOCK = 1 << 20  # bytes read at once


@dataclass(frozen=True)
class Submission:
    """One student's hand-in."""

    name: str  # the student's id
    path: Path  # a folder or an archive; anything else is refused when it is graded
    values_only: bool = False  # leave the notebooks out, as for canaries


def find(folder: Path, names: str = NAMES) -> list[Submission]:
    """Every submission in a folder, sorted by name.

    A file of another kind counts too: it is a student's mistake, and must not be overlooked.

    Args:
        folder: one entry for each student; hidden entries are left out.
        names: a regular expression for the whole of an entry's name, whose first group is the id.

    Raises:
        InputError: no such folder, nothing in it, a name that does not fit, or an id twice.
    """
    if not folder.is_dir():
        raise InputError.about(str(folder), expected="a folder of submissions", got="none")
    entries = [e for e in folder.iterdir() if not e.name.startswith(".") and e.name not in LITTER]
    found = sorted((Submission(student(e.name, names), e) for e in entries), key=lambda s: s.name)
    if not found:
        hint = "one folder or zip for each student"
        raise InputError.about(str(folder), expected="submissions", got="an empty one", hint=hint)
    twice = [name for name, count in Counter(s.name for s in found).items() if count > 1]
    if twice:
        hint = "keep the one that counts"
        got = f"{len(twice)} of them twice: {', '.join(twice[:5])}"
        raise InputError.about(str(folder), expected="each student once", got=got, hint=hint)
    return found


def student(entry: str, names: str) -> str:
    """The id in an entry's name.

    Raises:
        InputError: a pattern that is none, or that does not fit the name.
    """
    try:
        fits = re.fullmatch(names, entry)
        if fits and fits[1]:
            return fits[1]
    except (re.error, IndexError) as error:
        raise InputError.about("--names", expected="a pattern with one group", got=error) from error
    raise InputError.about("--names", expected=f"a pattern that fits {brief(entry)}", got=names)


def digest(path: Path) -> str:
    """SHA-256 of a submission: of a file's bytes, or of a folder's names, kinds and bytes."""
    total = hashlib.sha256()
    for place, piece in pieces(path):
        total.update(len(place).to_bytes(8, "big") + place)
        total.update(piece)
    return total.hexdigest()


def pieces(path: Path) -> Iterator[tuple[bytes, bytes]]:
    """Every entry below `path` by its place, in order, with 32 bytes that stand for its content."""
    if path.is_dir() and not path.is_symlink():
        for entry in sorted(os.scandir(path), key=lambda e: os.fsencode(e.name)):
            for place, piece in pieces(Path(entry.path)):
                yield os.fsencode(entry.name) + b"/" + place, piece
    else:
        yield b"", content(path)


def content(path: Path) -> bytes:
    """Digest of a file's bytes, of where a link leads, or of the kind of anything else."""
    try:
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            return hashlib.sha256(b"link " + os.fsencode(path.readlink())).digest()
        if not stat.S_ISREG(mode):  # a pipe would never end
            return hashlib.sha256(b"kind %d" % stat.S_IFMT(mode)).digest()
        read = hashlib.sha256(b"file ")
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                read.update(block)
        return read.digest()
    except OSError as error:
        return hashlib.sha256(b"unreadable %d" % (error.errno or 0)).digest()
