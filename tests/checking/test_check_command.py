"""`hw5 check` on the solved functions and on bad words: its status, and that it starts at once."""

from __future__ import annotations

import subprocess
import sys

import pytest

from hw5.cli import main


# BEGIN STAFF
@pytest.mark.slow
def test_solved_functions_have_all_points_and_status_0(capsys):
    assert main(["check", "4.1"]) == 0
    assert "points in" in capsys.readouterr().out


# END STAFF
@pytest.mark.parametrize("time", ["0", "-1", "nan", "inf"])
def test_a_time_that_is_not_positive_is_refused(time, capsys):
    assert main(["check", "4.1", f"--timeout={time}"]) == 2
    assert "timeout: expected a positive number of seconds" in capsys.readouterr().err


def test_an_unknown_task_is_refused_by_name(capsys):
    assert main(["check", "9.9"]) == 2
    assert "9.9" in capsys.readouterr().err


def test_only_the_other_process_imports_torch():
    code = (
        "import sys; from hw5.cli import main; main(['check', '4.1']); "
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr
