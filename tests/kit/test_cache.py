"""The folder for what can be made or fetched again."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hw5.kit.cache import cache_folder


def test_the_environment_names_it(monkeypatch, tmp_path):
    monkeypatch.setenv("HW5_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path


def test_it_lies_in_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("HW5_CACHE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "hw5"


def test_a_user_without_a_home_gets_a_temporary_one(monkeypatch):
    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("HW5_CACHE", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    assert cache_folder().parent == Path(tempfile.gettempdir())
