"""Larger pictures are learnt from a super-resolver, which learns from the world's own."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch.nn import functional as F

from hw5 import zoo
from hw5.metrics.pixels import psnr
from hw5.models.stylegan2 import StyleGAN2
from hw5.train import distil as distilling
from hw5.train import enlarger as enlarging
from hw5.train import loop
from hw5.train.batches import Pictures
from hw5.train.distil import DistilSettings, distil
from hw5.train.enlarger import Enlarger, EnlargerSettings, train_enlarger
from hw5.train.grow import enlarge
from hw5.world import dataset
from tests.train.clock import Clock

SECOND = 1 / 3600  # of the clock that counts looks: a few steps
SMALL = {"image_size": 32, "num_mapping_layers": 1, "channels": {"4": 8, "8": 8, "16": 8, "32": 6}}
LARGE = {**SMALL, "image_size": 64, "channels": {**SMALL["channels"], "64": 6}}


@pytest.fixture(autouse=True)
def plain_numbers(monkeypatch):
    for module in (distilling, enlarging):
        monkeypatch.setattr(module, "precision", lambda device: torch.float32)


@pytest.fixture(scope="module")
def features():
    return zoo.load("world-features")


@pytest.fixture
def cats(tmp_path, monkeypatch):
    monkeypatch.setenv("HW5_CACHE", str(tmp_path / "cache"))
    return Pictures("train", 24, device=torch.device("cpu"), compiled=False)


@pytest.fixture
def small():
    torch.manual_seed(0)
    return StyleGAN2(**SMALL).eval().requires_grad_(False)


def test_a_fresh_enlarger_is_bilinear(rng):
    images = torch.rand(2, 3, 16, 12, generator=rng)
    expected = F.interpolate(images, scale_factor=2.0, mode="bilinear")
    torch.testing.assert_close(Enlarger()(images), expected)


@pytest.mark.slow
def test_a_trained_enlarger_comes_closer_to_unseen_pictures(cats, features, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "time", Clock())
    settings = EnlargerSettings(hours=10 * SECOND, batch=4, half_life=100)
    torch.manual_seed(0)
    network, figures = train_enlarger(features, cats, tmp_path / "run", settings)
    stored = torch.from_numpy(dataset.pictures("test", 6).copy())
    large = stored[:, :3].float() / 127.5 - 1
    half = F.avg_pool2d(large, 2)
    plain = F.interpolate(half, scale_factor=2.0, mode="bilinear")
    assert figures["pictures"] >= 200
    assert (psnr(network(half), large) > psnr(plain, large) + 0.1).all()


def test_a_killed_enlargers_run_goes_on_to_the_same_weights(cats, features, tmp_path, monkeypatch):
    class Killed(Exception):
        """After a checkpoint."""

    def run(folder):
        monkeypatch.setattr(loop, "time", Clock())
        torch.manual_seed(0)
        settings = EnlargerSettings(hours=4 * SECOND, batch=2)
        return train_enlarger(features, cats, folder, settings)

    _, figures = run(tmp_path / "whole")
    save = loop.Run.save

    def save_and_die(self, parts, seen):
        save(self, parts, seen)
        raise Killed

    monkeypatch.setattr(loop.Run, "due", lambda self: True)
    monkeypatch.setattr(loop.Run, "save", save_and_die)
    with pytest.raises(Killed):
        run(tmp_path / "killed")
    monkeypatch.undo()
    _, later = run(tmp_path / "killed")
    assert figures["pictures"] > 2
    assert later["pictures"] >= figures["pictures"] - 4  # a look at the clock more or less


def test_the_new_block_learns_alone_then_all_but_the_mapping(
    small, features, tmp_path, monkeypatch
):
    large = enlarge(small, LARGE)
    lesson = distilling._Lesson(
        large, small, Enlarger(), features, DistilSettings(batch=2), compiled=False
    )
    moved = partial(names_moved, large)
    for progress, expected in ((0.1, {"b64"}), (0.5, {"b4", "b8", "b16", "b32", "b64"})):
        before = {name: weight.clone() for name, weight in large.state_dict().items()}
        lesson.step(progress, torch.Generator().manual_seed(1))
        assert {name.split(".")[1] for name in moved(before)} == expected
        assert all(name.startswith("synthesis.") for name in moved(before))


def test_the_optimiser_knows_the_weights_in_the_networks_order(small, features):
    large = enlarge(small, LARGE)
    lesson = distilling._Lesson(
        large, small, Enlarger(), features, DistilSettings(batch=2), compiled=False
    )
    places = {id(weight): place for place, weight in enumerate(large.synthesis.parameters())}
    groups = lesson.optimiser.param_groups
    found = [[places[id(weight)] for weight in group["params"]] for group in groups]
    assert all(group == sorted(group) for group in found)
    assert sorted(found[0] + found[1]) == list(range(len(places)))


def names_moved(network, before):
    return {n for n, weight in network.state_dict().items() if not torch.equal(weight, before[n])}


@pytest.mark.slow
def test_the_student_comes_to_draw_what_the_enlarger_makes_of_the_small_picture(
    small, features, tmp_path, monkeypatch, rng
):
    monkeypatch.setattr(loop, "time", Clock())
    enlarger = Enlarger()
    torch.nn.init.constant_(enlarger.tail.bias, 0.3)  # it wants something of its own
    large = enlarge(small, LARGE)
    z = torch.randn(8, small.z_dim, generator=rng)
    wanted = enlarger(small(z, noise="none").clamp(-1, 1)).clamp(-1, 1)

    def distance(network):
        return (network(z, noise="none") - wanted).abs().mean().item()

    before = distance(large)
    settings = DistilSettings(hours=10 * SECOND, batch=4, half_life=40, alone=0.5)
    average, figures = distil(large, small, enlarger, features, tmp_path, settings)
    assert figures["pictures"] >= 80
    assert distance(average) < 0.7 * before
    assert torch.equal(average.mapping.fc0.weight, small.mapping.fc0.weight)
