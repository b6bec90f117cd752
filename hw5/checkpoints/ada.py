"""Pickles of StyleGAN2-ADA (PyTorch), and those converted from TensorFlow to that format.

Offers `networks_of` and `interpret`. Such a pickle is a dictionary with the networks "G", "D",
"G_ema". Each is an object with its class's name, the source text of its module, its arguments and
its state. The source is never run: the class's name says which of our networks has its arithmetic,
the layers' stored settings are compared with ours one by one, and its tensors have our names.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from hw5.checkpoints.machine import Record, refuse
from hw5.checkpoints.modules import (
    BUILDERS,
    Network,
    brief_of,
    child,
    setting,
    tensors_of,
    walk,
    whole,
)
from hw5.kit.checks import InputError, brief
from hw5.models.stylegan2_layers import (
    ARCHITECTURES,
    MappingNetwork,
    SynthesisBlock,
    SynthesisLayer,
    ToRGB,
)
from hw5.models.stylegan2_ops import LRELU_GAIN, Conv, FullyConnected

NAMES = ("G_ema", "G", "D")  # in the order in which a generator is looked for
MAX_SIZE, MAX_WIDTH, MAX_LAYERS, MAX_CLASSES = 2048, 8192, 32, 100_000


def networks_of(content: dict[str, Any]) -> dict[str, Record]:
    """The networks of an unpickled file, by name; other entries, such as augment_pipe, are left."""
    return {name: content[name] for name in NAMES if isinstance(content.get(name), Record)}


def interpret(name: str, record: Record) -> Network:
    """Our configuration and tensors of one network.

    Raises:
        InputError: Another architecture, or settings that ours has not.
    """
    readers = {"Generator": _generator, "Discriminator": _discriminator}
    if record.kind not in readers:
        hint = "StyleGAN2-ADA pickles hold a Generator and a Discriminator"
        raise refuse(f"{name} is of the class {brief(record.kind)}", hint)
    kind, config = readers[record.kind](record)
    _compare_layers(record, kind, config)
    return Network(kind, config, tensors_of(record))


def _generator(record: Record) -> tuple[str, dict[str, Any]]:
    sizes = _sizes(record)
    mapping = child(record, "mapping")
    config = {
        "image_size": sizes[-1],
        "z_dim": whole(record, "z_dim", 1, MAX_WIDTH),
        "w_dim": whole(record, "w_dim", 1, MAX_WIDTH),
        "channels": {str(size): _rows(record, f"synthesis.b{size}.conv1") for size in sizes},
        "num_mapping_layers": whole(mapping, "num_layers", 1, MAX_LAYERS),
        "mapping_lr_multiplier": _number(child(mapping, "fc0"), "bias_gain"),
        "mapping_width": _rows(mapping, "fc0"),
        "conv_clamp": _limit(child(record, "synthesis.b4.conv1")),
        "architecture": _architecture(child(record, "synthesis.b4")),
        "c_dim": whole(record, "c_dim", 0, MAX_CLASSES),
    }
    if config["c_dim"]:
        config["embed_features"] = _rows(mapping, "embed")
    _check_arguments(record, ("z_dim", "c_dim", "w_dim", "img_resolution", "img_channels"))
    return "stylegan2", config


def _discriminator(record: Record) -> tuple[str, dict[str, Any]]:
    sizes = _sizes(record)
    last = child(record, "b4")
    config: dict[str, Any] = {
        "image_size": sizes[-1],
        "channels": {
            "4": _rows(record, "b4.conv"),
            **{str(size): _rows(record, f"b{size}.conv0") for size in sizes[1:]},
        },
        "conv_clamp": _limit(child(last, "conv")),
        "architecture": _architecture(last),
        "c_dim": whole(record, "c_dim", 0, MAX_CLASSES),
        **_spread(last),
    }
    if config["c_dim"]:
        mapping = child(record, "mapping")
        config["cmap_dim"] = whole(last, "cmap_dim", 1, MAX_WIDTH)
        config["num_mapping_layers"] = whole(mapping, "num_layers", 0, MAX_LAYERS)
        if config["num_mapping_layers"]:
            config["mapping_lr_multiplier"] = _number(child(mapping, "fc0"), "bias_gain")
    _check_arguments(record, ("c_dim", "img_resolution", "img_channels"))
    return "stylegan2-discriminator", config


def _sizes(record: Record) -> list[int]:
    """Resolutions from 4 to the picture's."""
    size = whole(record, "img_resolution", 1, MAX_SIZE)
    if size < 8 or size & (size - 1):
        expected = f"a power of two from 8 to {MAX_SIZE}"
        raise InputError.about("img_resolution", expected=expected, got=size)
    if setting(record, "img_channels") != 3:
        got = brief_of(setting(record, "img_channels"))
        raise InputError.about("img_channels", expected="3, pictures are RGB", got=got)
    return [2**i for i in range(2, size.bit_length())]


