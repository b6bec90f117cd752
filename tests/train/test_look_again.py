"""The second look of the ruler is learnt from what the first one notices, and its card says how."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
import torch

from hw5 import zoo
from hw5.metrics.readings import r_squared
from hw5.metrics.ruler import open_ruler
from hw5.metrics.triplets import render_all
from hw5.models.world_reader import WorldReader
from hw5.train import look_again, recipes
from hw5.train.jobs import Job
from hw5.train.look_again import SecondLookSettings, train_second_look
from hw5.world.dataset import split_factors
from hw5.world.factors import FACTORS
from hw5.world.targets import NUM_TARGETS, is_hue, targets

FEW = SecondLookSettings(pictures=32, looks=2, steps=60, batch=32)
POSE = ("yaw", "pitch", "roll", "zoom", "position_x", "position_y")
LIGHT = ("light_azimuth", "light_height", "light_warmth")
COAT = ("coat_hue", "coat_saturation", "coat_brightness")
ACCESSORIES = ("glasses", "bow_tie", "hat")


@pytest.fixture
def reader():
    torch.manual_seed(0)
    return WorldReader(NUM_TARGETS).eval()


@pytest.mark.slow
def test_some_steps_teach_something_and_a_killed_run_takes_no_look_twice(
    reader, tmp_path, monkeypatch
):
    monkeypatch.setenv("HW5_CACHE", str(tmp_path / "cache"))
    learn = partial(train_second_look, reader, tmp_path, compiled=False)
    _, before = learn(SecondLookSettings(pictures=32, looks=2, steps=1, batch=32))
    monkeypatch.setattr(look_again, "Pictures", None)  # all that it needs is in its folder
    network, after = learn(FEW)
    assert after["missed"] < 0.8 * before["missed"]
    assert after["pictures"] == 64 * 2  # batches of 64 drawn from the 32, twice
    again, same = learn(FEW)
    assert same == after
    torch.testing.assert_close(again.state_dict(), network.state_dict())


@pytest.mark.slow
def test_another_seed_takes_looks_of_its_own(reader, tmp_path, monkeypatch):
    monkeypatch.setenv("HW5_CACHE", str(tmp_path / "cache"))
    for seed in (0, 1):
        settings = replace(FEW, looks=1, steps=1, seed=seed)
        train_second_look(reader, tmp_path / "run", settings, compiled=False)
    one, other = (torch.load(path) for path in sorted((tmp_path / "run").glob("look-*")))
    assert not torch.equal(one[1], other[1])


def test_another_reader_and_other_pictures_are_looked_at_anew(tmp_path, monkeypatch):
    class Asked(Exception):
        """For the looks of a folder."""

    def asked(reader, folder, settings, *, compiled):
        raise Asked(folder)

    monkeypatch.setattr(recipes, "train_second_look", asked)
    folders = set()
    for digest, renderer in (("a" * 64, "c"), ("b" * 64, "c"), ("b" * 64, "d"), ("a" * 64, "c")):
        monkeypatch.setattr(recipes, "digest_of", lambda name, digest=digest: digest)
        monkeypatch.setattr(recipes, "renderer_digest", lambda renderer=renderer: renderer)
        with pytest.raises(Asked) as found:
            recipes.train_reader_again(Job(0.0, "cpu", 0, tmp_path))
        folders |= {found.value.args[0]}
    assert len(folders) == 3
    assert all(folder.parent == tmp_path for folder in folders)


def test_the_card_says_that_pose_light_coat_and_accessories_are_read():
    figures = zoo.card("second-look")["metrics"]
    for name in (*POSE, *LIGHT, *COAT):
        assert figures[f"reads {name}"] >= 0.9, name
    for name in ACCESSORIES:
        assert figures[f"reads {name}"] >= 0.95, name
        assert figures[f"reads {name}, both alike"] >= 0.95, name
    assert figures["mean IoU"] >= 0.85


@pytest.mark.slow
def test_the_shipped_ruler_tells_the_warmth_of_the_light_from_the_colour_of_the_coat():
    cats, ruler = split_factors("test", 200), open_ruler()
    pictures, true = render_all(cats, 64), targets(cats)
    first, second = ruler.reader.read(pictures), ruler.read(pictures)
    place = 0
    for factor in FACTORS:
        columns = slice(place, place + (2 if is_hue(factor) else 1))
        place = columns.stop
        if factor.name in ("light_warmth", "coat_brightness"):
            before, after = (
                r_squared(each[:, columns], true[:, columns]) for each in (first, second)
            )
            assert after > 0.88 and after > before + 0.02, (factor.name, before, after)
