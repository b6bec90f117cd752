"""A jail is opened where it keeps its promises, and nowhere else."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from jails import Loose, also, jail_or_skip, without

from staff.sandbox import Jail, Mount, StaffError, bubblewrap, environment, open_jail, probe


@pytest.fixture(scope="module")
def jail():
    return jail_or_skip()


def test_a_jail_that_passed_its_probe_is_named(jail):
    assert jail.name == "bubblewrap"


FINDINGS = {
    "hidden": False, "network": False, "neighbours": False, "written": [], "home": [],
    "environment": ["HOME", "HW5_REPLY_FD"], "user": 1000, "rights": "", "filtered": True,
    "others": 2, "namespace": False, "forked": 9,
}  # fmt: skip


def test_findings_of_a_good_jail_break_no_promise():
    assert probe.broken(FINDINGS) == []


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("hidden", True, "hidden file"),
        ("network", True, "network"),
        ("neighbours", True, "sockets of other programs"),
        ("written", ["/usr"], "can write in /usr"),
        ("home", ["x"], "home is not empty"),
        ("environment", ["HW5_PROBE_SECRET"], "variables of the grader"),
        ("user", 0, "root"),
        ("rights", "3", "administrator's rights"),
        ("filtered", False, "not filtered"),
        ("others", 99, "other processes"),
        ("namespace", True, "new namespace"),
        ("forked", 12, "12 processes under a limit of 12"),
    ],
)
def test_each_broken_promise_is_named(name, value, says):
    (complaint,) = probe.broken(FINDINGS | {name: value})
    assert says in complaint


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (without("--unshare-net"), "network"),
        (without("--seccomp="), "not filtered"),
        (without("--remount-ro="), "can write in /"),
        (also("--setenv", probe.SECRET, "1"), "variables of the grader"),
        (without("--nproc*"), "processes under"),
        (lambda command: ["0" if w == "1000" else w for w in command], "root"),
    ],
    ids=["network", "filter", "writing", "environment", "processes", "user"],
)
def test_a_jail_with_a_hole_is_not_trusted(jail, change, says):
    loose = Jail(Loose(jail.backend.program, change=change))
    assert says in "; ".join(probe.promises_broken(loose))


def test_a_jail_that_shows_a_hidden_file_is_not_trusted(jail, monkeypatch):
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)
        monkeypatch.setattr(tempfile, "tempdir", folder)
        loose = Jail(jail.backend)
        loose.python += (Mount(Path(folder), folder, writable=True),)
        assert "a hidden file can be seen" in probe.promises_broken(loose)


def test_without_bubblewrap_no_jail_is_opened(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(StaffError, match="apt-get install bubblewrap"):
        open_jail("bubblewrap")


def test_a_bubblewrap_that_may_make_no_namespace_opens_no_jail(monkeypatch, tmp_path):
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2; exit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(StaffError, match="No permissions to create new namespace"):
        open_jail("bubblewrap")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_root_that_cannot_become_an_ordinary_user_opens_no_jail(monkeypatch):
    real = bubblewrap.accounts.shutil.which
    monkeypatch.setattr(
        bubblewrap.accounts.shutil, "which", lambda name: None if name == "setpriv" else real(name)
    )
    with pytest.raises(StaffError, match="setpriv is missing"):
        open_jail("bubblewrap")


def test_plain_needs_the_word_unsafe():
    with pytest.raises(StaffError, match="unsafe"):
        open_jail("plain")
    assert open_jail("plain", unsafe=True).name == "plain (unsafe)"


def test_an_unknown_backend_is_refused():
    with pytest.raises(StaffError, match="expected one of bubblewrap, container"):
        open_jail("chroot", unsafe=True)


def test_a_solved_copy_among_the_packages_is_refused(tmp_path):
    (tmp_path / "hw5").mkdir()
    with pytest.raises(StaffError, match="pip install -e"):
        environment.refuse_solved_copies([tmp_path])
