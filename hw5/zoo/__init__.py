"""The one door to weights: a name becomes a ready network.

    generator = zoo.load("stylegan2")

Offers `load`, `names`, `describe`, `find`, `path_of`, `card`, `amend_card` and `save`. Bundled
weights are float16 safetensors in data/weights, each with a card (JSON) beside it. Files of others
are looked for on this machine; only `python -m hw5 fetch NAME` downloads. data/MANIFEST.toml lists
all of them with digest, licence and origin. The networks themselves are in hw5/models.
Read next: manifest.py (the table), saved.py (our own files), published.py (those of others),
places.py and trust.py (where they lie, which are right), fetching.py (how they come here).
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from hw5 import checkpoints
from hw5.kit.checks import InputError
from hw5.zoo import places, published, saved
from hw5.zoo.manifest import DATA, Entry, describe, names
from hw5.zoo.saved import BUILDERS, SUFFIX, amend_card, card, save

__all__ = [
    "BUILDERS", "DATA", "SUFFIX", "Entry", "amend_card", "card", "describe", "find", "load",
    "names", "path_of", "save",
]  # fmt: skip


def load(
    name: str | Path,
    device: str | torch.device = "cpu",
    *,
    data: Path = DATA,
    instead: str = "",
) -> nn.Module:
    """Ready network called `name`: float32, in evaluation mode, its weights frozen.

    Args:
        name: A name out of `names`, behind which a conditional generator needs a class, as in
            "cifar10-conditional#3"; or the path of a file that `save` wrote or that hw5/checkpoints
            reads (its digest is then not checked).
        device: Where the network is to live.
        data: Folder that holds the manifest.
        instead: What does the network's work as long as its file is missing; by default what the
            manifest says, which knows one use of each network only.

    Raises:
        InputError: Unknown name, missing, changed, truncated or unfit file, or NaN weights.
    """
    if checkpoints.is_foreign(name):
        network = checkpoints.load(name)
    elif str(name).endswith(SUFFIX):
        network = saved.read_file(Path(name))
    else:
        network = _read(str(name), data, instead)
    return network.eval().requires_grad_(False).to(device)


def find(name: str, *, data: Path = DATA) -> Path | None:
    """The published file called `name`, its digest checked; None if it is not on this machine.

    Raises:
        InputError: Unknown name.
    """
    return places.find(describe(name, data=data), data=data).path


def path_of(name: str, *, data: Path = DATA) -> Path:
    """The same for a file that is needed.

    Raises:
        InputError: Unknown name, or no such file: then the message says what to fetch.
    """
    return published.path_of(describe(name, data=data), data)


def _read(name: str, data: Path, instead: str) -> nn.Module:
    """Network of an entry: of a published file, out of a Python package, or bundled."""
    named = re.fullmatch(r"(.+)#([0-9]{1,6})", name)
    entry = describe(named[1] if named else name, data=data)
    entry = replace(entry, instead=instead or entry.instead)
    if entry.published:
        return published.read(entry, data, label=int(named[2]) if named else None)
    if named:
        raise InputError.about(name, expected="no label", got=named[2])
    if entry.kind in published.PACKAGED:
        return published.PACKAGED[entry.kind]()
    return saved.read(entry, data)
