"""VGG-19 with torchvision's ImageNet weights, read from a file.

Offers `VGG19`; `zoo.load("vgg19")` finds the file. The interface is explained in
feature_network.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from hw5.kit.checks import InputError
from hw5.models.feature_network import FeatureNetwork

IMAGENET_MEAN = (0.485, 0.456, 0.406)  # of pictures in [0, 1]; torchvision's training recipe
IMAGENET_STD = (0.229, 0.224, 0.225)


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
    def load(cls, path: str | Path) -> VGG19:
        """Frozen network with torchvision's ImageNet weights from the file at `path`.

        Raises:
            InputError: The file does not hold VGG-19.
        """
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
            with torch.device("meta"):
                network = cls()
            network.load_state_dict(network._rename(state), assign=True)
        except Exception as error:  # torch raises six different types for a broken file
            raise InputError(
                f"{path}: not a VGG-19 state dict of torchvision ({type(error).__name__}). "
                "Hint: bring the right one with python -m hw5 fetch vgg19"
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


def _normalize(images: Tensor) -> Tensor:
    """Pictures in [-1, 1] to the scale that torchvision's networks were trained with."""
    mean, std = images.new_tensor(IMAGENET_MEAN), images.new_tensor(IMAGENET_STD)
    return ((images + 1) / 2 - mean[:, None, None]) / std[:, None, None]
