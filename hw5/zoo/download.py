"""A file from the web, resumed where an earlier attempt stopped; a web page is no file.

Offers `download` and `forget`. A part is only gone on with if its server promises, by ETag or date,
that the file is still the same (RFC 9110, If-Range); else it begins anew, so that two versions are
never spliced.
Read next: fetching.py, which checks what has arrived and puts it in its place.
"""

from __future__ import annotations

import http.client
import json
import re
import shutil
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from http.client import HTTPResponse
from itertools import chain
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit

from hw5.kit.checks import InputError
from hw5.kit.files import atomic_write, clear_errors
from hw5.zoo.complaints import about_connection, about_status
from hw5.zoo.recognise import HEAD, is_page, megabytes, not_weights, page_reason

TIMEOUT = 30.0  # seconds of silence
_CHUNK = 1 << 18
_PAGE_LIMIT = 1 << 16  # as much of a web page as is read to explain it
_AGENT = "hw5 (python -m hw5 fetch)"
_OTHERWISE = "open the address in a browser, then give the file with --file PATH"

Progress = Callable[[int, int], None]  # bytes so far, bytes in all (0: not known)


@dataclass(frozen=True)
class Kept:
    """What is known of a part on disk, in the JSON beside it."""

    url: str
    validator: str  # ETag or Last-Modified; empty: cannot be gone on with
    total: int


@dataclass(frozen=True)
class Offer:
    """What the server is about to send."""

    start: int  # the first byte that comes
    kept: Kept


def download(
    url: str,
    part: Path,
    *,
    size: int = 0,
    on_progress: Progress = lambda done, total: None,
    timeout: float = TIMEOUT,
) -> None:
    """Bring the file at `url` into `part`, all of it; what an earlier call left there is used.

    Args:
        url: http or https.
        part: where to; on failure what has arrived stays, unless the disk is full.
        size: the file's bytes, if known beforehand: an answer of another length is refused.
        on_progress: told after every piece.
        timeout: seconds without a byte until the connection counts as broken.

    Raises:
        InputError: not a web address, no connection, an error or a page instead of the file,
            another length, an early end, a full disk or a folder that cannot be written.
    """
    if urlsplit(url).scheme not in ("http", "https"):
        hint = "a file on this machine goes behind --file"
        raise InputError.about(url, expected="an address with http or https", got=url, hint=hint)
    kept, done = _kept(part, url)
    if kept and done == kept.total:
        return
    with closing(_open(url, kept, done, timeout)) as answer:
        offer = _offer(answer, url, size)
        _check_room(part, offer)
        pieces = _pieces(answer, url, offer.kept.total)
        begun = next(pieces, b"")
        if not offer.start:
            _check_head(answer, url, begun)
            forget(part)  # bytes of an older version must not stand beside a new promise
        _keep(part, offer)
        arrived = _write(part, offer, chain([begun], pieces), on_progress)
    _check_arrived(url, part, arrived, offer.kept)


