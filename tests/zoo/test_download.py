"""Downloads from a server that misbehaves: whole, resumed, or refused in one line."""

from __future__ import annotations

import errno
import threading
from pathlib import Path

import pytest

from hw5.kit.checks import InputError
from hw5.zoo import download as module
from hw5.zoo.download import download
from tests.zoo.conftest import CONTENT

QUOTA = b"<!DOCTYPE html><html><head><title>Google Drive - Quota exceeded</title></head></html>"
LOGIN = b"<html><title>Web Login</title><form><input type='password'></form></html>"


@pytest.fixture
def part(tmp_path) -> Path:
    return tmp_path / "parts" / "net.pth"


def left(part: Path) -> list[str]:
    return sorted(path.name for path in part.parent.glob("*")) if part.parent.exists() else []


def begin(site, part, arrived: int) -> None:
    """A download that breaks off after `arrived` bytes."""
    site.cut = arrived
    with pytest.raises(InputError, match="ended"):
        download(site.url, part)
    site.cut = None
    assert part.stat().st_size == arrived
    site.seen.clear()


def refusal(site, part, **options) -> str:
    with pytest.raises(InputError) as caught:
        download(site.url, part, **options)
    assert "\n" not in str(caught.value) and "Hint: " in str(caught.value)
    return str(caught.value)


def test_a_whole_file_arrives(site, part):
    download(site.url, part, size=len(CONTENT))
    assert part.read_bytes() == CONTENT


def test_progress_ends_with_all_bytes_of_all(site, part):
    told = []
    download(site.url, part, on_progress=lambda *numbers: told.append(numbers))
    assert told[0] == (0, len(CONTENT)) and told[-1] == (len(CONTENT), len(CONTENT))
    assert told == sorted(told)


def test_what_was_cut_off_goes_on_where_it_stopped(site, part):
    begin(site, part, 100_000)
    told = []
    download(site.url, part, on_progress=lambda *numbers: told.append(numbers))
    assert part.read_bytes() == CONTENT
    (request,) = site.seen
    assert request["Range"] == "bytes=100000-" and request["If-Range"] == '"one"'
    assert told[0] == (100_000, len(CONTENT))


def test_the_date_of_the_file_is_good_enough_to_go_on(site, part):
    site.headers = {"ETag": 'W/"weak"', "Last-Modified": "Sat, 21 Nov 2026 10:00:00 GMT"}
    begin(site, part, 5000)
    download(site.url, part)
    assert site.seen[0]["If-Range"] == "Sat, 21 Nov 2026 10:00:00 GMT"
    assert part.read_bytes() == CONTENT


def test_without_a_promise_of_sameness_it_begins_anew(site, part):
    site.headers = {"ETag": 'W/"weak"'}
    begin(site, part, 5000)
    download(site.url, part)
    assert "Range" not in site.seen[0]
    assert part.read_bytes() == CONTENT


@pytest.mark.parametrize("honours", [True, False])
def test_a_file_that_changed_meanwhile_is_not_spliced(site, part, honours):
    begin(site, part, 5000)
    site.content, site.headers = b"\x80" + CONTENT[:0:-1], {"ETag": '"two"'}  # as long as before
    site.honours_if_range = honours
    download(site.url, part)
    assert part.read_bytes() == site.content


def test_a_crash_leaves_no_old_bytes_beside_a_new_promise(site, part, monkeypatch):
    begin(site, part, 5000)
    site.headers = {"ETag": '"two"'}
    monkeypatch.setattr(module, "_write", lambda *_: exit("power cut"))
    with pytest.raises(SystemExit):
        download(site.url, part)
    assert left(part) == ["net.pth.json"]


def test_a_server_without_ranges_sends_all_of_it_again(site, part):
    begin(site, part, 5000)
    site.ranges = False
    download(site.url, part)
    assert part.read_bytes() == CONTENT


def test_a_part_from_another_address_is_not_gone_on_with(site, part):
    begin(site, part, 5000)
    download(site.url + "?mirror", part)
    assert "Range" not in site.seen[0]


def test_a_file_that_became_shorter_than_the_part_begins_anew(site, part):
    begin(site, part, 300_000)
    site.content = CONTENT[:1000]
    download(site.url, part)
    assert part.read_bytes() == CONTENT[:1000]


def test_a_part_that_is_whole_already_is_not_asked_for_again(site, part):
    download(site.url, part)
    site.seen.clear()
    download(site.url, part)
    assert not site.seen and part.read_bytes() == CONTENT


def test_a_silent_server_times_out_and_its_part_is_kept(site, part):
    site.stall = threading.Event()
    line = refusal(site, part, timeout=0.2)
    site.stall.set()
    assert "timed out" in line and "goes on" in line


@pytest.mark.parametrize("content_type", ["text/html; charset=utf-8", "application/octet-stream"])
@pytest.mark.parametrize(
    ("page", "words"),
    [
        (QUOTA, "quota is used up"),
        (LOGIN, "a login page"),
        (b"\n <!-- hello --><HTML><title>Moved &amp; gone</title>", "'Moved & gone'"),
        (b"<html>Google can't scan this file for viruses", "could not scan"),
    ],
)
@pytest.mark.parametrize("size", [0, len(CONTENT)])
def test_a_page_in_the_place_of_weights_is_explained(site, part, page, content_type, words, size):
    site.content, site.content_type = page, content_type
    assert words in refusal(site, part, size=size)
    assert not part.exists()


