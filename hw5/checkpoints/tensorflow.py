"""Pickles of StyleGAN2 from TensorFlow: (G, D, Gs), as published before ADA came to PyTorch.

Offers `networks_of` and `interpret`, for generators. Such a network is an object with its arguments
(`static_kwargs`) and numpy arrays by name, in parts (`components`). TensorFlow keeps kernels as
(k, k, I, O), those of doubling layers turned by half a turn, and style biases without their 1.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hw5.checkpoints.machine import Record, refuse
from hw5.checkpoints.modules import Network, brief_of
from hw5.kit.checks import InputError, brief
from hw5.models.stylegan2_ops import fir_filter

KIND = "dnnlib.tflib.network.Network"
ORDER = ("G", "D", "G_ema")  # of the three networks in a file
MAX_DEPTH = 3
MAX_ARRAYS = 5000  # and parts; a 1024 px generator has about 150
SHARED = 1 << 22  # bytes that arrays may share
MAX_SIZE = 2048

# Arguments that decide the arithmetic, and the one value of each that is known here.
FIXED: dict[str, object] = {
    "num_channels": 3,
    "label_size": 0,
    "mapping_nonlinearity": "lrelu",
    "nonlinearity": "lrelu",
    "use_noise": True,
}
# Arguments that shapes tell as well, or that matter in training alone.
KNOWN = {
    "latent_size", "dlatent_size", "resolution", "mapping_layers", "label_fmaps", "mapping_fmaps",
    "mapping_lrmul", "w_avg_beta", "fmap_base", "fmap_max", "num_fp16_res", "conv_clamp",
    "architecture", "resample_kernel", "truncation_psi", "truncation_cutoff", "style_mixing_prob",
    "structure", "func_name",
}  # fmt: skip


def networks_of(content: object) -> dict[str, Record]:
    """The networks of an unpickled file by ADA's names; {} if it is of another format."""
    networks = content if isinstance(content, tuple) and len(content) == 3 else ()
    if not all(isinstance(network, Record) and network.kind == KIND for network in networks):
        return {}
    return dict(zip(ORDER, networks, strict=False))


def interpret(name: str, record: Record) -> Network:
    """Our configuration and tensors of a generator.

    Raises:
        InputError: A discriminator, or a generator with settings that ours has not.
    """
    if name == "D":
        raise refuse("the discriminators of TensorFlow pickles are not read")
    arguments = _arguments(record)
    arrays = _arrays(record, itertools.count(1))
    _check_amount(arrays)
    size = _size(arguments.get("resolution", 1024))
    sizes = [2**i for i in range(2, size.bit_length())]
    tensors = _mapping(arrays)
    for at in sizes:
        tensors |= _block(arrays, at)
    # Single numbers, such as the progress of training, compute nothing.
    if left := [name for name, array in arrays.items() if array.ndim]:
        raise refuse(f"the TensorFlow array {brief(min(left), 120)} has no place")
    config = {
        "image_size": size,
        "z_dim": tensors["mapping.fc0.weight"].shape[1],
        "w_dim": tensors["mapping.w_avg"].shape[0],
        "channels": {str(at): len(tensors[f"synthesis.b{at}.conv1.bias"]) for at in sizes},
        "num_mapping_layers": sum(key.endswith("weight") for key in tensors if ".fc" in key),
        "mapping_width": tensors["mapping.fc0.weight"].shape[0],
        "mapping_lr_multiplier": _number("mapping_lrmul", arguments.get("mapping_lrmul", 0.01)),
        "architecture": _architecture(arguments.get("architecture", "skip")),
        "conv_clamp": None,
    }
    if arguments.get("conv_clamp") is not None:
        config["conv_clamp"] = _number("conv_clamp", arguments["conv_clamp"])
    return Network("stylegan2", config, tensors)


