"""What a published file must be: the digest in the table, else the one recorded at first use.

Some publishers name no digest. Then the first file that is used is trusted, its digest is written
into the zoo's own folder, and every later file of that name must have it. Offers `Promise`,
`promise`, `record` and `own_folder`.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from hw5.kit.cache import cache_folder
from hw5.kit.checks import InputError, brief
from hw5.kit.files import atomic_write, read_bytes
from hw5.zoo.manifest import Entry

RECORDS = "recorded.json"
LOCK_SECONDS = 10


@dataclass(frozen=True)
class Promise:
    """What an entry's file must be; empty and 0 where nobody knows yet."""

    sha256: str = ""
    bytes: int = 0
    recorded: str = ""  # the day of first use; empty: the table says so

    @property
    def source(self) -> str:
        """Who says so, for messages."""
        return f"recorded on {self.recorded}" if self.recorded else "of the table"


def own_folder() -> Path:
    """The zoo's own folder: where `fetch` puts files and where digests are recorded."""
    return cache_folder() / "weights"


def promise(entry: Entry) -> Promise:
    """What the file of `entry` must be.

    Raises:
        InputError: the records are damaged.
    """
    if entry.sha256:
        return Promise(entry.sha256, entry.bytes)
    known = _records().get(entry.name)
    return _promise(known) if known is not None else Promise(bytes=entry.bytes)


def _promise(known: object) -> Promise:
    """A record as it stands in the file, each of its fields of the right type.

    Raises:
        InputError: it is damaged.
    """
    fields = known if isinstance(known, dict) else {}
    kinds = {"sha256": str, "bytes": int, "recorded": str}
    if set(fields) != set(kinds) or any(type(fields[k]) is not kind for k, kind in kinds.items()):
        raise _damaged(TypeError(brief(known)))
    if not re.fullmatch("[0-9a-f]{64}", fields["sha256"]):
        raise _damaged(ValueError(f"the digest {brief(fields['sha256'])}"))
    return Promise(**fields)


def record(entry: Entry, sha256: str, size: int) -> bool:
    """Write down what the file of `entry` is from now on; False where that cannot be written.

    Raises:
        InputError: the records are damaged.
    """
    today = Promise(sha256, size, date.today().isoformat())
    _records()  # damaged ones are said, not taken for a place that cannot be written
    try:
        own_folder().mkdir(parents=True, exist_ok=True)
        # Two fetches at once would else each write what they had read, without the other's.
        with FileLock(own_folder() / f".{RECORDS}.lock", timeout=LOCK_SECONDS):
            content = {**_records(), entry.name: asdict(today)}
            with atomic_write(own_folder() / RECORDS) as temporary:
                temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    except (InputError, OSError, Timeout):
        return False  # a read-only home must not keep anyone from a network that is there
    return True


def _records() -> dict[str, Any]:
    path = own_folder() / RECORDS
    if not path.exists():
        return {}
    try:
        return dict(json.loads(read_bytes(path, expected="recorded digests")))
    except (ValueError, TypeError, RecursionError) as error:
        raise _damaged(error) from error


def _damaged(error: Exception) -> InputError:
    hint = "delete it; files whose digest only it knew are then trusted anew"
    return InputError(f"{own_folder() / RECORDS}: not a record of digests ({error}). Hint: {hint}")
