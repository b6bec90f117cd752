"""What went wrong on the way to a file, in one line: no network, an error, a page in its place.

Offers `about_status` and `about_connection`, which make the errors that download.py raises.
"""

from __future__ import annotations

import socket
import ssl
from http.client import HTTPException, IncompleteRead
from urllib.error import URLError
from urllib.parse import urlsplit

from hw5.kit.checks import InputError
from hw5.zoo.recognise import page_reason

_OTHER_WAY = "bring the file from elsewhere with --file PATH or --mirror URL"
# HTTP status -> what it means for a download, and what to do. RFC 9110, section 15.
_STATUS = {
    401: ("a login is asked for", f"log in with a browser, then {_OTHER_WAY}"),
    403: ("it may not be downloaded like this", f"open it in a browser, or {_OTHER_WAY}"),
    404: ("there is no such file", f"the publisher may have moved it: {_OTHER_WAY}"),
    410: ("the file is gone", _OTHER_WAY),
    407: ("the proxy asks for a login", "set HTTPS_PROXY with name and password"),
    429: ("too many downloads", f"wait an hour, or {_OTHER_WAY}"),
}
_SERVER_TROUBLE = ("the server is in trouble", "try later; what has arrived is kept")


def about_status(url: str, code: int, page: bytes, answered: str) -> InputError:
    """The error for an answer of status 400 or more; `page` is what came with it, if anything."""
    meaning, hint = _SERVER_TROUBLE if code >= 500 else _STATUS.get(code, ("", _OTHER_WAY))
    if page:
        reason = page_reason(page, asked=url, answered=answered)
        meaning = f"{meaning}; it came with {reason}" if meaning else f"it came with {reason}"
    meaning = f" ({meaning})" if meaning else ""
    return InputError(f"{url}: the server answered {code}{meaning}. Hint: {hint}")


def about_connection(url: str, error: Exception, *, begun: bool = False) -> InputError:
    """The error for a connection that was not made, or that broke after it had `begun`."""
    reason = error.reason if isinstance(error, URLError) else error
    host = urlsplit(url).hostname or url
    if begun:
        hint = "run the same command again; it goes on where it stopped"
        return InputError(f"{url}: the connection broke ({_words(reason)}). Hint: {hint}")
    if isinstance(reason, socket.gaierror):
        text = f"{host} cannot be found; this machine seems to be offline"
        hint = f"connect it (behind a proxy, set HTTPS_PROXY), or {_OTHER_WAY}"
    elif isinstance(reason, ssl.SSLError):
        text = f"{host} cannot be trusted ({_words(reason)})"
        hint = f"check the clock and the certificates of this machine, or {_OTHER_WAY}"
    else:
        text = f"{host} does not answer ({_words(reason)})"
        hint = f"try again later, or {_OTHER_WAY}"
    return InputError(f"{url}: {text}. Hint: {hint}")


def _words(reason: object) -> str:
    """A failure in a few words, whatever type it has."""
    if isinstance(reason, TimeoutError):
        return "timed out"
    if isinstance(reason, IncompleteRead):
        return "it ended before all had come"
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror
    kind = type(reason).__name__ if isinstance(reason, HTTPException) else ""
    return str(reason) or kind or "no reason given"
