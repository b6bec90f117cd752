"""The hand-in: the course's names, all that belongs in it, and not before it is complete."""

from __future__ import annotations

import subprocess
import sys
import zipfile

import pytest

from hw5.kit.checks import InputError
from report import handin
from report.check import check_page
from report.parts import Gap


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("handin")
    return handin.pack("mycat", project=5, runs=folder / "runs", out=folder / "out",
                       allow_gaps=True), folder / "out"  # fmt: skip


def test_the_packages_are_named_as_the_course_asks(packed):
    names = [path.name for path in packed[0].paths]
    assert names == ["mycat_code_proj5.zip", "mycat_page_proj5.zip", "proj5"]


def test_the_code_holds_main_readme_and_all_that_it_imports_but_no_weights(packed):
    names = zipfile.ZipFile(packed[1] / "mycat_code_proj5.zip").namelist()
    assert {"main.py", "README.md", "hw5/losses.py", "report/text/4-yours.md",
            "report/script.js", "data/sketches/sparse.json"} <= set(names)  # fmt: skip
    assert not [n for n in names if "weights" in n or "__pycache__" in n or n.startswith(".")]
    assert "report/index.html" not in names and not any("report/media" in n for n in names)


@pytest.mark.needs()
def test_main_runs_from_the_unpacked_code(packed, tmp_path):
    zipfile.ZipFile(packed[1] / "mycat_code_proj5.zip").extractall(tmp_path)
    run = subprocess.run([sys.executable, "main.py", "--page-only"], cwd=tmp_path,
                         capture_output=True, text=True, timeout=120)  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert check_page(tmp_path / "report/index.html") == []


def test_the_page_is_whole_in_the_folder_and_in_the_archive(packed):
    assert check_page(packed[1] / "proj5/index.html") == []
    archive = zipfile.ZipFile(packed[1] / "mycat_page_proj5.zip")
    inside = {p.relative_to(packed[1]).as_posix() for p in (packed[1] / "proj5").rglob("*.*")}
    assert set(archive.namelist()) == inside


@pytest.mark.needs()
def test_an_incomplete_report_is_refused_and_nothing_is_written(tmp_path):
    with pytest.raises(InputError, match=r"gaps: the figures of the main job.*--incomplete"):
        handin.pack("mycat", project=5, runs=tmp_path / "runs", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.needs()
def test_a_complete_report_is_packed_without_asking(tmp_path, monkeypatch):
    monkeypatch.setattr("report.parts.gaps", lambda *_, **__: [])
    packed = handin.pack("mycat", project=5, runs=tmp_path / "runs", out=tmp_path / "out")
    assert packed.gaps == () and len(packed.paths) == 3


def test_a_task_that_is_not_written_counts_as_a_gap(tmp_path):
    (tmp_path / "hw5").mkdir()
    for name in handin.STUDENT_FILES:
        (tmp_path / f"hw5/{name}.py").write_text("x = 1\n")
    (tmp_path / "hw5/draw.py").write_text('def f():\n    raise NotImplementedError("task_5_1")\n')
    assert list(handin.unwritten_tasks(tmp_path)) == [
        Gap("a task of hw5/draw.py, line 2", "write it")
    ]


def test_the_same_contents_give_the_same_archive(tmp_path):
    for name in ("a", "b"):
        handin.write_zip(tmp_path / name, {"y.py": b"2", "x.py": b"1"})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_an_earlier_hand_in_is_replaced_and_other_files_are_not(packed, tmp_path):
    for _ in range(2):
        handin.pack("me", project=5, runs=tmp_path / "r", out=tmp_path / "out", allow_gaps=True)
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis/thesis.tex").write_text("x")
    with pytest.raises(InputError, match="other files"):
        handin.pack("me", project=5, runs=tmp_path, out=tmp_path / "thesis", allow_gaps=True)


@pytest.mark.parametrize("name", ["", "me/../you", "a b", "../x"])
def test_an_id_that_is_no_file_name_is_refused(tmp_path, name):
    with pytest.raises(InputError, match="andrew_id"):
        handin.pack(name, project=5, runs=tmp_path, out=tmp_path / "out")
