"""Files that are read with clear errors and written whole or not at all.

Offers `read_bytes`, `atomic_write` (a file), `atomic_folder` (a folder), `refuse_existing` and
`clear_errors` (the system's own errors as one clear line).
Pictures, sketches and run folders are built on them. Read next: decode.py, runs.py.
"""

from __future__ import annotations

import difflib
import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hw5.kit.checks import InputError

MEBIBYTE = 1024 * 1024
_NO_ROOM_HINT = "free some space, or choose a place on another disk"

# What to do about each kind of failure, in the order in which they are asked.
_HINTS = {
    PermissionError: "you lack the permission; choose another place or change its rights",
    NotADirectoryError: "a part of the path is a file, not a folder",
    FileExistsError: "a part of the path is a file, not a folder",
    FileNotFoundError: "a folder of the path is missing",
}


def read_bytes(
    path: str | Path, *, expected: str, limit: int = 512 * MEBIBYTE, too_large: str = ""
) -> bytes:
    """Return the contents of the file at `path`.

    Args:
        path: the file.
        expected: what the file should be, for messages ("a picture").
        limit: largest accepted size, in bytes.
        too_large: what to do about a larger one.

    Raises:
        InputError: missing, a folder, empty, larger than `limit`, or unreadable.
    """
    path = _usable(path)
    try:
        if not path.exists():
            got, hint = "no such file", _nearest(path)
        elif not path.is_file():
            got, hint = "a folder" if path.is_dir() else "no regular file", "name one file"
        elif not (size := path.stat().st_size):
            got, hint = "an empty file", "make it or copy it again"
        elif size > limit:
            got, hint = f"{size / MEBIBYTE:,.1f} MiB", f"the limit is {limit / MEBIBYTE:,.0f} MiB"
            hint += f"; {too_large}" if too_large else ""
        else:
            return path.read_bytes()
    except OSError as error:
        raise _cannot("read", path, error) from error
    raise InputError.about(str(path), expected=expected, got=got, hint=hint)


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` that takes its name when the block ends well.

    Readers see the old file or the new one, never a part; a failed block leaves nothing behind.
    Missing parent folders are made. The temporary name keeps the suffix, because many writers
    choose the format by it.

    Raises:
        InputError: the place cannot be written (a file where a folder should be, read-only, disk
            full).
    """
    path = _usable(path)
    if path.is_dir():
        raise InputError.about(str(path), expected="a file name", got="a folder", hint="add a name")
    with _beside(path) as temporary:
        yield temporary
        temporary.replace(path)


@contextmanager
def atomic_folder(path: str | Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Yield a new temporary folder beside `path` that takes its name when the block ends well.

    An empty folder may be replaced, a filled one only with `overwrite`: it is moved aside first,
    and put back when the new one cannot take its place.

    Raises:
        InputError: `path` exists and may not be replaced, or the place cannot be written.
    """
    path = _usable(path)
    refuse_existing(path, overwrite=overwrite)
    with _beside(path) as temporary:
        temporary.mkdir()
        yield temporary
        _swap_in(temporary, path)


@contextmanager
def clear_errors(verb: str, path: Path) -> Iterator[None]:
    """Turn a failure of the block to `verb` ("read", "write") the file at `path` into a clear line.

    Raises:
        InputError: in the place of an OSError.
    """
    try:
        yield
    except OSError as error:
        raise _cannot(verb, path, error) from error


def refuse_existing(path: str | Path, *, overwrite: bool) -> None:
    """Require that a folder may be written at `path`: nothing, an empty folder, or `overwrite`.

    Raises:
        InputError: a file is there or in the place of a parent, or a filled folder without
            `overwrite`.
    """
    path = _usable(path)
    nearest = next(place for place in (path, *path.absolute().parents) if place.exists())
    if not nearest.is_dir():
        raise InputError.about(
            str(nearest), expected="a folder", got="a file", hint="choose another"
        )
    if path.is_dir() and any(path.iterdir()) and not overwrite:
        hint = "choose another name or allow overwriting (--overwrite)"
        raise InputError.about(str(path), expected="a new folder", got="a filled one", hint=hint)


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """Yield an unused hidden name beside `path`; make parents; clear all away on failure."""
    unique = secrets.token_hex(4)  # two writers of one path must not share a temporary name
    temporary = path.with_name(f".{path.stem[:40]}.{unique}.tmp{path.suffix}")
    made = [parent for parent in path.parents if not parent.exists()]  # deepest first
    done = False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        done = True
    except OSError as error:
        raise _cannot("write", path, error) from error
    finally:
        if not done:
            _remove(temporary)
            _remove_empty(made)


def _swap_in(new: Path, path: Path) -> None:
    """Rename folder `new` to `path`, moving what is there out of the way first."""
    if not path.exists():
        new.replace(path)
        return
    old = path.with_name(f".{path.name}.{secrets.token_hex(4)}.old")
    try:
        path.replace(old)
        new.replace(path)
    except BaseException:  # Ctrl-C, too, must not leave the old one under a hidden name
        if old.exists() and not path.exists():
            old.replace(path)
        raise
    finally:
        if path.exists():  # else the old one is all there is
            shutil.rmtree(old, ignore_errors=True)


def _remove(path: Path) -> None:
    """Delete a temporary file or folder; a failure to do so must not hide the first error."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _remove_empty(folders: list[Path]) -> None:
    """Delete `folders`, deepest first, up to the first that is not empty."""
    with suppress(OSError):
        for folder in folders:
            folder.rmdir()


def _usable(path: str | Path) -> Path:
    """Return `path` as a `Path` that names something and that the system can look up.

    Raises:
        InputError: empty, or with characters that no file name may hold.
    """
    path = Path(path)
    try:
        if b"\0" in os.fsencode(path):
            raise ValueError("null byte")
        path.exists()
    except (ValueError, OSError) as error:  # a lone surrogate, too long, a loop of links
        raise InputError(
            f"{path}: not a usable file name ({error}). Hint: choose another"
        ) from error
    if not path.name:
        raise InputError.about(str(path), expected="a path that ends in a name", got="none")
    return path


def _cannot(verb: str, path: Path, error: OSError) -> InputError:
    """Return the clear line for an operating-system `error` met while trying to `verb` `path`."""
    hint = next((text for kind, text in _HINTS.items() if isinstance(error, kind)), "")
    hint = _NO_ROOM_HINT if error.errno in (errno.ENOSPC, errno.EDQUOT) else hint
    reason = os.strerror(error.errno) if error.errno else str(error)
    return InputError(f"{path}: cannot {verb}: {reason}." + (f" Hint: {hint}" if hint else ""))


def _nearest(path: Path) -> str:
    """Return a hint for a missing file: the nearest name in its folder, or no such folder."""
    if not path.parent.is_dir():
        return f"there is no folder {path.parent} either"
    with suppress(OSError):
        names = [entry.name for entry in path.parent.iterdir() if not entry.name.startswith(".")]
        near = difflib.get_close_matches(path.name, names, n=1)
        if near:
            return f"did you mean {near[0]}?"
    return "check the spelling and the folder"
