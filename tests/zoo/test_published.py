"""Torchvision's files, made here in the published format, come through the zoo's door."""

from __future__ import annotations

import dataclasses
import hashlib

import pytest
import torch
import torchvision

from hw5 import zoo
from hw5.kit.checks import InputError
from hw5.zoo import manifest, published


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
def test_a_classifier_computes_what_torchvisions_does(official, bring, legacy, rng):
    data = bring(official.state_dict(), legacy)
    images = torch.randn(2, 3, 64, 64, generator=rng)
    loaded = zoo.load("squeezenet", data=data)
    torch.testing.assert_close(loaded(images), official(images))
    assert not any(p.requires_grad for p in loaded.parameters()) and not loaded.training


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_named(official, bring, bad):
    state = official.state_dict()
    state["features.0.weight"][0] = bad
    with pytest.raises(InputError, match=r"features\.0\.weight.*finite"):
        zoo.load("squeezenet", data=bring(state))


@pytest.mark.parametrize("state", [{}, {"features.0.weight": torch.zeros(1)}, [1, 2], "text"])
def test_a_file_that_holds_another_network_is_refused(bring, state):
    with pytest.raises(InputError, match="not torchvision's squeezenet1_1"):
        zoo.load("squeezenet", data=bring(state))


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("code of the file was run",))


def test_no_code_of_a_file_is_run(bring):
    with pytest.raises(InputError, match="not torchvision's"):
        zoo.load("squeezenet", data=bring({"features.0.weight": Bomb()}))


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
