"""Hostile submissions earn what their honest part deserves, harm nobody, and are found out.

`pytest -s` shows the table. A test of a few seconds makes a hole into the jail and watches attacks
come through it: they are real.
"""

from __future__ import annotations

import dataclasses
import os
import secrets
import shutil
import sys
from pathlib import Path

import pytest
from jails import Loose, also, jail_or_skip, without

from staff import rubric
from staff.attacks import whole
from staff.attacks.attack import KINDS, Attack, files_of, load
from staff.attacks.host import Host
from staff.attacks.runner import HONEST, Outcome, table, try_all
from staff.attacks.small import SOLVED, STUBS, small_grader
from staff.grading import tree
from staff.grading.grade import make_exam
from staff.sandbox import Jail, Limits, Mount

EVERYWHERE = [attack for attack in load() if attack.needs != "torch"]


@pytest.fixture(scope="module")
def jail():
    return jail_or_skip()


def test_there_are_attacks_of_every_kind_and_enough_of_them():
    assert {attack.kind for attack in load()} == set(KINDS)
    assert len(load()) >= 40


def shown(outcomes, capsys):
    """Print the table and return what came out wrong."""
    with capsys.disabled():
        sys.stdout.write("\n" + table(outcomes) + "\n")
    return {o.attack.name: o.complaints for o in outcomes if o.complaints}


@pytest.mark.slow
def test_the_sandbox_withstands_every_attack_on_it(jail, capsys):
    outcomes = try_all(EVERYWHERE, small_grader(jail), SOLVED, STUBS)
    assert shown(outcomes, capsys) == {}
    assert [o.attack for o in outcomes].count(HONEST) == 3


@pytest.mark.slow
def test_the_whole_grader_withstands_every_attack_on_its_judgement(jail, capsys):
    exam = make_exam(secrets.randbelow(2**31), rubric.load("spring2025"), jail, tasks=whole.TASKS)
    attacks = [attack for attack in load() if attack.needs == "torch"]
    outcomes = try_all(attacks, whole.whole_grader(exam, jail), *whole.sources(), neighbours=1)
    assert shown(outcomes, capsys) == {}
    assert [o.attack for o in outcomes].count(HONEST) == 1


# ---------------------------------------------------------------- they are real


def comes_through(jail, name, change, **limits):
    """What an attack achieves in a jail with a hole."""
    attack = next(attack for attack in EVERYWHERE if attack.name == name)
    attack = dataclasses.replace(attack, limits={**attack.limits, **limits})
    grader = small_grader(Jail(Loose(jail.backend.program, change=change)))
    outcomes = try_all([attack], grader, SOLVED, STUBS, neighbours=0)
    return "; ".join(said for outcome in outcomes for said in outcome.complaints)


@pytest.mark.parametrize(
    ("name", "change", "says", "limits"),
    [
        ("neighbours", without("--unshare-net"), "called outside (SOCKET)", {}),
        ("network", without("--unshare-net"), "called outside (PORT)", {"loopback": 1}),
        ("virtual_sockets", without("--seccomp="), "got out", {}),
        ("kernel_doors", without("--seccomp="), "got out", {}),
        ("shared_segments", without("--seccomp="), "got out", {}),
        ("nameless_files", without("--seccomp="), "does not say", {}),
        ("disk_elsewhere", without("--fsize*", "--remount-ro="), "got out", {"memory_mb": 600}),
        ("raises_its_limits", without("--data*"), "got out", {}),
    ],
)
def test_an_attack_comes_through_a_hole(jail, name, change, says, limits):
    assert says in comes_through(jail, name, change, **limits)


def test_an_attack_reads_what_the_environment_holds(jail):
    def leak(command):
        return also("--setenv", "X", os.environ["HW5_HOST_SECRET"])(command)

    assert "the secret is in the result" in comes_through(jail, "reads_the_environment", leak)


FOOLING = (
    "exit_at_import", "system_exit", "exit_in_a_call", "always_equal", "agreeing_tensors",
    "agreeing_arrays", "rebinds_numpy", "rebinds_torch", "walks_the_frames",
    "searches_the_collector",
)  # fmt: skip


@pytest.mark.slow
def test_a_naive_grader_is_fooled_by_every_forgery(jail, tmp_path):
    """Comparing in the student's process, as most graders do, gives them full marks."""
    tmp_path.chmod(0o755)
    solved, stubs = whole.sources()
    unwritten = Attack("unwritten", "forge", "", "")
    attacks = [unwritten, *(attack for attack in load() if attack.name in FOOLING)]
    for attack in attacks:
        tree.write_package(tmp_path / attack.name)
        tree.write(tmp_path / attack.name, files_of(attack, solved, stubs, {}))
    shutil.copy(Path(__file__).with_name("naive_grader.py"), tmp_path)
    names = [attack.name for attack in attacks]
    command = [sys.executable, "-I", "-B", "/trees/naive_grader.py", "/trees", *names]
    ended = jail.run(command, mounts=[Mount(tmp_path, "/trees")], limits=Limits(wall_s=300))
    assert set(ended.stdout.decode().split()) == set(FOOLING), ended.stderr.decode()


def test_points_that_are_not_deserved_are_a_complaint():
    unsolved = Attack("x", "forge", "", "")
    outcome = Outcome(unsolved, {"hw5/losses.py": 0.5, "hw5/interpolate.py": 1.0}, "", 0.0)
    assert outcome.complaints == ["hw5/losses.py earned 0.50, deserves 0 to 0"]


def test_points_that_an_honest_file_lost_are_a_complaint():
    outcome = Outcome(HONEST, {"hw5/losses.py": 1.0, "hw5/interpolate.py": 0.9}, "", 0.0)
    assert outcome.complaints == ["hw5/interpolate.py earned 0.90, deserves 1 to 1"]


def test_a_result_that_keeps_silent_is_a_complaint():
    attack = Attack("x", "leave", "", "", says=("SIGKILL",))
    assert Outcome(attack, {}, "all is well", 0.0).complaints


def test_the_host_notices_what_is_done_to_it():
    with Host.opened() as host:
        assert host.harm("") == []
        (host.folder / "new").write_text("x")
        assert "files outside were changed" in host.harm("")[0]
        (host.folder / "new").unlink()
        assert "secret" in host.harm(host.token)[0]
        assert "got out" in host.harm(host.escaped)[0]
