"""A web server that misbehaves on request, and a table with one published file that it serves."""

from __future__ import annotations

import hashlib
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from hw5.zoo import manifest, published
from hw5.zoo.manifest import Entry

# The first bytes are those of a file of PyTorch; the rest is as varied as weights.
CONTENT = b"\x80\x02" + b"".join(
    hashlib.sha256(i.to_bytes(2, "big")).digest() for i in range(10_000)
)


@dataclass
class Site:
    """What the server answers; tests change it."""

    url: str = ""
    content: bytes = CONTENT
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"ETag": '"one"'})
    content_type: str = "application/octet-stream"
    ranges: bool = True  # answer Range with 206
    honours_if_range: bool = True
    cut: int | None = None  # hang up after so many bytes of the body
    stall: threading.Event | None = None  # wait for this after the first kilobyte
    tells_length: bool = True
    length: str = ""  # sent instead of the true Content-Length
    chunked: bool = False  # send the body in chunks; with `cut`, without the last
    part_unasked: bool = False  # answer with 206, whatever was asked
    seen: list[dict[str, str]] = field(default_factory=list)  # headers of each request
    paths: list[str] = field(default_factory=list)

    def __post_init__(self):
        self.redirects: dict[str, str] = {}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # chunks need it

    def log_message(self, *_):
        """A test is quiet."""

    def do_GET(self):
        site: Site = self.server.site
        site.seen.append(dict(self.headers))
        site.paths.append(self.path)
        if self.path in site.redirects:
            self.send_response(302)
            self.send_header("Location", site.redirects[self.path])
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        start = 1000 if site.part_unasked else self.start_of(site)
        if start and start >= len(site.content):
            self.send_error(416)
            return
        body = site.content[start:]
        self.send_response(206 if start else site.status)
        if start:
            total = len(site.content)
            self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        if site.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif site.tells_length:
            self.send_header("Content-Length", site.length or str(len(body)))
        self.send_header("Content-Type", site.content_type)
        self.send_header("Connection", "close")
        for name, value in site.headers.items():
            self.send_header(name, value)
        self.end_headers()
        sent = body if site.cut is None else body[: site.cut]
        if site.chunked:
            sent = b"%x\r\n%s\r\n" % (len(sent), sent) + (b"0\r\n\r\n" if site.cut is None else b"")
        self.send_body(site, sent)

    def start_of(self, site: Site) -> int:
        asked = self.headers.get("Range")
        if not asked or not site.ranges or site.status != 200:
            return 0
        condition = self.headers.get("If-Range")
        if site.honours_if_range and condition not in (None, *site.headers.values()):
            return 0
        return int(asked.removeprefix("bytes=").removesuffix("-"))

    def send_body(self, site: Site, body: bytes) -> None:
        try:
            self.wfile.write(body[:1024])
            if site.stall:
                self.wfile.flush()
                site.stall.wait(10)
            self.wfile.write(body[1024:])
        except OSError:
            pass  # the client has gone


class Server(ThreadingHTTPServer):
    """One that does not look up its own name, which can take seconds."""

    daemon_threads = True

    def server_bind(self):
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address


@pytest.fixture
def site() -> Iterator[Site]:
    server = Server(("127.0.0.1", 0), Handler)
    server.site = Site(url=f"http://127.0.0.1:{server.server_port}/net.pth")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.site
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def own(tmp_path, monkeypatch) -> Path:
    """The zoo's own folder, empty; no other folder holds anything."""
    monkeypatch.setenv("HW5_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.delenv("HW5_WEIGHTS", raising=False)
    return tmp_path / "cache" / "weights"


@pytest.fixture
def entry(site) -> Entry:
    """A published file whose digest the table knows."""
    digest = hashlib.sha256(CONTENT).hexdigest()
    return Entry(
        "net", "test-kind", "a network", "MIT", "a test",
        filename="net.pth", url=site.url, sha256=digest, bytes=len(CONTENT), instead="stylegan2",
    )  # fmt: skip


@pytest.fixture
def unsigned(site) -> Entry:
    """A published file whose digest nobody names."""
    return Entry(
        "loose", "test-kind", "a network", "MIT", "a test", filename="loose.pkl", url=site.url
    )


@pytest.fixture
def data(tmp_path, entry, unsigned, own, monkeypatch) -> Path:
    """A data folder whose table lists both, and something that reads their kind."""
    folder = tmp_path / "data"
    for each in (entry, unsigned):
        manifest.register(each, folder)
    monkeypatch.setitem(published.READERS, "test-kind", read_nothing)
    return folder


def read_nothing(path: Path):
    """A network without weights: what is tested here is the way to the file."""
    import torch

    return torch.nn.Identity()
