"""Networks of others: how a published file, or one inside a Python package, becomes a network.

Offers `read`, `path_of`, `check_readable`, `check_content`, and the tables by kind `PACKAGED`,
`READERS` and `RECOGNISERS`. A new kind of file is one function from a path to a network and one
line in READERS; by the time it is called, the file's digest has been checked.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from torch import nn

from hw5 import checkpoints
from hw5.kit.checks import InputError
from hw5.models.features import VGG16, VGG19, AlexNet, EfficientNetLite0, SqueezeNet
from hw5.zoo.manifest import DATA, Entry
from hw5.zoo.places import find, missing
from hw5.zoo.recognise import sha256_of
from hw5.zoo.saved import check_weights
from hw5.zoo.trust import promise, record

# Kinds that hw5/checkpoints reads; it tells them apart by what is in the file.
GENERATORS = ("official-stylegan2", "rosinality-stylegan2", "course-dcgan")
# kind -> what makes a network whose weights came with a Python package
PACKAGED: dict[str, Callable[[], nn.Module]] = {
    "efficientnet-lite0": EfficientNetLite0,
}
# kind -> what makes a network of a published file, running no code that the file may hold
READERS: dict[str, Callable[..., nn.Module]] = {
    "vgg19": VGG19.load,
    "vgg16": VGG16.load,
    "alexnet": AlexNet.load,
    "squeezenet": SqueezeNet.load,
    **dict.fromkeys(GENERATORS, checkpoints.load),
}


# kind -> what recognises such a file without making its network, for files without a digest
RECOGNISERS: dict[str, Callable[[Path], object]] = dict.fromkeys(GENERATORS, checkpoints.read)


def read(entry: Entry, data: Path = DATA, *, label: int | None = None) -> nn.Module:
    """Network of a published entry, its file found and checked first.

    Args:
        entry: a published entry.
        data: folder that holds the manifest.
        label: which class a conditional generator is to draw.

    Raises:
        InputError: no file, only wrong ones, no reader for this kind yet, a file that does not
            hold the network, a label for a network without, or weights that are no numbers.
    """
    check_readable(entry)
    if label is not None and entry.kind not in GENERATORS:
        raise InputError.about(f"{entry.name}#{label}", expected="no label", got=label)
    path = path_of(entry, data)
    chosen = {} if label is None else {"label": label}
    network = READERS[entry.kind](path, **chosen)
    check_weights(path, network.state_dict())
    if not promise(entry).sha256:
        record(entry, sha256_of(path), path.stat().st_size)
    return network


def path_of(entry: Entry, data: Path = DATA) -> Path:
    """Where the right file of a published entry lies.

    Raises:
        InputError: nowhere; the message says what to fetch, and which wrong files there are.
    """
    found = find(entry, data=data)
    if found.path is None:
        raise missing(entry, found, data)
    return found.path


def check_readable(entry: Entry) -> None:
    """Require that some part of hw5 reads this kind of file.

    Raises:
        InputError: none does yet.
    """
    if entry.kind not in READERS:
        hint = "it is only listed; python -m hw5 models says what can be used"
        raise InputError(f"{entry.name}: nothing in hw5 reads {entry.kind} yet. Hint: {hint}")


def check_content(entry: Entry, path: Path) -> None:
    """Require that the file at `path` holds what `entry` promises, as far as its kind can tell.

    Raises:
        InputError: it is damaged, or something else.
    """
    if entry.kind in RECOGNISERS:
        RECOGNISERS[entry.kind](path)
