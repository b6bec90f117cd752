"""Tensors and objects inside of pickles: what each admitted name stands for.

Offers `StoredTensor`, `Storage`, `CALLS` (the table of machine.py), `storage_of` and `check_amount`
(no more is loaded than is stored). A tensor stays where it lies in the file until
`StoredTensor.load` copies it out. Read next: container.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hw5.checkpoints.machine import Name, Record, refuse
from hw5.kit.checks import InputError

# torch's storage classes, and the type of their elements
DTYPES = {
    "torch.FloatStorage": torch.float32,
    "torch.DoubleStorage": torch.float64,
    "torch.HalfStorage": torch.float16,
    "torch.BFloat16Storage": torch.bfloat16,
    "torch.LongStorage": torch.int64,
    "torch.IntStorage": torch.int32,
    "torch.ShortStorage": torch.int16,
    "torch.CharStorage": torch.int8,
    "torch.ByteStorage": torch.uint8,
    "torch.BoolStorage": torch.bool,
}
SCALARS = ("f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "b1")  # of numpy
MAX_DIMENSIONS = 8
SHARED = 1 << 20  # elements that tensors may share: filters are often stored once
ARRAY = "numpy._core.multiarray._reconstruct"


@dataclass(eq=False)
class Storage:
    """A run of numbers in the file."""

    dtype: torch.dtype
    count: int  # elements
    read: Callable[[], bytes | memoryview] | None = None  # its bytes, lowest first

    def contents(self) -> memoryview:
        """Its bytes.

        Raises:
            InputError: They are missing, or fewer or more than promised.
        """
        data = memoryview(self.read() if self.read else b"")
        if len(data) != self.count * self.dtype.itemsize:
            raise refuse("a tensor's data is cut off", "copy the file again")
        return data


@dataclass(frozen=True, eq=False)
class StoredTensor:
    """A tensor as the file describes it; checked to lie inside its storage."""

    storage: Storage
    offset: int  # elements, like stride
    shape: tuple[int, ...]
    stride: tuple[int, ...]

    def load(self) -> Tensor:
        """A copy of it, contiguous."""
        size = self.storage.dtype.itemsize
        extent = _extent(self.shape, self.stride)
        start = self.offset * size
        if not extent:
            return torch.empty(self.shape, dtype=self.storage.dtype)
        data = bytearray(self.storage.contents()[start : start + extent * size])
        flat = torch.frombuffer(data, dtype=self.storage.dtype)
        return flat.as_strided(self.shape, self.stride).contiguous()


def check_amount(tensors: Mapping[str, object]) -> None:
    """Require weights, and not many more of them than the file has room for.

    Tensors may share a storage; a small file whose tensors all did would fill the memory.

    Raises:
        InputError: A tensor of whole numbers, or more elements than stored.
    """
    stored = {name: t for name, t in tensors.items() if isinstance(t, StoredTensor)}
    for name, tensor in stored.items():
        if not tensor.storage.dtype.is_floating_point:
            raise InputError.about(name, expected="weights", got=f"{tensor.storage.dtype}")
    room = sum({id(t.storage): t.storage.count for t in stored.values()}.values())
    asked = sum(math.prod(t.shape) for t in stored.values())
    if asked > room + SHARED:
        raise refuse(f"tensors of {asked:,} elements in a file that stores {room:,}")


def _extent(shape: tuple[int, ...], stride: tuple[int, ...]) -> int:
    """Elements from a tensor's first to its last, both included."""
    if 0 in shape:
        return 0
    return 1 + sum((size - 1) * step for size, step in zip(shape, stride, strict=True))


def storage_of(kind: Any, count: Any) -> Storage:  # noqa: ANN401 - what a pickle holds, checked here
    """An empty storage for `count` elements of a storage class.

    Raises:
        InputError: No storage class, or no possible number.
    """
    if not isinstance(kind, Name) or kind.text not in DTYPES or not _whole([count]):
        raise refuse("a tensor's storage of an unknown kind")
    return Storage(DTYPES[kind.text], count)


def rebuild_tensor(
    _: str,
    storage: object,
    offset: object,
    shape: object,
    stride: object,
    *rest: object,  # does it want gradients, hooks, metadata
) -> StoredTensor:
    """What `torch._utils._rebuild_tensor_v2` makes of a storage."""
    fits = (
        isinstance(storage, Storage)
        and isinstance(shape, tuple)
        and isinstance(stride, tuple)
        and len(shape) == len(stride) <= MAX_DIMENSIONS
        and _whole([offset, *shape, *stride])
        # More elements than stored would let a small file ask for any amount of memory.
        and math.prod(shape) <= storage.count
        and offset + _extent(shape, stride) <= storage.count
    )
    if not fits:
        raise refuse("a tensor lies outside of its storage", "copy the file again")
    return StoredTensor(storage, offset, shape, stride)


