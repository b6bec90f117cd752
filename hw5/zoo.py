"""The one door to weights: a name becomes a ready network.

Offers `load`, `names`, `describe`, `card`, `amend_card` and `save`. Weights are float16
safetensors in data/weights, each with a card (JSON) beside it; data/MANIFEST.toml lists them with
digest, licence and origin. The networks themselves are in hw5/models.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from hw5 import checkpoints
from hw5.kit.checks import InputError, check_choice
from hw5.kit.files import atomic_write, read_bytes
from hw5.models.dcgan import DCGAN, DCGANDiscriminator
from hw5.models.discriminators import StyleGAN2Discriminator
from hw5.models.encoder import Encoder
from hw5.models.features import VGG19, EfficientNetLite0, WorldFeatures
from hw5.models.lpips_heads import LpipsHeads
from hw5.models.projected import ProjectedDiscriminator
from hw5.models.stylegan2 import StyleGAN2
from hw5.models.world_reader import WorldReader

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DATA = Path(__file__).resolve().parents[1] / "data"
MANIFEST = "MANIFEST.toml"
SUFFIX = ".safetensors"


@dataclass(frozen=True)
class Entry:
    """One weight as the manifest lists it."""

    name: str
    kind: str  # which network: a key of BUILDERS or ELSEWHERE
    what: str  # one sentence for people
    licence: str
    origin: str  # the command that made it, or where it comes from
    file: str = ""  # relative to the data folder; empty: not bundled, the kind knows where to look
    sha256: str = ""
    bytes: int = 0


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
    "projected-discriminator": _projected,
    "world-features": WorldFeatures,
    "world-reader": WorldReader,
    "lpips-heads": LpipsHeads,
    "encoder": Encoder,
}
# kind -> what loads a network whose weights are not in the data folder
ELSEWHERE: dict[str, Callable[[], nn.Module]] = {
    "vgg19": VGG19.load,
    "efficientnet-lite0": EfficientNetLite0,
}


def load(name: str | Path, device: str | torch.device = "cpu", *, data: Path = DATA) -> nn.Module:
    """Ready network called `name`: float32, in evaluation mode, its weights frozen.

    Args:
        name: A name out of `names`, or the path of a file that `save` wrote or of others' kind
            (FILE.pkl, see hw5/checkpoints; digests of files are not checked).
        device: Where the network is to live.
        data: Folder that holds the manifest.

    Raises:
        InputError: Unknown name, missing, changed, truncated or unfit file, or NaN weights.
    """
    if checkpoints.is_foreign(name):
        network = checkpoints.load(name)
    elif str(name).endswith(SUFFIX):
        network = _parse(Path(name), read_bytes(name, expected="a safetensors file"))
    else:
        entry = describe(str(name), data=data)
        if entry.kind in ELSEWHERE:
            network = ELSEWHERE[entry.kind]()
        else:
            network = _parse(data / entry.file, _checked_bytes(entry, data), entry.kind)
    return network.eval().requires_grad_(False).to(device)


def names(*, data: Path = DATA) -> tuple[str, ...]:
    """Names that `load` knows, in the order of the manifest."""
    return tuple(_manifest(data))


def describe(name: str, *, data: Path = DATA) -> Entry:
    """What the manifest says about `name`.

    Raises:
        InputError: No such name; the message lists the known ones.
    """
    entries = _manifest(data)
    check_choice("weights", name, tuple(entries))
    return entries[name]


def card(name: str | Path, *, data: Path = DATA) -> dict[str, Any]:
    """How a weight was trained and how good it is: the JSON beside it.

    Args:
        name: A bundled weight, or the path of a file that `save` wrote.
        data: Folder that holds the manifest.

    Raises:
        InputError: No such name, or no readable card.
    """
    is_path = str(name).endswith(SUFFIX)
    weights = Path(name) if is_path else data / describe(str(name), data=data).file
    path = weights.with_suffix(".json")
    try:
        return json.loads(read_bytes(path, expected="a card"))
    except ValueError as error:
        raise InputError(f"{path}: not a JSON card: {error}") from error


def amend_card(name: str, facts: Mapping[str, Any], *, data: Path = DATA) -> None:
    """Add facts to the card of a bundled weight, such as a figure measured after training."""
    path = (data / describe(name, data=data).file).with_suffix(".json")
    _write_card(path, {**card(name, data=data), **facts})


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
    _build(path, kind, json.loads(text), state)
    content = safetensors.torch.save(state, {"kind": kind, "config": text})
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)
    _write_card(path.with_suffix(".json"), card)
    if named:
        _register(_entry_of(str(target), kind, card, content), data)
    return path


def _write_card(path: Path, card: Mapping[str, Any]) -> None:
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(dict(card), indent=2) + "\n", encoding="utf-8")


def _manifest(data: Path) -> dict[str, Entry]:
    path = data / MANIFEST
    try:
        listed = tomllib.loads(read_bytes(path, expected="a manifest").decode())
        return {item["name"]: Entry(**item) for item in listed.get("weights", [])}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, TypeError, KeyError) as error:
        raise InputError(f"{path}: not a manifest of weights: {error}") from error


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
    except (SafetensorError, ValueError, KeyError) as error:
        hint = "the file is cut off, or zoo.save did not write it"
        raise InputError(f"{path}: not a file of weights ({error!r}). Hint: {hint}") from error
    if kind not in (None, found):
        raise InputError.about(str(path), expected=f"weights of a {kind}", got=f"of a {found}")
    full = {key: t.float() if t.is_floating_point() else t for key, t in state.items()}
    return _build(path, found, config, full)


def _metadata(content: bytes) -> dict[str, str]:
    """Safetensors begins with the length of a JSON header, 8 bytes, little end first."""
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length])["__metadata__"]


def _build(path: Path, kind: str, config: dict[str, Any], state: dict[str, Tensor]) -> nn.Module:
    """Network of `kind` that holds the tensors of `state`."""
    check_choice(f"{path}: kind", kind, tuple(BUILDERS))
    for key, value in state.items():
        # A sum is NaN or infinite if a term is, and takes one fast pass.
        if value.is_floating_point() and not math.isfinite(value.sum(dtype=torch.float32)):
            at = f"{path}: {key}"
            raise InputError.about(at, expected="finite weights", got="NaN or infinity")
    try:
        with torch.device("meta"):  # spares drawing random weights that are replaced at once
            network = BUILDERS[kind](**config)
        network.load_state_dict(state, assign=True)
    except (TypeError, ValueError, RuntimeError) as error:
        first = str(error).splitlines()[-1].strip()
        raise InputError(f"{path}: the weights do not fit a {kind} of {config}: {first}") from error
    return network


def _as_float16(key: str, value: Tensor) -> Tensor:
    value = value.detach().to("cpu", copy=True).contiguous()
    if not value.is_floating_point():
        return value
    half = value.half()
    if not half.isfinite().all():
        raise InputError.about(key, expected="weights below 65504", got="NaN, infinity or larger")
    return half


def _entry_of(name: str, kind: str, card: Mapping[str, Any], content: bytes) -> Entry:
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


def _register(entry: Entry, data: Path) -> None:
    """Put `entry` into the manifest: in the place of one with its name, else at the end."""
    path = data / MANIFEST
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    # A JSON string or integer is also one of TOML.
    lines = [f"{k} = {json.dumps(v, ensure_ascii=False)}" for k, v in asdict(entry).items()]
    block = "\n".join(["[[weights]]", *lines]) + "\n"
    old = rf'^\[\[weights\]\]\nname = "{re.escape(entry.name)}"\n(?:[a-z0-9]+ = .*\n?)*'
    text, count = re.subn(old, lambda _: block, text, flags=re.MULTILINE)
    if not count:
        text = f"{text.rstrip()}\n\n{block}".lstrip()
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
