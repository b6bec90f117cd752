"""Where published files are looked for, and that the digest decides, not the name."""

from __future__ import annotations

import pytest
import torch

from hw5 import zoo
from hw5.kit.checks import InputError
from hw5.zoo import inventory, manifest, places
from hw5.zoo.inventory import stock
from tests.zoo.conftest import CONTENT

OTHER = CONTENT[:-1] + b"\x00"


@pytest.fixture
def searched(data, own, tmp_path, monkeypatch):
    """The four folders, made."""
    monkeypatch.setenv("HW5_WEIGHTS", str(tmp_path / "shared"))
    found = places.folders(data)
    for folder in found:
        folder.mkdir(parents=True, exist_ok=True)
    return found


def test_four_folders_are_searched_in_this_order(searched, own, data, tmp_path):
    hub = tmp_path / "torch" / "hub" / "checkpoints"
    assert searched == [tmp_path / "shared", own, data / "weights", hub]
    assert str(hub.parent) == torch.hub.get_dir()


@pytest.mark.parametrize("index", range(4))
def test_a_right_file_is_found_in_each_of_them(searched, data, entry, index):
    (searched[index] / entry.filename).write_bytes(CONTENT)
    assert places.find(entry, data=data) == places.Found(searched[index] / entry.filename)


def test_the_first_right_file_is_taken(searched, data, entry):
    for folder in searched[1:3]:
        (folder / entry.filename).write_bytes(CONTENT)
    assert places.find(entry, data=data).path == searched[1] / entry.filename


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (OTHER, "SHA-256"),
        (CONTENT[:1000], "cut off: 1,000 bytes"),
        (CONTENT + b"x", "another file"),
        (b"<!doctype html>", "a web page"),
        (b"", "an empty file"),
    ],
)
def test_a_wrong_file_is_passed_over_with_a_line(searched, data, entry, content, words):
    (searched[0] / entry.filename).write_bytes(content)
    (searched[3] / entry.filename).write_bytes(CONTENT)
    found = places.find(entry, data=data)
    assert found.path == searched[3] / entry.filename
    (line,) = found.passed_over
    assert words in line and str(searched[0]) in line and "\n" not in line


def test_without_the_right_file_the_wrong_one_is_named_beside_the_command(searched, data, entry):
    (searched[0] / entry.filename).write_bytes(OTHER)
    with pytest.raises(InputError) as caught:
        zoo.load("net", data=data)
    line = str(caught.value)
    assert f"{searched[0] / entry.filename} is passed over" in line
    assert "python -m hw5 fetch net" in line and "stylegan2 does its work meanwhile" in line
    assert "\n" not in line


def test_a_folder_with_the_name_of_the_file_is_no_file(searched, data, entry):
    (searched[0] / entry.filename).mkdir()
    assert places.find(entry, data=data) == places.Found(None)


def test_what_no_program_can_fetch_says_where_a_person_gets_it():
    with pytest.raises(InputError, match=r"drive\.google\.com.*fetch grumpy-cat --file"):
        raise places.missing(zoo.describe("grumpy-cat"), places.Found(None))


@pytest.mark.parametrize(
    ("content", "state"),
    [(None, inventory.MISSING), (CONTENT, inventory.HERE), (b"<html>", inventory.WRONG)],
)
def test_the_state_of_a_published_file(searched, data, entry, content, state):
    if content is not None:
        (searched[1] / entry.filename).write_bytes(content)
    assert stock(entry, data=data).state == state


def test_only_a_thorough_look_reads_the_whole_file(searched, data, entry):
    (searched[1] / entry.filename).write_bytes(OTHER)
    assert stock(entry, data=data).state == inventory.HERE
    assert stock(entry, data=data, digest=True).state == inventory.WRONG


def test_the_state_of_what_the_project_holds():
    assert stock(zoo.describe("stylegan2")).state == inventory.HERE
    assert stock(zoo.describe("efficientnet-lite0")).state == inventory.HERE


def test_a_bundled_file_of_another_size_is_missing(tmp_path):
    assert stock(zoo.describe("dcgan"), data=tmp_path).state == inventory.MISSING
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "dcgan.safetensors").write_bytes(b"x")
    assert stock(zoo.describe("dcgan"), data=tmp_path).state == inventory.MISSING


def test_what_nothing_reads_yet_is_for_later():
    assert stock(zoo.describe("clip-vit-b-32")).state == inventory.LATER


def test_every_published_entry_says_whence_it_comes_and_under_which_licence():
    found = [entry for entry in manifest.entries().values() if entry.published]
    assert len(found) > 10
    for entry in found:
        assert bool(entry.url) != bool(entry.page), entry.name
        assert (entry.url or entry.page).startswith("https://"), entry.name
        assert entry.licence and entry.origin and entry.what, entry.name
        assert len(entry.sha256) in (0, 64), entry.name
        assert not entry.instead or entry.instead in zoo.names(), entry.name
    assert len({entry.filename for entry in found}) == len(found)


def test_the_address_of_clip_holds_its_digest():
    entry = zoo.describe("clip-vit-b-32")
    assert entry.sha256 in entry.url


def test_a_folder_that_may_not_be_looked_into_is_passed_over(searched, data, entry, monkeypatch):
    (searched[3] / entry.filename).write_bytes(CONTENT)
    real = type(searched[0]).is_file

    def is_file(path):
        if path.parent == searched[0]:
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(type(searched[0]), "is_file", is_file)
    assert places.find(entry, data=data).path == searched[3] / entry.filename