def rebuild_parameter(_: str, data: object, *rest: object) -> StoredTensor:
    """A parameter is its tensor."""
    if not isinstance(data, StoredTensor):
        raise refuse("a parameter without a tensor")
    return data


def reconstruct_persistent(_: str, meta: object) -> Record:
    """An object of StyleGAN2-ADA: its class's name and state. The source text it brings is left."""
    fits = isinstance(meta, dict) and isinstance(meta.get("state"), dict)
    if not fits or meta.get("type") != "class" or not isinstance(meta.get("class_name"), str):
        raise refuse("a persistent object without class name and state")
    return Record(meta["class_name"], state=meta["state"])


def _whole(numbers: list[object]) -> bool:
    return all(isinstance(n, int) and not isinstance(n, bool) and 0 <= n < 2**40 for n in numbers)


def _dictionary(_: str, pairs: object = ()) -> dict[str, Any]:
    """An OrderedDict or EasyDict; of pairs, as old versions of Python wrote them, or empty."""
    if not isinstance(pairs, list | tuple) or not all(_is_pair(pair) for pair in pairs):
        raise refuse("a dictionary of other things than named values")
    return {key: value for key, value in pairs}


def _is_pair(pair: object) -> bool:
    return isinstance(pair, list | tuple) and len(pair) == 2 and isinstance(pair[0], str)


def _set(_: str, items: object = ()) -> set[Any]:
    if not isinstance(items, list | tuple) or not all(isinstance(i, str | int) for i in items):
        raise refuse("a set of other things than texts and numbers")
    return set(items)


def _size(_: str, sizes: object = ()) -> tuple[int, ...]:
    if not isinstance(sizes, tuple) or not _whole([*sizes]):
        raise refuse("a shape of other things than numbers")
    return sizes


def _encode(_: str, text: object, encoding: object = "latin1") -> bytes:
    """Bytes, as pickles of protocol 2 hold them."""
    if not isinstance(text, str) or encoding != "latin1":
        raise refuse("bytes in an unknown form")
    return text.encode("latin1")


def _scalar(_: str, dtype: object, content: object = b"") -> float | int | bool:
    """A number of numpy's, such as the gains of ADA's layers."""
    code = dtype.arguments[0] if isinstance(dtype, Record) and dtype.arguments else None
    if code not in SCALARS or not isinstance(content, bytes):
        raise refuse("a numpy number of an unknown kind")
    order = dtype.state[1] if isinstance(dtype.state, tuple) and len(dtype.state) > 1 else "|"
    if order not in ("<", "|", "="):
        raise refuse("a numpy number with its bytes in another order")
    values = np.frombuffer(content, np.dtype(code).newbyteorder("<"))
    if len(values) != 1:
        raise refuse("a numpy number of another length")
    return values[0].item()


def _from_buffer(
    kind: str, content: object, dtype: object = None, shape: object = (), order: object = "C"
) -> Record:
    """An array as protocol 5 holds it, in the form of the protocols before."""
    return Record(kind, state=(1, shape, dtype, order == "F", content))


def _record(kind: str, *arguments: object) -> Record:
    return Record(kind, arguments)


def _reconstructor(_: str, kind: object, *rest: object) -> Record:
    """An object without arguments, as `copyreg` writes it."""
    if not isinstance(kind, Name):
        raise refuse("an object without a class")
    return Record(kind.text)


# Every name that the known files hold, and what answers a call of it. None: named, never called.
CALLS: dict[str, Callable[..., Any] | None] = {
    "torch._utils._rebuild_tensor_v2": rebuild_tensor,
    **dict.fromkeys(
        ("torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state"),
        rebuild_parameter,
    ),
    "torch.Size": _size,
    **dict.fromkeys(DTYPES),
    "torch_utils.persistence._reconstruct_persistent_obj": reconstruct_persistent,
    "dnnlib.util.EasyDict": _dictionary,
    "collections.OrderedDict": _dictionary,
    "argparse.Namespace": _record,
    **dict.fromkeys(("builtins.set", "__builtin__.set"), _set),
    "_codecs.encode": _encode,
    "numpy.dtype": _record,
    "numpy.ndarray": None,
    **dict.fromkeys(("numpy.core.multiarray._reconstruct", ARRAY), _record),
    **dict.fromkeys(
        ("numpy.core.numeric._frombuffer", "numpy._core.numeric._frombuffer"), _from_buffer
    ),
    "dnnlib.tflib.network.Network": _record,  # of TensorFlow's pickles: tensorflow.py
    "numpy.core.multiarray.scalar": _scalar,
    "numpy._core.multiarray.scalar": _scalar,
    **dict.fromkeys(("copyreg._reconstructor", "copy_reg._reconstructor"), _reconstructor),
    **dict.fromkeys(("builtins.object", "__builtin__.object")),
    # whole modules of the course's starter: inert records, checked in starter.py
    "torch.nn.modules.*": _record,
    **dict.fromkeys(("vanilla.models.DCGenerator", "models.DCGenerator"), _record),
    "__main__.DCGenerator": _record,
}
