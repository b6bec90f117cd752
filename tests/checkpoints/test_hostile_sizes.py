"""Small files that ask for endless time or memory, and damaged ones: refused in one line."""

from __future__ import annotations

import io
import itertools
import json
import random
import tracemalloc
import zipfile

import numpy as np
import pytest
import torch

from hw5 import checkpoints
from hw5.checkpoints import container, modules
from hw5.kit.checks import InputError
from tests.checkpoints import ada_files
from tests.checkpoints.test_rosinality import state  # noqa: F401 - a fixture
from tests.checkpoints.test_starter import DCGenerator
from tests.checkpoints.test_tensorflow import dump, tensorflow_network  # noqa: F401 - a fixture

MEGABYTE = 1 << 20
FUZZED = 40  # damaged files of each format


def refused(path) -> str:
    with pytest.raises(InputError) as caught:
        checkpoints.load(path)
    assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value)
    return str(caught.value)


def doubled(times: int) -> list:
    """A list of 2 ** times elements that takes no room: it holds itself over and over."""
    found: list = []
    for _ in range(times):
        found = [found, found]
    return found


def test_lists_that_hold_themselves_over_and_over_are_not_compared(tmp_path):
    network = ada_files.generator(layers=2)
    network.img_channels, network._init_kwargs["img_channels"] = 3, 3
    network.w_dim, network._init_kwargs["w_dim"] = doubled(200), doubled(200)
    assert "w_dim: expected a whole number" in refused(write(tmp_path, network))
    network.w_dim = 5  # an argument alone
    assert "w_dim: expected a list" in refused(write(tmp_path, network))


def write(tmp_path, network, **others):
    return ada_files.dump(tmp_path / "g.pkl", ada_files.snapshot(G_ema=network, **others))


def test_a_network_of_ever_so_many_tensors_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(modules, "MAX_TENSORS", 100)
    network = ada_files.generator(layers=2)
    for module in network.synthesis.b8.children():
        module._buffers.update({f"x{i}": network.mapping.w_avg for i in range(90)})
    assert "more than 100 tensors" in refused(write(tmp_path, network))


