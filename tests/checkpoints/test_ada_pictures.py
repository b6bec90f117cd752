"""Official pickles: their networks against numpy, layer by layer published arithmetic."""

import numpy as np
import pytest
import torch

from hw5 import checkpoints
from hw5.checkpoints.door import read
from hw5.checkpoints.modules import build
from tests.checkpoints import ada_files, ada_numpy
from tests.tolerances import assert_close

SIZES = [4, 8, 16]
BINDING = 0.7  # of features of about 1: most layers have values beyond it


def loaded(tmp_path, network, label=None):
    """The generator that hw5 makes of a pickle of `network`, in double precision."""
    path = ada_files.dump(tmp_path / "network.pkl", ada_files.snapshot(G_ema=network))
    return checkpoints.load(path if label is None else f"{path}#{label}").double()


def codes(count: int, seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 6, 5))


@pytest.mark.parametrize("arch", ["skip", "resnet", "orig"])
@pytest.mark.parametrize("clamp", [None, 256.0, BINDING])
def test_pictures_are_those_of_numpy(tmp_path, arch, clamp):
    network = ada_files.generator(arch, clamp=clamp)
    state, ws = ada_files.arrays(network), codes(2)
    expected = [ada_numpy.generate(w, state, SIZES, arch, clamp) for w in ws]
    got = loaded(tmp_path, network).synthesize(torch.from_numpy(ws))
    assert_close(got, torch.from_numpy(np.stack(expected)), "float64")


@pytest.mark.parametrize("arch", ["skip", "resnet", "orig"])
def test_the_binding_limit_changes_the_picture(arch):
    state = ada_files.arrays(ada_files.generator(arch))
    free = ada_numpy.generate(codes(1)[0], state, SIZES, arch, 256.0)
    bound = ada_numpy.generate(codes(1)[0], state, SIZES, arch, BINDING)
    assert np.abs(free - bound).max() > 0.1


def test_single_precision_is_within_the_promised_1e_4(tmp_path):
    network = ada_files.generator("resnet", clamp=BINDING)
    ws = codes(4)
    expected = [
        ada_numpy.generate(w, ada_files.arrays(network), SIZES, "resnet", BINDING) for w in ws
    ]
    got = loaded(tmp_path, network).float().synthesize(torch.from_numpy(ws).float())
    assert (got - torch.from_numpy(np.stack(expected))).abs().max() < 1e-4


def test_without_noise_pictures_are_those_of_numpy_too(tmp_path):
    network, ws = ada_files.generator("resnet"), codes(1)
    expected = ada_numpy.generate(ws[0], ada_files.arrays(network), SIZES, "resnet", 256.0, False)
    got = loaded(tmp_path, network).synthesize(torch.from_numpy(ws), noise="none")
    assert_close(got[0], torch.from_numpy(expected), "float64")


def test_codes_are_mapped_through_eight_slow_layers(tmp_path):
    network = ada_files.generator()
    z = np.random.default_rng(0).normal(size=(3, 6))
    expected = [ada_numpy.map_code(row, None, ada_files.arrays(network)) for row in z]
    got = loaded(tmp_path, network).map(torch.from_numpy(z))
    assert_close(got[:, 0], torch.from_numpy(np.stack(expected)), "float64")


@pytest.mark.parametrize("label", [0, 3, 9])
def test_codes_of_a_class_are_mapped_with_its_embedding(tmp_path, label):
    network = ada_files.generator(classes=10, layers=2)
    z = np.random.default_rng(0).normal(size=(3, 6))
    expected = [ada_numpy.map_code(row, label, ada_files.arrays(network)) for row in z]
    got = loaded(tmp_path, network, label).map(torch.from_numpy(z))
    assert_close(got[:, 0], torch.from_numpy(np.stack(expected)), "float64")


def test_truncation_pulls_towards_the_stored_average(tmp_path):
    network = ada_files.generator()
    ours, ws = loaded(tmp_path, network), torch.from_numpy(codes(2))
    average = network.mapping.w_avg.double()
    expected = torch.cat([average + 0.3 * (ws[:, :2] - average), ws[:, 2:]], dim=1)
    assert_close(ours.truncate(ws, 0.3, cutoff=2), expected, "float64")


