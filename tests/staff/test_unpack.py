"""What is taken out of a submission, and what is not, whatever it is."""

from __future__ import annotations

import os
import stat
import zipfile

import pytest

from staff.sandbox import Refused, unpack
from staff.sandbox.archive import MAX_NAME

WANTED = ("hw5/losses.py", "hw5/draw.py", "hw5/inversion/tuning.py")


def zipped(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def taken(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


HONEST = {name: name.encode() for name in WANTED}


@pytest.mark.parametrize("top", ["", "andrew_code_proj5/", "a/b/c/"])
def test_wanted_files_are_found_below_any_folder(tmp_path, top):
    path = zipped(tmp_path / "s.zip", {top + name: text for name, text in HONEST.items()})
    unpacked = unpack(path, tmp_path / "into", WANTED)
    assert unpacked.files == WANTED
    assert taken(tmp_path / "into") == HONEST


def test_a_folder_gives_the_same_as_its_zip(tmp_path):
    for name, text in HONEST.items():
        (tmp_path / "s" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "s" / name).write_bytes(text)
    assert unpack(tmp_path / "s", tmp_path / "into", WANTED).files == WANTED
    assert taken(tmp_path / "into") == HONEST


def test_missing_files_are_noted_and_the_rest_taken(tmp_path):
    path = zipped(tmp_path / "s.zip", {"hw5/draw.py": b"x"})
    unpacked = unpack(path, tmp_path / "into", WANTED)
    assert unpacked.files == ("hw5/draw.py",)
    assert "hw5/losses.py is missing" in unpacked.notes


def test_the_fullest_folder_counts_and_of_equals_the_highest(tmp_path):
    files = {f"old/{WANTED[0]}": b"old", **{f"new/{name}": b"new" for name in WANTED}}
    unpack(zipped(tmp_path / "a.zip", files), tmp_path / "a", WANTED)
    assert set(taken(tmp_path / "a").values()) == {b"new"}
    files = {f"copy/{WANTED[0]}": b"deep", WANTED[0]: b"high"}
    unpack(zipped(tmp_path / "b.zip", files), tmp_path / "b", WANTED)
    assert set(taken(tmp_path / "b").values()) == {b"high"}


def test_nothing_but_wanted_names_is_written(tmp_path):
    extras = dict.fromkeys(["conftest.py", "hw5/extra.py", "../up.py", "results.json"], b"x")
    unpack(zipped(tmp_path / "s.zip", HONEST | extras), tmp_path / "in" / "to", WANTED)
    assert set(taken(tmp_path)) == {"s.zip", *(f"in/to/{name}" for name in WANTED)}


def test_what_is_written_can_be_read_by_everyone_and_run_by_nobody(tmp_path):
    before = os.umask(0o077)
    try:
        unpack(zipped(tmp_path / "s.zip", HONEST), tmp_path / "into", WANTED)
    finally:
        os.umask(before)
    for path in [tmp_path / "into", *(tmp_path / "into").rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o755 if path.is_dir() else 0o644)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("../hw5/x.py", "leads out"),
        ("/hw5/x.py", "leads out"),
        ("C:/hw5/x.py", "leads out"),
        ("hw5\\x.py", "leads out"),
        ("hw5/\x1b[2J.py", "control"),
        ("d/" * 20 + "x.py", "too long"),
        ("x" * (MAX_NAME + 1), "too long"),
        ("pytest.ini", "steer"),
        ("sub/conftest.py", "steer"),
        ("hw5/LOSSES.py", "looks like hw5/losses.py"),
    ],
)
def test_an_odd_name_is_noted_escaped(tmp_path, name, says):
    path = zipped(tmp_path / "s.zip", HONEST | {name: b""})
    (note,) = unpack(path, tmp_path / "into", WANTED).notes
    assert says in note
    assert note.isprintable()
    assert note.isascii()


def test_many_odd_names_make_few_notes(tmp_path):
    path = zipped(tmp_path / "s.zip", HONEST | {f"../{n}": b"" for n in range(500)})
    notes = unpack(path, tmp_path / "into", WANTED).notes
    assert len(notes) < 30
    assert "480 more" in notes[-1]


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"readme.txt": b"x"}, "none of the files"),
        ({"hw5/losses.py": bytes(5_000_000)}, "more than 4,096 kB"),
        ({f"junk/{n}": b"" for n in range(10_001)}, "entries"),
        ({}, "none of the files"),
    ],
)
def test_a_zip_that_cannot_be_graded_is_refused(tmp_path, files, says):
    with pytest.raises(Refused, match=says):
        unpack(zipped(tmp_path / "s.zip", files), tmp_path / "into", WANTED)
    assert not (tmp_path / "into").exists()


@pytest.mark.parametrize("damage", [b"", b"PK", b"not a zip at all", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_zip_is_refused(tmp_path, damage):
    (tmp_path / "s.zip").write_bytes(damage)
    with pytest.raises(Refused):
        unpack(tmp_path / "s.zip", tmp_path / "into", WANTED)


def test_no_byte_of_a_zip_can_be_changed_into_a_crash(tmp_path):
    """Every damage gives files or Refused, never another error."""
    whole = zipped(tmp_path / "s.zip", HONEST).read_bytes()
    for place in range(0, len(whole), 3):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        (tmp_path / "d.zip").write_bytes(damaged)
        try:
            unpacked = unpack(tmp_path / "d.zip", tmp_path / "into", WANTED)
        except Refused:
            continue
        assert set(unpacked.files) <= set(WANTED)


def test_a_missing_submission_is_refused(tmp_path):
    with pytest.raises(Refused, match="neither"):
        unpack(tmp_path / "none.zip", tmp_path / "into", WANTED)


def test_a_submission_that_is_a_link_is_refused(tmp_path):
    zipped(tmp_path / "s.zip", HONEST)
    (tmp_path / "link.zip").symlink_to(tmp_path / "s.zip")
    with pytest.raises(Refused, match="a link"):
        unpack(tmp_path / "link.zip", tmp_path / "into", WANTED)


@pytest.mark.parametrize("kind", ["link", "pipe", "second name", "folder link"])
def test_only_regular_files_are_taken_from_a_folder(tmp_path, kind):
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "losses.py").write_bytes(b"secret")
    (tmp_path / "s" / "hw5").mkdir(parents=True)
    (tmp_path / "s" / "hw5" / "draw.py").write_bytes(b"honest")
    odd = tmp_path / "s" / "hw5" / "losses.py"
    if kind == "link":
        odd.symlink_to(tmp_path / "secret" / "losses.py")
    elif kind == "pipe":
        os.mkfifo(odd)
    elif kind == "second name":
        odd.hardlink_to(tmp_path / "secret" / "losses.py")
    else:
        (tmp_path / "s" / "hw5" / "inversion").symlink_to(tmp_path / "secret")
    unpacked = unpack(tmp_path / "s", tmp_path / "into", WANTED)
    assert taken(tmp_path / "into") == {"hw5/draw.py": b"honest"}
    assert any("left out" in note for note in unpacked.notes)
