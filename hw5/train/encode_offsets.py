"""W+ encoder whose offsets are released layer by layer, and held small.

pSp (Richardson et al. 2021, arXiv:2008.00951) encodes to w+, where pictures are close but hard to
edit; e4e (Tov et al. 2021, arXiv:2102.02766, section 4) keeps the codes near w: first
one w for all layers, then an offset from it for one more layer at a time, coarse before fine, with
a penalty on their length. Its second means, a discriminator on codes, is left out: the
penalty alone shows how closeness is traded for codes that can be edited. Where e4e has no offset
in the first layer there is one here; the penalty sees to it that w is the middle of the layers.

Offers `OffsetSettings` and `OffsetLesson`. Read first: encode_domain.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from hw5.models.encoder import Encoder
from hw5.models.feature_network import FeatureNetwork
from hw5.models.stylegan2 import StyleGAN2
from hw5.train.encoders import Draw, EncoderSettings, Lesson, feature_loss


@dataclass(frozen=True)
class OffsetSettings(EncoderSettings):
    """Numbers of the progressive encoder; "e4e" is its released code."""

    # weight of the feature distance beside the pixels' squared error (e4e: LPIPS 0.8 beside L2 1).
    # At the end of e4e's training the perceptual term is three times the pixel term (0.8 * 0.26
    # against 0.07: omertov/encoder4editing, issue 99); 0.19 makes it so at our mean code
    perceptual: float = 0.19
    layer: str = "conv3_3"  # of world-features
    # weight of the mean over layers of the offset's root mean square. e4e: 2e-4 times the sum over
    # 13 layers of the norms of offsets of 512 numbers, so 13 * sqrt(512) * 2e-4
    delta: float = 0.059
    # shares of the run: the first offset is released, all are. e4e: at steps 20,000 and 54,000 of
    # 200,000, one of 18 layers every 2,000
    release_from: float = 0.1
    release_until: float = 0.27


class OffsetLesson(Lesson):
    """Encode real pictures with as many offsets as are released; compare; penalise the offsets."""

    columns = ("loss", "pixel", "perceptual", "delta", "released")
    settings: OffsetSettings

    def __init__(
        self,
        encoder: Encoder,
        generator: StyleGAN2,
        settings: OffsetSettings,
        *,
        draw: Draw,
        features: FeatureNetwork,
    ) -> None:
        """Gather the networks; `draw` gives the real pictures."""
        super().__init__(encoder, generator, settings)
        self.draw, self.features = draw, features.freeze()

    def losses(self, progress: float, rng: torch.Generator) -> dict[str, Tensor]:
        """The three terms for a batch of real pictures, and their weighted sum."""
        settings, images = self.settings, self.draw(self.settings.batch, rng)
        count = released(progress, self.generator.num_layers, settings)
        w, offsets = self.encoder.parts(images)
        codes = self.encoder.join(w, offsets, count)
        made = self.generator.synthesize(codes)
        terms = {
            "pixel": F.mse_loss(made.float(), images),
            "perceptual": feature_loss(self.features, settings.layer, made, images),
            "delta": length(offsets[:, :count], self.generator.num_layers),
        }
        loss = terms["pixel"] + settings.perceptual * terms["perceptual"]
        loss = loss + settings.delta * terms["delta"]
        return {"loss": loss, **terms, "released": torch.tensor(float(count))}


def released(progress: float, num_layers: int, settings: OffsetSettings) -> int:
    """Layers with an offset of their own at this share of the run."""
    if progress < settings.release_from:
        return 0
    if progress >= settings.release_until:
        return num_layers
    room = settings.release_until - settings.release_from
    return 1 + math.floor((progress - settings.release_from) / room * (num_layers - 1))


def length(offsets: Tensor, num_layers: int) -> Tensor:
    """Sum over the released layers (N, released, d) of the offset's rms, over `num_layers`.

    A norm and not its square, as in e4e: it lets a few layers be long where many short ones would
    cost the same. At 0 its gradient is taken to be 0.
    """
    norms = torch.linalg.vector_norm(offsets.float(), dim=2)  # (N, released)
    return norms.sum(dim=1).mean() / (num_layers * math.sqrt(offsets.shape[2]))