@pytest.mark.parametrize(
    ("arch", "classes"), [("resnet", 0), ("skip", 0), ("orig", 10), ("skip", 3)]
)
@pytest.mark.parametrize("clamp", [None, BINDING])
def test_logits_are_those_of_numpy(tmp_path, arch, classes, clamp):
    network = ada_files.discriminator(arch, classes=classes, clamp=clamp)
    content = ada_files.snapshot(G_ema=ada_files.generator(), D=network)
    found = read(ada_files.dump(tmp_path / "both.pkl", content))
    judge = build(found.networks["D"]).double()
    images = np.random.default_rng(0).normal(size=(4, 3, 16, 16))
    label = 2 if classes else None
    state = ada_files.arrays(network)
    expected = ada_numpy.judge(images, state, SIZES[:0:-1], arch, clamp, label)
    assert_close(
        judge(torch.from_numpy(images), label=label), torch.from_numpy(expected), "float64"
    )


def test_a_label_may_be_embedded_without_layers_as_in_files_from_tensorflow(tmp_path):
    network = ada_files.discriminator("orig", classes=10, layers=0)
    content = ada_files.snapshot(G_ema=ada_files.generator(), D=network)
    judge = build(read(ada_files.dump(tmp_path / "both.pkl", content)).networks["D"]).double()
    images = np.random.default_rng(0).normal(size=(4, 3, 16, 16))
    expected = ada_numpy.judge(images, ada_files.arrays(network), [16, 8], "orig", 256.0, 7)
    assert_close(judge(torch.from_numpy(images), label=7), torch.from_numpy(expected), "float64")


def test_the_spread_over_a_whole_batch_is_that_of_numpy(tmp_path):
    network = ada_files.discriminator(group=None)
    content = ada_files.snapshot(G_ema=ada_files.generator(), D=network)
    judge = build(read(ada_files.dump(tmp_path / "both.pkl", content)).networks["D"]).double()
    images = np.random.default_rng(0).normal(size=(6, 3, 16, 16))
    state = ada_files.arrays(network)
    expected = ada_numpy.judge(images, state, [16, 8], "resnet", 256.0, group=6)
    assert_close(judge(torch.from_numpy(images)), torch.from_numpy(expected), "float64")


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_every_protocol_gives_the_same_weights(tmp_path, protocol):
    network = ada_files.generator()
    path = ada_files.dump(tmp_path / "n.pkl", ada_files.snapshot(G_ema=network), protocol)
    state = checkpoints.load(path).state_dict()
    for name, value in network.state_dict().items():
        assert_close(state[name], value, "exact")


@pytest.mark.parametrize("channels", [(4, 2), (4, 3, 3, 2, 2), (4, 3, 3, 2, 2, 1, 1, 1, 1)])
def test_any_power_of_two_is_a_picture_size(tmp_path, channels):
    ours = loaded(tmp_path, ada_files.generator(channels=channels))
    assert ours.image_size == 4 * 2 ** (len(channels) - 1)
    assert ours.num_layers == 2 * len(channels)


def test_weights_in_channels_last_layout_are_read_in_their_order(tmp_path):
    network = ada_files.generator()
    layer = network.synthesis.b16.conv1
    layer.weight.data = layer.weight.data.contiguous(memory_format=torch.channels_last)
    got = loaded(tmp_path, network).float().synthesis.b16.conv1.weight
    assert_close(got, layer.weight, "exact")


def test_a_file_is_described_by_its_averaged_generator(tmp_path):
    content = ada_files.snapshot(
        G=ada_files.generator(), D=ada_files.discriminator(), G_ema=ada_files.generator(classes=10)
    )
    found = read(ada_files.dump(tmp_path / "n.pkl", content))
    assert set(found.networks) == {"G", "D", "G_ema"}
    assert (found.generator, found.image_size, found.num_classes) == ("G_ema", 16, 10)
    assert "research" in found.licence


def test_an_unknown_discriminator_does_not_stand_in_the_way_of_the_generator(tmp_path):
    judge = ada_files.discriminator()
    judge.b4.fc.activation = "relu"
    content = ada_files.snapshot(G_ema=ada_files.generator(), D=judge)
    found = read(ada_files.dump(tmp_path / "n.pkl", content))
    assert "relu" in found.left_out["D"]
    assert list(found.networks) == ["G_ema"]
