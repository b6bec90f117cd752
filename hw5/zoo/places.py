"""Where published files lie: a folder of one's own, the zoo's, the project's, torch hub's cache.

Offers `folders`, `find` and `problem_of`. A file is known by its digest, never by its name: what
only has the right name is passed over, and said so. Read next: trust.py (which digest is right).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import torch

from hw5.kit.checks import InputError
from hw5.zoo.manifest import DATA, Entry
from hw5.zoo.recognise import HEAD, megabytes, not_weights, sha256_of
from hw5.zoo.trust import Promise, own_folder, promise

VARIABLE = "HW5_WEIGHTS"  # environment variable: a folder that is searched first


@dataclass(frozen=True)
class Found:
    """The file of an entry, and the files that only have its name."""

    path: Path | None
    passed_over: tuple[str, ...] = ()  # one line for each


def folders(data: Path = DATA) -> list[Path]:
    """Where published files are looked for, in this order."""
    named = [_named(os.environ[VARIABLE])] if os.environ.get(VARIABLE) else []
    hub = Path(torch.hub.get_dir()) / "checkpoints"
    return [*named, own_folder(), data / "weights", hub]


def _named(folder: str) -> Path:
    """The folder that the variable names.

    Raises:
        InputError: it begins with the home of somebody who is not known here.
    """
    try:
        return Path(folder).expanduser()
    except RuntimeError as error:
        expected = "a folder of this machine"
        raise InputError.about(f"${VARIABLE}", expected=expected, got=folder) from error


def find(entry: Entry, *, data: Path = DATA, digest: bool = True) -> Found:
    """The first file in `folders` that is what `entry` promises.

    Args:
        entry: a published entry.
        data: folder that holds the manifest.
        digest: compare SHA-256 as well, which reads the whole file; else only beginning and size.

    Raises:
        InputError: the records of digests are damaged.
    """
    expected, passed_over = promise(entry), []
    for folder in folders(data):
        path = folder / entry.filename
        if not _is_file(path):
            continue
        problem = problem_of(path, expected, digest=digest)
        if not problem:
            return Found(path, tuple(passed_over))
        passed_over.append(f"{path} is passed over: {problem}")
    return Found(None, tuple(passed_over))


def problem_of(path: Path, expected: Promise, *, digest: bool = True) -> str:
    """Why the file at `path` is not what it should be, in words; "" if it is."""
    try:
        with path.open("rb") as stream:
            wrong = not_weights(stream.read(HEAD))
        size = path.stat().st_size
        if wrong:
            return f"it is {wrong}"
        if expected.bytes and size != expected.bytes:
            cut = "cut off" if size < expected.bytes else "another file"
            return f"it is {cut}: {size:,} bytes, not {expected.bytes:,} {expected.source}"
        if digest and expected.sha256 and (found := sha256_of(path)) != expected.sha256:
            right = f"{expected.sha256[:12]}... {expected.source}"
            return f"its SHA-256 is {found[:12]}..., not {right}"
    except OSError as error:
        return f"it cannot be read ({error.strerror})"
    return ""


def missing(entry: Entry, found: Found, data: Path = DATA) -> InputError:
    """The clear line for a file that is nowhere: what to do, and what wrong files there are."""
    lines = [f"{entry.name}: {entry.filename} is in none of {_listed(folders(data))}"]
    lines += found.passed_over
    instead = f"; {entry.instead} does its work meanwhile" if entry.instead else ""
    return InputError(". ".join(lines) + f". Hint: {how_to_get(entry)}{instead}")


def how_to_get(entry: Entry) -> str:
    """The command that brings a published file, with what it costs."""
    command = f"python -m hw5 fetch {entry.name}"
    if entry.page:
        return f"download it from {entry.page}, then {command} --file PATH"
    size = megabytes(entry.bytes)
    return command + (f" ({size})" if size else "")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a folder that may not be looked into holds nothing for us
        return False


def _listed(paths: list[Path]) -> str:
    return ", ".join(str(path) for path in paths)
