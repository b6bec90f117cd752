"""Generators in the format of the rosinality implementation of StyleGAN2: `.pt` files.

Offers `state_of` and `interpret`. Such a file is a dictionary with the tensors of a generator under
"g_ema" (else "g"), or those tensors alone, and perhaps "latent_avg". Layers are numbered where ADA
names resolutions, kernels are kept before their 1 / sqrt(fan-in), filters with their gain of 4.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from hw5.checkpoints.machine import refuse
from hw5.checkpoints.modules import Network
from hw5.checkpoints.tensors import StoredTensor, check_amount
from hw5.kit.checks import InputError, brief
from hw5.models.stylegan2_layers import MappingNetwork
from hw5.models.stylegan2_ops import fir_filter

NAMES = ("g_ema", "g")  # in the order in which a generator is looked for
FIRST = "style.1.weight"  # style.0 normalises z and has no weight
LR_MULTIPLIER = 0.01  # of the mapping, a constant of the format
MAX_DOUBLINGS = 9  # 2048 px
MAX_LAYERS = 32  # of the mapping
NUM_MEAN = 10_000  # random codes averaged where a file has no latent_avg; the starter's number


def state_of(content: dict[str, Any]) -> dict[str, Any] | None:
    """The generator's tensors among a file's contents; None if it is of another format."""
    for candidate in (*(content.get(name) for name in NAMES), content):
        if isinstance(candidate, dict) and FIRST in candidate:
            return candidate
    return None


def interpret(state: Mapping[str, Any], average: object = None) -> Network:
    """Our configuration and tensors of such a generator.

    Args:
        state: Its tensors.
        average: The file's latent_avg, if it has one; else it is computed, as the original's
            scripts do.

    Raises:
        InputError: A tensor is missing, left over or of another shape.
    """
    check_amount({**state, "latent_avg": average})
    taken = _Taken(state)
    doublings = taken.numbers("convs") // 2
    if not 1 <= doublings <= MAX_DOUBLINGS:
        raise refuse(f"{doublings} doublings of 4 pixels make no picture that is known")
    tensors = _mapping(taken) | _first_block(taken)
    for k in range(doublings):
        tensors |= _block(taken, k)
    taken.check_all_used()
    tensors["mapping.w_avg"] = _average(average, tensors)
    sizes = [2**i for i in range(2, doublings + 3)]
    config = {
        "image_size": sizes[-1],
        "z_dim": tensors["mapping.fc0.weight"].shape[1],
        "w_dim": tensors["mapping.w_avg"].shape[0],
        "channels": {str(s): len(tensors[f"synthesis.b{s}.conv1.bias"]) for s in sizes},
        "num_mapping_layers": sum(name.endswith("weight") for name in _mapping_names(tensors)),
        "mapping_lr_multiplier": LR_MULTIPLIER,
    }
    return Network("stylegan2", config, tensors)


class _Taken:
    """The file's tensors, taken one by one, so that none is forgotten."""

    def __init__(self, state: Mapping[str, Any]) -> None:
        """Nothing is taken yet."""
        self.state, self.left = state, set(state)

    def __call__(self, name: str, dimensions: int) -> Tensor:
        """The tensor `name`, float32.

        Raises:
            InputError: It is missing or has another number of dimensions.
        """
        stored = self.state.get(name)
        if not isinstance(stored, StoredTensor):
            raise refuse(f"the tensor {name} is missing", "the file holds another architecture")
        if len(stored.shape) != dimensions or 0 in stored.shape:
            expected = f"{dimensions} dimensions"
            raise InputError.about(name, expected=expected, got=f"the shape {stored.shape}")
        self.left.discard(name)
        return stored.load().float()

    def numbers(self, start: str) -> int:
        """How many numbered layers `start` has."""
        found = {
            m[1] for key in self.state if (m := re.match(rf"{start}\.(\d{{1,3}})\.", str(key)))
        }
        return len(found)

    def check_all_used(self) -> None:
        """Require that nothing is left."""
        if self.left:
            name = brief(min(map(str, self.left)), 120)
            hint = "the file holds another architecture"
            raise refuse(f"the tensor {name} has no place", hint)


