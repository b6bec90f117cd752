"""Code that loops for ever, raises, ends Python, prints or does not parse: one line each, no wall.

Each function is broken in a copy of the package, by a definition at the end of its file.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "hw5"
BROKEN = '''

def feature_distance(ours, theirs, mask=None):
    """Task 1.3 (broken)."""
    print("ours is", tuple(ours.shape))
    return ours @ theirs


def latent_penalty(delta):
    """Task 1.8 (broken)."""
    while True:
        pass
'''
ENDING = '''

def broadcast_layers(w, num_layers):
    """Task 2.1 (broken)."""
    import os

    os._exit(3)
'''


def check(folder, *words):
    environment = os.environ | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-m", "hw5", "check", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("broken")
    shutil.copytree(PACKAGE, folder / "hw5")
    for name, text in (("losses.py", BROKEN), ("latents.py", ENDING)):
        path = folder / "hw5" / name
        path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")
    (folder / "hw5" / "draw.py").write_text("def draw(:\n    pass\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def checked(folder):
    return check(folder, "1.3", "1.4", "1.8", "2.1", "5.1", "--timeout", "4")


def section(checked, task):
    """The lines of one task."""
    lines = checked.stdout.splitlines()
    begin = next(i for i, line in enumerate(lines) if line.startswith(f"  {task} "))
    rest = lines[begin + 1 :]
    long = next((i for i, line in enumerate(rest) if not line.startswith(" " * 7)), len(rest))
    return "\n".join(lines[begin : begin + 1 + long])


def test_an_exception_is_one_line_with_the_students_own_file_and_line(checked, folder):
    text = " ".join(section(checked, "1.3").split())
    line = next(
        number
        for number, line in enumerate((folder / "hw5/losses.py").read_text().splitlines(), 1)
        if "ours @ theirs" in line
    )
    assert "RuntimeError" in text
    assert f"hw5/losses.py line {line}" in text
    assert "Traceback" not in checked.stdout + checked.stderr


def test_what_the_code_prints_is_shown_beside_the_failure(checked):
    assert "printed:  ours is (" in section(checked, "1.3")


def test_an_endless_loop_is_ended_and_named(checked):
    assert "does not end" in section(checked, "1.8")
    assert "had not ended after 4 seconds" in section(checked, "1.8")


def test_the_end_of_the_process_is_survived_and_named(checked):
    assert "ends Python itself" in section(checked, "2.1")
    assert "status 3" in section(checked, "2.1")


def test_what_is_right_still_has_its_points(checked):
    assert "4 of  4  passed" in section(checked, "1.4")
    assert checked.returncode == 1


def test_a_file_that_does_not_parse_is_named_with_its_line(checked):
    text = " ".join(section(checked, "5.1").split())
    assert "SyntaxError" in text
    assert "hw5/draw.py line 1" in text


def test_an_unknown_part_is_one_line_and_status_2(folder):
    done = check(folder, "losess")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "losess" in done.stderr and "did you mean losses?" in done.stderr
    assert done.stdout == ""
