"""The door to other people's checkpoints: a file becomes a description, a generator, safetensors.

Offers `read`, `load`, `convert`, `is_foreign` and `Checkpoint`. hw5/zoo calls `load` for names
that `is_foreign` knows, so that every command takes such a file.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from hw5.checkpoints import ada, rosinality, starter, tensorflow
from hw5.checkpoints.container import read_content
from hw5.checkpoints.machine import Record, refuse
from hw5.checkpoints.modules import Network, brief_of, build
from hw5.kit.checks import InputError, brief, check_choice
from hw5.kit.files import MEBIBYTE, atomic_write, read_bytes
from hw5.models.generator import Generator

SUFFIXES = (".pkl", ".pt", ".pth", ".ckpt")
MAX_FILE = 2048 * MEBIBYTE  # a training checkpoint with optimisers of a 1024 px network fits
LABEL = re.compile(r"(?P<path>.*)#(?P<label>[0-9]{1,6})", re.DOTALL)

NVIDIA = "as its publisher says; networks of NVIDIA: for research and evaluation only"
PUBLISHER = "as its publisher says"


@dataclass(frozen=True)
class Checkpoint:
    """What a file holds."""

    path: Path
    format: str  # for people
    licence: str  # what is known about it
    networks: Mapping[str, Network]  # "G_ema", "G", "D"; tensors stay in the file until built
    left_out: Mapping[str, str]  # network -> why it cannot be used
    sha256: str  # of the file

    @property
    def generator(self) -> str:
        """Name of the generator to use: the averaged one where there is one.

        Raises:
            InputError: There is one, and it cannot be used: the other one draws other pictures.
        """
        name = next(n for n in ada.NAMES if n in self.networks or n in self.left_out)
        if name in self.left_out:
            others = ", ".join(self.networks)
            hint = f"python -m hw5 convert --network takes another one of the file: {others}"
            raise refuse(f"{name} cannot be used: {self.left_out[name]}", hint)
        return name

    @property
    def image_size(self) -> int:
        """Side of its pictures in pixels."""
        return self.networks[self.generator].config.get("image_size", 64)  # a DCGAN has 64

    @property
    def num_classes(self) -> int:
        """Classes of a conditional generator, 0 of any other."""
        return self.networks[self.generator].config.get("c_dim", 0)


def is_foreign(name: str | Path) -> bool:
    """Does `name` look like a checkpoint of others: FILE.pkl, FILE.pt, FILE.pkl#LABEL, ...?"""
    return Path(_split(name)[0]).suffix.lower() in SUFFIXES


def read(path: str | Path) -> Checkpoint:
    """What the file at `path` holds.

    Raises:
        InputError: Missing or damaged, no known format, another architecture, or anything in it
            that is not admitted; the message names it.
    """
    path = Path(path)
    data = read_bytes(path, expected="a checkpoint", limit=MAX_FILE)
    with _about(path):
        return Checkpoint(path, *_recognise(read_content(data)), hashlib.sha256(data).hexdigest())


def load(
    name: str | Path, device: str | torch.device = "cpu", *, label: int | None = None
) -> Generator:
    """Ready generator of the file `name`: float32, in evaluation mode, its weights frozen.

    Args:
        name: A path; for a conditional generator with the class to draw: "cifar10.pkl#3".
        device: Where the network is to live.
        label: The class, where the name does not say it.

    Raises:
        InputError: As for `read`; no class for a conditional generator, or one that it has not;
            weights that are not finite.
    """
    path, named = _split(name)
    found = read(path)
    with _about(path):
        chosen = _with_label(found.networks[found.generator], label if named is None else named)
        built = build(chosen)
    return built.to(device)


def convert(
    path: str | Path, out: str | Path, *, network: str | None = None, label: int | None = None
) -> Path:
    """Write one network of a checkpoint as float32 safetensors that hw5/zoo loads.

    Args:
        path: The checkpoint.
        out: The file to write, and a card with the same name and the ending .json beside it.
        network: "G_ema", "G" or "D"; None: the generator that `load` takes.
        label: The class that a conditional network is to draw.

    Raises:
        InputError: As for `load`; an ending other than .safetensors; no such network; a place that
            cannot be written.
    """
    out = Path(out)
    if out.suffix != ".safetensors":
        raise InputError.about(str(out), expected="a name that ends in .safetensors", got=out.name)
    found = read(path)
    with _about(path):
        name = found.generator if network is None else network
        check_choice("network", name, tuple(found.networks))
        chosen = _with_label(found.networks[name], label)
        state = {key: value.contiguous() for key, value in build(chosen).state_dict().items()}
    metadata = {"kind": chosen.kind, "config": json.dumps(dict(chosen.config))}
    text = json.dumps(_card(found, name, chosen), indent=2)
    # Both are written whole before either takes its name: weights without a card are half a result.
    with atomic_write(out) as weights, atomic_write(out.with_suffix(".json")) as card:
        weights.write_bytes(safetensors.torch.save(state, metadata))
        card.write_text(text + "\n", encoding="utf-8")
    return out


