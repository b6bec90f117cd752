"""A discriminator as a feature network: what it looks at, in place of what it decides.

Offers `DiscriminatorFeatures`. Pan et al. 2020 (Deep Generative Prior, arXiv 2003.13659), section
3.2: the discriminator that was trained with a generator compares pictures in terms that this
generator can draw. The interface is in feature_network.py.
"""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from hw5.models.dcgan import DCGANDiscriminator
from hw5.models.discriminators import StyleGAN2Discriminator
from hw5.models.feature_network import FeatureNetwork


class DiscriminatorFeatures(FeatureNetwork):
    """The layers of a discriminator by name; shares its weights, and freezes them."""

    def __init__(self, discriminator: DCGANDiscriminator | StyleGAN2Discriminator) -> None:
        """Look at `discriminator`."""
        super().__init__()
        self.discriminator = discriminator
        self.layer_names = discriminator.layer_names
        self.freeze()

    def steps(self, images: Tensor) -> Iterator[tuple[str, Tensor]]:
        """Yield every layer's name and result, as the next layer reads it."""
        yield from self.discriminator.steps(images)
