"""Torchvision's files, made here in the published format, come through the zoo's door."""

from __future__ import annotations

import dataclasses
import hashlib

import pytest
import torch
import torchvision

from hw5 import latents, zoo
from hw5.kit.checks import InputError
from hw5.models.generator import Generator
from hw5.models.imagenet import normalize
from hw5.zoo import manifest, published
from tests.checkpoints import ada_files


@pytest.fixture
def official():
    """SqueezeNet with random weights, as torchvision builds it."""
    torch.manual_seed(0)
    return torchvision.models.squeezenet1_1(weights=None).eval()


@pytest.fixture
def bring(tmp_path, own):
    """A function that puts a state dict where the zoo finds it as squeezenet."""
    entry = zoo.describe("squeezenet")

    def bring(state, legacy=False):
        path = own / entry.filename
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(state, path, _use_new_zipfile_serialization=not legacy)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        known = dataclasses.replace(entry, sha256=digest, bytes=path.stat().st_size)
        manifest.register(known, tmp_path / "data")
        return tmp_path / "data"

    return bring


@pytest.mark.parametrize("legacy", [False, True])
def test_a_classifiers_trunk_computes_what_torchvisions_does(official, bring, legacy, rng):
    data = bring(official.state_dict(), legacy)
    images = torch.rand(2, 3, 64, 64, generator=rng) * 2 - 1
    loaded = zoo.load("squeezenet", data=data)
    expected = official.features(normalize(images))
    torch.testing.assert_close(loaded(images, ["fire9"])["fire9"], expected)
    assert not any(p.requires_grad for p in loaded.parameters()) and not loaded.training


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_named(official, bring, bad):
    state = official.state_dict()
    state["features.0.weight"][0] = bad
    with pytest.raises(InputError, match=r"features\.0\.weight.*finite"):
        zoo.load("squeezenet", data=bring(state))


@pytest.mark.parametrize("state", [{}, {"features.0.weight": torch.zeros(1)}, [1, 2], "text"])
def test_a_file_that_holds_another_network_is_refused(bring, state):
    with pytest.raises(InputError, match="not torchvision's SqueezeNet"):
        zoo.load("squeezenet", data=bring(state))


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("code of the file was run",))


def test_no_code_of_a_file_is_run(bring):
    with pytest.raises(InputError, match="not torchvision's"):
        zoo.load("squeezenet", data=bring({"features.0.weight": Bomb()}))


def test_what_is_used_meanwhile_can_be_said_for_the_use_that_is_meant(tmp_path, own):
    manifest.register(zoo.describe("alexnet"), tmp_path / "data")
    with pytest.raises(InputError, match=r"fetch alexnet \(244 MB\); lpips-heads does its work"):
        zoo.load("alexnet", data=tmp_path / "data")
    with pytest.raises(InputError, match=r"fetch alexnet \(244 MB\); something does its work"):
        zoo.load("alexnet", data=tmp_path / "data", instead="something")


def test_a_vgg19_whose_weights_are_no_numbers_is_refused(tmp_path, monkeypatch, own):
    network = torch.nn.Conv2d(1, 1, 1)
    network.weight.data.fill_(torch.nan)
    monkeypatch.setitem(published.READERS, "vgg19", lambda path: network)
    own.mkdir(parents=True)
    (own / "vgg.pth").write_bytes(b"\x80\x02")
    entry = manifest.Entry("vgg19", "vgg19", "", "", "", filename="vgg.pth", url="https://x")
    manifest.register(entry, tmp_path / "data")
    with pytest.raises(InputError, match=r"vgg\.pth: weight.*finite"):
        zoo.load("vgg19", data=tmp_path / "data")


def test_an_entry_survives_being_written_and_read(tmp_path):
    for name in zoo.names():
        manifest.register(zoo.describe(name), tmp_path)
    assert manifest.entries(tmp_path) == manifest.entries()


@pytest.fixture
def place(tmp_path, own):
    """A function that puts a pickle where the zoo finds it under the name of a published one."""

    def place(name, content):
        entry = zoo.describe(name)
        own.mkdir(parents=True, exist_ok=True)
        ada_files.dump(own / entry.filename, content)
        manifest.register(dataclasses.replace(entry, sha256="", bytes=0), tmp_path / "data")
        return tmp_path / "data"

    return place


@pytest.fixture
def conditional(place):
    network = ada_files.generator(classes=10, channels=(4, 4, 4, 4), layers=2)
    return place("cifar10-conditional", ada_files.snapshot(G_ema=network))


def test_an_official_generator_comes_through_the_zoos_door(place):
    network = ada_files.generator(channels=(4, 4, 4, 4), layers=2)
    loaded = zoo.load("ffhq-1024", data=place("ffhq-1024", ada_files.snapshot(G_ema=network)))
    assert isinstance(loaded, Generator) and loaded.image_size == 32
    assert not loaded.training and not any(p.requires_grad for p in loaded.parameters())


def test_the_class_of_a_conditional_generator_stands_behind_its_name(conditional, rng):
    cat, dog = (zoo.load(f"cifar10-conditional#{i}", data=conditional) for i in (3, 5))
    z = latents.sample_noise(cat, "z", 1, rng=rng)
    assert not torch.equal(latents.render(cat, z, "z"), latents.render(dog, z, "z"))


def test_a_conditional_generator_without_its_class_is_refused(conditional):
    with pytest.raises(InputError, match="a class, 0 to 9"):
        zoo.load("cifar10-conditional", data=conditional)


@pytest.mark.parametrize("name", ["dcgan#1", "efficientnet-lite0#1", "squeezenet#1"])
def test_a_class_of_a_network_without_classes_is_refused(name):
    with pytest.raises(InputError, match="expected no label, got 1"):
        zoo.load(name)


def test_the_digest_of_a_generator_is_recorded_when_it_is_first_read(conditional, own):
    zoo.load("cifar10-conditional#3", data=conditional)
    path = own / zoo.describe("cifar10-conditional").filename
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(InputError, match=r"SHA-256.*recorded on"):
        zoo.load("cifar10-conditional#3", data=conditional)


def test_what_could_not_be_read_is_not_recorded(place, own):
    with pytest.raises(InputError):
        zoo.load("afhq-cat-512", data=place("afhq-cat-512", {"G_ema": 3}))
    assert not (own / "recorded.json").exists()


@pytest.mark.parametrize("name", ["clip-vit-b-32", "stable-diffusion-v1-5"])
def test_what_nothing_reads_yet_is_said_to_be_only_listed(name):
    with pytest.raises(InputError, match="only listed"):
        zoo.load(name)
