"""What a student has on the first day: every solution cut, every task 0 points, nothing breaks."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hw5.checking.suite import all_checks
from staff.stubs import cut, regions

PACKAGE = Path(__file__).resolve().parents[2] / "hw5"


@pytest.fixture(scope="module")
def first_day(tmp_path_factory):
    """A folder with the package as students receive it, and without the rest of the repository."""
    folder = tmp_path_factory.mktemp("student")
    shutil.copytree(PACKAGE, folder / "hw5", ignore=shutil.ignore_patterns("__pycache__"))
    for path in (folder / "hw5").rglob("*.py"):
        path.write_text(cut(path.read_text(encoding="utf-8")), encoding="utf-8")
    return folder


def python(folder, *words):
    environment = os.environ | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def checked(first_day):
    return python(first_day, "-m", "hw5", "check")


def test_nothing_errors_at_import(first_day):
    code = (
        "import importlib, pkgutil, hw5\n"
        "for m in pkgutil.walk_packages(hw5.__path__, 'hw5.'):\n"
        "    m.name.endswith('__main__') or importlib.import_module(m.name)\n"
        "print('all imported from', hw5.__file__)"
    )
    done = python(first_day, "-c", code)
    assert done.returncode == 0, done.stderr
    assert str(first_day) in done.stdout


def test_every_task_has_0_points_and_is_reported_as_not_filled_in(checked, first_day):
    assert checked.returncode == 1
    lines = [line for line in checked.stdout.splitlines() if re.match(r"  \d\.\d+ ", line)]
    tasks = {check.task for check in all_checks()}
    assert {line.split()[0] for line in lines} == tasks
    for line in lines:
        found = re.fullmatch(
            r"  \d\.\d+ +(\w+) +0 of +\d+  not filled in yet: (\S+) line (\d+)", line
        )
        assert found, line
        text = (first_day / found[2]).read_text(encoding="utf-8").splitlines()
        assert f": {found[1]}" in text[int(found[3]) - 1], "the line is not the stub's"


def test_the_first_day_is_no_wall_of_text(checked):
    assert len(checked.stdout.splitlines()) < len({c.task for c in all_checks()}) + 10
    assert checked.stderr == ""


def test_no_line_of_a_solution_stands_in_the_checks():
    """Students receive the checks: they must not hold what students are asked to write."""
    given = {
        line.strip()
        for path in (PACKAGE / "checking").rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
    }
    for path in sorted(PACKAGE.rglob("*.py")):
        for region in regions(path.read_text(encoding="utf-8")):
            lines = (line.split("  #")[0].strip() for line in region.body.splitlines())
            telling = {line for line in lines if len(line) > 12 and not line.startswith("#")}
            shared = telling & given - {"with torch.no_grad():"}
            assert not shared, f"task {region.task}"
