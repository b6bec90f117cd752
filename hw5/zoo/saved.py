"""Networks of this project: written as float16 safetensors with a card, read back and checked.

Offers `save`, `card`, `amend_card`, `read` (the file of a bundled entry), `read_file` (any file
that `save` wrote) and `BUILDERS`.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from hw5.kit.checks import InputError, brief, check_choice
from hw5.kit.files import atomic_write, read_bytes
from hw5.models.dcgan import DCGAN, DCGANDiscriminator
from hw5.models.discriminators import StyleGAN2Discriminator
from hw5.models.encoder import Encoder
from hw5.models.features import WorldFeatures
from hw5.models.lpips_heads import LpipsHeads
from hw5.models.multiscale import MultiscaleDiscriminator
from hw5.models.projected import ProjectedDiscriminator
from hw5.models.second_look import SecondLook
from hw5.models.stylegan2 import StyleGAN2
from hw5.models.world_reader import WorldReader
from hw5.zoo.limits import check_amount, check_config
from hw5.zoo.manifest import DATA, Entry, describe, register
from hw5.zoo.recognise import HEAD, is_page

SUFFIX = ".safetensors"


def _projected(
    features: Mapping[str, Any], **config: int | bool | list[str]
) -> ProjectedDiscriminator:
    """A configuration is JSON: it holds the feature network's arguments in place of the network."""
    return ProjectedDiscriminator(WorldFeatures(**features), **config)


# kind -> what makes the network from its configuration
BUILDERS: dict[str, Callable[..., nn.Module]] = {
    "stylegan2": StyleGAN2,
    "stylegan2-discriminator": StyleGAN2Discriminator,
    "dcgan": DCGAN,
    "dcgan-discriminator": DCGANDiscriminator,
    "multiscale-discriminator": MultiscaleDiscriminator,
    "projected-discriminator": _projected,
    "world-features": WorldFeatures,
    "world-reader": WorldReader,
    "second-look": SecondLook,
    "lpips-heads": LpipsHeads,
    "encoder": Encoder,
}


def read(entry: Entry, data: Path = DATA) -> nn.Module:
    """Network of a bundled entry, its file compared with the manifest first.

    Raises:
        InputError: Missing, changed, truncated or unfit file, or weights that are no numbers.
    """
    return _parse(data / entry.file, _checked_bytes(entry, data), entry.kind)


def read_file(path: Path) -> nn.Module:
    """Network of a file that `save` wrote; its digest is nobody's to know.

    Raises:
        InputError: Missing, truncated or unfit file, or weights that are no numbers.
    """
    return _parse(path, read_bytes(path, expected="a safetensors file"))


def card(name: str | Path, *, data: Path = DATA) -> dict[str, Any]:
    """How a weight was trained and how good it is: the JSON beside it.

    Args:
        name: A bundled weight, or the path of a file that `save` wrote.
        data: Folder that holds the manifest.

    Raises:
        InputError: No such name, or no readable card.
    """
    path = _card_of(name, data)
    try:
        return json.loads(read_bytes(path, expected="a card"))
    except ValueError as error:
        raise InputError(f"{path}: not a JSON card: {error}") from error


def amend_card(name: str | Path, facts: Mapping[str, Any], *, data: Path = DATA) -> None:
    """Add facts to the card of a weight, such as a figure measured after training."""
    _write_card(_card_of(name, data), {**card(name, data=data), **facts})


def save(
    target: str | Path,  # a name: into data/weights and the manifest; a path: only there
    network: nn.Module,
    *,
    kind: str,  # a key of BUILDERS
    config: Mapping[str, Any],  # the builder's arguments; plain JSON values
    card: Mapping[str, Any],  # command, data, seed, metrics ...; for a name also what, licence
    data: Path = DATA,
) -> Path:
    """Write weights as float16 safetensors with their card; return the path.

    For a name, the manifest's entry is written too: the card's "what", "licence" and "command".

    Raises:
        InputError: `config` does not rebuild `network`, or a weight does not fit float16.
    """
    named = not str(target).endswith(SUFFIX)
    path = data / "weights" / f"{target}{SUFFIX}" if named else Path(target)
    state = {key: _as_float16(key, value) for key, value in network.state_dict().items()}
    text = json.dumps(dict(config))
    _build(path, kind, json.loads(text), state, is_known=True)
    content = safetensors.torch.save(state, {"kind": kind, "config": text})
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)
    _write_card(path.with_suffix(".json"), card)
    if named:
        register(entry_of(str(target), kind, card, content), data)
    return path


def entry_of(name: str, kind: str, card: Mapping[str, Any], content: bytes) -> Entry:
    """The manifest's entry of a bundled file with these contents."""
    return Entry(
        name=name,
        kind=kind,
        what=card.get("what", kind),
        licence=card.get("licence", "MIT"),
        origin=card.get("command", ""),
        file=f"weights/{name}{SUFFIX}",
        sha256=hashlib.sha256(content).hexdigest(),
        bytes=len(content),
    )


