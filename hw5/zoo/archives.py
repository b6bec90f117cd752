"""A file that its publisher hands out inside a zip archive, as the course does.

Offers `unpacked`. Which member an entry means stands in its origin in the manifest. A file of torch
is a zip archive too; it is told apart by its `data.pkl` and left as it is.
"""

from __future__ import annotations

import re
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hw5.kit.checks import InputError
from hw5.kit.files import atomic_write
from hw5.zoo.manifest import Entry

_MEMBER = re.compile(r"(\S+) of the archive")
_LIMIT = 1 << 31  # bytes unpacked: a packed member might grow without end
_SHOWN = 6  # members that a message lists


@contextmanager
def unpacked(entry: Entry, file: Path, place: Path) -> Iterator[Path]:
    """Yield `file`, or, where it is an archive that holds the file of `entry`, that, unpacked.

    Args:
        entry: what is looked for.
        file: a file of this machine.
        place: where to unpack; nothing stays there.

    Raises:
        InputError: an archive without that member, or a damaged one.
    """
    member = _member(entry, file)
    if not member:
        yield file
        return
    try:
        _unpack(file, member, place)
        yield place
    finally:
        place.unlink(missing_ok=True)


def _names(file: Path) -> list[str]:
    """Members of an archive; none of any other file, of torch's own, and of what is cut off."""
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError):
        return []  # what it is instead, those who read it say
    return [] if any(name.rpartition("/")[2] == "data.pkl" for name in names) else names


def _member(entry: Entry, file: Path) -> str:
    """The one member that the entry's origin names, at the top or in a folder; "": no archive."""
    if not (names := _names(file)):
        return ""
    named = _MEMBER.search(entry.origin)
    fits = [n for n in names if named and f"/{n}".endswith(f"/{named[1]}")]
    if len(fits) == 1:
        return fits[0]
    shown = ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
    expected = f"the file {entry.filename}" + (f", or an archive with {named[1]}" if named else "")
    hint = "unpack it, then give the file inside with --file"
    raise InputError.about(str(file), expected=expected, got=f"an archive of {shown}", hint=hint)


def _unpack(file: Path, member: str, place: Path) -> None:
    try:
        with zipfile.ZipFile(file) as archive, atomic_write(place) as temporary:
            if (size := archive.getinfo(member).file_size) > _LIMIT:
                expected, got = f"at most {_LIMIT:,} bytes", f"{size:,}"
                raise InputError.about(f"{file}: {member}", expected=expected, got=got)
            with archive.open(member) as stream, temporary.open("wb") as out:
                shutil.copyfileobj(stream, out)
    except (zipfile.BadZipFile, RuntimeError, EOFError, zlib.error) as error:
        hint = "unpack it with another program, then give the file inside with --file"
        raise InputError(f"{file}: {member}: cannot be unpacked ({error}). Hint: {hint}") from error
