"""The door to all feature networks: frozen networks whose named layers say what a picture shows.

Offers the interface `FeatureNetwork`, `VGG19`, `VGG16`, `AlexNet` and `SqueezeNet` (ImageNet
weights from a file), `EfficientNetLite0` (ImageNet weights from a Python package) and
`WorldFeatures` (trained on this project's pictures). Start with feature_network.py; hw5/losses.py
compares pictures with them.
"""

from hw5.models.efficientnet import EfficientNetLite0
from hw5.models.feature_network import FeatureNetwork
from hw5.models.torchvision_trunks import AlexNet, SqueezeNet
from hw5.models.vgg import VGG16, VGG19
from hw5.models.world_features import WorldFeatures

__all__ = [
    "VGG16", "VGG19", "AlexNet", "EfficientNetLite0", "FeatureNetwork", "SqueezeNet",
    "WorldFeatures",
]  # fmt: skip