def check_weights(path: Path, state: Mapping[str, Tensor]) -> None:
    """Require that every weight of a state dict read from `path` is a number.

    Raises:
        InputError: One is NaN or infinite; the message names its tensor.
    """
    for key, value in state.items():
        # A sum is NaN or infinite if a term is, and takes one fast pass.
        if value.is_floating_point() and not math.isfinite(value.sum(dtype=torch.float32)):
            at = f"{path}: {key}"
            raise InputError.about(at, expected="finite weights", got="NaN or infinity")


def _card_of(name: str | Path, data: Path) -> Path:
    is_path = str(name).endswith(SUFFIX)
    weights = Path(name) if is_path else data / describe(str(name), data=data).file
    return weights.with_suffix(".json")


def _write_card(path: Path, card: Mapping[str, Any]) -> None:
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(dict(card), indent=2) + "\n", encoding="utf-8")


def _checked_bytes(entry: Entry, data: Path) -> bytes:
    """Contents of a bundled file, after its size and digest were compared with the manifest."""
    path = data / entry.file
    content = read_bytes(path, expected=f"the weights {entry.name!r}")
    hint = "restore the file from the repository, or save it anew if you trained it"
    if len(content) != entry.bytes:
        expected, got = f"{entry.bytes} bytes", f"{len(content)}, so it was cut off or changed"
        raise InputError.about(str(path), expected=expected, got=got, hint=hint)
    digest = hashlib.sha256(content).hexdigest()
    if digest != entry.sha256:
        expected, got = f"the SHA-256 {entry.sha256[:12]}... of the manifest", f"{digest[:12]}..."
        raise InputError.about(str(path), expected=expected, got=got, hint=hint)
    return content


def _parse(path: Path, content: bytes, kind: str | None = None) -> nn.Module:
    """Network from the contents of a safetensors file; `kind` is what the manifest promises."""
    try:
        state = safetensors.torch.load(content)
        metadata = _metadata(content)
        found, config = metadata["kind"], json.loads(metadata["config"])
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        reason = brief(error, 120)
        hint = _hint_about(content)
        raise InputError(f"{path}: not a file of weights ({reason}). Hint: {hint}") from error
    if kind not in (None, found):
        raise InputError.about(str(path), expected=f"weights of a {kind}", got=f"of a {found}")
    full = {key: t.float() if t.is_floating_point() else t for key, t in state.items()}
    return _build(path, found, config, full, is_known=kind is not None)


def _hint_about(content: bytes) -> str:
    """What to do about bytes that are no file of weights."""
    if is_page(content[:HEAD]):
        return "it is a web page that was saved in the place of the file: fetch it again"
    # A safetensors file may begin with the same byte as a pickle, but is followed by its header.
    is_pickle = content[:1] == b"\x80" and content[1:2] in b"\2\3\4\5" and content[8:9] != b"{"
    if is_pickle or content.startswith(b"PK\3\4"):
        return "it looks like a checkpoint of others: give it the ending .pkl or .pt"
    return "the file is cut off, or zoo.save did not write it"


def _metadata(content: bytes) -> dict[str, str]:
    """Safetensors begins with the length of a JSON header, 8 bytes, little end first."""
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length])["__metadata__"]


def _build(
    path: Path, kind: str, config: dict[str, Any], state: dict[str, Tensor], *, is_known: bool
) -> nn.Module:
    """Network of `kind` that holds the tensors of `state`; of a file `is_known` its size is too."""
    check_choice(f"{path}: kind", kind, tuple(BUILDERS))
    check_config(str(path), config)
    check_weights(path, state)
    try:
        if not is_known:
            check_amount(BUILDERS[kind], config, state)
        # Not on the meta device: it imports sympy and torch's compiler, a second of a fresh
        # process, where drawing weights that are replaced at once takes a tenth.
        with torch.random.fork_rng(devices=[]):  # whose numbers are nobody else's to miss
            network = BUILDERS[kind](**config)
        _check_kinds(network, state)
        network.load_state_dict(state, assign=True)
    except (AttributeError, KeyError, TypeError, ValueError, RuntimeError) as error:
        first = str(error).splitlines()[-1].strip()
        raise InputError(f"{path}: the weights do not fit a {kind} of {config}: {first}") from error
    return network


def _check_kinds(network: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Require weights where the network has weights: torch would assign anything of the shape."""
    for key, own in network.state_dict().items():
        given = state.get(key, own)
        if given.is_floating_point() != own.is_floating_point():
            kind = "weights" if own.is_floating_point() else "whole numbers"
            raise InputError.about(key, expected=kind, got=given.dtype)


def _as_float16(key: str, value: Tensor) -> Tensor:
    value = value.detach().to("cpu", copy=True).contiguous()
    if not value.is_floating_point():
        return value
    half = value.half()
    if not half.isfinite().all():
        raise InputError.about(key, expected="weights below 65504", got="NaN, infinity or larger")
    return half
