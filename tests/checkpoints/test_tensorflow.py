"""Pickles of TensorFlow's StyleGAN2: its names, layouts and conventions, against numpy.

The file is made from a network in ADA's names by undoing, one by one, what distinguishes the two:
kernels (k, k, I, O), turned where they double, style biases without their 1, arrays in parts.
"""

import sys
import types

import numpy as np
import pytest
import torch

from hw5 import checkpoints
from hw5.kit.checks import InputError
from tests.checkpoints import ada_files, ada_numpy
from tests.tolerances import assert_close

SIZES = [4, 8, 16]
LAYERS = {"conv0": "Conv0_up", "conv1": "Conv1", "torgb": "ToRGB"}


class Network:
    """What TensorFlow's networks leave in a pickle."""

    def __init__(self, arrays: dict, arguments: dict, parts: dict) -> None:
        self.__dict__.update(
            version=4, name="G", static_kwargs=ada_files.EasyDict(arguments),
            components=ada_files.EasyDict(parts), build_func_name="G_main",
            build_module_src=ada_files.SOURCE, variables=list(arrays.items()),
        )  # fmt: skip


def kernels(x: np.ndarray, turned: bool = False) -> np.ndarray:
    x = x.transpose(2, 3, 1, 0)
    return np.ascontiguousarray(x[::-1, ::-1] if turned else x)


def synthesis_arrays(state: dict) -> dict:
    arrays = {"lod": np.float32(0)}  # kept by TensorFlow, used in training alone
    for i, name in enumerate(n for n in state if n.endswith("noise_const")):
        arrays[f"noise{i}"] = state[name][None, None]
    for size in SIZES:
        block = f"synthesis.b{size}"
        for ours, theirs in LAYERS.items():
            layer, there = f"{block}.{ours}", f"{size}x{size}/{theirs if size > 4 else theirs[:4]}"
            if ours == "torgb":
                there = f"{size}x{size}/ToRGB"
            if f"{layer}.weight" not in state:
                continue
            arrays[f"{there}/weight"] = kernels(state[f"{layer}.weight"], ours == "conv0")
            arrays[f"{there}/bias"] = state[f"{layer}.bias"]
            arrays[f"{there}/mod_weight"] = np.ascontiguousarray(state[f"{layer}.affine.weight"].T)
            arrays[f"{there}/mod_bias"] = state[f"{layer}.affine.bias"] - 1
            if ours != "torgb":
                arrays[f"{there}/noise_strength"] = state[f"{layer}.noise_strength"]
        if f"{block}.skip.weight" in state:
            arrays[f"{size}x{size}/Skip/weight"] = kernels(state[f"{block}.skip.weight"], True)
    arrays["4x4/Const/const"] = state["synthesis.b4.const"][None]
    return arrays


def tensorflow_network(network: torch.nn.Module, **arguments: object) -> Network:
    state = {name: value.numpy() for name, value in network.state_dict().items()}
    mapping = {}
    for i in range(network.mapping.num_layers):
        mapping[f"Dense{i}/weight"] = np.ascontiguousarray(state[f"mapping.fc{i}.weight"].T)
        mapping[f"Dense{i}/bias"] = state[f"mapping.fc{i}.bias"]
    parts = {
        "mapping": Network(mapping, {}, {}),
        "synthesis": Network(synthesis_arrays(state), {}, {}),
    }
    basis = {"resolution": 16, "num_channels": 3, "label_size": 0, "fmap_base": 16384}
    return Network({"dlatent_avg": state["mapping.w_avg"]}, {**basis, **arguments}, parts)


@pytest.fixture
def dump(tmp_path, monkeypatch):
    """Write (G, D, Gs) as TensorFlow's pickles do; the path."""
    for name in ("dnnlib.tflib", "dnnlib.tflib.network"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setattr(Network, "__module__", "dnnlib.tflib.network")
    sys.modules["dnnlib.tflib.network"].Network = Network

    def dump(network: object):
        judge = Network({}, {}, {})
        return ada_files.dump(tmp_path / "tf.pkl", (network, judge, network))

    return dump


@pytest.mark.parametrize("arch", ["skip", "resnet", "orig"])
@pytest.mark.parametrize("clamp", [None, 0.7])
def test_pictures_are_those_of_numpy(dump, arch, clamp):
    network = ada_files.generator(arch, clamp=clamp)
    path = dump(tensorflow_network(network, architecture=arch, conv_clamp=clamp))
    ws = np.random.default_rng(0).normal(size=(2, 6, 5))
    state = ada_files.arrays(network)
    expected = np.stack([ada_numpy.generate(w, state, SIZES, arch, clamp) for w in ws])
    got = checkpoints.load(path).synthesize(torch.from_numpy(ws).float())
    assert (got - torch.from_numpy(expected)).abs().max() < 1e-4


def test_every_weight_has_its_place_in_the_right_layout(dump):
    network = ada_files.generator("resnet")
    state = checkpoints.load(dump(tensorflow_network(network, architecture="resnet"))).state_dict()
    for name, value in network.state_dict().items():
        assert_close(state[name], value, "float32")  # a style bias lost and regained its 1


def test_a_discriminator_is_left_out_and_said(dump):
    found = checkpoints.read(dump(tensorflow_network(ada_files.generator())))
    assert list(found.networks) == ["G", "G_ema"]
    assert "TensorFlow" in found.left_out["D"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("resolution", 12), ("label_size", 10), ("nonlinearity", "relu"), ("use_noise", False),
     ("architecture", "other"), ("resample_kernel", [1, 2, 1]), ("surprise", 1),
     ("mapping_lrmul", "much"), ("conv_clamp", -1)],
)  # fmt: skip
def test_an_argument_that_changes_the_arithmetic_is_refused(dump, name, value):
    path = dump(tensorflow_network(ada_files.generator(), **{name: value}))
    with pytest.raises(InputError, match=name):
        checkpoints.load(path)


@pytest.mark.parametrize("name", ["16x16/Conv1/weight", "noise4", "4x4/Const/const"])
def test_a_missing_array_is_refused_by_its_name(dump, name):
    network = tensorflow_network(ada_files.generator())
    part = network.components["synthesis"]
    part.variables = [pair for pair in part.variables if pair[0] != name]
    with pytest.raises(InputError, match=name):
        checkpoints.load(dump(network))


def test_an_array_too_many_is_refused_by_its_name(dump):
    network = tensorflow_network(ada_files.generator())
    network.components["synthesis"].variables.append(("8x8/Extra/weight", np.zeros(3, np.float32)))
    with pytest.raises(InputError, match="8x8/Extra/weight"):
        checkpoints.load(dump(network))


def test_an_array_of_another_shape_is_refused(dump):
    network = tensorflow_network(ada_files.generator())
    part = network.components["synthesis"]
    part.variables = [
        (n, v.reshape(-1) if n == "8x8/Conv1/weight" else v) for n, v in part.variables
    ]
    with pytest.raises(InputError, match="8x8/Conv1/weight"):
        checkpoints.load(dump(network))
