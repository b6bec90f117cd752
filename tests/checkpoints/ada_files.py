"""Files in the format of StyleGAN2-ADA, made here: no published one is at hand.

The modules are real `torch.nn.Module` trees with the attributes that the published layers keep, and
are pickled as the published persistence does it: by one function with a dictionary of class name,
source text, arguments and state. Weights are random, everything that may matter is not zero.
"""

import io
import pickle
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

SOURCE = "raise SystemExit('the source text of a pickle was run')"
LRELU = np.sqrt(2)  # numpy's numbers, as in the published layers
FIR = torch.outer(torch.tensor([1.0, 3, 3, 1]), torch.tensor([1.0, 3, 3, 1])) / 64


def _reconstruct_persistent_obj(meta: dict) -> None:
    raise AssertionError("a pickle was run")


class EasyDict(dict):
    pass


@contextmanager
def published_names() -> Iterator[None]:
    """Let pickle find the two names under which the published files refer to their helpers."""
    homes = {"torch_utils.persistence": _reconstruct_persistent_obj, "dnnlib.util": EasyDict}
    added = ["torch_utils", "dnnlib", *homes]
    try:
        for name in added:
            sys.modules[name] = types.ModuleType(name)
        for home, thing in homes.items():
            thing.__module__ = home
            setattr(sys.modules[home], thing.__name__, thing)
        yield
    finally:
        for name in added:
            del sys.modules[name]


class Persistent(nn.Module):
    """A module of the class `kind` that keeps `kept` of its arguments."""

    def __init__(self, kind: str, arguments: dict | None = None, **kept: object) -> None:
        super().__init__()
        self.__dict__.update(kept)
        self.__dict__.update(_init_args=(), _init_kwargs=EasyDict(arguments or {}), _kind=kind)

    def __reduce__(self) -> tuple:
        state = {key: value for key, value in self.__dict__.items() if key != "_kind"}
        meta = {"type": "class", "version": 6, "module_src": SOURCE}
        return _reconstruct_persistent_obj, ({**meta, "class_name": self._kind, "state": state},)


def dump(path: Path, content: object, protocol: int = 4) -> Path:
    with published_names(), path.open("wb") as file:
        pickle.dump(content, file, protocol)
    return path


def dumps(content: object, protocol: int = 4) -> bytes:
    buffer = io.BytesIO()
    with published_names():
        pickle.dump(content, buffer, protocol)
    return buffer.getvalue()


def _random(*shape: int, scale: float = 1.0) -> nn.Parameter:
    return nn.Parameter(scale * torch.randn(shape))


def dense(
    inputs: int, outputs: int, act: str = "linear", lr: float = 1, bias: float = 0
) -> nn.Module:
    layer = Persistent(
        "FullyConnectedLayer", activation=act, weight_gain=lr / np.sqrt(inputs), bias_gain=lr
    )
    layer.weight = nn.Parameter(torch.randn(outputs, inputs) / lr)
    layer.bias = nn.Parameter(bias + 0.3 * torch.randn(outputs) / lr)
    return layer


def conv(
    inputs: int, outputs: int, k: int, *, act: str = "lrelu", bias: bool = True,
    up: int = 1, down: int = 1, clamp: float | None = None, frozen: bool = False,
) -> nn.Module:  # fmt: skip
    layer = Persistent(
        "Conv2dLayer", activation=act, up=up, down=down, conv_clamp=clamp, padding=k // 2,
        weight_gain=1 / np.sqrt(inputs * k**2), act_gain=LRELU if act == "lrelu" else 1,
    )  # fmt: skip
    layer.register_buffer("resample_filter", FIR.clone())
    tensors = {"weight": _random(outputs, inputs, k, k)}
    tensors["bias"] = _random(outputs, scale=0.3) if bias else None
    for name, value in tensors.items():
        if frozen and value is not None:
            layer.register_buffer(name, value.detach())
        else:
            setattr(layer, name, value)
    return layer


def synthesis_layer(
    inputs: int, outputs: int, w: int, size: int, up: int, clamp: float | None
) -> nn.Module:
    layer = Persistent(
        "SynthesisLayer", resolution=size, up=up, use_noise=True, activation="lrelu",
        conv_clamp=clamp, padding=1, act_gain=LRELU,
    )  # fmt: skip
    layer.register_buffer("resample_filter", FIR.clone())
    layer.affine = dense(w, inputs, bias=1)
    layer.weight = _random(outputs, inputs, 3, 3)
    layer.register_buffer("noise_const", torch.randn(size, size))
    layer.noise_strength = _random(scale=0.5)
    layer.bias = _random(outputs, scale=0.3)
    return layer


def torgb(inputs: int, w: int, clamp: float | None) -> nn.Module:
    layer = Persistent("ToRGBLayer", conv_clamp=clamp, weight_gain=1 / np.sqrt(inputs))
    layer.affine = dense(w, inputs, bias=1)
    layer.weight, layer.bias = _random(3, inputs, 1, 1), _random(3, scale=0.3)
    return layer


