"""Frames of arrays: what is packed comes back, and nothing hostile is read as a frame."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import safetensors.numpy

from staff.grading.exchange import LENGTH, FrameError, Reader, pack, unpack
from staff.grading.worker import told


def framed(body: bytes) -> bytes:
    return len(body).to_bytes(LENGTH, "little") + body


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "bool"])
def test_arrays_and_words_come_back_as_they_were(dtype):
    array = np.arange(6).reshape(2, 3).astype(dtype)
    (frame,) = Reader().frames(pack({"case": "1.1 é"}, {"x": array, "scalar": np.float64(2.5)}))
    assert frame.words == {"case": "1.1 é"}
    assert frame.arrays["x"].dtype == array.dtype
    assert np.array_equal(frame.arrays["x"], array)
    assert frame.arrays["scalar"].shape == ()


def test_a_stream_is_read_frame_by_frame_however_it_arrives():
    stream = pack({"n": "1"}) + pack({"n": "2"}, {"x": np.ones(3)})
    reader, seen = Reader(), []
    for end in range(len(stream) + 1):
        seen += [frame.words["n"] for frame in reader.frames(stream[:end])]
    assert seen == ["1", "2"]


def test_a_frame_that_is_too_long_is_refused_before_it_has_come():
    with pytest.raises(FrameError, match="at most 100"):
        list(Reader(max_frame=100).frames((101).to_bytes(LENGTH, "little")))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"garbage that is no file at all",
        pickle.dumps({"x": 1}),
        b"\xff" * 64,
        (50).to_bytes(8, "little") + b'{"x":' + b"[" * 45,
        pack({}, {"x": np.ones(9)})[LENGTH:-8],
        safetensors.numpy.save({"x": np.ones(2)}).replace(b'"F64"', b'"F16"'),
    ],
    ids=["nothing", "garbage", "pickle", "huge header", "nested", "cut short", "other dtype"],
)
def test_what_is_no_frame_is_refused(body):
    with pytest.raises(FrameError):
        list(Reader().frames(framed(body)))


def test_arrays_of_complex_numbers_are_refused():
    body = safetensors.numpy.save({"x": np.ones(2, dtype=np.complex64)})
    with pytest.raises(FrameError):
        unpack(body)


class Trap(Exception):
    def __str__(self):
        raise SystemExit(0)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ValueError("plain"), "plain"),
        (ValueError("x" * 9999), "x" * 500),
        (ValueError("\ud800 half a character"), "? half a character"),
        (Trap(), "cannot be printed"),
    ],
)
def test_what_an_exception_says_can_be_sent_whatever_it_is(error, says):
    text = told(error)
    assert says in text
    assert unpack(pack({"text": text})[LENGTH:]).words["text"] == text
