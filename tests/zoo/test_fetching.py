"""A published file comes whole, checked and in its place, or nothing changes."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import threading
import time
import zipfile
from pathlib import Path

import pytest

from hw5 import zoo
from hw5.kit.checks import InputError
from hw5.zoo import manifest, trust
from hw5.zoo.fetching import fetch
from hw5.zoo.trust import RECORDS
from tests.checkpoints import ada_files
from tests.zoo.conftest import CONTENT

OTHER = CONTENT[:-1] + b"\x00"
AS_ROOT = pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")


def files(own) -> set[str]:
    """What a person would find in the zoo's own folder."""
    return {p.name for p in own.glob("[!.]*") if p.is_file()}


def parts(own) -> set[str]:
    return {path.name for path in (own / ".parts").glob("*") if path.suffix != ".lock"}


def refusal(name, data, **options) -> str:
    with pytest.raises(InputError) as caught:
        fetch(name, data=data, **options)
    assert "\n" not in str(caught.value) and "Hint: " in str(caught.value)
    return str(caught.value)


def test_a_fetched_file_lies_whole_in_the_zoos_own_folder(data, own):
    done = fetch("net", data=data)
    assert done.path == own / "net.pth" and done.path.read_bytes() == CONTENT
    assert done.known == "of the table" and not done.was_here
    assert files(own) == {"net.pth"} and not parts(own)


def test_what_is_fetched_is_found_and_loaded(data, own):
    fetch("net", data=data)
    assert zoo.path_of("net", data=data) == own / "net.pth"
    assert not zoo.load("net", data=data).training


def test_what_is_here_is_not_fetched_again(data, site, own):
    fetch("net", data=data)
    site.seen.clear()
    assert fetch("net", data=data).was_here and not site.seen


def test_a_file_in_torchs_cache_need_not_be_fetched(data, site, tmp_path):
    hub = tmp_path / "torch" / "hub" / "checkpoints"
    hub.mkdir(parents=True)
    (hub / "net.pth").write_bytes(CONTENT)
    done = fetch("net", data=data)
    assert done.was_here and done.path == hub / "net.pth" and not site.seen


def test_replacing_fetches_what_is_here(data, site, own):
    fetch("net", data=data)
    site.seen.clear()
    assert not fetch("net", data=data, replace=True).was_here
    assert len(site.seen) == 1


def test_an_interrupted_fetch_goes_on(data, site, own):
    site.cut = 50_000
    assert "run the same command again" in refusal("net", data)
    assert not files(own) and parts(own) == {"net.pth", "net.pth.json"}
    site.cut = None
    fetch("net", data=data)
    assert site.seen[-1]["Range"] == "bytes=50000-"
    assert (own / "net.pth").read_bytes() == CONTENT


def test_a_fetch_that_is_stopped_by_hand_goes_on(data, site, own):
    def stop(done, total):
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch("net", data=data, on_progress=stop)
    assert not files(own)
    fetch("net", data=data)
    assert "Range" in site.seen[-1] and (own / "net.pth").read_bytes() == CONTENT


def test_a_part_that_was_changed_on_disk_is_caught_by_the_digest_and_thrown_away(data, site, own):
    site.cut = 50_000
    refusal("net", data)
    site.cut = None
    part = own / ".parts" / "net.pth"
    part.write_bytes(CONTENT[:49_999] + b"\x00")
    assert "SHA-256" in refusal("net", data)
    assert not files(own) and not parts(own)
    fetch("net", data=data)  # and the next attempt is good


def test_a_file_with_another_digest_is_refused_and_nothing_is_left(data, site, own):
    site.content = OTHER
    line = refusal("net", data)
    assert hashlib.sha256(OTHER).hexdigest()[:12] in line
    assert hashlib.sha256(CONTENT).hexdigest()[:12] in line
    assert not files(own) and not parts(own)


def test_a_wrong_file_in_place_is_replaced_by_the_right_one(data, own):
    own.mkdir(parents=True)
    (own / "net.pth").write_bytes(OTHER)
    fetch("net", data=data)
    assert (own / "net.pth").read_bytes() == CONTENT


def test_a_failed_fetch_keeps_the_file_that_was_in_place(data, site, own):
    fetch("net", data=data)
    site.status = 404
    refusal("net", data, replace=True)
    assert (own / "net.pth").read_bytes() == CONTENT


@pytest.mark.parametrize("tail", ["files/", "files/other-name.pth"])
def test_a_mirror_is_asked_in_the_place_of_the_publisher(data, site, tail):
    fetch("net", data=data, mirror=site.url.replace("net.pth", tail))
    assert site.paths == ["/files/net.pth" if tail.endswith("/") else "/files/other-name.pth"]


