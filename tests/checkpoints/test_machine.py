"""Pickles as data: nothing runs, nothing grows, and every refusal is one line with the name."""

import io
import os
import pickle
import pickletools
import subprocess
import sys
import time
import zipfile

import numpy as np
import pytest
import torch

from hw5.checkpoints.container import read_content
from hw5.checkpoints.door import _recognise
from hw5.checkpoints.machine import STEPS
from hw5.kit.checks import InputError
from tests.checkpoints import ada_files
from tests.tolerances import assert_close

EMPTY = b"\x80\x04"  # a pickle's head: protocol 4


class Calls:
    """An object whose pickle calls something when it is read."""

    def __init__(self, function, *arguments) -> None:
        self.parts = function, arguments

    def __reduce__(self) -> tuple:
        return self.parts


def refused(data: bytes) -> str:
    with pytest.raises(InputError) as caught:
        read_content(data)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("function", "arguments", "name"),
    [
        (os.system, ("touch owned",), "posix.system"),
        (eval, ("1 + 1",), "builtins.eval"),
        (exec, ("x = 1",), "builtins.exec"),
        (__import__, ("os",), "builtins.__import__"),
        (getattr, ("x", "upper"), "builtins.getattr"),
        (subprocess.Popen, (["true"],), "subprocess.Popen"),
        (open, ("owned", "w"), "io.open"),
        (torch.load, ("owned",), "torch.serialization.load"),
        (pickle.loads, (b"N.",), "_pickle.loads"),
        (np.load, ("owned",), "numpy.load"),
    ],
)
@pytest.mark.parametrize("protocol", [2, 4])
def test_a_call_of_anything_else_is_refused_with_its_name(
    tmp_path, monkeypatch, function, arguments, name, protocol
):
    monkeypatch.chdir(tmp_path)
    said = refused(pickle.dumps({"G_ema": Calls(function, *arguments)}, protocol))
    assert name.rpartition(".")[2] in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name",
    ["torch.storage", "torch._utils", "torch.nn", "collections", "torch_utils.persistence", "os"],
)
def test_a_module_is_never_a_name(name):
    assert name.split(".")[0] in refused(EMPTY + b"c" + name.encode() + b"\nsystem\n)R.")


def test_attributes_of_admitted_names_are_not_reached():
    named = b"\x8c\x0bcollections" + b"\x8c\x14OrderedDict.fromkeys" + b"\x93"
    assert "OrderedDict.fromkeys" in refused(EMPTY + named + b")R.")


def test_the_source_text_of_a_pickle_is_never_run():
    content = read_content(ada_files.dumps(ada_files.snapshot(G_ema=ada_files.generator())))
    assert content["G_ema"].kind == "Generator"
    assert "_imported_module" not in " ".join(sys.modules)


def test_an_admitted_class_is_no_live_object():
    content = read_content(pickle.dumps(torch.nn.Linear(2, 1)))
    assert content.kind == "torch.nn.modules.linear.Linear"
    assert not isinstance(content, torch.nn.Module)


def test_a_name_that_may_be_named_may_still_not_be_called():
    assert "FloatStorage" in refused(EMPTY + b"ctorch\nFloatStorage\n)R.")


def test_state_cannot_be_set_on_a_name():
    build = EMPTY + b"ccollections\nOrderedDict\n}\x8c\x08__call__Nsb."
    assert "state" in refused(build)


@pytest.mark.parametrize(
    "step", [b"\x82\x01", b"i__main__\nDCGenerator\n", b"P1\n", b"(o", b"\x97", b"I1\n2"]
)
def test_steps_that_such_files_do_not_need_are_refused(step):
    refused(EMPTY + b"(" + step + b".")


def test_every_cut_of_a_file_is_refused():
    data = ada_files.dumps(ada_files.snapshot(G_ema=ada_files.generator(channels=(2, 1), layers=1)))
    ends = np.random.default_rng(0).integers(1, len(data) - 1, size=150)
    for end in ends:
        refused(data[:end])


def test_a_cut_archive_is_refused():
    buffer = io.BytesIO()
    torch.save({"deconv1.0.weight": torch.zeros(50)}, buffer)
    for end in range(4, len(buffer.getvalue()), 37):
        refused(buffer.getvalue()[:end])


def test_changed_bytes_are_refused_or_harmless():
    data = ada_files.dumps(ada_files.snapshot(G_ema=ada_files.generator(channels=(2, 1), layers=1)))
    draws = np.random.default_rng(1)
    for _ in range(300):
        changed = bytearray(data)
        changed[draws.integers(2, len(data))] = draws.integers(256)
        try:
            read_content(bytes(changed))
        except InputError as error:
            assert len(str(error)) < 400


def bomb(levels: int = 99) -> list:
    """A small pickle of lists that share; written out it has 2 ** levels ends."""
    doubled = []
    for _ in range(levels):
        doubled = [doubled, doubled]
    return doubled


