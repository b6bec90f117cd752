"""Kept features are written whole or not at all; measuring says how far it is."""

from __future__ import annotations

import pytest
import torch

from hw5.train import quality


def test_a_cut_off_write_of_features_leaves_no_file(tmp_path, monkeypatch):
    def cut_off(features, path):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setenv("HW5_CACHE", str(tmp_path))
    monkeypatch.setattr(quality.dataset, "pictures", lambda *_, **__: torch.zeros(0).numpy())
    monkeypatch.setattr(quality, "_embed", lambda *_: torch.zeros(1))
    monkeypatch.setattr(torch, "save", cut_off)
    with pytest.raises(KeyboardInterrupt):
        quality.features_of_split("test", 1)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_measuring_says_every_thousand_samples_how_far_it_is(capsys):
    for done in range(100, 2_600, 100):
        quality.tell(done)
    assert capsys.readouterr().err == "measured 1,000 samples\nmeasured 2,000 samples\n"