def test_a_mirror_with_another_file_is_refused(data, site, own):
    site.content = OTHER
    assert "SHA-256" in refusal("net", data, mirror=site.url)
    assert not files(own)


def test_a_file_of_this_machine_is_copied(data, site, own, tmp_path):
    source = tmp_path / "any name.bin"
    source.write_bytes(CONTENT)
    fetch("net", data=data, file=source)
    assert (own / "net.pth").read_bytes() == CONTENT and source.exists() and not site.seen


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (OTHER, "SHA-256"),
        (CONTENT[:-5], "cut off"),
        (CONTENT + b"x", "another file"),
        (b"<html>Quota exceeded</html>", "a web page"),
        (b"", "an empty file"),
    ],
)
def test_a_wrong_file_of_this_machine_is_not_taken(data, own, tmp_path, content, words):
    source = tmp_path / "net.pth"
    source.write_bytes(content)
    line = refusal("net", data, file=source)
    assert words in line and str(source) in line
    assert not files(own) and not parts(own)


def test_a_file_that_is_not_there_is_named(data, tmp_path):
    with pytest.raises(InputError, match=r"absent\.pth.*no such file"):
        fetch("net", data=data, file=tmp_path / "absent.pth")


def test_an_unnamed_digest_is_recorded_at_first_use_and_the_table_says_so(data, own):
    done = fetch("loose", data=data)
    assert done.known.startswith("recorded on 20")
    (record,) = json.loads((own / RECORDS).read_text()).values()
    assert record["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert record["bytes"] == len(CONTENT)


def grumpy(course) -> None:
    """A generator whose digest nobody names, in the course's archive."""
    manifest.register(zoo.describe("grumpy-cat"), course)


@pytest.fixture
def checkpoint(tmp_path) -> bytes:
    network = ada_files.generator(channels=(4, 4), layers=2)
    return ada_files.dump(tmp_path / "g.pkl", ada_files.snapshot(G_ema=network)).read_bytes()


@pytest.mark.parametrize("wrong", ["cut", "another"])
def test_a_generator_without_a_digest_is_read_before_it_is_trusted(
    data, own, tmp_path, checkpoint, wrong
):
    grumpy(data)
    file = tmp_path / "any.ckpt"
    file.write_bytes(checkpoint[:-2000] if wrong == "cut" else CONTENT)
    assert str(file) in refusal("grumpy-cat", data, file=file)
    assert not files(own)
    file.write_bytes(checkpoint)
    assert fetch("grumpy-cat", data=data, file=file).known.startswith("recorded")


def test_a_download_without_a_digest_is_read_before_it_is_trusted(data, own, site, checkpoint):
    grumpy(data)
    site.content = checkpoint[:-2000]
    assert site.url in refusal("grumpy-cat", data, mirror=site.url)
    assert not files(own) and not parts(own)


def test_a_broken_file_put_there_by_hand_is_not_recorded_by_fetch(data, own):
    grumpy(data)
    own.mkdir(parents=True)
    (own / "grumpy-cat-stylegan.ckpt").write_bytes(CONTENT)
    refusal("grumpy-cat", data)
    assert files(own) == {"grumpy-cat-stylegan.ckpt"}


@pytest.mark.parametrize("folder", ["", "hw5/"])
def test_the_courses_archive_gives_the_member_that_the_table_names(
    data, own, tmp_path, checkpoint, folder
):
    grumpy(data)
    archive = tmp_path / "course.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr(f"{folder}pretrained/stylegan.ckpt", checkpoint)
        out.writestr(f"{folder}pretrained/vanilla.ckpt", b"another")
    done = fetch("grumpy-cat", data=data, file=archive)
    assert done.path.read_bytes() == checkpoint and not parts(own)


@pytest.mark.parametrize("damaged", [False, True])
def test_an_archive_without_the_member_or_with_a_damaged_one_is_refused(
    data, own, tmp_path, damaged
):
    grumpy(data)
    archive = tmp_path / "course.zip"
    with zipfile.ZipFile(archive, "w") as out:
        out.writestr("pretrained/stylegan.ckpt" if damaged else "else.ckpt", CONTENT)
    if damaged:
        archive.write_bytes(archive.read_bytes().replace(CONTENT[500:600], bytes(100)))
    words = "cannot be unpacked" if damaged else "an archive of else.ckpt"
    assert words in refusal("grumpy-cat", data, file=archive)
    assert not files(own) and not parts(own)


def test_a_recorded_digest_is_checked_ever_after(data, site, own):
    fetch("loose", data=data)
    (own / "loose.pkl").write_bytes(OTHER)
    with pytest.raises(InputError, match="recorded on"):
        zoo.load("loose", data=data)
    site.content = OTHER + b"longer"
    assert "--replace trusts the new one" in refusal("loose", data)


def test_a_file_put_there_by_hand_is_recorded_when_it_is_first_loaded(data, own):
    own.mkdir(parents=True)
    (own / "loose.pkl").write_bytes(CONTENT)
    zoo.load("loose", data=data)
    (own / "loose.pkl").write_bytes(OTHER)
    with pytest.raises(InputError, match="recorded on"):
        zoo.load("loose", data=data)


def test_replacing_forgets_a_recorded_digest(data, site, own):
    fetch("loose", data=data)
    site.content = OTHER + b"longer"
    done = fetch("loose", data=data, replace=True)
    assert done.path.read_bytes() == site.content
    assert zoo.path_of("loose", data=data) == done.path


def test_replacing_does_not_forget_a_digest_of_the_table(data, site):
    site.content = OTHER
    assert "SHA-256" in refusal("net", data, replace=True)


DIGEST = "a" * 64


@pytest.mark.parametrize(
    "text",
    ["{", "[1]", '{"loose": {"colour": 3}}', '{"loose": 3}', "\xff", "[" * 100_000,
     '{"loose": {"sha256": 5, "bytes": 1, "recorded": "2026-01-01"}}',
     '{"loose": {"sha256": "short", "bytes": 1, "recorded": "2026-01-01"}}',
     f'{{"loose": {{"sha256": "{DIGEST}", "bytes": "1", "recorded": "2026-01-01"}}}}'],
)  # fmt: skip
def test_damaged_records_are_named(data, own, text):
    own.mkdir(parents=True)
    (own / RECORDS).write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=r"recorded\.json.*delete it"):
        fetch("loose", data=data)


