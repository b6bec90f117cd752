"""Pickles as Python 3.7 with torch 1.7 wrote them, step by step by hand, and as protocol 5 does.

The published files are of 2020; a file that is written again today looks otherwise.
"""

from __future__ import annotations

import pickle
import struct

import numpy as np
import pytest
import torch

from hw5 import checkpoints
from hw5.checkpoints.container import read_content
from tests.checkpoints import ada_files
from tests.checkpoints.test_tensorflow import dump, tensorflow_network  # noqa: F401 - a fixture
from tests.tolerances import assert_close

PROTO_2, PROTO_3 = b"\x80\x02", b"\x80\x03"


def text(value: str) -> bytes:
    """BINUNICODE."""
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def whole(value: int) -> bytes:
    """BININT, four bytes however small."""
    return b"J" + struct.pack("<i", value)


def name(module: str, thing: str) -> bytes:
    """GLOBAL."""
    return f"c{module}\n{thing}\n".encode()


def old_stream(values: np.ndarray, place: str) -> bytes:
    """A storage by itself, as torch.save wrote it before archives: five pickles and its bytes."""
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2}}
    head = [pickle.dumps(each, 2) for each in (0x1950A86A20F9469CFC6C, 1001, system)]
    key = "94857302938475"
    parts = text("storage") + name("torch", "FloatStorage") + text(key) + text(place)
    storage = PROTO_2 + b"(" + parts + whole(len(values)) + b"N" + b"tQ."
    body = struct.pack("<q", len(values)) + values.astype("<f4").tobytes()
    return b"".join(head) + storage + pickle.dumps([key], 2) + body


def old_tensor(values: np.ndarray, shape: tuple[int, ...], place: str = "cpu") -> bytes:
    """A tensor inside of a plain pickle: its storage is bytes of a stream."""
    stream = old_stream(values, place)
    storage = name("torch.storage", "_load_from_bytes")
    storage += b"B" + struct.pack("<I", len(stream)) + stream + b"\x85R"
    sizes = b"(" + b"".join(map(whole, shape)) + b"t"
    steps = np.array((*shape[1:], 1))[::-1].cumprod()[::-1].tolist() if shape else []
    strides = b"(" + b"".join(map(whole, steps)) + b"t"
    hooks = name("collections", "OrderedDict") + b")R"
    made = name("torch._utils", "_rebuild_tensor_v2")
    return made + b"(" + storage + whole(0) + sizes + strides + b"\x89" + hooks + b"tR"


def old_number(value: float) -> bytes:
    """A float64 of numpy 1.18."""
    dtype = name("numpy", "dtype") + text("f8") + b"K\x00K\x01\x87R"
    dtype += b"(K\x03" + text("<") + b"NNN" + whole(-1) + whole(-1) + b"K\x00tb"
    content = b"C\x08" + struct.pack("<d", value)
    return name("numpy.core.multiarray", "scalar") + dtype + content + b"\x86R"


@pytest.mark.parametrize("place", ["cpu", "cuda:0"])
@pytest.mark.parametrize("shape", [(), (6,), (2, 3), (1, 1, 2, 3)])
def test_a_tensor_of_torch_1_7_is_read_wherever_it_lived(shape, place):
    values = np.arange(6 if shape else 1, dtype=np.float32) + 0.5
    stored = read_content(PROTO_3 + old_tensor(values, shape, place) + b".")
    assert_close(stored.load(), torch.from_numpy(values).reshape(shape), "exact")


def test_a_parameter_and_a_number_of_2020_lie_in_a_persistent_object():
    weight = old_tensor(np.ones(4, np.float32), (2, 2))
    parameter = name("torch._utils", "_rebuild_parameter") + b"(" + weight + b"\x88"
    parameter += name("collections", "OrderedDict") + b")R" + b"tR"
    easy = name("dnnlib.util", "EasyDict") + b")\x81}" + b"q\x05" + b"0"
    easy += b"(" + text("num_layers") + b"K\x08u"
    state = b"}(" + text("weight") + parameter + text("weight_gain") + old_number(0.125)
    state += text("_init_kwargs") + easy + text("_buffers_set") + name("builtins", "set")
    state += b"]\x85Ru"
    meta = b"}(" + text("type") + text("class") + text("version") + b"K\x06" + text("module_src")
    meta += text(ada_files.SOURCE) + b"q\x07" + text("class_name") + text("Layer")
    meta += text("state") + state + b"u"
    made = name("torch_utils.persistence", "_reconstruct_persistent_obj") + meta + b"\x85R"
    record = read_content(PROTO_3 + made + b".")
    assert record.kind == "Layer" and record.state["weight_gain"] == 0.125
    assert record.state["weight"].load().tolist() == [[1, 1], [1, 1]]
    assert record.state["_init_kwargs"] == {"num_layers": 8}
    assert record.state["_buffers_set"] == set()


def test_a_training_snapshot_with_its_augmentation_is_read(tmp_path):
    pipe = ada_files.Persistent("AugmentPipe", xint=1.0, imgfilter_bands=[1, 1, 1, 1])
    pipe.register_buffer("p", torch.tensor(0.4))
    pipe.register_buffer("Hz_fbank", torch.randn(4, 47))
    content = ada_files.snapshot(
        G=ada_files.generator(seed=1), D=ada_files.discriminator(), G_ema=ada_files.generator()
    )
    found = checkpoints.read(ada_files.dump(tmp_path / "s.pkl", {**content, "augment_pipe": pipe}))
    assert list(found.networks) == ["G_ema", "G", "D"] and not found.left_out


def test_parameters_with_notes_of_their_own_are_read(tmp_path):
    network = ada_files.generator()
    for parameter in network.parameters():
        parameter.note = "kept beside the numbers"
    path = ada_files.dump(tmp_path / "n.pkl", ada_files.snapshot(G_ema=network))
    state = checkpoints.load(path).state_dict()
    for key, value in network.state_dict().items():
        assert_close(state[key], value, "exact")


def test_arrays_of_protocol_5_are_those_of_protocol_4(dump, monkeypatch):  # noqa: F811
    network = tensorflow_network(ada_files.generator())
    before = checkpoints.load(dump(network)).state_dict()
    plain = ada_files.dump
    monkeypatch.setattr(ada_files, "dump", lambda path, content: plain(path, content, 5))
    path = dump(network)
    assert path.read_bytes().startswith(b"\x80\x05") and b"_frombuffer" in path.read_bytes()
    for key, value in checkpoints.load(path).state_dict().items():
        assert_close(value, before[key], "exact")


def test_frozen_sets_are_read():
    assert read_content(pickle.dumps({"kept": frozenset({"a"})}, 4)) == {"kept": frozenset({"a"})}
