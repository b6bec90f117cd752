"""Official pickles that are not what they seem: each is refused in one line that names the spot."""

import numpy as np
import pytest
import torch
from torch import nn

from hw5 import checkpoints
from hw5.kit.checks import InputError
from tests.checkpoints import ada_files


@pytest.fixture
def network() -> nn.Module:
    return ada_files.generator(layers=2)


def refused(tmp_path, content: object, label: int | None = None) -> str:
    """What the door says of a file with this content, which it must refuse."""
    path = content
    if not isinstance(content, type(tmp_path)):
        path = ada_files.dump(tmp_path / "network.pkl", content)
    with pytest.raises(InputError) as caught:
        checkpoints.load(path, label=label)
    said = str(caught.value)
    assert said.startswith(str(path))
    assert "\n" not in said
    return said


def of(network: nn.Module) -> dict:
    return ada_files.snapshot(G_ema=network)


@pytest.mark.parametrize("size", [4, 12, 100, 4096, True, 16.0, None])
def test_a_size_that_is_no_power_of_two_from_8_on_is_refused(tmp_path, network, size):
    network.img_resolution = size
    network._init_kwargs["img_resolution"] = size
    assert "img_resolution" in refused(tmp_path, of(network))


def test_an_argument_that_the_network_did_not_keep_is_refused(tmp_path, network):
    network._init_kwargs["z_dim"] = 512
    assert "z_dim: expected 512" in refused(tmp_path, of(network))


@pytest.mark.parametrize(
    ("path", "name", "value"),
    [
        ("mapping.fc1", "activation", "relu"),
        ("mapping.fc1", "weight_gain", 0.5),
        ("mapping.fc0", "bias_gain", float("nan")),
        ("synthesis.b8.conv0", "activation", "swish"),
        ("synthesis.b8.conv0", "up", 1),
        ("synthesis.b8.conv1", "use_noise", False),
        ("synthesis.b8.conv1", "conv_clamp", 12),
        ("synthesis.b8.conv1", "act_gain", 1),
        ("synthesis.b8", "architecture", "resnet"),
        ("synthesis.b16.torgb", "weight_gain", np.float64(2)),
        ("synthesis.b4.conv1.affine", "weight_gain", 1),
    ],
)
def test_a_layer_that_computes_something_else_is_refused(tmp_path, network, path, name, value):
    setattr(network.get_submodule(path), name, value)
    said = refused(tmp_path, of(network))
    assert f"{name}: expected" in said
    assert "got" in said


def test_a_layer_of_another_class_is_refused(tmp_path, network):
    network.synthesis.b8.conv1.__dict__["_kind"] = "SynthesisLayerV3"
    assert "synthesis.b8.conv1" in refused(tmp_path, of(network))


def test_a_layer_without_its_settings_is_refused(tmp_path, network):
    del network.synthesis.b8.conv1.__dict__["conv_clamp"]
    assert "conv_clamp" in refused(tmp_path, of(network))


def test_a_missing_part_is_refused(tmp_path, network):
    del network.synthesis.b8
    assert "b8" in refused(tmp_path, of(network))


def test_a_missing_tensor_is_refused(tmp_path, network):
    del network.synthesis.b8.conv0.noise_const
    assert "synthesis.b8.conv0.noise_const is missing" in refused(tmp_path, of(network))


def test_a_tensor_too_many_is_refused(tmp_path, network):
    network.synthesis.b8.register_buffer("extra", torch.zeros(1))
    assert "'synthesis.b8.extra' has no place" in refused(tmp_path, of(network))


@pytest.mark.parametrize("taps", [2, 6])
def test_a_filter_of_another_length_is_refused(tmp_path, network, taps):
    network.synthesis.b8.resample_filter = torch.ones(taps, taps) / taps**2
    assert "resample_filter: expected the shape (4, 4)" in refused(tmp_path, of(network))


def test_a_weight_of_another_shape_is_refused(tmp_path, network):
    network.mapping.fc1.weight = nn.Parameter(torch.zeros(5, 8))
    assert "mapping.fc1.weight" in refused(tmp_path, of(network))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused(tmp_path, network, value):
    network.synthesis.b8.conv0.weight.data[1, 2, 0, 0] = value
    assert "synthesis.b8.conv0.weight: expected finite weights" in refused(tmp_path, of(network))


def test_a_network_inside_of_itself_is_refused(tmp_path, network):
    network.synthesis.b4._modules["conv1"] = network.synthesis.b4
    assert "network.pkl" in refused(tmp_path, of(network))


def test_a_network_of_another_kind_is_refused(tmp_path):
    other = ada_files.Persistent("AugmentPipe")
    assert "G_ema is of the class 'AugmentPipe'" in refused(tmp_path, of(other))


def test_stylegan3_is_refused(tmp_path, network):
    del network.synthesis.b4
    network.synthesis.L0_36_512 = ada_files.Persistent("SynthesisLayer", up_factor=2)
    assert "no part 'b4'" in refused(tmp_path, of(network))


@pytest.mark.parametrize("content", [{}, [1], "G_ema", {"G_ema": 3}, {"D": None}, 7, None])
def test_a_file_without_networks_is_refused(tmp_path, content):
    assert "network" in refused(tmp_path, content)


def test_a_file_with_a_discriminator_alone_is_refused(tmp_path):
    content = {"D": ada_files.discriminator()}
    assert "no generator" in refused(tmp_path, content)


def test_a_picture_of_one_channel_is_refused(tmp_path, network):
    network.img_channels = network._init_kwargs["img_channels"] = 1
    assert "RGB" in refused(tmp_path, of(network))


@pytest.mark.parametrize("label", [None, 10, 999])
def test_a_conditional_network_wants_one_of_its_classes(tmp_path, label):
    content = of(ada_files.generator(classes=10, layers=2))
    assert "expected a class, 0 to 9" in refused(tmp_path, content, label)


def test_a_network_without_classes_takes_no_label(tmp_path, network):
    assert "no classes" in refused(tmp_path, of(network), 0)


def test_a_web_page_saved_as_a_pickle_is_refused(tmp_path):
    path = tmp_path / "page.pkl"
    path.write_bytes(b"<!DOCTYPE html><html><head><title>Google Drive - Quota exceeded</title>")
    assert "web page" in refused(tmp_path, path)


@pytest.mark.parametrize("kind", ["missing", "folder", "empty"])
def test_what_is_no_file_is_refused(tmp_path, kind):
    path = tmp_path / "network.pkl"
    if kind == "folder":
        path.mkdir()
    if kind == "empty":
        path.touch()
    refused(tmp_path, path)
