"""`fetch`: bring a published file to this machine, check it, and put it in its place whole.

Offers `fetch` and its answer `Fetched`. The web is download.py's part, where files are looked for
places.py's; which digest is right is decided in trust.py.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from filelock import FileLock, Timeout

from hw5.kit.checks import InputError
from hw5.kit.files import atomic_write, clear_errors
from hw5.zoo.archives import unpacked
from hw5.zoo.download import Progress, download, forget
from hw5.zoo.manifest import DATA, Entry, describe
from hw5.zoo.places import Found, find, how_to_get, problem_of
from hw5.zoo.published import check_content, check_readable
from hw5.zoo.recognise import sha256_of
from hw5.zoo.trust import Promise, own_folder, promise, record

PARTS = ".parts"  # folder in the zoo's own, for what has not arrived whole


@dataclass(frozen=True)
class Fetched:
    """Where the file is now, and how it is known to be right."""

    path: Path
    sha256: str
    known: str  # who names this digest: "of the table", "recorded on ..."; empty: nobody could
    was_here: bool = False  # nothing had to be done


def fetch(
    name: str,
    *,
    mirror: str = "",
    file: Path | None = None,
    replace: bool = False,
    on_progress: Progress = lambda done, total: None,
    data: Path = DATA,
) -> Fetched:
    """Bring the file of `name` into the zoo's own folder.

    Args:
        name: a published entry of the manifest.
        mirror: another address of the file; one that ends in / is a folder that holds it.
        file: a file on this machine to be taken instead of a download, or an archive that holds
            it under the name that the entry's origin says.
        replace: take it anew even if it is here, and forget a digest recorded at first use.
        on_progress: told bytes so far and in all (0: not known) while it downloads.
        data: folder that holds the manifest.

    Raises:
        InputError: a name that needs no fetching or that nothing reads yet, no address, whatever
            `download` raises, a file that is not what was promised, or a place that cannot be
            written. Whatever was in place before is then still there.
    """
    entry = describe(name, data=data)
    _check_fetchable(entry, data)
    expected = Promise(entry.sha256, entry.bytes) if replace else promise(entry)
    found = Found(None) if replace or file else find(entry, data=data)
    if found.path is not None:
        _check_unknown(str(found.path), found.path, expected, entry)
        return _known(entry, found.path, expected, was_here=True)
    place = own_folder() / entry.filename
    with _alone(entry):
        if file is not None:
            _copy(file, place, expected, entry)
        else:
            _download(_address(entry, mirror), place, expected, entry, on_progress)
    return _known(entry, place, expected)


def _check_fetchable(entry: Entry, data: Path) -> None:
    if entry.file:
        hint = f"if {data / entry.file} is missing, restore it from the repository"
        raise InputError(f"{entry.name}: comes with the project, nothing to fetch. Hint: {hint}")
    if not entry.published:
        raise InputError(f"{entry.name}: {entry.origin}, nothing to fetch. Hint: pip installs it")
    check_readable(entry)


def _address(entry: Entry, mirror: str) -> str:
    """Where to download from.

    Raises:
        InputError: no program can, and no mirror was given.
    """
    if mirror:
        return mirror + quote(entry.filename) if mirror.endswith("/") else mirror
    if not entry.url:
        raise InputError(f"{entry.name}: no program can fetch it. Hint: {how_to_get(entry)}")
    return entry.url


@contextmanager
def _alone(entry: Entry) -> Iterator[None]:
    """Keep a second fetch of the same file out."""
    folder = own_folder() / PARTS
    lock = FileLock(folder / f"{entry.filename}.lock")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout as error:
        line = f"{entry.name}: another program fetches it already. Hint: wait for that one"
        raise InputError(line) from error
    except OSError as error:
        hint = "set HW5_CACHE to a folder that can be written"
        raise InputError(f"{folder}: cannot write: {error.strerror}. Hint: {hint}") from error
    try:
        yield
    finally:
        lock.release()


def _download(
    url: str, place: Path, expected: Promise, entry: Entry, on_progress: Progress
) -> None:
    part = place.parent / PARTS / place.name
    size = 0 if expected.recorded else expected.bytes  # what was trusted once may have changed
    download(url, part, size=size, on_progress=on_progress)
    try:
        _require(url, part, expected, entry)
    except InputError:
        forget(part)
        raise
    with clear_errors("write", place):
        part.replace(place)
    forget(part)


def _copy(file: Path, place: Path, expected: Promise, entry: Entry) -> None:
    """Copy a file of this machine; it is checked before and, whole, after."""
    with suppress(RuntimeError):  # ~somebody unknown: there is no such file, as is said next
        file = file.expanduser()
    if not file.is_file():
        got = "a folder" if file.is_dir() else "no such file"
        raise InputError.about(str(file), expected=f"the file {place.name}", got=got)
    with unpacked(entry, file, place.parent / PARTS / place.name) as source:
        _require(str(file), source, expected, entry)
        with atomic_write(place) as temporary:
            shutil.copyfile(source, temporary)
            if sha256_of(temporary) != sha256_of(source):
                raise InputError(f"{file}: changed while it was copied. Hint: try again")


def _require(name: str, path: Path, expected: Promise, entry: Entry) -> None:
    """Require that the file at `path`, called `name` in messages, is what was promised."""
    if problem := problem_of(path, expected):
        hint = "nothing was put in its place"
        if expected.recorded:
            hint += "; if its publisher has changed it, --replace trusts the new one"
        raise InputError(f"{name}: {problem}. Hint: {hint}")
    _check_unknown(name, path, expected, entry)


def _check_unknown(name: str, path: Path, expected: Promise, entry: Entry) -> None:
    """Where nobody named a digest, let the contents speak: it will be trusted ever after."""
    if expected.sha256:
        return
    try:
        check_content(entry, path)
    except InputError as error:
        raise InputError(f"{name}: {str(error).removeprefix(f'{path}: ')}") from error


def _known(entry: Entry, path: Path, expected: Promise, *, was_here: bool = False) -> Fetched:
    """The answer for a right file; a digest that nobody named is recorded."""
    with clear_errors("read", path):
        found, size = sha256_of(path), path.stat().st_size
    if expected.sha256:
        return Fetched(path, found, expected.source, was_here)
    recorded = record(entry, found, size)
    return Fetched(path, found, promise(entry).source if recorded else "", was_here)
