"""Small convolutional network that reads the factors and the parts of this project's pictures.

Offers `WorldFeatures`: trained to answer what is in a picture, then used as perceptual network,
as ruler for edits and as the eye of a discriminator. Its interface is in feature_network.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from hw5.models.feature_network import FeatureNetwork

CONVS_PER_STAGE = (2, 2, 3, 3)  # ten in all, at 1, 1/2, 1/4 and 1/8 of the picture's size
GRID = 4  # cells per side the reader pools to: coarse places survive, fine texture does not


class WorldFeatures(FeatureNetwork):
    """Ten 3x3 convolutions with ReLU, a reader of numbers and a segmenter.

    Layers are named conv1_1 ... conv4_3; their feature maps are taken before the ReLU.
    """

    def __init__(
        self,
        num_outputs: int,  # numbers read from a picture
        num_classes: int = 10,  # parts in the segmentation
        *,
        widths: Sequence[int] = (32, 64, 96, 128),  # channels of each stage
        head_width: int = 256,  # of the reader's hidden layer
        mix_width: int = 32,  # channels in which the segmenter adds up the stages
    ) -> None:
        """Build a network with random weights; `freeze` it after training."""
        super().__init__()
        self.num_outputs, self.num_classes = num_outputs, num_classes
        self.stages = [
            [f"conv{s}_{i}" for i in range(1, count + 1)]
            for s, count in enumerate(CONVS_PER_STAGE, start=1)
        ]
        self.layer_names = tuple(name for stage in self.stages for name in stage)
        previous = 3
        for width, stage in zip(widths, self.stages, strict=True):
            for name in stage:
                self.add_module(name, _he_conv(previous, width, 3))
                previous = width
        self.lateral = nn.ModuleList(_he_conv(width, mix_width, 1) for width in widths)
        self.classify = nn.Conv2d(mix_width, num_classes, 1)
        self.hidden = nn.Linear(widths[-1] * GRID**2, head_width)
        self.readout = nn.Linear(head_width, num_outputs)

    def steps(self, images: Tensor) -> Iterator[tuple[str, Tensor]]:
        """Yield every convolution's name and result, before the ReLU."""
        x = images
        for number, stage in enumerate(self.stages):
            if number:
                x = F.avg_pool2d(x, 2)
            for name in stage:
                result = self.get_submodule(name)(x)
                yield name, result
                x = result.relu()

    def read(self, images: Tensor) -> Tensor:
        """Numbers (N, num_outputs) read from pictures (N, 3, H, W) in [-1, 1]."""
        return self._read(self(images, self.layer_names[-1:])[self.layer_names[-1]])

    def segment(self, images: Tensor) -> Tensor:
        """Logits of the parts, (N, num_classes, H, W), of pictures (N, 3, H, W) in [-1, 1]."""
        return self._segment(self._stage_ends(images))

    def read_and_segment(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return the results of `read` and of `segment` from one pass."""
        maps = self._stage_ends(images)
        return self._read(maps[-1]), self._segment(maps)

    def _stage_ends(self, images: Tensor) -> list[Tensor]:
        return list(self(images, [stage[-1] for stage in self.stages]).values())

    def _read(self, deepest: Tensor) -> Tensor:
        cells = F.adaptive_avg_pool2d(deepest.relu(), GRID)
        return self.readout(self.hidden(cells.flatten(1)).relu())

    def _segment(self, maps: list[Tensor]) -> Tensor:
        """Add up all stages from deep to shallow, each enlarged to the next one's size."""
        x = None
        for lateral, stage in zip(reversed(self.lateral), reversed(maps), strict=True):
            part = lateral(stage.relu())
            x = part if x is None else part + F.interpolate(x, part.shape[2:], mode="bilinear")
        return self.classify(x.relu())


def _he_conv(in_channels: int, out_channels: int, kernel_size: int) -> nn.Conv2d:
    """Convolution that keeps the variance through the ReLU after it. He et al. 2015."""
    conv = nn.Conv2d(in_channels, out_channels, kernel_size, padding=kernel_size // 2)
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    nn.init.zeros_(conv.bias)
    return conv