def _arguments(record: Record) -> dict[str, Any]:
    state = record.state if isinstance(record.state, dict) else {}
    arguments = state.get("static_kwargs")
    if not isinstance(arguments, dict):
        raise refuse("a TensorFlow network without its arguments")
    for name, value in arguments.items():
        if name not in KNOWN and name not in FIXED:
            raise refuse(f"the TensorFlow argument {brief(name)} is unknown")
        if name in FIXED and value != FIXED[name]:
            expected = brief(FIXED[name])
            raise InputError.about(str(name), expected=expected, got=brief_of(value))
    if arguments.get("resample_kernel", [1, 3, 3, 1]) != [1, 3, 3, 1]:
        raise InputError.about("resample_kernel", expected="[1, 3, 3, 1]", got="another")
    return arguments


def _size(value: object) -> int:
    fits = isinstance(value, int) and not isinstance(value, bool) and 8 <= value <= MAX_SIZE
    if not fits or value & (value - 1):
        expected = f"a power of two from 8 to {MAX_SIZE}"
        raise InputError.about("resolution", expected=expected, got=brief_of(value))
    return value


def _number(name: str, value: object) -> float:
    if not isinstance(value, int | float) or not 0 < value < 1e6:
        raise InputError.about(name, expected="a number above 0", got=brief_of(value))
    return float(value)


def _architecture(value: object) -> str:
    if value not in ("skip", "resnet", "orig"):
        expected = "skip, resnet or orig"
        raise InputError.about("architecture", expected=expected, got=brief_of(value))
    return value


def _check_amount(arrays: dict[str, np.ndarray]) -> None:
    """Refuse a small file that names the same contents over and over, to fill the memory."""
    room = sum({a.__array_interface__["data"][0]: a.nbytes for a in arrays.values()}.values())
    if (asked := sum(array.nbytes for array in arrays.values())) > room + SHARED:
        raise refuse(f"arrays of {asked:,} bytes in a file that stores {room:,}")


def _arrays(
    record: Record, counted: Iterator[int], prefix: str = "", depth: int = 0
) -> dict[str, np.ndarray]:
    """The network's arrays by name, those of its parts as "part/name"."""
    state = record.state if isinstance(record.state, dict) else {}
    variables, parts = state.get("variables"), state.get("components")
    if not isinstance(variables, list) or not isinstance(parts, dict) or depth > MAX_DEPTH:
        raise refuse("a TensorFlow network without its arrays")
    if next(counted) + len(variables) + len(parts) > MAX_ARRAYS:
        raise refuse(f"a TensorFlow network of more than {MAX_ARRAYS} arrays")
    found = {}
    for pair in variables:
        next(counted)
        if not isinstance(pair, tuple) or len(pair) != 2 or not isinstance(pair[0], str):
            raise refuse("a TensorFlow array without a name")
        found[prefix + pair[0]] = _array(pair[0], pair[1])
    for name, part in parts.items():
        if not isinstance(part, Record):
            raise refuse("a part of a TensorFlow network that is none")
        found |= _arrays(part, counted, f"{prefix}{name}/", depth + 1)
    return found


def _array(name: str, stored: object) -> np.ndarray:
    """A view of an array's bytes; numpy writes version, shape, type, order and contents."""
    state = stored.state if isinstance(stored, Record) else None
    if not isinstance(state, tuple) or len(state) != 5 or not isinstance(state[2], Record):
        if isinstance(stored, int | float):  # a number of numpy's
            return np.asarray(stored, np.float32)
        raise refuse(f"the TensorFlow array {brief(name)} is none")
    _, shape, dtype, is_fortran, content = state
    fits = (
        dtype.arguments[:1] == ("f4",)
        and isinstance(dtype.state, tuple)
        and dtype.state[1:2] == ("<",)
        and is_fortran is False
        and isinstance(content, bytes | memoryview)
        and isinstance(shape, tuple)
    )
    if not fits:
        raise refuse(f"the TensorFlow array {brief(name)} is of an unknown kind")
    try:
        return np.frombuffer(content, "<f4").reshape(shape)
    except (ValueError, TypeError, OverflowError) as error:
        raise refuse(f"the TensorFlow array {brief(name)} is cut off") from error


