"""Bands over environments: another interpreter is asked, and its runs count like our own."""

import sys

import pytest

from staff.commands.calibrate import elsewhere, together
from staff.grading.bands import as_toml, tomllib


def interpreter(folder, lines):
    """A stand-in for another environment's Python, that does these lines instead."""
    path = folder / "python"
    path.write_text(f"#!{sys.executable}\nimport sys\n{lines}\n")
    path.chmod(0o755)
    return str(path)


def test_another_environment_is_asked_for_as_many_seeds_and_threads(tmp_path):
    python = interpreter(tmp_path, "import json; print(json.dumps(sys.argv[1:]))")
    asked = ["-m", "staff", "calibrate", "--json", "--seeds", "3", "--threads", "1", "2"]
    assert elsewhere(python, 3, [1, 2]) == asked


def test_one_that_fails_is_an_error_with_its_last_words(tmp_path):
    python = interpreter(tmp_path, "print('x\\nno torch here', file=sys.stderr); sys.exit(1)")
    with pytest.raises(ValueError, match="could not measure: no torch here"):
        elsewhere(python, 3, [1])


@pytest.mark.parametrize("lines", ["print('Hello')", "raise SystemExit"])
def test_one_that_says_something_else_is_an_error(tmp_path, lines):
    with pytest.raises(ValueError, match="could not measure"):
        elsewhere(interpreter(tmp_path, lines), 3, [1])


def test_an_interpreter_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="could not measure"):
        elsewhere(str(tmp_path / "none"), 3, [1])


def test_the_band_reaches_to_the_largest_share_of_any_environment():
    measured = [{"shares": {"3.5 a": [0.1, 0.2]}}, {"shares": {"3.5 a": [0.4, 0.3]}}]
    band = tomllib.loads(as_toml(together(measured), "how"))["case"]["3.5 a"]
    assert band == {"median": 0.25, "largest": 0.4, "runs": 4}
