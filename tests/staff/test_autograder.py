"""Gradescope's zip: no solution in it, and results.json whatever happens."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from staff.autograder import build, inside
from staff.release.files import ROOT
from staff.release.leaks import bare, of_solution
from staff.sandbox import Ended, StaffError
from staff.stubs import cut, regions


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    path = tmp_path_factory.mktemp("autograder") / "autograder.zip"
    build.build_zip(path, {"an": "exam"}, pip_flags="--index-url x")
    with zipfile.ZipFile(path) as opened:
        yield opened


def test_the_zip_has_what_gradescope_looks_for(archive):
    for name in ("setup.sh", "run_autograder"):
        assert archive.getinfo(name).external_attr >> 16 & 0o111, "not executable"
    assert archive.read("pip_flags") == b"--index-url x\n"
    assert "staff/grading/worker.py" in archive.namelist()


def test_no_line_of_a_solution_is_in_the_zip(archive):
    given = {n: bare(archive.read(n)) for n in archive.namelist() if n.startswith("hw5/")}
    for name in given:
        for region in regions((ROOT / name).read_text("utf-8") if name.endswith(".py") else ""):
            for needle in of_solution(region):
                held = [other for other, text in given.items() if needle.text in text]
                assert not set(held) - needle.admitted, needle.what


def test_masked_files_are_cut_to_the_same_stubs():
    name = "hw5/losses.py"
    solved = (ROOT / name).read_bytes()
    masked = build.masked(name, solved).decode()
    assert masked.count("BEGIN SOLUTION") == solved.decode().count("BEGIN SOLUTION")
    assert cut(masked) == cut(solved.decode())


@pytest.fixture
def container(tmp_path):
    """A folder as Gradescope lays it out, with the grader and without an exam."""
    (tmp_path / "source").mkdir()
    (tmp_path / "submission").mkdir()
    script = tmp_path / "source/run_autograder"
    script.write_bytes((build.HERE / "run_autograder").read_bytes())
    return tmp_path


def run_autograder(container: Path, python: str) -> dict:
    environment = os.environ | {"AUTOGRADER": str(container), "HW5_PYTHON": python}
    words = ["bash", str(container / "source/run_autograder")]
    subprocess.run(words, env=environment, capture_output=True, timeout=120, check=False)
    return json.loads((container / "results/results.json").read_text())


@pytest.mark.parametrize("python", ["/bin/false", "/no/such/python", sys.executable])
def test_results_are_written_also_when_the_grader_cannot_start(container, python):
    found = run_autograder(container, python)
    assert found["score"] == 0 and "not your doing" in found["output"]


def test_a_failure_of_ours_is_no_mark(tmp_path):
    status = inside.main([str(tmp_path), str(tmp_path / "results.json"), str(tmp_path / "exam")])
    found = json.loads((tmp_path / "results.json").read_text())
    assert status == 1 and found["extra_data"]["state"] == "staff failure"
    assert "FileNotFoundError" not in found["output"]


class OnlyRoot:
    """A jail in a container where root stays root."""

    def run(self, words, **rest):
        return Ended("exit", 0, 0.1, 0.1, 1.0, b"", b"0\n", b"", "")


def test_nothing_is_graded_as_root(monkeypatch):
    def open_jail(name, *, unsafe=False):
        if not unsafe:
            raise StaffError("bwrap is not allowed here")
        return OnlyRoot()

    monkeypatch.setattr(inside, "open_jail", open_jail)
    with pytest.raises(StaffError, match="no jail here: bwrap is not allowed here; user 0"):
        inside.jail_for_here()


def test_an_out_that_is_no_zip_is_one_line_and_status_2():
    done = subprocess.run(
        [sys.executable, "-m", "staff", "gradescope", "out.tar"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2 and done.stderr.count("\n") == 1
