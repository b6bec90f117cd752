"""Takes the wanted files out of a submission that may be hostile, and leaves all else alone.

Offers `unpack` and `Unpacked`. Nothing is extracted by name: the parent looks for the paths that it
wants, reads those within caps, and writes them under names of its own. So a path with dots, a link,
a device or a conftest.py has nowhere to go. A sitecustomize.py or pytest.ini is never wanted. Read
next: archive.py, how a zip or a folder is listed and read.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from staff.sandbox.archive import Entry, listed
from staff.sandbox.shapes import Refused

MAX_ENTRIES = 10_000
MAX_FILE = 4 * 1024 * 1024  # bytes; a solved file has 10,000
MAX_TOTAL = 32 * 1024 * 1024
MAX_NOTES = 20
# Names that change how Python or pytest runs; worth a note, never taken.
STEERING = {
    "sitecustomize.py", "usercustomize.py", "conftest.py", "pytest.ini", "tox.ini", "setup.cfg",
    "pyproject.toml", "setup.py",
}  # fmt: skip


@dataclass(frozen=True)
class Unpacked:
    """What was taken."""

    files: tuple[str, ...]  # of those wanted, in their order
    notes: tuple[str, ...]  # what is missing or was left out, a line each, printable


def unpack(submission: Path, into: Path, wanted: Collection[str]) -> Unpacked:
    """Copy the wanted files of a zip or folder into a folder, readable by everyone.

    Args:
        submission: a .zip, or a folder; the wanted files may lie below a folder of any name.
        into: where to; made if missing. Only files of the names in `wanted` are written.
        wanted: relative paths with slashes, such as "hw5/losses.py".

    Raises:
        Refused: neither zip nor folder, damaged, encrypted, too large, or with none of the files.
    """
    with listed(submission, MAX_ENTRIES) as entries:
        plain = {entry.name: entry for entry in entries if not entry.problem}
        top = common_top(plain, wanted)
        found = [name for name in wanted if top + name in plain]
        refuse_twins(entries, {top + name for name in found})
        notes = [f"{name} is missing" for name in wanted if name not in found]
        notes += left_out(entries, {top + name for name in found})
        contents, total = {}, 0
        for name in found:
            contents[name] = plain[top + name].read(MAX_FILE)
            total += len(contents[name])
            if total > MAX_TOTAL:
                raise Refused(f"more than {MAX_TOTAL // 2**20} MiB in the files to be graded")
    for name, content in contents.items():
        write(into, name, content)
    return Unpacked(tuple(found), tuple(notes))


def common_top(names: Collection[str], wanted: Collection[str]) -> str:
    """The folder under which most of the wanted files lie ("" or "name/"); of equals the highest.

    Raises:
        Refused: none of them lies anywhere.
    """
    tops = Counter(
        name[: -len(want)]
        for name in names
        for want in wanted
        if name == want or name.endswith("/" + want)
    )
    if not tops:
        some = ", ".join(list(wanted)[:3])
        raise Refused(f"holds none of the files to be graded ({some}, ...)")
    return min(tops, key=lambda top: (-tops[top], top.count("/"), top))


def refuse_twins(entries: Collection[Entry], taken: Collection[str]) -> None:
    """Require that no file is there twice, since two readers could see two different ones.

    Raises:
        Refused: one is.
    """
    count = Counter(entry.name for entry in entries)
    for name in taken:
        if count[name] > 1:
            raise Refused(f"{printable(name)} is in it {count[name]} times")


def left_out(entries: Collection[Entry], taken: Collection[str]) -> list[str]:
    """A line for each entry that somebody should know of, and one for the rest."""
    notes = [
        f"left out {printable(entry.name)}: {entry.problem}" for entry in entries if entry.problem
    ]
    others = [entry.name for entry in entries if not entry.problem and entry.name not in taken]
    notes += [
        f"left out {printable(name)}: it would steer the grading"
        for name in others
        if PurePosixPath(name).name in STEERING
    ]
    shown = {_plain_letters(name): name for name in taken}
    notes += [
        f"left out {printable(name)}: looks like {shown[_plain_letters(name)]}, and is another"
        for name in others
        if _plain_letters(name) in shown
    ]
    if len(notes) > MAX_NOTES:
        notes = [*notes[:MAX_NOTES], f"and {len(notes) - MAX_NOTES} more were left out"]
    return notes


def write(into: Path, name: str, content: bytes) -> None:
    """Write one file of a wanted name; modes do not depend on this process's umask."""
    path = into / name
    path.parent.mkdir(parents=True, exist_ok=True)
    for folder in path.parents:
        folder.chmod(0o755)
        if folder == into:
            break
    path.write_bytes(content)
    path.chmod(0o644)


def printable(name: str, limit: int = 80) -> str:
    """A name for one line on any terminal: what is not a plain letter or sign is escaped."""
    text = "".join(c if " " < c <= "~" else ascii(c)[1:-1] for c in name)
    return text if len(text) <= limit else text[: limit - 3] + "..."


def _plain_letters(name: str) -> str:
    """A name as a careless eye reads it: compatible letters, no case."""
    return unicodedata.normalize("NFKC", name).casefold()
