"""The wrappings of pickles: plain files, torch's old stream of pickles, torch's zip archives.

Offers `read_content`: bytes of any of the three become what the pickle inside describes. torch's
own reader is not used: what may be in a file is decided in one table (tensors.py).
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

from hw5.checkpoints.machine import Machine, Name, Source, refuse
from hw5.checkpoints.tensors import CALLS, Storage, storage_of
from hw5.kit.checks import InputError

MAGIC = 0x1950A86A20F9469CFC6C  # first pickle of torch's old stream
STREAM_VERSION = 1001  # second pickle
LOAD_FROM_BYTES = "torch.storage._load_from_bytes"  # a storage inside a plain pickle
ZIP_START, PICKLE_START = b"PK\x03\x04", b"\x80"


def read_content(data: bytes) -> Any:  # noqa: ANN401 - a pickle holds anything
    """What a pickle, a stream or an archive describes: dictionaries, records, stored tensors.

    Raises:
        InputError: None of the three, damaged, or with anything in it that is not admitted.
    """
    steps = count()
    if data.startswith(ZIP_START):
        return _read_archive(data, steps)
    if not data.startswith(PICKLE_START):
        raise _no_pickle(data)
    source = Source(data)
    calls = {**CALLS, LOAD_FROM_BYTES: _inner_streams(steps)}
    first = Machine(calls, steps=steps).run(source)
    return _read_stream(source, steps, magic=first) if _is_magic(first) else first


def _inner_streams(steps: Iterator[int]) -> Callable[[str, Any], Any]:
    """What answers `torch.storage._load_from_bytes`; the same bytes make one storage, not many."""
    known: dict[int, tuple[Any, Any]] = {}

    def answer(_: str, content: Any) -> Any:  # noqa: ANN401 - a pickle holds anything
        if id(content) not in known:
            # The bytes are kept as well: another object must not get their id.
            known[id(content)] = content, _read_stream(Source(content), steps)
        return known[id(content)][1]

    return answer


def _no_pickle(data: bytes) -> InputError:
    """The error for bytes that are no pickle at all, guessing what they are."""
    start = data[:512].lstrip().lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        hint = "a download page or quota notice was saved in place of the file: fetch it again"
        return refuse("expected a checkpoint, got a web page", hint)
    if start.startswith(b"version https://git-lfs"):
        hint = "fetch the file itself with git lfs pull"
        return refuse("expected a checkpoint, got a pointer to one", hint)
    if data[8:9] == b"{":
        return refuse("expected a checkpoint, got safetensors", "its name should end .safetensors")
    return refuse("expected a pickle or a torch archive, got another kind of file")


def _is_magic(value: object) -> bool:
    return isinstance(value, int) and value == MAGIC


class _Storages:
    """The storages that a pickle refers to, by key; answers its persistent ids."""

    def __init__(self) -> None:
        """Start without any."""
        self.known: dict[str, Storage] = {}

    def __call__(self, reference: object) -> Storage | Name:
        """The storage of a reference; old whole-module files refer to classes too."""
        if not isinstance(reference, tuple) or len(reference) < 2:
            raise refuse("the file refers to something unknown")
        if reference[0] == "module" and isinstance(reference[1], Name):
            return reference[1]
        if reference[0] != "storage" or len(reference) < 5 or reference[5:] not in ((), (None,)):
            raise refuse("the file refers to something that is no storage")
        _, kind, key, _, size = reference[:5]
        if not isinstance(key, str):
            raise refuse("a storage without a key")
        found = self.known.setdefault(key, storage_of(kind, size))
        if (found.dtype, found.count) != (storage_of(kind, size).dtype, size):
            raise refuse("a storage described in two ways")
        return found


def _read_stream(source: Source, steps: Iterator[int], magic: Any = None) -> Any:  # noqa: ANN401
    """What torch's old stream holds: five pickles, then the bytes of every storage."""
    magic = Machine(CALLS, steps=steps).run(source) if magic is None else magic
    version = Machine(CALLS, steps=steps).run(source)
    system = Machine(CALLS, steps=steps).run(source)
    is_little = isinstance(system, dict) and system.get("little_endian") is True
    if not _is_magic(magic) or version != STREAM_VERSION or not is_little:
        raise refuse("a torch file of an unknown version")
    storages = _Storages()
    value = Machine(CALLS, storages, steps).run(source)
    keys = Machine(CALLS, steps=steps).run(source)
    for key in keys if isinstance(keys, list) else ():
        storage = storages.known.get(key) if isinstance(key, str) else None
        if storage is None or int.from_bytes(source.read(8), "little") != storage.count:
            raise refuse("a tensor's data has another length than promised", "copy the file again")
        data = source.read(storage.count * storage.dtype.itemsize)
        storage.read = lambda data=data: data
        storage.contents()  # refuses what is cut off
    return value


def _opened(data: bytes) -> tuple[zipfile.ZipFile, dict[str, zipfile.ZipInfo]]:
    """An archive and its members, none of which is stored twice over."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        members = {info.filename: info for info in archive.infolist()}
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        raise refuse(f"a damaged archive ({error})", "copy the file again") from error
    if sum(info.file_size for info in members.values()) > len(data):
        raise refuse("a damaged archive (its parts overlap or are packed)", "copy the file again")
    return archive, members


def _read_archive(data: bytes, steps: Iterator[int]) -> Any:  # noqa: ANN401
    """What torch's zip archive holds: data.pkl, and a member for every storage."""
    archive, members = _opened(data)
    pickles = [name for name in members if name.rpartition("/")[2] == "data.pkl"]
    if len(pickles) != 1:
        raise refuse("expected a torch archive, got another kind of zip file")
    folder = pickles[0].removesuffix("data.pkl")

    def member(name: str) -> bytes:
        info = members.get(folder + name)
        # torch stores its members as they are: a packed one might grow without limit.
        if info is None or info.compress_type != zipfile.ZIP_STORED or info.file_size > len(data):
            raise refuse(f"the archive's part {name!r} is missing or packed")
        try:
            return archive.read(info)
        except (zipfile.BadZipFile, RuntimeError, ValueError, EOFError, OSError) as error:
            raise refuse(f"a damaged archive ({error})", "copy the file again") from error

    if folder + "byteorder" in members and member("byteorder") != b"little":
        raise refuse("a torch file with its bytes in another order")
    storages = _Storages()
    value = Machine(CALLS, storages, steps).run(Source(member("data.pkl")))
    for key, storage in storages.known.items():
        storage.read = lambda key=key: member(f"data/{key}")
    return value
