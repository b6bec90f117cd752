"""VGG-19 and VGG-16 with torchvision's ImageNet weights, read from a file.

Offers `VGG19` and `VGG16`; `zoo.load("vgg19")` finds the file. The interface is explained in
feature_network.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from torch import Tensor, nn

from hw5.models.imagenet import ImageNetFeatures, normalize

Stages = tuple[tuple[int, int], ...]  # (channels, convolutions) of each


def _names(stages: Stages) -> tuple[str, ...]:
    return tuple(f"conv_{s}_{i}" for s, (_, n) in enumerate(stages, 1) for i in range(1, n + 1))


class VGG(ImageNetFeatures):
    """The convolutions of a VGG, named conv_STAGE_NUMBER. Simonyan and Zisserman 2015.

    Feature maps are taken before the ReLU, as in the style-transfer tutorial that the course's
    starter follows (Gatys et al. 2016 take them after it). Pooling takes the maximum.
    """

    stages: Stages
    smallest = 16  # four times halved

    def __init__(self) -> None:
        """Build the network with random weights; `load` fills them in."""
        super().__init__()
        previous = 3
        for name, channels in zip(self.layer_names, self._channels(), strict=True):
            self.add_module(name, nn.Conv2d(previous, channels, 3, padding=1))
            previous = channels

    def steps(self, images: Tensor) -> Iterator[tuple[str, Tensor]]:
        """Yield every convolution's name and result, before the ReLU."""
        x = normalize(images)
        for name in self.layer_names:
            if name.endswith("_1") and name != "conv_1_1":
                x = nn.functional.max_pool2d(x, 2)
            result = self.get_submodule(name)(x)
            yield name, result
            x = result.relu()

    @classmethod
    def _channels(cls) -> list[int]:
        return [channels for channels, count in cls.stages for _ in range(count)]

    def own_weights(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
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


class VGG19(VGG):
    """The sixteen convolutions of VGG-19, conv_1_1 ... conv_5_4."""

    title, zoo_name = "VGG-19", "vgg19"
    stages: Stages = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 4))
    layer_names = _names(stages)


class VGG16(VGG):
    """The thirteen convolutions of VGG-16, conv_1_1 ... conv_5_3."""

    title, zoo_name = "VGG-16", "vgg16"
    stages: Stages = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
    layer_names = _names(stages)