def test_records_that_are_written_at_once_are_all_kept(data, own, unsigned, monkeypatch):
    read = trust._records
    monkeypatch.setattr(trust, "_records", lambda: (read(), time.sleep(0.02))[0])
    entries = [dataclasses.replace(unsigned, name=f"net{i}") for i in range(6)]
    threads = [threading.Thread(target=trust.record, args=(e, DIGEST, 1)) for e in entries]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(json.loads((own / RECORDS).read_text())) == {e.name for e in entries}


def test_the_home_of_somebody_unknown_is_one_clear_line(data, own, monkeypatch):
    monkeypatch.setenv("HW5_WEIGHTS", "~nosuchuser/x")
    with pytest.raises(InputError, match=r"\$HW5_WEIGHTS: expected a folder"):
        fetch("net", data=data)
    monkeypatch.delenv("HW5_WEIGHTS")
    with pytest.raises(InputError, match="no such file"):
        fetch("net", data=data, file=Path("~nosuchuser/x"))


def test_a_file_is_not_fetched_twice_at_once(data, site, own):
    site.stall = threading.Event()
    first = threading.Thread(target=fetch, args=["net"], kwargs={"data": data})
    first.start()
    while not site.seen:
        pass
    assert "another program" in refusal("net", data)
    site.stall.set()
    first.join()
    assert files(own) == {"net.pth"}


def test_a_place_that_cannot_be_written_is_one_line(data, own, site):
    own.parent.mkdir(parents=True)
    own.write_text("a file where the folder should be")
    line = refusal("net", data)
    assert "cannot write" in line and "HW5_CACHE" in line
    assert not site.seen


@AS_ROOT
def test_a_folder_without_the_right_to_write_is_one_line(data, own):
    own.mkdir(parents=True, mode=0o500)
    assert "Permission denied" in refusal("net", data)


def test_a_home_that_cannot_be_written_does_not_keep_a_file_from_being_loaded(
    data, own, tmp_path, monkeypatch
):
    folder = tmp_path / "shared"
    folder.mkdir()
    (folder / "loose.pkl").write_bytes(CONTENT)
    monkeypatch.setenv("HW5_WEIGHTS", str(folder))
    own.parent.mkdir(parents=True)
    own.write_text("a file where the folder should be")
    assert not zoo.load("loose", data=data).training


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("stylegan2", "comes with the project"),
        ("efficientnet-lite0", "inside the Python package"),
        ("clip-vit-b-32", "nothing in hw5 reads"),
        ("stable-diffusion-v1-5", "nothing in hw5 reads"),
        ("vgg91", "vgg19"),
    ],
)
def test_what_cannot_be_fetched_says_why(own, name, words):
    assert words in refusal(name, zoo.DATA)
