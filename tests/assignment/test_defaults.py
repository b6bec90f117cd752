"""The criterion with the networks that come with the package: every term, with and without mask."""

from __future__ import annotations

import dataclasses
import hashlib

import pytest
import torch

from hw5 import zoo
from hw5.config import LPIPS_BACKBONES, LossWeights
from hw5.defaults import build_criterion, open_features
from hw5.kit import seeding
from hw5.kit.checks import InputError
from hw5.metrics import perceptual
from hw5.metrics.perceptual import lpips_metric
from hw5.models.features import AlexNet, EfficientNetLite0, SqueezeNet, WorldFeatures


@pytest.fixture(scope="module")
def pair():
    rng = seeding.make(0)
    return (torch.rand(2, 3, 64, 64, generator=rng) * 2 - 1 for _ in range(2))


@pytest.fixture(scope="module")
def everything():
    return build_criterion(LossWeights(pixel=1.0, perceptual=1.0, style=1.0, lpips=1.0))


@pytest.fixture
def fetched(tmp_path, monkeypatch):
    """A function that puts a file of random weights into torch's hub cache, and trusts it."""
    for variable in ("TORCH_HOME", "HW5_CACHE", "HW5_WEIGHTS"):
        monkeypatch.setenv(variable, str(tmp_path / variable))

    def fetched(name):
        torch.manual_seed(0)
        entry = zoo.describe(name)
        network = {"alexnet": AlexNet, "squeezenet": SqueezeNet}[name]()
        path = tmp_path / "TORCH_HOME/hub/checkpoints" / entry.filename
        path.parent.mkdir(parents=True)
        torch.save(network.state_dict(), path)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        known = dataclasses.replace(entry, sha256=digest, bytes=path.stat().st_size)
        monkeypatch.setattr(zoo, "describe", lambda *_, **__: known)
        return path

    return fetched


def test_the_lpips_term_is_what_the_bundled_ruler_says(pair, everything):
    output, target = pair
    terms = everything(output, target).terms
    assert set(terms) == {"pixel", "perceptual", "style", "lpips"}
    torch.testing.assert_close(terms["lpips"], lpips_metric()(output, target))
    half = torch.zeros(1, 1, 64, 64)
    half[..., :32] = 1.0
    output.requires_grad_()
    masked = everything(output, target, half)
    assert masked.total.shape == (2,)
    masked.total.sum().backward()
    assert output.grad.isfinite().all()
    assert output.grad[..., :32].abs().sum() > 0


def test_the_perceptual_loss_looks_through_world_features_by_default():
    assert isinstance(build_criterion(LossWeights()).perceptual.features, WorldFeatures)


def test_layers_of_the_students_report_name_those_of_the_default_network():
    weights = {"layers": ("conv_1_1", "conv_3_1"), "layer_weights": (0.25, 0.75)}
    criterion = build_criterion(LossWeights(**weights))
    assert criterion.perceptual.weights == {"conv1_1": 0.25, "conv3_1": 0.75}
    own = build_criterion(LossWeights(layers=("conv3_1", "conv1_1")))
    assert own.perceptual.weights == {"conv1_1": 0.5, "conv3_1": 0.5}


@pytest.mark.parametrize("layers", [("conv_1_1", "conv1_1"), ("conv_5_4",), ("conv_1_1", "x")])
def test_a_layer_in_two_spellings_or_in_none_is_refused(layers):
    with pytest.raises(InputError, match="layers: expected"):
        build_criterion(LossWeights(layers=layers))


def test_another_feature_network_is_asked_for_by_its_name():
    criterion = build_criterion(LossWeights(features="efficientnet-lite0"))
    assert isinstance(criterion.perceptual.features, EfficientNetLite0)


@pytest.mark.parametrize("name", ["vgg19", "vgg16", "alexnet", "squeezenet"])
def test_a_feature_network_that_is_not_here_says_what_to_fetch(tmp_path, monkeypatch, name):
    for variable in ("TORCH_HOME", "HW5_CACHE", "HW5_WEIGHTS"):
        monkeypatch.setenv(variable, str(tmp_path))
    with pytest.raises(InputError, match=rf"python -m hw5 fetch {name} .*; world-features does"):
        build_criterion(LossWeights(features=name))


@pytest.mark.parametrize("name", ["dcgan", "ffhq-1024", "no_such"])
def test_a_network_without_features_is_refused_with_those_that_have_some(name):
    with pytest.raises(InputError, match=rf"features: .*alexnet.*{name}") as caught:
        open_features(name)
    assert "fetch" not in str(caught.value)


def test_a_file_of_a_network_without_features_is_refused():
    with pytest.raises(InputError, match="a feature network"):
        open_features(str(zoo.DATA / zoo.describe("dcgan").file))


@pytest.mark.parametrize(("name", "layers"), [("alexnet", "relu2"), ("squeezenet", "fire4")])
def test_a_fetched_network_is_behind_the_perceptual_and_style_losses(fetched, name, layers, rng):
    fetched(name)
    weights = LossWeights(pixel=0.0, perceptual=1.0, style=1.0, features=name, layers=(layers,))
    criterion = build_criterion(weights)
    images = (torch.rand(2, 3, 64, 64, generator=rng) * 2 - 1).requires_grad_()
    terms = criterion(images, images.detach().flip(0), None).terms
    assert set(terms) == {"perceptual", "style"} and all((t > 0).all() for t in terms.values())
    sum(terms.values()).sum().backward()
    assert images.grad.abs().amax(dim=(1, 2, 3)).min() > 0


def test_a_file_with_the_right_name_alone_is_passed_over(fetched):
    path = fetched("squeezenet")
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(InputError, match=rf"{path.name} is passed over: its SHA-256.*world-feat"):
        open_features("squeezenet")


def test_a_loss_of_pixels_alone_opens_no_network():
    build_criterion(LossWeights(perceptual=0.0, features="no such network"))


@pytest.mark.parametrize("backbone", LPIPS_BACKBONES)
def test_lpips_as_a_loss_has_the_network_that_was_asked_for(backbone, monkeypatch):
    asked = []
    monkeypatch.setattr(
        perceptual, "lpips_metric", lambda name: asked.append(name) or torch.nn.Identity()
    )
    build_criterion(LossWeights(perceptual=0.0, lpips=1.0, lpips_backbone=backbone))
    assert asked == [backbone]


def test_the_choices_of_lpips_are_those_of_the_ruler():
    assert set(LPIPS_BACKBONES) == {"auto", perceptual.OFFLINE, *perceptual.BACKBONES}


def test_a_network_behind_lpips_that_is_not_here_says_what_to_fetch(tmp_path, monkeypatch):
    for name in ("HW5_WEIGHTS", "HW5_CACHE", "TORCH_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    with pytest.raises(InputError, match="fetch vgg16"):
        build_criterion(LossWeights(perceptual=0.0, lpips=1.0, lpips_backbone="vgg"))