def test_the_same_dictionary_of_modules_again_and_again_takes_no_memory(tmp_path):
    network, leaf = ada_files.generator(layers=2), ada_files.Persistent("X")
    shared = {str(i): leaf for i in range(400)}
    for i in range(400):
        network._modules[f"m{i}"] = each = ada_files.Persistent("X")
        each._modules = shared
    path = write(tmp_path, network)
    tracemalloc.start()
    assert "more than 2000 modules" in refused(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 15 * MEGABYTE


def test_tensors_that_share_what_is_stored_do_not_fill_the_memory(tmp_path, state):  # noqa: F811
    bulk = torch.zeros(500 * 500 * 9)
    for name in ("convs.0", "convs.1", "convs.2", "convs.3"):
        state[f"{name}.conv.weight"] = bulk.view(1, 500, 500, 3, 3)
    torch.save({"g_ema": state}, tmp_path / "g.pt")
    assert "elements in a file that stores" in refused(tmp_path / "g.pt")


def test_weights_that_are_whole_numbers_are_refused(tmp_path, state):  # noqa: F811
    state["convs.0.conv.weight"] = state["convs.0.conv.weight"].to(torch.uint8)
    torch.save({"g_ema": state}, tmp_path / "g.pt")
    assert "convs.0.conv.weight: expected weights, got torch.uint8" in refused(tmp_path / "g.pt")


@pytest.mark.filterwarnings("ignore:TypedStorage is deprecated")
def test_the_same_stored_bytes_make_one_storage():
    stream = io.BytesIO()
    torch.save(torch.zeros(9).storage(), stream, _use_new_zipfile_serialization=False)
    answer = container._inner_streams(itertools.count())
    content = stream.getvalue()
    assert answer("", content) is answer("", content)
    assert answer("", bytes(bytearray(content))) is not answer("", content)


def test_arrays_that_share_their_contents_do_not_fill_the_memory(dump):  # noqa: F811
    network = tensorflow_network(ada_files.generator())
    bulk = np.zeros(2 * MEGABYTE, np.float32)
    network.components["synthesis"].variables += [(f"x{i}", bulk) for i in range(20)]
    assert "bytes in a file that stores" in refused(dump(network))


def test_parts_of_parts_of_parts_are_counted(dump):  # noqa: F811
    network = tensorflow_network(ada_files.generator())
    part = type(network)({}, {}, {})
    for _ in range(2):
        part = type(network)({}, {}, {str(i): part for i in range(100)})
    network.components["more"] = part
    assert "more than" in refused(dump(network))


@pytest.mark.parametrize("name", ["mapping/Dense0/weight", "mapping/Dense0/bias", "dlatent_avg"])
def test_an_array_that_is_one_number_is_refused_by_its_name(dump, name):  # noqa: F811
    network = tensorflow_network(ada_files.generator())
    folder, _, rest = name.partition("/")
    part = network.components[folder] if rest else network
    part.variables = [(n, np.float32(1) if n in (rest, name) else v) for n, v in part.variables]
    assert name in refused(dump(network))


@pytest.mark.parametrize("shape", [(0,), (0, 5), (3, 0), (7,)])
def test_an_average_code_of_another_shape_is_refused(tmp_path, state, shape):  # noqa: F811
    torch.save({"g_ema": state, "latent_avg": torch.zeros(shape)}, tmp_path / "g.pt")
    refused(tmp_path / "g.pt")


def test_members_of_an_archive_may_not_overlap(tmp_path, state):  # noqa: F811
    path = tmp_path / "g.pt"
    torch.save({"g_ema": state}, path)
    with zipfile.ZipFile(path, "a") as archive:
        big = max(archive.infolist(), key=lambda info: info.file_size)
        for i in range(2000):
            copy = zipfile.ZipInfo(f"archive/data/9{i}")
            copy.header_offset, copy.file_size = big.header_offset, big.file_size
            copy.compress_size, copy.CRC = big.compress_size, big.CRC
            archive.filelist.append(copy)
        archive._didModify = True
    assert "overlap" in refused(path)


def test_an_unusable_averaged_generator_is_not_silently_replaced(tmp_path):
    good, bad = ada_files.generator(layers=2), ada_files.generator(layers=2, seed=1)
    bad.synthesis.b8.conv0.__dict__["activation"] = "swish"
    path = write(tmp_path, bad, G=good)
    assert "G_ema cannot be used" in refused(path)
    with pytest.raises(InputError, match="G_ema cannot be used"):
        checkpoints.convert(path, tmp_path / "g.safetensors")
    assert checkpoints.convert(path, tmp_path / "g.safetensors", network="G").exists()
    card = json.loads((tmp_path / "g.json").read_text())
    assert card["what"].startswith("G of g.pkl") and "16 px" in card["what"]


def test_a_conversion_whose_card_cannot_be_written_leaves_no_weights(tmp_path):
    path = write(tmp_path, ada_files.generator(layers=2))
    (tmp_path / "out.json").mkdir()
    with pytest.raises(InputError, match=r"out\.json"):
        checkpoints.convert(path, tmp_path / "out.safetensors")
    assert not (tmp_path / "out.safetensors").exists()


@pytest.fixture(params=["ada", "tensorflow", "rosinality", "stream", "starter"])
def whole_file(request, tmp_path, state, dump):  # noqa: F811
    """A good file of each format."""
    path = tmp_path / "good.pt"
    if request.param == "ada":
        return write(tmp_path, ada_files.generator(layers=2))
    if request.param == "tensorflow":
        return dump(tensorflow_network(ada_files.generator()))
    content = DCGenerator().state_dict() if request.param == "starter" else {"g_ema": state}
    torch.save(content, path, _use_new_zipfile_serialization=request.param != "stream")
    return path


def test_damaged_files_load_or_are_refused_in_one_line(whole_file, tmp_path):
    good, rng = whole_file.read_bytes(), random.Random(0)
    path = tmp_path / f"bad{whole_file.suffix}"
    for _ in range(FUZZED):
        bad = bytearray(good)
        for _ in range(rng.choice((1, 3, 30))):
            bad[rng.randrange(len(bad))] = rng.choice((0, 0x80, 0xFF, rng.randrange(256)))
        if rng.random() < 0.2:
            del bad[rng.randrange(len(bad)) :]
        path.write_bytes(bytes(bad) or b"\x80")
        try:
            checkpoints.load(path)
        except InputError as error:
            assert str(path) in str(error) and "\n" not in str(error)
