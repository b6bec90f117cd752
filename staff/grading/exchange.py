"""What travels between parent and worker: frames of arrays and short words, nothing executable.

Offers `Frame`, `pack` and `Reader`. A frame is eight bytes of length, then a safetensors file:
named arrays of plain numbers, with a dict of texts as its metadata. Both sides read with the same
few lines; the parent trusts none of them: lengths are capped before anything is kept, and
safetensors checks that every array lies inside its frame. Read next: worker.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import safetensors.numpy

LENGTH = 8  # bytes that say how long a frame is
MAX_FRAME = 4 * 2**20  # a case's answers take some kilobytes; more is a mistake or worse
MAX_TEXT = 500  # characters of an error message that are kept
KINDS = ("f", "i", "u", "b")  # of numpy's dtypes: plain numbers and truths


class FrameError(ValueError):
    """The bytes are no frames."""


@dataclass(frozen=True)
class Frame:
    """Words and arrays."""

    words: Mapping[str, str]
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)


def pack(words: Mapping[str, str], arrays: Mapping[str, np.ndarray] | None = None) -> bytes:
    """A frame as bytes."""
    plain = {name: np.asarray(array, order="C") for name, array in (arrays or {}).items()}
    body = safetensors.numpy.save(plain, dict(words))
    return len(body).to_bytes(LENGTH, "little") + body


def unpack(body: bytes) -> Frame:
    """The frame in these bytes, its length already taken off.

    Raises:
        FrameError: they are no safetensors file, or hold something else than plain numbers.
    """
    try:
        arrays = safetensors.numpy.load(body)
        head = json.loads(body[LENGTH : LENGTH + int.from_bytes(body[:LENGTH], "little")])
        words = {str(k): str(v) for k, v in head.get("__metadata__", {}).items()}
    except Exception as error:  # whatever a hostile file makes a reader raise
        raise FrameError(f"not a safetensors file: {type(error).__name__}") from error
    if any(array.dtype.kind not in KINDS for array in arrays.values()):
        raise FrameError("an array of something else than numbers")
    return Frame(words, arrays)


class Reader:
    """Takes frames off a stream that grows."""

    def __init__(self, max_frame: int = MAX_FRAME) -> None:
        """Nothing read yet."""
        self.max_frame, self.position = max_frame, 0

    def frames(self, stream: bytes | bytearray) -> Iterator[Frame]:
        """The frames that are complete and were not given yet.

        Args:
            stream: all that has come so far, from its beginning.

        Raises:
            FrameError: a frame that is too long, or none.
        """
        while len(stream) >= self.position + LENGTH:
            begin = self.position + LENGTH
            length = int.from_bytes(stream[self.position : begin], "little")
            if length > self.max_frame:
                raise FrameError(f"a frame of {length} bytes, at most {self.max_frame} are read")
            if len(stream) < begin + length:
                return
            self.position = begin + length
            yield unpack(bytes(stream[begin : begin + length]))
