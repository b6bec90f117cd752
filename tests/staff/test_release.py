"""What students get: the list of files, what is in them, the same zip every time."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import zipfile

import pytest

from staff.release import build, write_tree
from staff.release.files import ADMITTED, LEFT_OUT, ROOT, admitted, decide, why_left_out
from staff.release.gates import Release, faults_of
from staff.release.leaks import REPEATED, bare, needles, of_solution
from staff.release.marks import for_students
from staff.stubs import regions
from tests.staff.small_repository import LIGHT, LINE, make

STUB = 'raise NotImplementedError("task '


@pytest.fixture(scope="module")
def decision():
    return decide(ROOT)


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    tree = tmp_path_factory.mktemp("release") / "hw5"
    write_tree(tree)
    return tree


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("small")
    return build(folder / "out", make(folder / "root"), gates=LIGHT, repository=True)


# ---------------------------------------------------------------- this repository


def test_the_golden_tree_is_what_students_get(decision):
    """A new file? Look at it, then `python -m staff release --admit`, or leave it out by a rule."""
    assert sorted(admitted(ROOT)) == sorted(decision.released), ADMITTED


def test_every_rule_leaves_something_out(decision):
    reasons = {why_left_out(name) for name in decision.left_out}
    assert reasons == set(LEFT_OUT.values())


def test_the_instructors_side_stays(decision):
    for name in decision.released:
        assert not name.startswith(("staff/", "tests/staff/", "tests/assignment/")), name


def test_this_repository_passes_every_light_gate(tree, decision):
    light = tuple(gate for gate in LIGHT if gate.__name__ != "undecided_files")
    assert faults_of(Release(tree, ROOT, decision), light) == []


def test_every_task_is_a_stub_and_no_more(tree):
    for path in sorted((ROOT / "hw5").rglob("*.py")):
        solved = path.read_text(encoding="utf-8")
        given = (tree / path.relative_to(ROOT)).read_text(encoding="utf-8").splitlines()
        stubs = [line for line in given if line.strip().startswith(STUB)]
        assert len(stubs) == len(regions(solved)), path.name


def test_every_solution_has_a_line_that_tells():
    for path in sorted((ROOT / "hw5").rglob("*.py")):
        for region in regions(path.read_text(encoding="utf-8")):
            assert any(not needle.admitted for needle in of_solution(region)), region.task


def test_every_admitted_repetition_is_still_repeated(tree, decision):
    texts = {needle.text for needle in needles(ROOT, decision)}
    for line, files in REPEATED.items():
        assert bare(line.encode()) in texts, line
        for name in files:
            assert bare(line.encode()) in bare((tree / name).read_bytes()), (line, name)


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "Makefile"])
def test_students_read_words_of_their_own(name, tree):
    text = (tree / name).read_text(encoding="utf-8")
    assert "staff" not in text.lower() and "SOLUTION" not in text
    assert text != (ROOT / name).read_text(encoding="utf-8")


def test_a_students_copy_is_in_good_style(tree):
    for words in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *words, "--quiet", "--no-cache", "."],
            cwd=tree, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout


def test_cleared_notebooks_are_run_and_not_compared(tree):
    for path in (tree / "notebooks").glob("*.ipynb"):
        book = json.loads(path.read_text(encoding="utf-8"))
        assert book["metadata"]["hw5"] == {"compare": False}


# ---------------------------------------------------------------- a small repository


def test_a_release_is_folder_zip_and_digests(small):
    names = {path.name for path in small.folder.parent.iterdir()}
    assert names == {"hw5", "hw5.zip", "SHA256SUMS"}
    assert small.num_files == len(small.digests.read_text().splitlines()) - 1 == 6


def test_the_digests_are_those_of_the_files(small):
    for line in small.digests.read_text().splitlines():
        digest, name = line.split("  ")
        data = (small.folder.parent / name).read_bytes()
        assert hashlib.sha256(data).hexdigest() == digest


def test_the_zip_holds_the_folder_and_not_its_history(small):
    with zipfile.ZipFile(small.archive) as archive:
        names = archive.namelist()
        assert archive.read("hw5/hw5/losses.py") == (small.folder / "hw5/losses.py").read_bytes()
    assert len(names) == small.num_files and not any(".git" in name for name in names)


def test_building_twice_gives_the_same_bytes(small, tmp_path):
    again = build(tmp_path / "out", make(tmp_path / "root"), gates=LIGHT)
    assert again.archive.read_bytes() == small.archive.read_bytes()


def test_the_folder_can_be_cloned(small, tmp_path):
    words = ["git", "clone", "--quiet", str(small.folder), str(tmp_path / "mine")]
    subprocess.run(words, check=True, capture_output=True)
    assert STUB in (tmp_path / "mine/hw5/losses.py").read_text()
    assert LINE not in (tmp_path / "mine/hw5/losses.py").read_text()


def test_the_report_names_the_commit_only_where_nothing_was_changed(small, tmp_path):
    assert small.commit == ""  # tree.txt was written after the commit


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\n# BEGIN STAFF\nb\n# END STAFF\nc\n", "a\nc\n"),
        ("a\n    # BEGIN STUDENT\n    # b = 1\n    #\n    # END STUDENT\n", "a\n    b = 1\n    \n"),
        ("a = 1\nb = 2  # STAFF\nc = 3\n", "a = 1\nc = 3\n"),
        ("| a |\n| b <!-- STAFF --> |\n| c |\n", "| a |\n| c |\n"),
        ("<!-- BEGIN STUDENT\n# b\nEND STUDENT -->\nc\n", "# b\nc\n"),
        ("<!-- BEGIN STAFF -->\nb\n<!-- END STAFF -->\nc", "c"),
        ("about STAFF and # STAFFING\n", "about STAFF and # STAFFING\n"),
    ],
)
def test_lines_for_one_side_reach_that_side(text, expected):
    assert for_students(text) == expected


def test_bad_words_on_the_command_line_are_one_line(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "staff", "release"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "OUT: expected a folder" in done.stderr
