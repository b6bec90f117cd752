"""Packs hostile submissions: zips and folders that no honest program makes.

Offers `PACKERS`, name -> function of a target (without suffix), the honest files, and where things
lie outside; each returns the submission's path. Read next: runner.py.
"""

from __future__ import annotations

import contextlib
import os
import stat
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

Files = Mapping[str, bytes]
Packer = Callable[[Path, Files, Path], Path]
TEN_MEGABYTES = 10 * 1024 * 1024
BIDI, HOMOGLYPH, COMBINING = "\N{RIGHT-TO-LEFT OVERRIDE}", "\N{CYRILLIC SMALL LETTER O}", "e\u0301"


@contextlib.contextmanager
def zipped(target: Path, files: Files) -> Iterator[zipfile.ZipFile]:
    """A zip of the files, open for more."""
    with zipfile.ZipFile(target.with_suffix(".zip"), "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
        yield archive


def folder(target: Path, files: Files, outside: Path) -> Path:
    """Nothing unusual: a folder."""
    for name, text in files.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
    return target


def with_extras(extras: Mapping[str, bytes]) -> Packer:
    """A zip with more files in it."""

    def pack(target: Path, files: Files, outside: Path) -> Path:
        with zipped(target, files) as archive:
            for name, text in extras.items():
                archive.writestr(name, text)
        return target.with_suffix(".zip")

    return pack


def link_in_zip(target: Path, files: Files, outside: Path) -> Path:
    """losses.py is a link to a file outside."""
    with zipped(target, {n: t for n, t in files.items() if "losses" not in n}) as archive:
        entry = zipfile.ZipInfo("hw5/losses.py")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, str(outside / "secret.txt"))
    return target.with_suffix(".zip")


def climbing(target: Path, files: Files, outside: Path) -> Path:
    """Names that lead out of the folder, by dots, from the root, and with backslashes."""
    with zipped(target, files) as archive:
        up = "../" * 12
        for name in (up + str(outside).lstrip("/"), str(outside), f"hw5/{up}{outside}"):
            archive.writestr(f"{name}/escaped.py", b"escaped")
        archive.writestr("..\\..\\escaped.py", b"escaped")
    return target.with_suffix(".zip")


def bomb(target: Path, files: Files, outside: Path) -> Path:
    """losses.py is 300 MB of spaces, packed to a few hundred kilobytes."""
    with zipped(target, {n: t for n, t in files.items() if "losses" not in n}) as archive:
        entry = zipfile.ZipInfo("hw5/losses.py")
        entry.compress_type = zipfile.ZIP_DEFLATED
        with archive.open(entry, "w", force_zip64=True) as stream:
            for _ in range(30):
                stream.write(b" " * TEN_MEGABYTES)
    return target.with_suffix(".zip")


def lying_bomb(target: Path, files: Files, outside: Path) -> Path:
    """The same, but the zip claims that losses.py has 10 bytes."""
    path = bomb(target, files, outside)
    data = bytearray(path.read_bytes())
    place = data.index(b"PK\x01\x02", data.index(b"hw5/losses.py"))
    while b"hw5/losses.py" not in data[place : place + 80]:
        place = data.index(b"PK\x01\x02", place + 4)
    data[place + 24 : place + 28] = (10).to_bytes(4, "little")  # its size, unpacked
    path.write_bytes(data)
    return path


def crowd(target: Path, files: Files, outside: Path) -> Path:
    """Twenty thousand empty files beside."""
    return with_extras({f"junk/{number}": b"" for number in range(20_000)})(target, files, outside)


def twins(target: Path, files: Files, outside: Path) -> Path:
    """losses.py twice, so that a reader of the one grades the other."""
    with zipped(target, files) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python's own word on the matter
        archive.writestr("hw5/losses.py", b"print('the other one')\n")
    return target.with_suffix(".zip")


def encrypted(target: Path, files: Files, outside: Path) -> Path:
    """Every file claims to need a password."""
    path = with_extras({})(target, files, outside)
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = data.find(mark)
        while place >= 0:
            data[place + offset] |= 1
            place = data.find(mark, place + 4)
    path.write_bytes(data)
    return path


