"""A tree with tensors comes back from its bytes as it was; other bytes are one clear line."""

import math

import pytest
import safetensors.torch
import torch

from hw5.kit import trees
from hw5.kit.checks import InputError

SHARED = torch.arange(6.0).view(2, 3)
TREE = {
    "numbers": [1, -2.5, 0.1, True, None, "text"],
    "pair": (1, (2.0,), []),
    "state": {0: {"step": torch.tensor(3), "moment": SHARED.T}, 1: {}},
    "shared": [SHARED, SHARED],
    "$tensor": "a name of our own",
    "nested": {"$float": {"$tuple": ()}},
}


def same(a: object, b: object) -> bool:
    """Are two trees alike, in types, too?"""
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b) and a.dtype == b.dtype
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


def test_a_tree_comes_back_as_it_was():
    assert same(trees.from_bytes(trees.to_bytes(TREE), "x"), TREE)


def test_numbers_that_are_none_come_back():
    inf, nan = trees.from_bytes(trees.to_bytes([-math.inf, math.nan]), "x")
    assert inf == -math.inf and math.isnan(nan)


def test_any_reader_of_safetensors_sees_the_tensors():
    (tensor,) = safetensors.torch.load(trees.to_bytes({"a": [SHARED]})).values()
    assert torch.equal(tensor, SHARED)


def test_what_is_no_tree_is_refused():
    with pytest.raises(InputError, match="got set"):
        trees.to_bytes({"a": {1}})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x" * 100,
        trees.to_bytes(TREE)[:-1],
        safetensors.torch.save({"a": SHARED}),
        safetensors.torch.save({}, {trees.TREE: "{"}),
        safetensors.torch.save({}, {trees.TREE: '{"$tensor": "0"}'}),
        safetensors.torch.save({}, {trees.TREE: '{"$tensor": []}'}),
        safetensors.torch.save({}, {trees.TREE: '{"$dict": [1]}'}),
        safetensors.torch.save({}, {trees.TREE: '{"$tuple": 1}'}),
    ],
)
def test_other_bytes_are_one_clear_line(data):
    with pytest.raises(InputError, match=r"^x: expected a kept state"):
        trees.from_bytes(data, "x")


def test_bytes_are_those_of_the_tensors():
    assert trees.num_bytes({"a": [SHARED, (SHARED.double(),)], "b": "text"}) == 24 + 48


def test_a_tree_moves_whole():
    there = trees.moved(TREE, torch.device("meta"))
    assert there["shared"][0].device.type == there["state"][0]["moment"].device.type == "meta"
    assert there["pair"] == TREE["pair"]
