"""Everything that can be read out of a file: itself, and what is packed or encoded within.

Offers `layers_of` and `git_objects`. A solution can hide in an archive, a compressed stream, a
notebook's JSON, base64, hexadecimal, a picture's text or an old commit; each is opened and opened
again, to a depth and size that ends. Read next: leaks.py, which searches what comes out.
"""

from __future__ import annotations

import base64
import binascii
import bz2
import gzip
import html
import io
import json
import lzma
import re
import subprocess
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

DEPTH = 4  # packings within packings
MAX_BYTES = 64 * 1024 * 1024  # of one layer; our largest file has 9 MiB
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{24,}={0,2}(?:\s*\n\s*[A-Za-z0-9+/_-]{4,}={0,2})*")
_HEX = re.compile(rb"(?:[0-9a-fA-F]{2}\s*){24,}")

Layer = tuple[str, bytes]  # where it was found, and what


def layers_of(name: str, data: bytes, depth: int = DEPTH) -> Iterator[Layer]:
    """The file itself, then whatever can be unpacked or decoded from it."""
    yield name, data
    if depth:
        for how, inner in _inside(data):
            if inner and len(inner) <= MAX_BYTES:
                yield from layers_of(f"{name} ({how})", inner, depth - 1)


def git_objects(tree: Path) -> Iterator[Layer]:
    """Every object of the repository in `tree`, reachable or not; nothing where there is none."""
    if not (tree / ".git").exists():
        return
    words = ["git", "-C", str(tree), "cat-file", "--batch-all-objects", "--batch", "--unordered"]
    stream = io.BytesIO(subprocess.run(words, capture_output=True, check=True).stdout)
    while head := stream.readline().split():
        name, kind, size = head[0].decode(), head[1].decode(), int(head[2])
        data = stream.read(size)
        stream.read(1)
        if kind != "tree":  # names of files alone, and binary digests
            yield f"git {kind} {name[:10]}", data


def _inside(data: bytes) -> Iterator[Layer]:
    """One step deeper, by every way that fits."""
    yield from _members(data)
    yield from _tar_members(data)
    for magic, how, unpack in _STREAMS:
        if data.startswith(magic):
            yield from _attempt(how, unpack, data)
    if b"\0" not in data[:4096]:
        yield from _written(data)


def _written(data: bytes) -> Iterator[Layer]:
    """What a text says in other letters."""
    if data.lstrip()[:1] in (b"{", b"["):
        yield from _attempt("JSON", _strings, data)
    if b"&" in data and (text := data.decode("utf-8", "replace")) != html.unescape(text):
        yield "HTML", html.unescape(text).encode()
    for found in _BASE64.finditer(data):
        yield from _from_base64(b"".join(found[0].split()))
    for found in _HEX.finditer(data):
        yield from _attempt("hexadecimal", binascii.unhexlify, b"".join(found[0].split()))


def _attempt(how: str, unpack: Callable[[bytes], bytes], data: bytes) -> Iterator[Layer]:
    """What `unpack` makes of it; nothing where it is something else after all."""
    try:
        yield how, unpack(data)
    except (ValueError, OSError, EOFError, zlib.error, lzma.LZMAError):
        return


def _inflate(data: bytes) -> bytes:
    return zlib.decompressobj().decompress(data, MAX_BYTES)


_STREAMS: list[tuple[bytes, str, Callable[[bytes], bytes]]] = [
    (b"\x1f\x8b", "gzip", lambda data: gzip.GzipFile(fileobj=io.BytesIO(data)).read(MAX_BYTES)),
    (b"BZh", "bzip2", lambda data: bz2.BZ2Decompressor().decompress(data, MAX_BYTES)),
    (b"\xfd7zXZ", "xz", lambda data: lzma.LZMADecompressor().decompress(data, MAX_BYTES)),
    (b"\x78", "zlib", _inflate),
    (b"\x89PNG", "text in the picture", lambda data: _picture_texts(data)),
    (b"\xff\xfe", "UTF-16", lambda data: data.decode("utf-16").encode()),
    (b"\xfe\xff", "UTF-16", lambda data: data.decode("utf-16").encode()),
]


def _members(data: bytes) -> Iterator[Layer]:
    if not zipfile.is_zipfile(io.BytesIO(data)):
        return
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for entry in archive.infolist():
                if entry.file_size <= MAX_BYTES:
                    yield f"zip: {entry.filename}", archive.read(entry)
    except (zipfile.BadZipFile, RuntimeError, OSError, zlib.error):
        return


def _tar_members(data: bytes) -> Iterator[Layer]:
    if data[257:262] != b"ustar":
        return
    try:
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            for entry in archive:
                if entry.isfile() and entry.size <= MAX_BYTES:
                    yield f"tar: {entry.name}", archive.extractfile(entry).read()
    except (tarfile.TarError, OSError):
        return


def _picture_texts(data: bytes) -> bytes:
    from PIL import Image

    with Image.open(io.BytesIO(data)) as picture:
        picture.load()
        return "\n".join(f"{key} {value}" for key, value in picture.info.items()).encode()


def _strings(data: bytes) -> bytes:
    """All strings of a JSON file, without its escapes; a list's strings follow each other."""
    found: list[str] = []

    def collect(value: object) -> None:
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, dict | list):
            for inner in value.values() if isinstance(value, dict) else value:
                collect(inner)

    collect(json.loads(data))
    return "\n".join(found).encode("utf-8", "replace")


def _from_base64(run: bytes) -> Iterator[Layer]:
    """The run decoded from each of its first four letters on: a word may stand before it."""
    plain = run.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    for begin in range(4):
        part = plain[begin:]
        part = part[: len(part) - (len(part) % 4 == 1)]
        decoded = base64.b64decode(part + b"=" * (-len(part) % 4))
        if begin == 0 or decoded.isascii():
            yield "base64", decoded
