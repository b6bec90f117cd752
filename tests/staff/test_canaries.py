"""Canaries sing when marks are wrong, and only then; the commands help without torch."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from staff.attacks.attack import load
from staff.batch import canaries
from staff.grading.graded import (
    CRASHED,
    GRADED,
    PASSED,
    STAFF_FAILURE,
    STUCK,
    UNWRITTEN,
    CaseResult,
    Graded,
    TaskResult,
)

ROOT = Path(__file__).resolve().parents[2]
# task -> the module of its function, and the tasks that it calls
TASKS = {
    "1.1": ("hw5.losses", ()),
    "1.2": ("hw5.losses", ("1.1",)),
    "1.9": ("hw5.losses", ("1.2",)),
    "4.1": ("hw5.interpolate", ()),
    "5.2": ("hw5.draw", ("1.9",)),
}
EXAM = SimpleNamespace(
    cases=tuple(
        SimpleNamespace(task=task, module=module, needs=needs, key=f"{task} a")
        for task, (module, needs) in TASKS.items()
    ),
    root=str(ROOT),
)


def result(states=None):
    """A result in which every case passed, but for those of the tasks given."""
    states = states or {}
    return Graded(
        "x",
        GRADED,
        tasks=tuple(
            TaskResult(task, "f", 2.0 * (state == PASSED), 2.0,
                       (CaseResult("a", task, state, score=float(state == PASSED)),))
            for task in TASKS
            for state in [states.get(task, PASSED)]
        ),
    )  # fmt: skip


def everything(state):
    return result(dict.fromkeys(TASKS, state))


@pytest.fixture(scope="module")
def birds():
    return {canary.name: canary for canary in canaries.canaries_of(EXAM)}


# 5.2 is called by nobody, so its function is the one that crashes and that never ends
RIGHT = {
    "solved": result(),
    "empty": everything(UNWRITTEN),
    "crashing": result({"5.2": CRASHED}),
    "slow": result({"5.2": STUCK}),
    "exit_at_import": result(dict.fromkeys(["1.1", "1.2", "1.9", "5.2"], CRASHED)),
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_canary_is_content_with_the_right_marks(birds, name):
    assert birds[name].complaint(RIGHT[name]) == ""


@pytest.mark.parametrize(
    ("name", "graded", "words"),
    [
        ("solved", result({"4.1": CRASHED}), "4.1"),
        ("solved", everything(UNWRITTEN), "1.1"),
        ("empty", result({t: UNWRITTEN for t in TASKS if t != "4.1"}), "4.1"),
        ("empty", everything(CRASHED), "not 'not filled in'"),
        ("crashing", result(), "5.2"),
        ("crashing", result({"5.2": CRASHED, "4.1": CRASHED}), "4.1"),
        ("slow", result({"5.2": CRASHED}), "not 'no end'"),
        ("exit_at_import", result(), "hw5/losses.py earned 1.00"),
        ("exit_at_import", everything(CRASHED), "hw5/interpolate.py earned 0.00"),
    ],
)
def test_a_canary_says_what_is_wrong(birds, name, graded, words):
    assert words in birds[name].complaint(graded)


def test_every_canary_complains_about_a_failure_of_ours(birds):
    failed = Graded("x", STAFF_FAILURE, message="no memory")
    assert all("no memory" in bird.complaint(failed) for bird in birds.values())


def test_every_canary_complains_about_no_tasks_at_all(birds):
    nothing = replace(result(), tasks=())
    quiet = {name for name, bird in birds.items() if not bird.complaint(nothing)}
    assert not quiet


def test_the_attacks_among_the_canaries_exist():
    assert set(canaries.ATTACKS) <= {attack.name for attack in load()}


def test_a_broken_function_may_cost_those_that_call_it():
    assert canaries.callers(EXAM, "1.1") == {"1.2", "1.9", "5.2"}


@pytest.mark.parametrize("command", ["grade", "regrade", "appeal", "similarity", "scale", "bench"])
def test_a_command_helps_without_torch(command):
    code = (
        "import sys, contextlib, io\n"
        "from staff.__main__ import main\n"
        "with contextlib.redirect_stdout(io.StringIO()) as said:\n"
        f"    try: main([{command!r}, '--help'])\n"
        "    except SystemExit: pass\n"
        "assert 'usage' in said.getvalue()\n"
        "assert not {'torch', 'numpy', 'distributed'} & set(sys.modules), 'heavy'\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
