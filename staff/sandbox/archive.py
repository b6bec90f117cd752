"""A submission as a list of entries, read without trusting a word of what it says about itself.

Offers `listed` and `Entry`. A zip's own sizes are claims: reading stops at the cap. In a folder no
link is followed, at any depth. Read next: unpack.py.
"""

from __future__ import annotations

import contextlib
import os
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from staff.sandbox.shapes import Refused

MAX_NAME = 240  # characters of a path
MAX_DEPTH = 12  # folders
MAX_ARCHIVE = 512 * 1024 * 1024  # bytes of the zip itself
_ENCRYPTED = 0x1  # bit of a zip entry's flags
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # others may need much memory to read


@dataclass(frozen=True)
class Entry:
    """One file of a submission."""

    name: str  # with slashes
    problem: str  # why it is not to be touched; "" for a regular file
    read: Callable[[int], bytes]  # at most so many bytes; Refused if there are more


@contextlib.contextmanager
def listed(submission: Path, most: int) -> Iterator[list[Entry]]:
    """The entries of a zip or folder; they can be read within the block.

    Raises:
        Refused: neither, damaged, or more entries than `most`.
    """
    if submission.is_symlink():
        raise Refused("is a link, not a zip or a folder")
    if submission.is_dir():
        yield _of_folder(submission, most)
    elif submission.is_file() and submission.stat().st_size > MAX_ARCHIVE:
        raise Refused(f"the zip is larger than {MAX_ARCHIVE // 2**20} MiB")
    elif submission.is_file():
        try:
            with zipfile.ZipFile(submission) as archive:
                yield _of_zip(archive, most)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError) as error:
            raise Refused(f"not a readable zip: {error}") from error
        except (ValueError, RuntimeError, UnicodeError, OverflowError, MemoryError) as error:
            if isinstance(error, Refused):
                raise
            raise Refused(f"a damaged zip: {error}") from error
    else:
        raise Refused("neither a zip nor a folder")


def _of_zip(archive: zipfile.ZipFile, most: int) -> list[Entry]:
    infos = archive.infolist()
    if len(infos) > most:
        raise Refused(f"{len(infos)} entries, at most {most}")
    return [
        Entry(info.filename, _zip_problem(info), partial(_read_zip, archive, info))
        for info in infos
        if not info.is_dir()
    ]


def _zip_problem(info: zipfile.ZipInfo) -> str:
    kind = stat.S_IFMT(info.external_attr >> 16)  # zero where the zip was not made on Unix
    if kind not in (0, stat.S_IFREG):
        return "a link" if kind == stat.S_IFLNK else "not a regular file"
    if info.flag_bits & _ENCRYPTED:
        return "encrypted"
    if info.compress_type not in _METHODS:
        return "an unusual kind of compression"
    # The name as it stands in the file: Python's reader cuts it at a zero byte.
    return _name_problem(info.filename) or _name_problem(info.orig_filename)


def _read_zip(archive: zipfile.ZipFile, info: zipfile.ZipInfo, most: int) -> bytes:
    with archive.open(info) as stream:
        return _at_most(stream.read(most + 1), most, info.filename)


def _of_folder(folder: Path, most: int) -> list[Entry]:
    entries: list[Entry] = []
    waiting = [(folder, "")]
    while waiting:
        here, prefix = waiting.pop()
        with os.scandir(here) as inside:
            for found in inside:
                name = prefix + found.name
                if len(entries) + len(waiting) > most:
                    raise Refused(f"more than {most} entries")
                if found.is_dir(follow_symlinks=False) and not _name_problem(name):
                    waiting.append((Path(found.path), name + "/"))
                else:
                    entries.append(_of_file(found, name, folder))
    return sorted(entries, key=lambda entry: entry.name)


def _of_file(found: os.DirEntry[str], name: str, folder: Path) -> Entry:
    state = found.stat(follow_symlinks=False)
    if stat.S_ISLNK(state.st_mode):
        problem = "a link"
    elif not stat.S_ISREG(state.st_mode):
        problem = "not a regular file"
    elif state.st_nlink > 1:
        problem = "a second name of a file elsewhere"
    else:
        problem = _name_problem(name)
    return Entry(name, problem, partial(_read_file, folder, name))


def _read_file(folder: Path, name: str, most: int) -> bytes:
    """Read below a folder; no part of the way may be a link, not even one made meanwhile."""
    *folders, last = name.split("/")
    here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in folders:
            deeper = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=here)
            os.close(here)
            here = deeper
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK  # a pipe would wait for a writer
        with os.fdopen(os.open(last, flags, dir_fd=here), "rb") as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise Refused(f"{name!a} is not a regular file")
            return _at_most(stream.read(most + 1), most, name)
    except OSError as error:
        raise Refused(f"{name!a} cannot be read: {error.strerror}") from error
    finally:
        os.close(here)


def _at_most(data: bytes, most: int, name: str) -> bytes:
    if len(data) > most:
        raise Refused(f"{name!a} has more than {most // 1024:,} kB")
    return data


def _name_problem(name: str) -> str:
    """Why a name is not one that an honest zip holds; "" if it is."""
    parts = name.split("/")
    if len(name) > MAX_NAME or len(parts) > MAX_DEPTH:
        return "a name too long"
    if name.startswith("/") or ".." in parts or "\\" in name or ":" in parts[0]:
        return "a name that leads out of its folder"
    if any(ord(c) < 32 or 0xD800 <= ord(c) < 0xE000 for c in name):
        return "a name with control characters"
    return ""