def forget(part: Path) -> None:
    """Delete a part and what is known of it."""
    for path in (part, _note(part)):
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _note(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _kept(part: Path, url: str) -> tuple[Kept | None, int]:
    """What to go on with, and its length; (None, 0) where that is nothing, or nothing safe."""
    try:
        kept = Kept(**json.loads(_note(part).read_text(encoding="utf-8")))
        done = part.stat().st_size
    except (OSError, ValueError, TypeError):
        return None, 0
    fits = 0 < done <= kept.total or (done and not kept.total)
    return (kept, done) if fits and kept.validator and kept.url == url else (None, 0)


def _open(url: str, kept: Kept | None, done: int, timeout: float) -> HTTPResponse:
    """The server's answer: the rest of the file if `kept`, else all of it."""
    headers = {"User-Agent": _AGENT, "Accept-Encoding": "identity"}
    if kept:
        headers |= {"Range": f"bytes={done}-", "If-Range": kept.validator}
    request = urllib.request.Request(url, headers=headers)
    try:
        answer = urllib.request.urlopen(request, timeout=timeout)
    except HTTPError as error:
        with closing(error):
            if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE and kept:
                return _open(url, None, 0, timeout)
            page = _peek(error) if _says_page(error) else b""
            raise about_status(url, error.code, page, error.geturl() or url) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise about_connection(url, error) from error
    if kept and answer.status == http.client.PARTIAL_CONTENT and not _goes_on(answer, kept, done):
        answer.close()
        return _open(url, None, 0, timeout)
    if not kept and answer.status == http.client.PARTIAL_CONTENT:
        answer.close()
        hint = "use another --mirror, or bring the file with --file PATH"
        raise InputError(f"{url}: the server sent a part, asked for all of it. Hint: {hint}")
    return answer


def _goes_on(answer: HTTPResponse, kept: Kept, done: int) -> bool:
    """Is this the rest of the very file that was begun? Not every server honours If-Range."""
    same = _validator(answer) == kept.validator
    start, total = _range(answer)
    return same and start == done and (not kept.total or total == kept.total)


def _offer(answer: HTTPResponse, url: str, size: int) -> Offer:
    """What is coming, after its kind and length were looked at."""
    if _says_page(answer):
        raise _page(answer, url, b"")
    start, total = 0, _length(answer)
    if answer.status == http.client.PARTIAL_CONTENT:
        start, total = _range(answer)
    if answer.headers.get("Content-Length") == "0":
        _check_head(answer, url, b"")
    if not (total or size or answer.chunked):
        hint = "whether all of it arrives could not be known; use --file PATH, or another --mirror"
        raise InputError(f"{url}: the server does not say how long the file is. Hint: {hint}")
    if size and total and total != size:
        if not start:
            _check_head(answer, url, _peek(answer))  # a page explains itself
        got = f"an offer of {total:,} bytes"
        hint = "the publisher has changed the file, or this is another one"
        raise InputError.about(url, expected=f"{size:,} bytes", got=got, hint=hint)
    return Offer(start, Kept(url, _validator(answer), total or size))


def _length(answer: HTTPResponse) -> int:
    """The promised length; 0 where there is none, or nonsense."""
    length = answer.headers.get("Content-Length", "")
    return int(length) if re.fullmatch(r"[0-9]{1,18}", length) else 0


def _says_page(answer: HTTPResponse | HTTPError) -> bool:
    return is_page(b"", answer.headers.get("Content-Type") or "")


def _validator(answer: HTTPResponse) -> str:
    """What tells one version of the file from the next: a strong ETag, else the date."""
    tag = answer.headers.get("ETag", "")
    return tag if tag.startswith('"') else answer.headers.get("Last-Modified", "")


def _range(answer: HTTPResponse) -> tuple[int, int]:
    """First byte and whole length of a header such as `bytes 100-199/200`."""
    try:
        span, _, total = answer.headers["Content-Range"].removeprefix("bytes ").partition("/")
        return int(span.partition("-")[0]), 0 if total == "*" else int(total)
    except (KeyError, AttributeError, ValueError):
        return -1, 0


def _check_room(part: Path, offer: Offer) -> None:
    """Require a folder, and room in it for what is coming."""
    with clear_errors("write", part):
        part.parent.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(part.parent).free
    needed = offer.kept.total - offer.start
    if needed > free:
        got = f"{megabytes(free) or 'none'} free"
        hint = "free some space, or set HW5_CACHE to a folder on another disk"
        raise InputError.about(
            str(part.parent), expected=f"room for {megabytes(needed)}", got=got, hint=hint
        )


def _keep(part: Path, offer: Offer) -> None:
    with atomic_write(_note(part)) as temporary:
        temporary.write_text(json.dumps(asdict(offer.kept)), encoding="utf-8")


def _pieces(answer: HTTPResponse, url: str, total: int) -> Iterator[bytes]:
    """The body, piece by piece."""
    try:
        while piece := answer.read(_CHUNK):
            yield piece
    except http.client.IncompleteRead as error:
        if not total:  # else the length tells, with how much has come
            raise about_connection(url, error, begun=True) from error
    except (OSError, http.client.HTTPException) as error:
        raise about_connection(url, error, begun=True) from error


def _write(part: Path, offer: Offer, pieces: Iterator[bytes], on_progress: Progress) -> int:
    """Write the pieces behind what is there; the file's length afterwards."""
    done = offer.start
    on_progress(done, offer.kept.total)
    with clear_errors("write", part):
        try:
            with part.open("ab" if done else "wb") as stream:
                for piece in pieces:
                    stream.write(piece)
                    done += len(piece)
                    on_progress(done, offer.kept.total)
        except OSError:  # of the disk: a full one gets its room back
            forget(part)
            raise
    return done


def _check_arrived(url: str, part: Path, arrived: int, kept: Kept) -> None:
    """Require that all of it has come, and no more."""
    if not kept.total or arrived == kept.total:
        return
    hint = "run the same command again; it goes on from there" if kept.validator else "try again"
    if arrived > kept.total:
        forget(part)
        hint = "this is another file than was promised"
    expected, got = megabytes(kept.total), f"{megabytes(arrived)} when the connection ended"
    raise InputError.about(url, expected=expected, got=got, hint=hint)


def _check_head(answer: HTTPResponse, url: str, piece: bytes) -> None:
    if is_page(piece[:HEAD]):
        raise _page(answer, url, piece)
    if wrong := not_weights(piece[:HEAD]):
        raise InputError.about(url, expected="a file of weights", got=wrong, hint=_OTHERWISE)


def _page(answer: HTTPResponse, url: str, begun: bytes) -> InputError:
    body = begun + _peek(answer)
    got = page_reason(body, asked=url, answered=answer.geturl() or url)
    return InputError.about(url, expected="a file of weights", got=got, hint=_OTHERWISE)


def _peek(answer: HTTPResponse | HTTPError) -> bytes:
    try:
        return answer.read(_PAGE_LIMIT)
    except (OSError, http.client.HTTPException):
        return b""
