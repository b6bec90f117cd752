"""Would a function also work on a GPU? Asked without one.

Offers `stays_with`. While a function runs, every tensor that it makes on torch's default device, or
on a device that it names itself, is remembered as a stray; a stray that meets a tensor from the
arguments, or is the answer, would fail beside a GPU's tensors. Torch's own device without data
answers this too, but loads its compiler first: eight seconds here. Used by the worker alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

INDEXING = ("__getitem__", "__setitem__", "index_select", "gather")  # may come from the processor
MOVING = ("to", "cpu", "cuda", "type_as")


def stays_with(function: Callable[[], Tensor]) -> bool:
    """Does a function of arguments elsewhere keep its tensors and its answer where they are?"""
    with Whereabouts() as notes:
        answer = function()
    return not (notes.have_mixed or notes.is_stray(answer))


class Whereabouts(TorchFunctionMode):
    """Remembers strays, and whether one has met another tensor."""

    def __init__(self) -> None:
        """None yet."""
        super().__init__()
        self.strays: dict[int, Tensor] = {}  # kept alive, so that no number is used twice
        self.have_mixed = False

    def is_stray(self, tensor: object) -> bool:
        """Was it made on the default device? Numbers may be anywhere."""
        return isinstance(tensor, Tensor) and tensor.dim() > 0 and id(tensor) in self.strays

    def __torch_function__(
        self,
        function: Callable,
        types: Any,
        args: Any = (),
        kwargs: Any = None,
    ) -> Any:
        """Called in place of every function of torch."""
        kwargs = kwargs or {}
        answer = function(*args, **kwargs)
        name = getattr(function, "__name__", "")
        tensors = list(tensors_in((args, kwargs)))
        strays = [tensor for tensor in tensors if self.is_stray(tensor)]
        if name in MOVING and isinstance(answer, Tensor):
            self.strays.pop(id(answer), None)
            if name in ("cpu", "cuda") or any(isinstance(word, str) for word in args[1:]):
                self.strays[id(answer)] = answer
        elif not tensors and isinstance(answer, Tensor):
            if not isinstance(kwargs.get("device"), torch.device):
                self.strays[id(answer)] = answer
        elif strays:
            others = [t for t in tensors if t.dim() > 0 and not self.is_stray(t)]
            self.have_mixed |= bool(others) and name not in INDEXING
            if not others and isinstance(answer, Tensor):
                self.strays[id(answer)] = answer
        return answer


def tensors_in(value: object) -> Iterator[Tensor]:
    """The tensors among arguments, in lists and dicts too."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from tensors_in(item)
    elif isinstance(value, dict):
        yield from tensors_in(list(value.values()))