def synthesis_block(
    inputs: int, outputs: int, w: int, size: int, last: bool, arch: str, clamp: float | None
) -> nn.Module:
    block = Persistent(
        "SynthesisBlock", in_channels=inputs, w_dim=w, resolution=size, img_channels=3,
        is_last=last, architecture=arch, use_fp16=size > 8, channels_last=False,
        num_conv=2 if inputs else 1, num_torgb=int(last or arch == "skip"),
    )  # fmt: skip
    block.register_buffer("resample_filter", FIR.clone())
    if inputs:
        block.conv0 = synthesis_layer(inputs, outputs, w, size, 2, clamp)
    else:
        block.const = _random(outputs, size, size)
    block.conv1 = synthesis_layer(outputs, outputs, w, size, 1, clamp)
    if block.num_torgb:
        block.torgb = torgb(outputs, w, clamp)
    if inputs and arch == "resnet":
        block.skip = conv(inputs, outputs, 1, act="linear", bias=False, up=2)
    return block


def mapping(
    z: int, c: int, w: int, layers: int, width: int, embed: int, num_ws: int | None
) -> nn.Module:
    network = Persistent(
        "MappingNetwork", z_dim=z, c_dim=c, w_dim=w, num_ws=num_ws, num_layers=layers,
        w_avg_beta=0.995 if num_ws else None,
    )  # fmt: skip
    if c:
        network.embed = dense(c, embed)
    widths = [z + (embed if c else 0), *[width] * (layers - 1), w]
    for i in range(layers):
        setattr(network, f"fc{i}", dense(widths[i], widths[i + 1], "lrelu", 0.01))
    if num_ws:
        network.register_buffer("w_avg", torch.randn(w))
    return network


def generator(
    arch: str = "skip", *, classes: int = 0, clamp: float | None = 256.0, seed: int = 0,
    channels: tuple[int, ...] = (4, 3, 2), z: int = 6, w: int = 5, layers: int = 8,
) -> nn.Module:  # fmt: skip
    """A tiny generator of 4 * 2**(len(channels) - 1) pixels with mapping layers of width 7."""
    torch.manual_seed(seed)
    size = 2 ** (len(channels) + 1)
    arguments = {
        "z_dim": z,
        "c_dim": classes,
        "w_dim": w,
        "img_resolution": size,
        "img_channels": 3,
    }
    extra = {"mapping_kwargs": EasyDict(num_layers=layers), "synthesis_kwargs": EasyDict()}
    num_ws = 2 * len(channels)
    network = Persistent("Generator", {**arguments, **extra}, **arguments, num_ws=num_ws)
    network.synthesis = Persistent(
        "SynthesisNetwork", w_dim=w, img_resolution=size, img_channels=3, num_ws=num_ws
    )
    for i, width in enumerate(channels):
        before, at = channels[i - 1] if i else 0, 4 * 2**i
        block = synthesis_block(before, width, w, at, at == size, arch, clamp)
        setattr(network.synthesis, f"b{at}", block)
    network.mapping = mapping(z, classes, w, layers, 7, 3, num_ws)
    return network


def discriminator_block(
    first: bool, inputs: int, outputs: int, size: int, arch: str, clamp: float | None
) -> nn.Module:
    block = Persistent(
        "DiscriminatorBlock", in_channels=0 if first else inputs, resolution=size, img_channels=3,
        architecture=arch, use_fp16=False, channels_last=False, num_layers=2,
    )  # fmt: skip
    block.register_buffer("resample_filter", FIR.clone())
    if first or arch == "skip":
        block.fromrgb = conv(3, inputs, 1, clamp=clamp, frozen=True)  # as Freeze-D leaves it
    block.conv0 = conv(inputs, inputs, 3, clamp=clamp)
    block.conv1 = conv(inputs, outputs, 3, down=2, clamp=clamp)
    if arch == "resnet":
        block.skip = conv(inputs, outputs, 1, act="linear", bias=False, down=2)
    return block


def discriminator(
    arch: str = "resnet", *, classes: int = 0, clamp: float | None = 256.0, seed: int = 1,
    channels: tuple[int, ...] = (4, 3, 2), cmap: int = 5, group: int | None = 2,
    layers: int = 2,
) -> nn.Module:  # fmt: skip
    torch.manual_seed(seed)
    size = 2 ** (len(channels) + 1)
    arguments = {"c_dim": classes, "img_resolution": size, "img_channels": 3}
    network = Persistent("Discriminator", {**arguments, "architecture": arch}, **arguments)
    for i in range(len(channels) - 1, 0, -1):
        at = 4 * 2**i
        block = discriminator_block(at == size, channels[i], channels[i - 1], at, arch, clamp)
        setattr(network, f"b{at}", block)
    if classes:
        network.mapping = mapping(0, classes, cmap, layers, cmap, cmap, None)
    width = channels[0]
    last = Persistent(
        "DiscriminatorEpilogue", in_channels=width, cmap_dim=cmap if classes else 0, resolution=4,
        img_channels=3, architecture=arch,
    )  # fmt: skip
    if arch == "skip":
        last.fromrgb = conv(3, width, 1)
    last.mbstd = Persistent("MinibatchStdLayer", group_size=group, num_channels=1)
    last.conv = conv(width + 1, width, 3, clamp=clamp)
    last.fc = dense(width * 16, width, "lrelu")
    last.out = dense(width, cmap if classes else 1)
    network.b4 = last
    return network


def snapshot(**networks: nn.Module) -> dict:
    """What a training run saves: networks and the data set's arguments."""
    arguments = EasyDict(
        class_name="training.dataset.ImageFolderDataset", resolution=16, max_size=9
    )
    return {"training_set_kwargs": arguments, **networks, "augment_pipe": None}


def arrays(network: nn.Module) -> dict[str, np.ndarray]:
    """The network's tensors as numpy's, in double precision."""
    state: dict[str, Tensor] = network.state_dict()
    return {name: value.double().numpy() for name, value in state.items()}
