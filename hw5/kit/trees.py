"""Nested lists and dicts with tensors in them, as bytes that run nothing when they are read.

Offers `to_bytes`, `from_bytes`, `num_bytes` and `moved`. The tensors are a safetensors file; the
rest is JSON in its header, where `$` marks what JSON has no word for. A search's state is kept so.
"""

from __future__ import annotations

import json
import math
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from hw5.kit.checks import InputError, brief

Tree = Any  # None, bool, int, float, str, a tensor, or lists, tuples and dicts of them

TREE = "tree"  # the header's entry
MARKS = ("$tensor", "$float", "$tuple", "$dict")


def num_bytes(tree: Tree) -> int:
    """Bytes of the tensors in `tree`."""
    if isinstance(tree, Tensor):
        return tree.numel() * tree.element_size()
    items = tree.values() if isinstance(tree, dict) else tree
    return sum(map(num_bytes, items)) if isinstance(tree, (dict, list, tuple)) else 0


def to_bytes(tree: Tree) -> bytes:
    """Return `tree` as a safetensors file; tensors are stored as they are, on the CPU.

    Raises:
        InputError: something of another type in it.
    """
    tensors: dict[str, Tensor] = {}
    text = json.dumps(_flat(tree, tensors), allow_nan=False)
    return safetensors.torch.save(tensors, {TREE: text})


def from_bytes(data: bytes, name: str) -> Tree:
    """Return the tree that `to_bytes` wrote, its tensors on the CPU.

    Args:
        data: the file's contents.
        name: what to call them in messages.

    Raises:
        InputError: other bytes, or damaged ones.
    """
    try:
        tensors = safetensors.torch.load(data)
        length = int.from_bytes(data[:8], "little")  # of the JSON header that follows
        text = json.loads(data[8 : 8 + length])["__metadata__"][TREE]
        return _grown(json.loads(text), tensors)
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        got = f"a damaged one ({brief(error, 80)})"
        raise InputError.about(name, expected="a kept state", got=got) from error


def _flat(value: Tree, tensors: dict[str, Tensor]) -> Any:  # noqa: ANN401  JSON
    """`value` in JSON's types; its tensors go into `tensors`, under their numbers."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"$float": repr(value)}
    if isinstance(value, Tensor):
        name = str(len(tensors))
        # A copy: safetensors takes no two tensors that share their memory.
        copy = value.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
        tensors[name] = copy
        return {"$tensor": name}
    if isinstance(value, (list, tuple)):
        items = [_flat(item, tensors) for item in value]
        return {"$tuple": items} if isinstance(value, tuple) else items
    if isinstance(value, dict):
        is_plain = all(isinstance(key, str) and key not in MARKS for key in value)
        pairs = [[key, _flat(item, tensors)] for key, item in value.items()]
        return dict(pairs) if is_plain else {"$dict": pairs}
    expected = "numbers, texts, tensors, lists and dicts"
    raise InputError.about("state", expected=expected, got=type(value).__name__)


def _grown(value: Any, tensors: dict[str, Tensor]) -> Tree:  # noqa: ANN401  JSON
    """What `_flat` was given."""
    if isinstance(value, list):
        return [_grown(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    mark = next(iter(value)) if len(value) == 1 else ""
    if mark == "$tensor":
        return tensors[value[mark]]
    if mark == "$float":
        return float(value[mark])
    if mark == "$tuple":
        return tuple(_grown(item, tensors) for item in value[mark])
    if mark == "$dict":
        return {key: _grown(item, tensors) for key, item in value[mark]}
    return {key: _grown(item, tensors) for key, item in value.items()}


def moved(tree: Tree, device: torch.device) -> Tree:
    """Return `tree` with its tensors on `device`."""
    if isinstance(tree, Tensor):
        return tree.to(device)
    if isinstance(tree, dict):
        return {key: moved(item, device) for key, item in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree)(moved(item, device) for item in tree)
    return tree
