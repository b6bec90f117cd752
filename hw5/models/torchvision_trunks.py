"""AlexNet and SqueezeNet 1.1 with torchvision's ImageNet weights, read from a file.

Offers `AlexNet` and `SqueezeNet`, torchvision's own modules under named layers;
`zoo.load("alexnet")` finds the file. The interface is explained in feature_network.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from torch import Tensor

from hw5.models.imagenet import ImageNetFeatures, normalize


class TorchvisionTrunk(ImageNetFeatures):
    """Torchvision's `features`, a sequence of modules, some of which bear names."""

    model: str  # as torchvision calls it
    places: ClassVar[dict[str, int]]  # layer -> number of the module that makes it, in order

    def __init__(self) -> None:
        """Build the network with random weights; `load` fills them in."""
        super().__init__()
        import torchvision  # takes a second

        self.features = torchvision.models.get_model(self.model, weights=None).features

    def steps(self, images: Tensor) -> Iterator[tuple[str, Tensor]]:
        """Yield every named module's name and result."""
        names = {number: name for name, number in self.places.items()}
        x = normalize(images)
        for number, module in enumerate(self.features):
            x = module(x)
            if number in names:
                yield names[number], x

    def own_weights(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The classifier behind the convolutions is left out."""
        return {name: value for name, value in state.items() if name.startswith("features.")}


class AlexNet(TorchvisionTrunk):
    """The convolutions of AlexNet, after their ReLUs: relu1 ... relu5. Krizhevsky 2014.

    These are the maps, under these names, in which LPIPS compares pictures (Zhang et al. 2018).
    arXiv 1404.5997.
    """

    title, zoo_name, model = "AlexNet", "alexnet", "alexnet"
    smallest = 31
    places: ClassVar[dict[str, int]] = {"relu1": 1, "relu2": 4, "relu3": 7, "relu4": 9, "relu5": 11}
    layer_names = tuple(places)


class SqueezeNet(TorchvisionTrunk):
    """SqueezeNet 1.1: conv1 after its ReLU, then fire2 ... fire9. Iandola et al. 2016.

    Named as in the paper's table 1; a fire module ends with ReLUs. arXiv 1602.07360.
    """

    title, zoo_name, model = "SqueezeNet 1.1", "squeezenet", "squeezenet1_1"
    smallest = 17
    places: ClassVar[dict[str, int]] = {
        "conv1": 1, "fire2": 3, "fire3": 4, "fire4": 6, "fire5": 7, "fire6": 9, "fire7": 10,
        "fire8": 11, "fire9": 12,
    }  # fmt: skip
    layer_names = tuple(places)
