"""What networks with torchvision's ImageNet weights share: the file and the scale of pictures.

Offers `ImageNetFeatures` and `normalize`. The networks: vgg.py, torchvision_trunks.py. The
interface is explained in feature_network.py.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from hw5.kit.checks import InputError
from hw5.models.feature_network import FeatureNetwork

IMAGENET_MEAN = (0.485, 0.456, 0.406)  # of pictures in [0, 1]; torchvision's training recipe
IMAGENET_STD = (0.229, 0.224, 0.225)


def normalize(images: Tensor) -> Tensor:
    """Pictures in [-1, 1] to the scale that torchvision's networks were trained with."""
    mean, std = images.new_tensor(IMAGENET_MEAN), images.new_tensor(IMAGENET_STD)
    return ((images + 1) / 2 - mean[:, None, None]) / std[:, None, None]


class ImageNetFeatures(FeatureNetwork):
    """The convolutions of one of torchvision's classifiers, filled from its published file."""

    title: str  # as people call it
    zoo_name: str  # as `zoo.load` and `python -m hw5 fetch` call it

    @classmethod
    def load(cls, path: str | Path) -> ImageNetFeatures:
        """Frozen network with torchvision's ImageNet weights from the file at `path`.

        Raises:
            InputError: The file does not hold this network.
        """
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
            with torch.device("meta"):  # no weights are drawn that the file replaces
                network = cls()
            network.load_state_dict(network.own_weights(state), assign=True)
        except Exception as error:  # torch and pickle raise half a dozen kinds for damaged files
            raise InputError(
                f"{path}: not torchvision's {cls.title} ({type(error).__name__}). "
                f"Hint: bring the right file with python -m hw5 fetch {cls.zoo_name}"
            ) from error
        return network.freeze()

    @abstractmethod
    def own_weights(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The weights used here, under their names here, out of torchvision's state dict."""