def _mapping(taken: _Taken) -> dict[str, Tensor]:
    """Layers of the mapping network; both formats scale them alike."""
    count = taken.numbers("style")
    if not 1 <= count <= MAX_LAYERS:
        raise refuse(f"a mapping network of {count} layers")
    return {
        f"mapping.fc{i}.{part}": taken(f"style.{i + 1}.{part}", dimensions)
        for i in range(count)
        for part, dimensions in (("weight", 2), ("bias", 1))
    }


def _mapping_names(tensors: Mapping[str, Tensor]) -> list[str]:
    return [name for name in tensors if name.startswith("mapping.fc")]


def _first_block(taken: _Taken) -> dict[str, Tensor]:
    return {
        "synthesis.b4.const": taken("input.input", 4)[0],
        "synthesis.b4.resample_filter": fir_filter(),  # nothing is enlarged to 4 pixels
        **_conv(taken, "conv1", "synthesis.b4.conv1", noise=0),
        **_torgb(taken, "to_rgb1", "synthesis.b4.torgb"),
    }


def _block(taken: _Taken, k: int) -> dict[str, Tensor]:
    """The block after doubling number k, counted from 0."""
    name = f"synthesis.b{8 * 2**k}"
    return {
        f"{name}.resample_filter": _filter(taken, f"to_rgbs.{k}.upsample.kernel"),
        **_conv(taken, f"convs.{2 * k}", f"{name}.conv0", noise=2 * k + 1, up=True),
        **_conv(taken, f"convs.{2 * k + 1}", f"{name}.conv1", noise=2 * k + 2),
        **_torgb(taken, f"to_rgbs.{k}", f"{name}.torgb"),
    }


def _conv(
    taken: _Taken, theirs: str, ours: str, *, noise: int, up: bool = False
) -> dict[str, Tensor]:
    kernels = taken(f"{theirs}.conv.weight", 5)[0]  # (O, I, k, k)
    # Their demodulation sums squares of the scaled kernels; ours then does so too, to the epsilon.
    scale = 1 / math.sqrt(kernels[0].numel())
    fir = _filter(taken, f"{theirs}.conv.blur.kernel") if up else fir_filter()
    return {
        f"{ours}.weight": kernels * scale,
        f"{ours}.bias": taken(f"{theirs}.activate.bias", 1),
        f"{ours}.noise_strength": taken(f"{theirs}.noise.weight", 1)[0],
        f"{ours}.noise_const": taken(f"noises.noise_{noise}", 4)[0, 0],
        f"{ours}.resample_filter": fir,
        **_affine(taken, theirs, ours),
    }


def _torgb(taken: _Taken, theirs: str, ours: str) -> dict[str, Tensor]:
    """Here ours scales the style by 1 / sqrt(fan-in), which is the same as their scaled kernel."""
    return {
        f"{ours}.weight": taken(f"{theirs}.conv.weight", 5)[0],
        f"{ours}.bias": taken(f"{theirs}.bias", 4).flatten(),
        **_affine(taken, theirs, ours),
    }


def _affine(taken: _Taken, theirs: str, ours: str) -> dict[str, Tensor]:
    return {
        f"{ours}.affine.weight": taken(f"{theirs}.conv.modulation.weight", 2),
        f"{ours}.affine.bias": taken(f"{theirs}.conv.modulation.bias", 1),
    }


def _filter(taken: _Taken, name: str) -> Tensor:
    """A low-pass filter without the gain that makes up for the zeros between pixels."""
    return taken(name, 2) / 4


def _average(stored: object, tensors: Mapping[str, Tensor]) -> Tensor:
    """The average code: the file's, or the mean of what its mapping makes of random z."""
    if isinstance(stored, StoredTensor) and stored.shape:
        if 0 in stored.shape:
            got = f"the shape {stored.shape}"
            raise InputError.about("latent_avg", expected="an average code", got=got)
        return stored.load().float().reshape(-1, stored.shape[-1]).mean(dim=0)
    weights = {name.removeprefix("mapping."): tensors[name] for name in _mapping_names(tensors)}
    rows, columns = weights["fc0.weight"].shape
    mapping = MappingNetwork(columns, rows, len(weights) // 2, lr_multiplier=LR_MULTIPLIER)
    try:
        mapping.load_state_dict({**weights, "w_avg": mapping.w_avg})
    except RuntimeError as error:
        raise refuse("the layers of the mapping network do not fit each other") from error
    with torch.no_grad():
        z = torch.randn(NUM_MEAN, columns, generator=torch.Generator().manual_seed(0))
        return mapping(z).mean(dim=0)
