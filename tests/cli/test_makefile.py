"""`make clean` leaves a student's work alone; removing that takes a word more."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(
    not shutil.which("make") or not (ROOT / "Makefile").is_file(), reason="there is no make"
)


@pytest.fixture
def make(tmp_path):
    """A folder with our Makefile and all that commands make, and `make` in it."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("runs/cat/result.json", "handin/code.zip", "build/page.html", "report/index.html",
                 "report/text/idea.md", "hw5/a.py", "tests/a.py"):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("mine")

    def run(*words: str) -> tuple[int, str, set[str]]:
        done = subprocess.run(
            ["make", *words], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")}
        return done.returncode, done.stderr, left

    return run


def test_clean_keeps_runs_handin_and_words_and_removes_what_was_built(make):
    status, _, left = make("clean")
    assert status == 0
    assert {"runs/cat/result.json", "handin/code.zip", "report/text/idea.md", "hw5/a.py"} <= left
    assert not {"build/page.html", "report/index.html"} & left


def test_a_students_work_is_not_removed_without_the_word(make):
    status, said, left = make("clean-work")
    assert status != 0 and "SURE=yes" in said and "runs/cat/result.json" in left


def test_with_the_word_runs_and_handin_go(make):
    status, _, left = make("clean-work", "SURE=yes")
    assert status == 0 and "report/text/idea.md" in left
    assert not any(name.startswith(("runs/", "handin/")) for name in left)
