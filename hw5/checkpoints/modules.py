"""Modules as a file describes them: their tree, their settings, their tensors.

Offers `walk`, `child`, `setting`, `tensors_of`, `Network` (what a format's reader hands on) and
`build` (a ready network from it). A module is a `Record` of machine.py whose state is that of
`torch.nn.Module`. Read next: ada.py.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from hw5.checkpoints.machine import Record, refuse
from hw5.checkpoints.tensors import StoredTensor, check_amount
from hw5.kit.checks import InputError, brief
from hw5.models.dcgan import DCGAN
from hw5.models.discriminators import StyleGAN2Discriminator
from hw5.models.stylegan2 import StyleGAN2

MAX_DEPTH, MAX_MODULES = 8, 2000  # a 1024 px generator has depth 4 and about 100 modules
MAX_TENSORS = 5000  # and about 200 tensors

# kind, as hw5/zoo names it, -> what makes the network from its configuration
BUILDERS: dict[str, Callable[..., nn.Module]] = {
    "stylegan2": StyleGAN2,
    "stylegan2-discriminator": StyleGAN2Discriminator,
    "dcgan": DCGAN,
}


@dataclass(frozen=True)
class Network:
    """One network of a file: what `build` needs, in hw5's names and scales."""

    kind: str  # a key of BUILDERS
    config: Mapping[str, Any]  # its builder's arguments; plain JSON values
    tensors: Mapping[str, StoredTensor | Tensor]  # by the names of the built network


def build(network: Network) -> nn.Module:
    """The network, float32, in evaluation mode, frozen.

    Raises:
        InputError: Tensors are missing, left over, of another shape or not finite.
    """
    with torch.device("meta"):  # spares drawing random weights that are replaced at once
        built = BUILDERS[network.kind](**network.config)
    wanted = built.state_dict()
    _check_names(set(wanted), set(network.tensors))
    check_amount(network.tensors)
    state = {}
    for name, value in wanted.items():
        stored = network.tensors[name]
        if tuple(stored.shape) != tuple(value.shape):
            expected, got = str(tuple(value.shape)), tuple(stored.shape)
            raise InputError.about(name, expected=f"the shape {expected}", got=got)
        loaded = stored.load() if isinstance(stored, StoredTensor) else stored
        state[name] = loaded.to(torch.float32)
        if not bool(state[name].isfinite().all()):
            raise InputError.about(name, expected="finite weights", got="NaN or infinity")
    built.load_state_dict(state, assign=True)
    return built.eval().requires_grad_(False)


def _check_names(wanted: set[str], found: set[str]) -> None:
    hint = "the file holds another architecture, or was changed"
    if wanted - found:
        raise refuse(f"the tensor {min(wanted - found)} is missing", hint)
    if found - wanted:
        raise refuse(f"the tensor {brief(min(found - wanted), 120)} has no place", hint)


def walk(module: Record) -> Iterator[tuple[str, Record]]:
    """The module itself and all below it, with their paths: "", "mapping", "mapping.fc0", ...

    Raises:
        InputError: A module is none, or there are too many (nested into themselves, say).
    """
    waiting = [("", module)]
    for number in itertools.count(1):
        if not waiting:
            return
        path, module = waiting.pop()
        yield path, module
        below = _part(module, "_modules")
        deep = path.count(".") > MAX_DEPTH
        if deep or number + len(waiting) + len(below) > MAX_MODULES:
            raise refuse(f"more than {MAX_MODULES} modules, or nested more than {MAX_DEPTH} deep")
        waiting += [(_join(path, n), _record(m, n)) for n, m in below.items() if m is not None]


def child(module: Record, path: str) -> Record:
    """The module at `path` below another.

    Raises:
        InputError: There is none.
    """
    for name in path.split("."):
        module = _record(_part(module, "_modules").get(name), name)
    return module


def setting(module: Record, name: str) -> Any:  # noqa: ANN401 - whatever the module stored
    """What the module remembers of its arguments under `name`.

    Raises:
        InputError: Nothing.
    """
    state = module.state if isinstance(module.state, dict) else {}
    if name not in state:
        raise refuse(f"the {brief(module.kind)} stored no {name}", "the file is of another version")
    return state[name]


def whole(module: Record, name: str, low: int, high: int) -> int:
    """The setting `name`, a whole number within limits.

    Raises:
        InputError: It is none.
    """
    value = setting(module, name)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        expected = f"a whole number from {low} to {high}"
        raise InputError.about(f"{module.kind}.{name}", expected=expected, got=brief_of(value))
    return value


def brief_of(value: object) -> str:
    """A number, text or None as Python writes it; of anything larger only its type."""
    simple = isinstance(value, str | int | float | None)
    return brief(value) if simple else f"a {type(value).__name__}"


def tensors_of(module: Record) -> dict[str, StoredTensor]:
    """Parameters and buffers of a module and all below it, by their full names."""
    found: dict[str, StoredTensor] = {}
    for path, below in walk(module):
        here = {**_part(below, "_parameters"), **_part(below, "_buffers")}
        if len(found) + len(here) > MAX_TENSORS:
            raise refuse(f"a network of more than {MAX_TENSORS} tensors")
        for name, value in here.items():
            if value is None:
                continue
            if not isinstance(value, StoredTensor):
                raise refuse(f"{_join(path, name)} is a {type(value).__name__}, not a tensor")
            found[_join(path, name)] = value
    return found


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _part(module: Record, name: str) -> dict[str, Any]:
    state = module.state if isinstance(module.state, dict) else {}
    part = state.get(name)
    fits = isinstance(part, dict) and len(part) <= MAX_TENSORS  # before every key is looked at
    if not fits or not all(isinstance(key, str) for key in part):
        raise refuse(f"the object {brief(module.kind)} is no network")
    return part


def _record(value: object, name: str) -> Record:
    if not isinstance(value, Record):
        raise refuse(f"the network has no part {brief(name)}", "it is of another architecture")
    return value