def _card(found: Checkpoint, name: str, chosen: Network) -> dict[str, Any]:
    """Where a converted network comes from; the JSON beside it."""
    size = chosen.config.get("image_size", 64)  # a DCGAN has 64
    return {
        "what": f"{name} of {found.path.name}, {found.format}, {size} px",
        "licence": found.licence,
        "command": f"python -m hw5 convert {found.path.name}",
        "source_sha256": found.sha256,
        "label": chosen.config.get("label"),
    }


def _recognise(content: object) -> tuple[str, str, dict[str, Network], dict[str, str]]:
    """Format, licence, networks, and what was left out, of an unpickled file."""
    found = starter.find(content)
    if found is not None:
        return "DCGAN of the course's starter", PUBLISHER, {"G": starter.interpret(found)}, {}
    if records := tensorflow.networks_of(content):
        name = "StyleGAN2, TensorFlow"
        return name, NVIDIA, *_interpret_all(records, tensorflow.interpret)
    if not isinstance(content, dict):
        what = brief(content.kind) if isinstance(content, Record) else brief_of(content)
        raise refuse(f"the file holds no known network, but {what}")
    state = rosinality.state_of(content)
    if state is not None:
        network = rosinality.interpret(state, content.get("latent_avg"))
        return "StyleGAN2, rosinality format", PUBLISHER, {"G_ema": network}, {}
    records = ada.networks_of(content)
    if not records:
        names = ", ".join(brief_of(key) for key in list(content)[:4]) or "nothing"
        hint = (
            "expected StyleGAN2-ADA (G_ema), rosinality's StyleGAN2 (g_ema) or the course's DCGAN"
        )
        raise refuse(f"the file holds no known network, but {names}", hint)
    return "StyleGAN2-ADA", NVIDIA, *_interpret_all(records, ada.interpret)


def _interpret_all(
    records: Mapping[str, Record], interpret: Callable[[str, Record], Network]
) -> tuple[dict[str, Network], dict[str, str]]:
    """The networks that can be used, and why others cannot; a generator must be among them."""
    networks, left_out = {}, {}
    for name, record in records.items():
        try:
            networks[name] = interpret(name, record)
        except InputError as error:
            left_out[name] = str(error)
    generators = [name for name in ada.NAMES[:2] if name in networks]
    if not generators:
        raise refuse(next(iter(left_out.values()), "the file holds no generator"))
    return networks, left_out


def _with_label(network: Network, label: int | None) -> Network:
    """The network with its class chosen.

    Raises:
        InputError: It has classes and none of them is chosen, or none and one is.
    """
    classes = network.config.get("c_dim", 0)
    if classes and (label is None or not 0 <= label < classes):
        got = "none" if label is None else label
        hint = "choose one when loading, as in FILE.pkl#3, or with convert --label 3"
        expected = f"a class, 0 to {classes - 1}"
        raise InputError.about("label", expected=expected, got=got, hint=hint)
    if not classes and label is not None:
        raise InputError.about("label", expected="none, the network has no classes", got=label)
    return replace(network, config={**network.config, "label": label}) if classes else network


def _split(name: str | Path) -> tuple[str, int | None]:
    """Path and label of FILE or FILE#LABEL; a file whose own name ends like that comes first."""
    match = LABEL.fullmatch(str(name))
    if match is None or Path(name).suffix.lower() in SUFFIXES:
        return str(name), None
    return match["path"], int(match["label"])


@contextmanager
def _about(path: str | Path) -> Iterator[None]:
    """Put the file's name before what is wrong with it; whatever it provokes becomes one line."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except MemoryError as error:
        raise InputError(f"{path}: takes more memory than there is") from error
    except Exception as error:  # a damaged file can make numpy and torch raise anything
        reason = f"{type(error).__name__}: {brief(str(error))}"
        hint = "copy the file again"
        raise InputError(f"{path}: damaged, or made otherwise ({reason}). Hint: {hint}") from error
