"""What tests of whole recipes share: a few pictures, and a zoo that holds the feature network."""

from __future__ import annotations

import pytest

from hw5 import zoo
from hw5.world import dataset
from tests.train.killed_run import PICTURES, use_zoo


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Rendered pictures, and a data folder, "data", that holds the feature network only."""
    monkeypatch.setenv("HW5_CACHE", str(tmp_path / "cache"))
    dataset.pictures("train", PICTURES, with_segmentation=True)
    features, card = zoo.load("world-features"), zoo.card("world-features")
    config = {"num_outputs": features.num_outputs, "num_classes": features.num_classes}
    use_zoo(tmp_path / "data", monkeypatch)
    zoo.save("world-features", features, kind="world-features", config=config, card=card)
    return tmp_path
