"""Every known misconception is caught and named; every other right way passes; no false alarm."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from staff import mutation, stubs

ROOT = Path(__file__).resolve().parents[2]


def staff(*words):
    return subprocess.run(
        [sys.executable, "-m", "staff", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


@pytest.mark.slow
def test_every_misconception_is_caught_and_named():
    done = staff("mutants")
    missed = [line for line in done.stdout.splitlines() if " caught  named " not in line]
    assert done.returncode == 0, "\n".join(missed) + done.stderr
    assert len(done.stdout.splitlines()) > 40


@pytest.mark.slow
def test_no_other_right_way_is_refused():
    done = staff("alternatives")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_the_solved_functions_raise_no_alarm_on_one_and_two_threads():
    """`python -m staff seeds` tries 20 seeds; here the first two."""
    done = staff("seeds", "--seeds", "2")
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_task_has_a_mutant_and_an_alternative():
    tasks = set(mutation.files_of_tasks(ROOT / "hw5"))
    assert {mutant.task for mutant in mutation.load("mutants")} == tasks
    assert {mutant.task for mutant in mutation.load("alternatives")} == tasks


def test_every_mutant_says_which_words_its_hint_must_have():
    assert all(mutant.hint for mutant in mutation.load())


@pytest.mark.parametrize("folder", ["mutants", "alternatives"])
def test_every_change_fits_the_solved_files_and_is_python(folder):
    files = mutation.files_of_tasks(ROOT / "hw5")
    for mutant in mutation.load(folder):
        path = files[mutant.task]
        solved = path.read_text(encoding="utf-8")
        changed = mutation.apply(mutant, solved)
        assert changed != solved, mutant.name
        compile(changed, path.name, "exec")


SOLVED = (
    "def f(x):\n    # BEGIN SOLUTION task_9_1\n    y = x + x\n    return y\n    # END SOLUTION\n"
)


def mutant(**fields):
    return mutation.Mutant(**{"part": "p", "name": "n", "task": "9.1", "replace": "", **fields})


def test_a_search_text_is_replaced_inside_its_solution_only():
    text = SOLVED + SOLVED.replace("9_1", "9_2").replace("def f", "def g")
    changed = mutation.apply(mutant(search="x + x", replace="2 * x"), text)
    assert changed.count("2 * x") == changed.count("x + x") == 1
    assert changed.index("2 * x") < changed.index("x + x")


def test_a_whole_solution_is_indented_like_the_one_it_replaces():
    changed = mutation.apply(mutant(replace="\nif x:\n    return 1\nreturn 2\n"), SOLVED)
    assert "    if x:\n        return 1\n    return 2\n    # END" in changed


@pytest.mark.parametrize(
    "wrong", [{"search": "absent"}, {"search": "x"}, {"task": "9.7", "search": "y = "}]
)
def test_a_change_that_does_not_fit_is_refused(wrong):
    with pytest.raises(stubs.MarksError):
        mutation.apply(mutant(**wrong), SOLVED)


def test_an_unknown_part_is_one_line_and_status_2():
    done = staff("mutants", "losess")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "losess" in done.stderr
