"""Containers, by a program that notes what it is asked; by a real one where there is one."""

from __future__ import annotations

import os
import subprocess
import tarfile
import tempfile
import time
from pathlib import Path

import pytest

from staff.attacks.attack import load
from staff.attacks.runner import try_all
from staff.attacks.small import SOLVED, STUBS, small_grader
from staff.sandbox import Jail, Limits, Mount, StaffError, bubblewrap, cgroups, open_jail, owner
from staff.sandbox import container as containers

FAKE = """#!/bin/sh
printf '%s\\0' "$@" >> "$0.log"; printf '\\n' >> "$0.log"
case "$1 $2" in
  --version*) echo "${FAKE_NAME:-Docker} version 28.2.2" ;;
  "image inspect") exit ${FAKE_IMAGE:-1} ;;
  "import -") cat > "$0.tar" ;;
  inspect*) echo "${FAKE_OOM:-false}" ;;
  ps*) echo ${FAKE_ENDED} ;;
  run*) exec 0</dev/null; echo reply; echo printed >&2 ;;
esac
"""


@pytest.fixture
def shown():
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def fake_docker(tmp_path, monkeypatch):
    program = tmp_path / "docker"
    program.write_text(FAKE)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return program


def calls(program):
    lines = Path(f"{program}.log").read_text().splitlines()
    return [line.strip("\0").split("\0") for line in lines]


def last_run(program):
    return [call for call in calls(program) if call[0] == "run"][-1]


def test_a_container_has_neither_network_nor_rights_nor_room(fake_docker, shown):
    limits = Limits(memory_mb=300, processes=7, files_mb=9, file_count=50, open_files=33, cpu_s=4)
    jail = Jail(containers.Container.find())
    ended = jail.run(["prog", "a b"], mounts=[Mount(shown, "/given")], limits=limits)
    run = last_run(fake_docker)
    text, memory = " ".join(run), cgroups.memory_mb(limits)
    for words in (
        "--network none", "--read-only", "--cap-drop ALL", "no-new-privileges", "--pids-limit 8",
        f"--memory {memory}m --memory-swap {memory}m", "--pull never", "nofile=33", "cpu=5",
        "nproc=8", "size=9m,nr_inodes=50", "--shm-size 9m", "seccomp=",
        f"type=bind,source={shown},target=/given,readonly", "--env HW5_REPLY_FD=3",
        " timeout --signal=KILL 65 /bin/sh",
    ):  # fmt: skip
        assert words in text
    user = run[run.index("--user") + 1]
    assert not user.startswith("0")
    assert run[-2:] == ["prog", "a b"]
    assert (ended.reply, ended.stderr) == (b"reply\n", b"printed\n")


def test_no_two_containers_have_the_same_user(fake_docker):
    jail, users = Jail(containers.Container.find()), set()
    for _ in range(3):
        jail.run(["prog"])
        run = last_run(fake_docker)
        users.add(run[run.index("--user") + 1])
    assert len(users) == 3


def test_podman_gets_words_of_its_own(fake_docker, monkeypatch):
    monkeypatch.setenv("FAKE_NAME", "podman")  # as Debian's podman-docker calls itself
    Jail(containers.Container.find()).run(["prog"])
    text = " ".join(last_run(fake_docker))
    assert "--read-only-tmpfs=false --pidfile " in text
    assert "nr_inodes" not in text


def test_a_container_is_removed_after_its_run(fake_docker):
    Jail(containers.Container.find()).run(["prog"])
    run = last_run(fake_docker)
    assert calls(fake_docker)[-1] == ["rm", "--force", run[run.index("--name") + 1]]


def test_containers_of_graders_that_are_gone_are_removed(fake_docker, monkeypatch):
    living = f"{owner.mark(containers.PREFIX)}ab"
    gone = living.replace(f"-{os.getpid()}-", "-999999999-")
    monkeypatch.setenv("FAKE_ENDED", f"{gone} {living}")
    containers.Container.find()
    removed = [call[-1] for call in calls(fake_docker) if call[0] == "rm"]
    assert gone in removed
    assert living not in removed


def test_the_next_program_is_asked_where_one_cannot_start(fake_docker, monkeypatch):
    good = fake_docker.read_text()
    fake_docker.with_name("podman").write_text(good)
    fake_docker.with_name("podman").chmod(0o755)
    fake_docker.write_text(good.replace("run*)", "run*) exit 1 ;; never)"))
    assert containers.Container.find().program == (str(fake_docker.with_name("podman")),)


def test_a_kill_is_repeated_until_it_works(fake_docker, monkeypatch):
    """A container that is only just coming up is not there to be killed yet."""
    fake_docker.write_text(fake_docker.read_text().replace(
        "  run*)",
        '  run*"-c while"*) while ! [ -e "$0.killed2" ]; do sleep 0.01; done; exit 137 ;;\n'
        '  kill*) [ -e "$0.killed" ] && touch "$0.killed2"; touch "$0.killed" ;;\n  run*)',
    ).replace('case "$1 $2" in', 'case "$*" in'))  # fmt: skip
    jail = Jail(containers.Container.find())
    ended = jail.run(["/bin/sh", "-c", "while"], limits=Limits(wall_s=0.2))
    assert ended.status == "timeout"
    assert [call[0] for call in calls(fake_docker)].count("kill") == 2


def test_a_container_that_ran_out_of_memory_says_so(fake_docker, monkeypatch):
    monkeypatch.setenv("FAKE_OOM", "true")
    backend = containers.Container.find()
    monkeypatch.setattr(containers, "_addresses", lambda: {"FAKE_OOM": "true"})
    assert Jail(backend).run(["prog"]).status == "memory"


def test_the_image_holds_links_and_folders_and_no_file(fake_docker):
    containers.Container.find()
    with tarfile.open(f"{fake_docker}.tar") as tar:
        kinds = {entry.name: entry.issym() or entry.isdir() for entry in tar}
    assert all(kinds.values())
    assert {"usr", "tmp", "proc"} <= set(kinds)


def test_a_container_program_that_does_not_answer_opens_no_jail(tmp_path, monkeypatch):
    for name in ("docker", "podman"):
        (tmp_path / name).write_text("#!/bin/sh\necho 'no daemon here' >&2; exit 1\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(StaffError, match="no daemon here"):
        open_jail("container")


def test_a_container_is_probed_like_any_jail(fake_docker):
    with pytest.raises(StaffError, match="the probe inside said nothing"):
        open_jail("container")


@pytest.fixture(scope="module")
def real():
    try:
        return open_jail("container")  # probed: each promise was tried
    except StaffError as error:
        pytest.skip(f"no container program that answers: {error}")


HARD = ("fork_bomb", "disk_elsewhere", "page_tables", "kernel_doors", "kills_everyone")


@pytest.mark.slow
def test_a_real_container_withstands_attacks(real):
    attacks = [attack for attack in load() if attack.name in HARD]
    outcomes = try_all(attacks, small_grader(real), SOLVED, STUBS, neighbours=1)
    assert {o.attack.name: o.complaints for o in outcomes if o.complaints} == {}


def test_a_real_container_ends_by_its_own_clock_when_its_grader_is_gone(real, monkeypatch):
    monkeypatch.setattr(bubblewrap, "GRACE_S", 0.5)
    with real.backend.starting(["/bin/sleep", "60"], [], Limits(wall_s=0.5), {}) as launch:
        began = time.monotonic()
        done = subprocess.run(launch.words, env=launch.env, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 137
    assert time.monotonic() - began < 15
