"""Conventional encoder: it learns from pictures that the generator made, whose codes are known.

Minimises ||w - E(G(w))||^2 over sampled w: Zhu et al. 2016 (iGAN, arXiv:1609.03552),
Perarnau et al. 2016 (arXiv:1611.06355); eq. 1 of the in-domain paper (Zhu et al. 2020,
arXiv:2004.00049), which says what is wrong with it: the generator's knowledge is not used, and no
real picture is ever seen. All layers of a sampled code are equal, so one w is all there is to find.

Offers `SampleSettings` and `SampleLesson`. Read next: encode_domain.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from hw5.train.encoders import EncoderSettings, Lesson


@dataclass(frozen=True)
class SampleSettings(EncoderSettings):
    """Numbers of the conventional encoder: the common ones."""


class SampleLesson(Lesson):
    """Draw codes, render them, ask the encoder for them."""

    columns = ("loss",)

    def losses(self, progress: float, rng: torch.Generator) -> dict[str, Tensor]:
        """Mean squared entry of w - E(G(w)) for new codes; what "loss" is of 1 is w's variance."""
        z = torch.randn(self.settings.batch, self.generator.z_dim, generator=rng).to(self.device)
        with torch.no_grad():
            w = self.generator.map(z)  # (N, 1, d)
            images = self.generator.synthesize(w.expand(-1, self.generator.num_layers, -1))
        return {"loss": code_loss(self.encoder(images.float()), w)}


def code_loss(found: Tensor, w: Tensor) -> Tensor:
    """Mean squared entry of the difference of codes (N, L, d) from w (N, 1, d)."""
    return F.mse_loss(found.float(), w.float().expand_as(found))
