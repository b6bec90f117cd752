"""VGG-19 with torchvision's ImageNet weights, read from disk and never downloaded.

Offers `VGG19` and `find_weights`. The interface is explained in feature_network.py.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from hw5.kit.checks import InputError
from hw5.models.feature_network import FeatureNetwork

IMAGENET_MEAN = (0.485, 0.456, 0.406)  # of pictures in [0, 1]; torchvision's training recipe
IMAGENET_STD = (0.229, 0.224, 0.225)
WEIGHTS_VARIABLE = "HW5_WEIGHTS"  # environment variable: a folder that is searched first
VGG19_FILE = "vgg19-dcbb9e9d.pth"  # torchvision's file name; holds the start of its SHA-256


class VGG19(FeatureNetwork):
    """The convolutions of VGG-19, named conv_1_1 ... conv_5_4. Simonyan and Zisserman 2015.

    Feature maps are taken before the ReLU, as in the style-transfer tutorial that the course's
    starter follows (Gatys et al. 2016 take them after it). Pooling takes the maximum.
    """

    stages = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 4))  # (channels, convolutions)
    layer_names = tuple(
        f"conv_{s}_{i}" for s, (_, count) in enumerate(stages, 1) for i in range(1, count + 1)
    )

    def __init__(self) -> None:
        """Build the network with random weights; `load` fills them in."""
        super().__init__()
        previous = 3
        for name, channels in zip(self.layer_names, self._channels(), strict=True):
            self.add_module(name, nn.Conv2d(previous, channels, 3, padding=1))
            previous = channels

    @classmethod
    def load(cls, path: str | Path | None = None) -> VGG19:
        """Frozen network with torchvision's ImageNet weights from disk; nothing is downloaded.

        Args:
            path: The weights file; None looks in the folder named by the environment variable
                HW5_WEIGHTS, then in data/weights, then in torch's hub cache.

        Raises:
            InputError: No such file, or it does not hold VGG-19.
        """
        path = find_weights(VGG19_FILE) if path is None else Path(path)
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
            with torch.device("meta"):
                network = cls()
            network.load_state_dict(network._rename(state), assign=True)
        except Exception as error:  # torch raises six different types for a broken file
            raise InputError(
                f"{path}: not a VGG-19 state dict of torchvision ({type(error).__name__}). "
                f"Hint: fetch {VGG19_FILE} again; its SHA-256 starts with dcbb9e9d"
            ) from error
        return network.freeze()

    def steps(self, images: Tensor) -> Iterator[tuple[str, Tensor]]:
        """Yield every convolution's name and result, before the ReLU."""
        x = _normalize(images)
        for name in self.layer_names:
            if name.endswith("_1") and name != "conv_1_1":
                x = nn.functional.max_pool2d(x, 2)
            result = self.get_submodule(name)(x)
            yield name, result
            x = result.relu()

    @classmethod
    def _channels(cls) -> list[int]:
        return [channels for channels, count in cls.stages for _ in range(count)]

    def _rename(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """Torchvision numbers convolution, ReLU and pooling modules in one sequence."""
        renamed, index = {}, 0
        for _, count in self.stages:
            for _ in range(count):
                name = self.layer_names[len(renamed) // 2]
                renamed[f"{name}.weight"] = state[f"features.{index}.weight"]
                renamed[f"{name}.bias"] = state[f"features.{index}.bias"]
                index += 2  # the convolution and its ReLU
            index += 1  # the pooling
        return renamed


def find_weights(filename: str) -> Path:
    """Path of a weights file that the user fetched.

    Raises:
        InputError: It is in none of the folders; the message says where to get and put it.
    """
    data = Path(__file__).resolve().parents[2] / "data" / "weights"
    folders = [data, Path(torch.hub.get_dir()) / "checkpoints"]
    if os.environ.get(WEIGHTS_VARIABLE):
        folders.insert(0, Path(os.environ[WEIGHTS_VARIABLE]).expanduser())
    for folder in folders:
        if (folder / filename).is_file():
            return folder / filename
    raise InputError(
        f"{filename}: not found, and nothing is downloaded unasked. Hint: fetch it from "
        f"torchvision's model page (VGG19_Weights.IMAGENET1K_V1) and put it into {data}, or into a "
        f"folder named by the environment variable {WEIGHTS_VARIABLE}"
    )


def _normalize(images: Tensor) -> Tensor:
    """Pictures in [-1, 1] to the scale that torchvision's networks were trained with."""
    mean, std = images.new_tensor(IMAGENET_MEAN), images.new_tensor(IMAGENET_STD)
    return ((images + 1) / 2 - mean[:, None, None]) / std[:, None, None]