def test_a_redirect_to_a_login_page_says_where_it_leads(site, part):
    login = site.url.replace("127.0.0.1", "localhost").replace("net.pth", "sso/login")
    site.redirects["/net.pth"] = login
    site.content, site.content_type = b"<html>Welcome</html>", "text/html"
    assert "a login page (sent by localhost, where the address leads)" in refusal(site, part)


def test_a_redirect_to_the_file_is_followed(site, part):
    site.redirects["/net.pth"] = "/elsewhere/net.pth"
    download(site.url, part)
    assert part.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "a login is asked for"),
        (403, "may not be downloaded"),
        (404, "no such file"),
        (410, "gone"),
        (418, "answered 418"),
        (429, "too many downloads"),
        (503, "in trouble"),
    ],
)
def test_an_error_of_the_server_is_one_line(site, part, status, words):
    site.status, site.content = status, b"sorry"
    assert words in refusal(site, part)
    assert left(part) == []


def test_an_error_that_comes_with_a_page_repeats_what_the_page_says(site, part):
    site.status, site.content, site.content_type = 403, QUOTA, "text/html"
    assert "quota is used up" in refusal(site, part)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS pointer"),
        (b'{"error": "denied"}', "text"),
        (b"\x1f\x8b\x08" + bytes(100), "no file of PyTorch"),
        (b"", "an empty file"),
    ],
)
def test_what_is_neither_page_nor_weights_is_named(site, part, content, words):
    site.content = content
    assert words in refusal(site, part)


def test_another_length_than_promised_is_refused_before_it_arrives(site, part):
    line = refusal(site, part, size=len(CONTENT) + 1)
    assert f"{len(CONTENT) + 1:,}" in line and f"{len(CONTENT):,}" in line
    assert not part.exists()


def test_a_server_that_hides_the_length_is_refused(site, part):
    site.tells_length = False
    assert "how long" in refusal(site, part)
    download(site.url, part, size=len(CONTENT))  # the table knows
    assert part.read_bytes() == CONTENT


@pytest.mark.parametrize("cut", [200_000, 300])
def test_chunks_that_end_early_are_an_error_where_no_length_is_known(site, part, cut):
    site.chunked, site.cut = True, cut
    assert "ended before all had come" in refusal(site, part)
    site.cut = None
    download(site.url, part)
    assert part.read_bytes() == CONTENT


@pytest.mark.parametrize("length", ["abc", "-5", "1e3", "\u00b2"])
def test_a_length_that_is_no_number_counts_as_none(site, part, length):
    site.length = length
    assert "how long" in refusal(site, part)
    download(site.url, part, size=len(CONTENT))
    assert part.read_bytes() == CONTENT


def test_a_part_that_nobody_asked_for_is_refused(site, part):
    site.part_unasked = True
    assert "a part, asked for all of it" in refusal(site, part)
    assert left(part) == []


def test_more_than_promised_is_refused_and_thrown_away(site, part):
    site.tells_length = False
    site.content = CONTENT + b"more"
    assert "another file" in refusal(site, part, size=len(CONTENT))
    assert left(part) == []


def test_a_machine_without_network_is_told_so(part):
    with pytest.raises(InputError, match=r"offline.*--file"):
        download("https://no-such-host.invalid/net.pth", part)


def test_a_closed_door_is_one_line(site, part):
    with pytest.raises(InputError, match="does not answer"):
        download("http://127.0.0.1:9/net.pth", part)


@pytest.mark.parametrize("url", ["file:///etc/hostname", "ftp://host/net.pth", "net.pth", ""])
def test_only_web_addresses_are_opened(url, part):
    with pytest.raises(InputError, match="http"):
        download(url, part)


def test_too_little_room_is_refused_before_anything_arrives(site, part, monkeypatch):
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: usage)
    assert "room for" in refusal(site, part)
    assert left(part) == []


def test_a_disk_that_fills_up_gets_its_room_back(site, part, monkeypatch):
    full_after(100_000, monkeypatch)
    line = refusal(site, part)
    assert "No space left" in line and "free some space" in line
    assert left(part) == []


def full_after(room: int, monkeypatch) -> None:
    """Every file that is opened for bytes takes `room` of them."""
    real = Path.open

    def open_full(self, mode="r", *args, **kwargs):
        stream = real(self, mode, *args, **kwargs)
        if "b" not in mode or mode == "rb":
            return stream
        write, written = stream.write, [0]

        class Full:
            def __enter__(self):
                return self

            def __exit__(self, *_):
                stream.close()

            def write(self, piece):
                written[0] += len(piece)
                if written[0] > room:
                    raise OSError(errno.ENOSPC, "No space left on device")
                return write(piece)

        return Full()

    monkeypatch.setattr(Path, "open", open_full)
