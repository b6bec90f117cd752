"""The DCGAN of the course's starter: its tensors (`vanilla.ckpt`), or the whole module pickled.

Offers `find` and `interpret`. Five layers deconv1 ... deconv5, each a transposed convolution, the
first four with an instance norm that has no weights; hw5/models/dcgan.py has the same names.
"""

from __future__ import annotations

from typing import Any

from hw5.checkpoints.machine import Record, refuse
from hw5.checkpoints.modules import Network, brief_of, setting, tensors_of, walk
from hw5.checkpoints.tensors import StoredTensor
from hw5.kit.checks import InputError

CLASS = "DCGenerator"
FIRST, LAST = "deconv1.0.weight", "deconv5.0.weight"
WRAPPER = "module."  # put before every name by torch.nn.DataParallel
MAX_WIDTH = 4096
PLAIN = {"Sequential", CLASS}  # classes that compute nothing of their own


def find(content: object) -> Record | dict[str, Any] | None:
    """The generator among a file's contents; None if it is of another format."""
    if isinstance(content, Record):
        return content if content.kind.rpartition(".")[2] == CLASS else None
    if not isinstance(content, dict):
        return None
    plain = {str(key).removeprefix(WRAPPER): value for key, value in content.items()}
    return plain if FIRST in plain else None


def interpret(found: Record | dict[str, Any]) -> Network:
    """Our configuration and tensors of such a generator.

    Raises:
        InputError: Other layers than the starter's.
    """
    if isinstance(found, Record):
        _check_layers(found)
    tensors = tensors_of(found) if isinstance(found, Record) else found
    for name, value in tensors.items():
        if not isinstance(value, StoredTensor):
            raise refuse(f"{name} is a {type(value).__name__}, not a tensor")
    config = {"z_dim": _rows(tensors, FIRST), "conv_dim": _rows(tensors, LAST)}
    return Network("dcgan", config, tensors)


def _rows(tensors: dict[str, StoredTensor], name: str) -> int:
    shape = tensors[name].shape if name in tensors else ()
    if len(shape) != 4 or not 1 <= shape[0] <= MAX_WIDTH:
        raise refuse(f"{name} is missing or has another shape", "the file holds another network")
    return shape[0]


def _check_layers(module: Record) -> None:
    """Require the layers of a whole module to compute what the starter's do."""
    for path, layer in walk(module):
        kind = layer.kind.rpartition(".")[2]
        if kind == "ConvTranspose2d":
            first = path.startswith("deconv1.")
            _compare(layer, path, stride=(1, 1) if first else (2, 2))
            _compare(layer, path, padding=(0, 0) if first else (1, 1))
            _compare(layer, path, kernel_size=(4, 4), output_padding=(0, 0), dilation=(1, 1))
        elif kind == "InstanceNorm2d":
            _compare(layer, path, eps=1e-5, affine=False, track_running_stats=False)
        elif kind not in PLAIN:
            raise InputError.about(path, expected="a layer of the starter's DCGAN", got=kind)


def _compare(layer: Record, path: str, **expected: object) -> None:
    for name, value in expected.items():
        got = setting(layer, name)
        plain = got if isinstance(got, tuple) and all(isinstance(g, int) for g in got) else None
        if (plain if isinstance(value, tuple) else got) != value:
            shown = str(plain[:4]) if plain else brief_of(got)
            raise InputError.about(f"{path}.{name}", expected=str(value), got=shown)
