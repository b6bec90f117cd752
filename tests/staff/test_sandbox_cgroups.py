"""Control groups: where they are made in both versions, what is written, what is read back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from staff.sandbox import Limits, cgroups, owner

LIMITS = Limits(memory_mb=100, files_mb=10, processes=5)
BYTES = str((100 + cgroups.SLACK_MB + 2 * 10) * 1024 * 1024)


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A made-up file system of groups; `own` is what /proc/self/cgroup says."""
    monkeypatch.setattr(cgroups, "ROOT", tmp_path)

    def build(own, folders):
        for name, text in folders.items():
            (tmp_path / name).mkdir(parents=True, exist_ok=True)
            (tmp_path / name / "cgroup.subtree_control").write_text(text)
        read = cgroups._read
        said = {Path("/proc/self/cgroup"): own}
        monkeypatch.setattr(cgroups, "_read", lambda path: said.get(path) or read(path))
        return tmp_path

    return build


def test_version_1_has_a_group_below_our_own_for_each_controller(tree):
    root = tree("5:memory:/us\n3:pids:/\n1:name=systemd:/\n0::/\n", {"memory/us": "", "pids": ""})
    memory, pids = cgroups.make(LIMITS).folders
    assert (memory.parent, pids.parent) == (root / "memory/us", root / "pids")
    assert (memory / "memory.limit_in_bytes").read_text() == BYTES
    assert int((pids / "pids.max").read_text()) >= 5


def test_version_2_has_one_group_beside_our_own(tree):
    root = tree("0::/course/grader\n", {"course": "cpu memory pids", "course/grader": ""})
    (folder,) = cgroups.make(LIMITS).folders
    assert folder.parent == root / "course"
    assert (folder / "memory.max").read_text() == BYTES
    assert (folder / "pids.max").exists()


def test_groups_of_graders_that_are_gone_are_swept(tree):
    root = tree("0::/course/grader\n", {"course": "memory pids", "course/grader": ""})
    living = root / "course" / f"{owner.mark(cgroups.PREFIX)}ab"
    for folder in (
        living,
        root / "course" / living.name.replace(f"-{os.getpid()}-", "-999999999-"),
    ):
        folder.mkdir()
    cgroups.sweep()
    assert [path for path in (root / "course").glob(f"{cgroups.PREFIX}*")] == [living]


@pytest.mark.parametrize("own", ["0::/\n", "0::/course/grader\n", ""])
def test_where_no_group_can_be_had_there_is_none(tree, own):
    tree(own, {"course": "cpu", "course/grader": ""})
    assert cgroups.make(LIMITS) is None


@pytest.mark.parametrize(
    ("name", "text", "answer"),
    [
        ("memory.events", "low 0\nmax 9\noom 2\noom_kill 1\n", True),
        ("memory.events", "low 0\nmax 9\noom 0\noom_kill 0\n", False),
        ("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n", True),
        ("memory.oom_control", "oom_kill_disable 1\nunder_oom 0\noom_kill 0\n", False),
    ],
)
def test_the_kernels_word_on_memory_is_read(tmp_path, name, text, answer):
    (tmp_path / name).write_text(text)
    assert cgroups.Group((tmp_path,)).ran_out_of_memory() is answer


def test_entering_a_group_keeps_the_words_of_the_command(tmp_path):
    words = [*cgroups.Group((tmp_path,)).enter(), "printf", "%s,", "a b", "$HOME"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout == "a b,$HOME,"
    assert int((tmp_path / "cgroup.procs").read_text()) > 0


# ---------------------------------------------------------------- for real, where they can be made


@pytest.fixture
def group():
    made = cgroups.make(LIMITS)
    if made is None:
        pytest.skip("no control group can be made here")
    yield made
    made.remove()


def within(group, code):
    words = [*group.enter(), sys.executable, "-I", "-S", "-c", code]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def test_the_kernel_ends_who_takes_more_memory_and_says_so(group):
    assert within(group, "x = bytearray(400 * 2**20)").returncode == -signal.SIGKILL
    assert group.ran_out_of_memory()


def test_the_kernel_counts_processes(group):
    code = (
        "import os, time\nn = 0\ntry:\n"
        "    while n < 50:\n        n += 1\n        os.fork() or (time.sleep(2), os._exit(0))\n"
        "except OSError: print(n)"
    )
    assert 5 < int(within(group, code).stdout) <= 5 + cgroups._OWN_PROCESSES
    assert not group.ran_out_of_memory()


def test_what_a_killed_grader_left_running_is_ended_by_the_next(group, monkeypatch):
    left = subprocess.Popen([*group.enter(), "/bin/sleep", "60"])
    while not all((folder / "cgroup.procs").read_text().strip() for folder in group.folders):
        assert left.poll() is None
    monkeypatch.setattr(cgroups.owner, "is_gone", lambda name, _: name == group.folders[0].name)
    cgroups.sweep()
    assert left.wait(timeout=5) == -signal.SIGKILL
    assert not any(folder.exists() for folder in group.folders)
