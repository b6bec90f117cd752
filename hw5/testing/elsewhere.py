"""A second device made of ordinary memory: shows that tensors stay where they belong, without one.

Offers `elsewhere`, a context in which the device `ELSEWHERE` works, and `Misplaced`. Inside, every
tensor that was made there or moved there is known by its memory, and so is whatever an operation
makes of it, in the backward pass too. What an accelerator refuses is refused: an operation on
tensors of both places, a draw from a CPU's source of random numbers, a conversion to NumPy without
a move, and float64, which Apple's accelerators have not. Values are real, so answers can be held
against the CPU's.

It cannot show what only hardware can: that a kernel exists there, how precise it is, that memory
suffices. Tests for those are marked `gpu`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import torch
from torch import Tensor
from torch._C import _functorch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

# An accelerator that torch knows by name and hardly any machine has.
ELSEWHERE = torch.device("xpu", 0)
MOVES = ("to", "cpu", "xpu")  # methods of a tensor that choose its place
PICKS = ("index", "index_put", "index_put_", "_index_put_impl_")  # an index may come from the CPU
TO_NUMPY = ("numpy", "__array__", "__dlpack__")
INSIDE = ("one_hot",)  # make tensors of their own inside of C++, where the memory truly is
COPIES = ("__deepcopy__", "new_tensor")  # made beside torch's operations, where the tensor is
FORGET = 10_000  # pieces of memory after which those that are gone are dropped


class Misplaced(RuntimeError):
    """What an accelerator would refuse."""


@contextmanager
def elsewhere() -> Iterator[torch.device]:
    """Yield a device that works while the context lasts."""
    places = _Places()
    named = mock.patch.object(torch.xpu, "get_device_name", lambda _: "a pretended device")
    with named, _Operations(places), _Calls(places):
        yield ELSEWHERE


class _Places:
    """Which pieces of memory count as being on the device."""

    def __init__(self) -> None:
        self._there: dict[int, StorageWeakRef] = {}

    def has(self, tensor: Tensor) -> bool:
        """Is it on the device?"""
        return self._key(tensor) in self._there

    def put(self, value: Any, *, there: bool = True) -> Any:  # noqa: ANN401
        """Say of every tensor in `value` where it is; return `value`."""
        for tensor in _tensors(value):
            key = self._key(tensor)
            if there and tensor.dtype == torch.float64:
                raise Misplaced("float64 is not on every accelerator: use .cpu().double()")
            if there:
                # The reference keeps the address from being used again, not the memory.
                self._there[key] = StorageWeakRef(_plain(tensor).untyped_storage())
            else:
                self._there.pop(key, None)
        if len(self._there) > FORGET:
            self._there = {k: ref for k, ref in self._there.items() if not ref.expired()}
        return value

    @staticmethod
    def _key(tensor: Tensor) -> int:
        return _plain(tensor).untyped_storage()._cdata


class _Operations(TorchDispatchMode):
    """Sees every operation of torch's core, forwards and backwards."""

    def __init__(self, places: _Places) -> None:
        super().__init__()
        self.places = places

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # noqa: ANN401
        name, kwargs = func._schema.name.split("::")[-1], kwargs or {}
        picked = name in PICKS and self.places.has(args[0])
        seen = _tensors((args[0], args[2:3]) if picked else (args, kwargs))
        there = [tensor for tensor in seen if self.places.has(tensor)]
        # A number from the CPU may take part in anything.
        here = [tensor for tensor in seen if tensor.dim() and not self.places.has(tensor)]
        if there and here and name not in ("copy_", "_to_copy"):
            shapes = ", ".join(str(tuple(tensor.shape)) for tensor in here)
            raise Misplaced(
                f"{name}: expected all tensors to be on the same device, found {ELSEWHERE} and "
                f"tensors on cpu of shape {shapes}"
            )
        if there and kwargs.get("generator") is not None:
            raise Misplaced(f"{name}: expected a generator on {ELSEWHERE}, found one on cpu")
        result = func(*args, **kwargs)
        follows = there and (name != "copy_" or self.places.has(args[0]))
        return self.places.put(result) if follows else result


class _Calls(TorchFunctionMode):
    """Sees every call from Python: a tensor is asked where it is, made, moved, turned to NumPy."""

    def __init__(self, places: _Places) -> None:
        super().__init__()
        self.places = places

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # noqa: ANN401
        name, kwargs = getattr(func, "__name__", ""), kwargs or {}
        is_method = bool(args) and isinstance(args[0], Tensor)
        there = is_method and self.places.has(args[0])
        if getattr(func, "__self__", None) is Tensor.device:
            return ELSEWHERE if there else func(*args)
        if there and name in TO_NUMPY:
            raise Misplaced(f"{name}: can't convert a tensor on {ELSEWHERE}; use .cpu() first")
        if is_method and name in MOVES:
            return self._move(func, name, args, kwargs)
        if kwargs.get("device") is not None:
            return self._make(func, args, kwargs)
        if there and name in INSIDE:
            here = self.places.put(args[0].clone(), there=False)
            return self.places.put(func(here, *args[1:], **kwargs))
        result = func(*args, **kwargs)
        return self.places.put(result) if there and name in COPIES else result

    def _make(self, func: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:  # noqa: ANN401
        """A new tensor on the device that is named."""
        there = _is_there(kwargs["device"])
        if there and kwargs.get("generator") is not None:
            raise Misplaced(f"expected a generator on {ELSEWHERE}, found one on cpu")
        result = func(*args, **(kwargs | {"device": "cpu"} if there else kwargs))
        return self.places.put(result, there=there)

    def _move(self, func: Any, name: str, args: Any, kwargs: dict[str, Any]) -> Tensor:  # noqa: ANN401
        """A tensor's copy in the other place, or itself where it is there already."""
        tensor, there = args[0], self.places.has(args[0])
        named = [value for value in (*args[1:], *kwargs.values()) if _names_a_place(value)]
        wanted = name != "cpu" if name != "to" else there
        if named:
            other = named[0]
            wanted = self.places.has(other) if isinstance(other, Tensor) else _is_there(other)
        swap = {id(value) for value in named if not isinstance(value, Tensor)}
        args = [torch.device("cpu") if id(value) in swap else value for value in args]
        kwargs = {k: torch.device("cpu") if id(v) in swap else v for k, v in kwargs.items()}
        result = func(*args, **kwargs) if name == "to" else tensor
        if wanted == there:
            return self.places.put(result, there=there)
        return self.places.put(result.clone(), there=wanted)


def _tensors(value: Any) -> list[Tensor]:  # noqa: ANN401
    return [leaf for leaf in tree_leaves(value) if isinstance(leaf, Tensor)]


def _plain(tensor: Tensor) -> Tensor:
    """The tensor inside the wrappers of torch.func."""
    while _functorch.is_functorch_wrapped_tensor(tensor):
        tensor = _functorch.get_unwrapped(tensor)
    return tensor


def _names_a_place(value: Any) -> bool:  # noqa: ANN401
    return isinstance(value, torch.device | str | Tensor)


def _is_there(device: torch.device | str) -> bool:
    return torch.device(device).type == ELSEWHERE.type