def test_a_bomb_of_shared_lists_costs_nothing():
    started = time.process_time()
    with pytest.raises(InputError, match="no known network, but 'G_ema'"):
        _recognise(read_content(pickle.dumps({"G_ema": bomb()})))
    assert time.process_time() - started < 1


def test_a_bomb_for_a_layer_s_setting_is_not_written_out():
    network = ada_files.generator()
    network.synthesis.b4.architecture = bomb()
    started = time.process_time()
    with pytest.raises(InputError, match=r"architecture: expected one of .* got a list"):
        _recognise(read_content(ada_files.dumps(ada_files.snapshot(G_ema=network))))
    assert time.process_time() - started < 2


def test_a_name_made_of_a_bomb_is_refused_at_once():
    assert "texts" in refused(pickle.dumps(bomb(), 4)[:-1] + b"]\x93.")


def test_a_place_in_memory_of_any_number_costs_nothing():
    assert read_content(EMPTY + b"Nr\xff\xff\xff\xffj\xff\xff\xff\xff.") is None


@pytest.mark.parametrize(
    "length", [b"B\xff\xff\xff\x7f", b"\x8e" + b"\xff" * 7 + b"\x7f", b"\x8a\xff"]
)
def test_a_promise_of_more_bytes_than_there_are_is_refused(length):
    assert "damaged" in refused(EMPTY + length + b"abc.")


def test_too_many_steps_are_refused(monkeypatch):
    monkeypatch.setattr("hw5.checkpoints.machine.MAX_STEPS", 1000)
    assert "1,000 steps" in refused(EMPTY + b"N0" * 1000 + b"N.")


def test_the_steps_of_pickles_inside_count_too(monkeypatch):
    monkeypatch.setattr("hw5.checkpoints.machine.MAX_STEPS", 3000)
    refused(pickle.dumps([torch.zeros(1) for _ in range(200)]))


@pytest.mark.parametrize("field", ["offset", "shape", "stride"])
def test_a_tensor_beyond_its_storage_is_refused(field):
    storage = torch.zeros(4)._typed_storage()
    parts = {"offset": 0, "shape": (2, 2), "stride": (2, 1)}
    parts[field] = 3 if field == "offset" else (2, 3) if field == "shape" else (4, 1)
    arguments = (storage, *parts.values(), False, {})
    assert "outside" in refused(pickle.dumps(Calls(torch._utils._rebuild_tensor_v2, *arguments)))


def test_a_small_storage_cannot_be_spread_over_a_huge_tensor():
    arguments = (torch.zeros(1)._typed_storage(), 0, (2**39,), (0,), False, {})
    assert "outside" in refused(pickle.dumps(Calls(torch._utils._rebuild_tensor_v2, *arguments)))


@pytest.mark.parametrize(
    "dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.bool]
)
@pytest.mark.parametrize("form", ["pickle", "stream", "archive"])
def test_tensors_come_back_as_they_were(dtype, form):
    tensor = (3 * torch.randn(3, 4, 5)).to(dtype).transpose(0, 2)[1:, ::2]
    if form == "pickle":
        data = pickle.dumps({"x": tensor})
    else:
        buffer = io.BytesIO()
        torch.save({"x": tensor}, buffer, _use_new_zipfile_serialization=form == "archive")
        data = buffer.getvalue()
    assert_close(read_content(data)["x"].load(), tensor, "exact")


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.int64, np.int32, np.uint8, np.bool_])
@pytest.mark.parametrize("protocol", [2, 4])
def test_numbers_of_numpy_come_back_as_python_s(kind, protocol):
    number = kind(1.25)
    got = read_content(pickle.dumps({"x": number}, protocol))["x"]
    assert (got, type(got)) == (number.item(), type(number.item()))


def test_a_packed_archive_is_refused():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", bytes(10_000_000))
    assert "packed" in refused(buffer.getvalue())


def test_a_zip_file_of_other_things_is_refused():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("readme.txt", "hello")
    assert "torch archive" in refused(buffer.getvalue())


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"<!DOCTYPE html><html><title>Google Drive - Quota exceeded</title>", "web page"),
        (b"\n <HTML><body>sign in</body>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00", "pointer"),
        (b"\x80\0\0\0\0\0\0\0{", "damaged"),
        (b'\x10\0\0\0\0\0\0\0{"a":1}', "safetensors"),
        (b"plain words", "another kind"),
        (b"\x89PNG\r\n", "another kind"),
        (b"", "another kind"),
    ],
)
def test_what_is_no_pickle_is_called_what_it_is(data, said):
    assert said in refused(data)


def test_every_step_of_the_table_is_one_that_python_knows():
    known = {opcode.name for opcode in pickletools.opcodes}
    assert set(STEPS) < known
