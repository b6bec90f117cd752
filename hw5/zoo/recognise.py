"""What a file really is: the answers of servers that call themselves weights, and digests.

Offers `not_weights` (what the first bytes show), `page_reason` (why a web page came instead of a
file), `sha256_of` and `megabytes`. Nothing here opens a connection or unpickles anything.
"""

from __future__ import annotations

import hashlib
import html
import re
from pathlib import Path
from urllib.parse import urlsplit

HEAD = 512  # bytes that tell what a file is
_CHUNK = 1 << 20
# How files of PyTorch begin: an archive (since 1.6), or a pickle of protocol 2 or later.
_WEIGHTS = (b"PK\x03\x04", b"\x80")
_PAGE = re.compile(rb"(?is)\s*(<!--.*?-->\s*)*<(!doctype html|html|head|body)")
# What a page says, and what that means; the first that fits.
_REASONS = (
    (r"quota|too many users|limit exceeded", "a page that says its download quota is used up"),
    (r"virus scan|can't scan|cannot scan", "a page that warns it could not scan the file"),
    (r"type=.?password|<title>[^<]*(sign.?in|log.?in)", "a login page"),
)
_LOGIN_ADDRESS = re.compile(r"log-?in|sign-?in|auth|sso|saml|accounts\.", re.IGNORECASE)


def not_weights(head: bytes) -> str:
    """What the first bytes of a file show it to be instead of weights; "" where they may be.

    Args:
        head: the first `HEAD` bytes, or all of a shorter file.
    """
    if not head:
        return "an empty file"
    if _PAGE.match(head):
        return "a web page"
    if head.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer (the file itself is kept elsewhere)"
    if head.startswith(_WEIGHTS):
        return ""
    if all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in head[:64]):
        return f"text ({head[:40].decode('ascii').strip()!r})"
    return "no file of PyTorch"


def is_page(head: bytes, content_type: str = "") -> bool:
    """Is this the beginning of a web page, whatever name it was given?"""
    return bool(_PAGE.match(head)) or content_type.partition(";")[0].strip() == "text/html"


def page_reason(body: bytes, *, asked: str, answered: str) -> str:
    """What a web page that came instead of a file is: a quota, a login, or its title.

    Args:
        body: the page, or its beginning.
        asked: the address that was asked.
        answered: the address that answered, after redirects.
    """
    text = body.decode("utf-8", errors="replace")
    host = urlsplit(answered).hostname or answered
    moved = host != urlsplit(asked).hostname
    place = f" (sent by {host}" + (", where the address leads)" if moved else ")")
    for pattern, meaning in _REASONS:
        if re.search(pattern, text, re.IGNORECASE):
            return meaning + place
    if moved and _LOGIN_ADDRESS.search(answered):
        return "a login page" + place
    title = re.search(r"<title[^>]*>([^<]{1,80})", text, re.IGNORECASE)
    named = f" titled {html.unescape(title[1]).strip()!r}" if title else ""
    return f"a web page{named}{place}"


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, read in pieces.

    Raises:
        OSError: it cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def megabytes(count: int) -> str:
    """A size for people: decimal units, as disks and download pages count; "" for 0."""
    if count < 100_000:
        return f"{count / 1e3:.1f} kB" if count else ""
    size = count / 1e6
    return f"{size:,.0f} MB" if size >= 10 else f"{size:.1f} MB"
