"""The interface of all feature networks: pictures in, named feature maps out.

Offers `FeatureNetwork`. The networks behind it: vgg.py, torchvision_trunks.py, efficientnet.py,
world_features.py.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from hw5.kit.checks import InputError, check_shape


class FeatureNetwork(nn.Module, ABC):
    """Network from pictures to named feature maps; gradients reach the pictures."""

    layer_names: tuple[str, ...]  # in the order in which they are computed
    smallest = 1  # pixels a side from which on every layer can be computed

    def forward(self, images: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        """Feature maps (N, C, h, w) by layer name, in the order asked and in the pictures' dtype.

        Nothing beyond the deepest of `layers` is computed. Where convolutions run in bfloat16
        (kit/precision.py), what is compared afterwards still has all its digits.

        Args:
            images: Pictures (N, 3, H, W) in [-1, 1], of any size that leaves the layers asked for
                a cell (`smallest`); normalised inside.
            layers: Names out of `layer_names`.

        Raises:
            InputError: A layer is unknown, or the pictures have another shape or are too small.
        """
        check_shape("images", images, ("N", 3, "H", "W"))
        for name in layers:
            if name not in self.layer_names:
                raise InputError(f"layers: no layer {name!r}; known: {', '.join(self.layer_names)}")
        missing, found = set(layers), {}
        # Convolutions with their channels last were 1.2 to 2 times as fast on a CPU.
        steps = self.steps(images.contiguous(memory_format=torch.channels_last))
        while missing:
            try:
                name, value = next(steps)
            except RuntimeError as error:  # torch's, of pooling what has no cells left
                if min(images.shape[-2:]) >= self.smallest:
                    raise
                raise self._too_small(images, missing) from error
            if name in missing:
                found[name] = value.to(images.dtype)
                missing.remove(name)
        return {name: found[name] for name in layers}

    def _too_small(self, images: Tensor, missing: set[str]) -> InputError:
        deepest = max(missing, key=self.layer_names.index)
        expected = f"pictures that leave {deepest} a cell ({self.smallest} px a side always do)"
        return InputError.about("images", expected=expected, got=tuple(images.shape))

    @abstractmethod
    def steps(self, images: Tensor) -> Iterator[tuple[str, Tensor]]:
        """Yield (name, feature map) for each of `layer_names`, computing as it goes."""

    def freeze(self) -> FeatureNetwork:
        """Stop the weights from changing: evaluation mode, no gradients for them."""
        return self.eval().requires_grad_(False)
