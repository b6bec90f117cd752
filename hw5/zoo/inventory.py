"""What is here and what is missing: the state of every entry of the table on this machine.

Offers `Stock` and `stock`. `python -m hw5 models` and `doctor` print it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hw5.zoo.manifest import DATA, Entry
from hw5.zoo.places import find
from hw5.zoo.published import PACKAGED, READERS
from hw5.zoo.trust import Promise, promise

NOTHING = Promise()
HERE, MISSING, WRONG, LATER = "here", "missing", "wrong", "later"


@dataclass(frozen=True)
class Stock:
    """One entry on this machine; `state` is here, missing, wrong (only other files) or later."""

    entry: Entry
    state: str
    path: Path | None = None  # of the right file; None inside a Python package
    passed_over: tuple[str, ...] = ()  # a line for each file that only has the name
    promise: Promise = NOTHING


def stock(entry: Entry, *, data: Path = DATA, digest: bool = False) -> Stock:
    """Look for one entry.

    Args:
        entry: any entry of the table.
        data: folder that holds the manifest.
        digest: read published files whole and compare their SHA-256; else their size is enough.

    Raises:
        InputError: the records of digests are damaged.
    """
    if entry.kind in PACKAGED:
        return Stock(entry, HERE)
    if not entry.published:
        path = data / entry.file
        whole = path.is_file() and path.stat().st_size == entry.bytes
        known = Promise(entry.sha256, entry.bytes)
        return Stock(entry, HERE if whole else MISSING, path if whole else None, promise=known)
    if entry.kind not in READERS:
        return Stock(entry, LATER, promise=promise(entry))
    found = find(entry, data=data, digest=digest)
    state = HERE if found.path else WRONG if found.passed_over else MISSING
    return Stock(entry, state, found.path, found.passed_over, promise(entry))