def truncated(target: Path, files: Files, outside: Path) -> Path:
    """Half of a zip."""
    path = with_extras({})(target, files, outside)
    path.write_bytes(path.read_bytes()[:-200])
    return path


def strange_names(target: Path, files: Files, outside: Path) -> Path:
    """Names that look like others, turn the line round, or hold half a character."""
    names = [f"hw5/l{HOMOGLYPH}sses.py", f"hw5/{BIDI}yp.sessol", f"hw5/caf{COMBINING}.py",
             "HW5/LOSSES.PY", "hw5/losses.py\x1b[2J", "hw5/new\nline.py"]  # fmt: skip
    return with_extras(dict.fromkeys(names, b"raise SystemExit"))(target, files, outside)


def link_in_folder(target: Path, files: Files, outside: Path) -> Path:
    """losses.py is a link to a file outside."""
    path = folder(target, files, outside)
    (path / "hw5/losses.py").unlink()
    (path / "hw5/losses.py").symlink_to(outside / "secret.txt")
    return path


def linked_folder(target: Path, files: Files, outside: Path) -> Path:
    """hw5 itself is a link to a folder outside, and another folder links to its own parent."""
    folder(target / "honest", files, outside)
    (target / "hw5").symlink_to(outside)
    (target / "round").symlink_to(target)
    return target


def hard_link(target: Path, files: Files, outside: Path) -> Path:
    """losses.py is a second name of a file outside."""
    path = folder(target, files, outside)
    (path / "hw5/losses.py").unlink()
    (path / "hw5/losses.py").hardlink_to(outside / "secret.txt")
    return path


def pipes(target: Path, files: Files, outside: Path) -> Path:
    """losses.py is a pipe that nobody writes into: reading it would wait for ever."""
    path = folder(target, files, outside)
    (path / "hw5/losses.py").unlink()
    os.mkfifo(path / "hw5/losses.py")
    return path


def deep(target: Path, files: Files, outside: Path) -> Path:
    """A thousand folders in each other beside the files."""
    with zipped(target, files) as archive:
        archive.writestr("d/" * 1000 + "end.py", b"")
    return target.with_suffix(".zip")


def below_a_folder(target: Path, files: Files, outside: Path) -> Path:
    """The files, honest, below a folder of the student's name."""
    inside = {f"andrew_code_proj5/{name}": text for name, text in files.items()}
    return with_extras({})(target, inside, outside)


STEERING = (
    "conftest.py", "pytest.ini", "sitecustomize.py", "usercustomize.py", "evil.pth", "torch.py",
    "numpy/__init__.py", "hw5/conftest.py", "hw5/__init__.py", "hw5/kit/checks.py",
    "staff/grading/worker.py",
)  # fmt: skip
PICKLES = ("weights.pt", "hw5/latents.pkl", "data/weights/dcgan.pth")
PICKLE = b"cos\n_exit\n(I0\ntR."  # os._exit(0) for whoever loads it
SCRIPT = b"<script>alert(1)</script>"
NOTEBOOK = (
    b'{"cells": [{"cell_type": "code", "outputs": [{"data": {"text/html": "%s"}}]}]}' % SCRIPT
)
EXTRAS = {
    "plain": {},
    "steering": dict.fromkeys(STEERING, b"raise SystemExit('steered')\n"),
    "pickles": dict.fromkeys(PICKLES, PICKLE),
    "notebooks": {
        "notebooks/01_losses.ipynb": NOTEBOOK,
        "report/index.html": SCRIPT,
        "results.json": b'{"score": 100}',
    },
}
_ODD = (
    folder, below_a_folder, link_in_zip, climbing, bomb, lying_bomb, crowd, twins, encrypted,
    truncated, strange_names, link_in_folder, linked_folder, hard_link, pipes, deep,
)  # fmt: skip
PACKERS: dict[str, Packer] = {name: with_extras(extras) for name, extras in EXTRAS.items()}
PACKERS |= {pack.__name__: pack for pack in _ODD}
