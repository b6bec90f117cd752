"""Containers, by a program that notes what it is asked; by a real one where there is one."""

from __future__ import annotations

import os
import tarfile
import tempfile
from pathlib import Path

import pytest

from staff.sandbox import Jail, Limits, Mount, StaffError, open_jail
from staff.sandbox import container as containers

FAKE = """#!/bin/sh
printf '%s\\0' "$@" >> "$0.log"; printf '\\n' >> "$0.log"
case "$1 $2" in
  "image inspect") exit ${FAKE_IMAGE:-1} ;;
  "import -") cat > "$0.tar" ;;
  inspect*) echo "${FAKE_OOM:-false}" ;;
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


def test_a_container_has_neither_network_nor_rights_nor_room(fake_docker, shown):
    limits = Limits(memory_mb=300, processes=7, files_mb=9, file_count=50, open_files=33, cpu_s=4)
    jail = Jail(containers.Container.find())
    ended = jail.run(["prog", "a b"], mounts=[Mount(shown, "/given")], limits=limits)
    (run,) = [call for call in calls(fake_docker) if call[0] == "run"]
    text = " ".join(run)
    for words in (
        "--network none", "--read-only", "--cap-drop ALL", "no-new-privileges", "--pids-limit 7",
        "--memory 309m --memory-swap 309m", "--pull never", "nofile=33", "cpu=5",
        "size=9m,nr_inodes=50", f"type=bind,source={shown},target=/given,readonly",
        "--env HW5_REPLY_FD=3",
    ):  # fmt: skip
        assert words in text
    user = run[run.index("--user") + 1]
    assert not user.startswith("0")
    assert run[-2:] == ["prog", "a b"]
    assert (ended.reply, ended.stderr) == (b"reply\n", b"printed\n")


def test_a_container_is_removed_after_its_run(fake_docker):
    Jail(containers.Container.find()).run(["prog"])
    named = next(call for call in calls(fake_docker) if call[0] == "run")
    name = named[named.index("--name") + 1]
    assert calls(fake_docker)[-1] == ["rm", "--force", name]


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


def test_a_real_container_keeps_its_promises():
    try:
        jail = open_jail("container")
    except StaffError as error:
        pytest.skip(f"no container program that answers: {error}")
    assert jail.name == "container"
