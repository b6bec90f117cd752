"""The one door to weights: a name becomes a ready network.

    generator = zoo.load("stylegan2")

Offers `load`, `names`, `describe`, `card`, `amend_card` and `save`. Bundled weights are float16
safetensors in data/weights, each with a card (JSON) beside it; data/MANIFEST.toml lists them with
digest, licence and origin. The networks themselves are in hw5/models.
Read next: manifest.py (the table), saved.py (our own files).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from hw5.models.features import VGG19, EfficientNetLite0
from hw5.zoo.manifest import DATA, Entry, describe, names
from hw5.zoo.saved import BUILDERS, SUFFIX, amend_card, card, read, read_file, save

__all__ = [
    "BUILDERS", "DATA", "ELSEWHERE", "SUFFIX", "Entry", "amend_card", "card", "describe", "load",
    "names", "save",
]  # fmt: skip

# kind -> what loads a network whose weights are not in the data folder
ELSEWHERE: dict[str, Callable[[], nn.Module]] = {
    "vgg19": VGG19.load,
    "efficientnet-lite0": EfficientNetLite0,
}


def load(name: str | Path, device: str | torch.device = "cpu", *, data: Path = DATA) -> nn.Module:
    """Ready network called `name`: float32, in evaluation mode, its weights frozen.

    Args:
        name: A name out of `names`, or the path of a file that `save` wrote (its digest is then
            not checked).
        device: Where the network is to live.
        data: Folder that holds the manifest.

    Raises:
        InputError: Unknown name, missing, changed, truncated or unfit file, or NaN weights.
    """
    if str(name).endswith(SUFFIX):
        network = read_file(Path(name))
    else:
        entry = describe(str(name), data=data)
        elsewhere = ELSEWHERE.get(entry.kind)
        network = elsewhere() if elsewhere else read(entry, data)
    return network.eval().requires_grad_(False).to(device)