def _take(
    arrays: dict[str, np.ndarray],
    name: str,
    dimensions: int,
    change: Callable[[np.ndarray], np.ndarray],
) -> Tensor:
    """The array `name`, taken out of `arrays` and changed, as a tensor of its own."""
    if name not in arrays:
        raise refuse(f"the TensorFlow array {name} is missing", "another architecture?")
    array = arrays.pop(name)
    if array.ndim != dimensions or not array.size:
        raise refuse(f"the TensorFlow array {name} has another shape")
    return torch.from_numpy(np.array(change(array), order="C"))


def _same(x: np.ndarray) -> np.ndarray:
    return x


def _kernels(x: np.ndarray) -> np.ndarray:
    return x.transpose(3, 2, 0, 1)


def _turned(x: np.ndarray) -> np.ndarray:
    return x[::-1, ::-1].transpose(3, 2, 0, 1)


def _mapping(arrays: dict[str, np.ndarray]) -> dict[str, Tensor]:
    tensors = {"mapping.w_avg": _take(arrays, "dlatent_avg", 1, _same)}
    count = next(i for i in range(len(arrays) + 1) if f"mapping/Dense{i}/weight" not in arrays)
    for i in range(max(count, 1)):
        tensors[f"mapping.fc{i}.weight"] = _take(
            arrays, f"mapping/Dense{i}/weight", 2, np.transpose
        )
        tensors[f"mapping.fc{i}.bias"] = _take(arrays, f"mapping/Dense{i}/bias", 1, _same)
    return tensors


def _block(arrays: dict[str, np.ndarray], size: int) -> dict[str, Tensor]:
    """The tensors of one resolution."""
    theirs, ours = f"synthesis/{size}x{size}", f"synthesis.b{size}"
    last_noise = 2 * size.bit_length() - 6  # noise0 at 4 px, then two for each doubling
    tensors = {f"{ours}.resample_filter": fir_filter()}
    if size == 4:
        tensors[f"{ours}.const"] = _take(arrays, f"{theirs}/Const/const", 4, lambda x: x[0])
        tensors |= _conv(arrays, f"{theirs}/Conv", f"{ours}.conv1", noise=0)
    else:
        tensors |= _conv(arrays, f"{theirs}/Conv0_up", f"{ours}.conv0", noise=last_noise - 1)
        tensors |= _conv(arrays, f"{theirs}/Conv1", f"{ours}.conv1", noise=last_noise)
    if f"{theirs}/ToRGB/weight" in arrays:
        tensors |= _modulated(arrays, f"{theirs}/ToRGB", f"{ours}.torgb", _kernels)
    if f"{theirs}/Skip/weight" in arrays:
        tensors[f"{ours}.skip.weight"] = _take(arrays, f"{theirs}/Skip/weight", 4, _turned)
        tensors[f"{ours}.skip.resample_filter"] = fir_filter()
    return tensors


def _conv(
    arrays: dict[str, np.ndarray], theirs: str, ours: str, *, noise: int
) -> dict[str, Tensor]:
    return {
        **_modulated(arrays, theirs, ours, _turned if theirs.endswith("_up") else _kernels),
        f"{ours}.noise_strength": _take(arrays, f"{theirs}/noise_strength", 0, _same),
        f"{ours}.noise_const": _take(arrays, f"synthesis/noise{noise}", 4, lambda x: x[0, 0]),
        f"{ours}.resample_filter": fir_filter(),
    }


def _modulated(
    arrays: dict[str, np.ndarray],
    theirs: str,
    ours: str,
    kernels: Callable[[np.ndarray], np.ndarray],
) -> dict[str, Tensor]:
    return {
        f"{ours}.weight": _take(arrays, f"{theirs}/weight", 4, kernels),
        f"{ours}.bias": _take(arrays, f"{theirs}/bias", 1, _same),
        f"{ours}.affine.weight": _take(arrays, f"{theirs}/mod_weight", 2, np.transpose),
        f"{ours}.affine.bias": _take(arrays, f"{theirs}/mod_bias", 1, lambda x: x + 1),
    }
