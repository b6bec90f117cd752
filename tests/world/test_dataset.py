"""Rendered sets: made once, kept, and the same however they are made."""

from __future__ import annotations

import shutil
from pathlib import Path

import grimp
import numpy as np
import pytest
import torch

from hw5.kit.checks import InputError
from hw5.world import dataset, render


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache; batches of two, because pictures that nobody asked for cost time."""
    monkeypatch.setattr(dataset, "_BATCH", 2)
    monkeypatch.setenv("HW5_CACHE", str(tmp_path))
    return tmp_path


def test_a_set_holds_the_pictures_of_its_split(cache):
    steps = []
    stored = dataset.pictures("test", 5, size=16, with_segmentation=True, on_step=steps.append)
    assert stored.shape == (5, 4, 16, 16) and stored.dtype == np.uint8
    picture = render(dataset.split_factors("test", 5), 16)
    expected = (picture.image + 1) * 127.5
    assert np.abs(stored[:, :3] - expected.numpy()).max() <= 1.0
    assert (stored[:, 3] == picture.segmentation.numpy()).mean() > 0.999
    assert steps[-1] == 5


def test_a_set_is_rendered_once(cache, monkeypatch):
    first = np.array(dataset.pictures("train", 2, size=16))
    monkeypatch.setattr(dataset, "render", None)  # a second rendering would fail
    again = dataset.pictures("train", 2, size=16)
    assert (first == again).all() and again.shape == (2, 3, 16, 16)
    assert [path.suffix for path in cache.iterdir()] == [".npy"]


def test_a_failed_rendering_leaves_nothing_behind(cache, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("no memory")

    monkeypatch.setattr(dataset, "render", fail)
    with pytest.raises(RuntimeError, match="no memory"):
        dataset.pictures("train", 2, size=16)
    assert list(cache.iterdir()) == []


def test_sets_of_other_splits_sizes_and_distributions_are_kept_apart(cache):
    dataset.pictures("train", 1, size=16)
    dataset.pictures("test", 1, size=16)
    dataset.pictures("train", 1, size=24)
    dataset.pictures("train", 1, size=16, distribution="scenes")
    assert len(list(cache.iterdir())) == 4


def test_the_last_cats_of_a_split_can_be_rendered(cache):
    end = dataset.SPLITS["validation"] - dataset.SPLITS["train"]
    cats = dataset.split_factors("train", 1, first=end - 1)
    assert torch.isfinite(cats.table).all()


def test_an_unknown_split_is_refused(cache):
    with pytest.raises(InputError, match="train"):
        dataset.pictures("training", 1, size=16)


def test_only_what_draws_makes_a_rendered_set_stale(tmp_path, monkeypatch):
    for source in Path(dataset.__file__).parent.glob("*.py"):
        shutil.copy(source, tmp_path)
    monkeypatch.setattr(dataset, "__file__", str(tmp_path / "dataset.py"))
    before = dataset.renderer_digest()
    for name in ("attributes", "captions", "dataset", "targets"):
        (tmp_path / f"{name}.py").write_text("changed")
    assert dataset.renderer_digest() == before
    (tmp_path / "coat.py").write_text("changed")
    assert dataset.renderer_digest() != before


def test_every_file_that_decides_about_a_pixel_is_in_the_digest():
    """All that render.py imports counts, but for what refuses bad input and what names types."""
    needed = grimp.build_graph("hw5").find_upstream_modules("hw5.world.render")
    drawing = {name for name in needed if name.startswith("hw5.world.")}
    assert needed - drawing == {"hw5.kit.checks", "hw5.shapes"}
    assert {"hw5.world.tracer", "hw5.world.cat", "hw5.world.laws"} <= drawing
    names = {name.removeprefix("hw5.world.") + ".py" for name in drawing}
    assert not names & {*dataset._NOT_DRAWING}
    assert names <= {path.name for path in Path(dataset.__file__).parent.glob("*.py")}