def _check_arguments(record: Record, names: tuple[str, ...]) -> None:
    """Require that the stored arguments agree with what the network kept of them.

    Only numbers are compared: comparing two lists that hold themselves over and over never ends.
    """
    arguments = setting(record, "_init_kwargs")
    for name in names:
        kept = setting(record, name)
        given = arguments.get(name, kept) if isinstance(arguments, dict) else kept
        plain = isinstance(given, int | float) and isinstance(kept, int | float)
        if not plain or type(given) is not type(kept) or given != kept:
            expected, got = f"{brief_of(given)}, its argument", brief_of(kept)
            raise InputError.about(f"{record.kind}.{name}", expected=expected, got=got)


def _rows(record: Record, path: str) -> int:
    """Output channels of the layer at `path`."""
    stored = tensors_of(child(record, path)).get("weight")
    if stored is None or not stored.shape or not 1 <= stored.shape[0] <= MAX_WIDTH:
        raise refuse(f"{path} has no weight of a known shape")
    return stored.shape[0]


def _number(module: Record, name: str) -> float:
    value = setting(module, name)
    if not isinstance(value, int | float) or not 0 < value < math.inf:
        expected = "a number above 0"
        raise InputError.about(f"{module.kind}.{name}", expected=expected, got=brief_of(value))
    return float(value)


def _limit(layer: Record) -> float | None:
    """The layer's largest magnitude, None without one."""
    return None if setting(layer, "conv_clamp") is None else _number(layer, "conv_clamp")


def _architecture(block: Record) -> str:
    value = setting(block, "architecture")
    if not isinstance(value, str) or value not in ARCHITECTURES:
        expected = f"one of {', '.join(ARCHITECTURES)}"
        raise InputError.about("architecture", expected=expected, got=brief_of(value))
    return value


def _spread(last: Record) -> dict[str, Any]:
    """Arguments of the minibatch spread; a network may be without."""
    state = last.state
    module = state["_modules"].get("mbstd", state.get("mbstd"))
    if not isinstance(module, Record):
        return {"num_stddev": 0}
    group = setting(module, "group_size")
    return {
        "group_size": None if group is None else whole(module, "group_size", 1, MAX_WIDTH),
        "num_stddev": whole(module, "num_channels", 1, MAX_WIDTH),
    }


def _compare_layers(record: Record, kind: str, config: dict[str, Any]) -> None:
    """Require that every layer of the file computes what ours at its place computes."""
    with torch.device("meta"):
        ours = BUILDERS[kind](**config)
    layers = {path: module for path, module in ours.named_modules() if _published(module)}
    for path, stored in walk(record):
        if path in layers:
            class_name, settings = _published(layers[path])
            if stored.kind != class_name:
                raise InputError.about(path, expected=f"a {class_name}", got=brief(stored.kind))
            for name, value in settings.items():
                _compare(f"{path}.{name}", setting(stored, name), value)


def _compare(where: str, got: object, expected: object) -> None:
    numbers = isinstance(got, int | float) and isinstance(expected, int | float)
    same = math.isclose(got, expected, rel_tol=1e-6) if numbers else _same(got, expected)
    if not same:
        hint = "the file's network computes something else than the published one"
        raise InputError.about(where, expected=brief(expected), got=brief_of(got), hint=hint)


def _same(got: object, expected: object) -> bool:
    return type(got) is type(expected) and got == expected


def _published(module: nn.Module) -> tuple[str, dict[str, Any]] | None:
    """Class and settings under which the published code stores what our layer computes.

    Settings are those that change the arithmetic; shapes are compared with the tensors.
    """
    if isinstance(module, FullyConnected):
        names = ("activation", "weight_gain", "bias_gain")
        return "FullyConnectedLayer", {name: getattr(module, name) for name in names}
    if isinstance(module, Conv):
        return "Conv2dLayer", {
            "activation": module.activation,
            "up": 2 if module.up else 1,
            "down": 2 if module.down else 1,
            "padding": module.weight.shape[2] // 2,
            "conv_clamp": module.clamp,
            "weight_gain": module.weight_gain,
            "act_gain": LRELU_GAIN if module.activation == "lrelu" else 1,
        }
    if isinstance(module, SynthesisLayer):
        return "SynthesisLayer", {
            "activation": "lrelu",
            "resolution": module.resolution,
            "up": 2 if module.up else 1,
            "padding": 1,
            "use_noise": True,
            "conv_clamp": module.clamp,
            "act_gain": LRELU_GAIN,
        }
    if isinstance(module, ToRGB):
        settings = {"conv_clamp": module.clamp, "weight_gain": module.weight_gain}
        return "ToRGBLayer", settings
    if isinstance(module, SynthesisBlock):
        return "SynthesisBlock", {"architecture": module.architecture}
    if isinstance(module, MappingNetwork):
        return "MappingNetwork", {"z_dim": module.z_dim, "c_dim": module.c_dim}
    return None
