"""Domain-guided encoder: it learns from real pictures, with generator and discriminator as guides.

In-domain GAN inversion (Zhu et al. 2020, arXiv:2004.00049), eq. 2 and 3. The loss lives in picture
space, behind the frozen generator G:
    E: ||x - G(E(x))||^2 + lambda_vgg ||F(x) - F(G(E(x)))||^2 - lambda_adv D(G(E(x)))
    D: D(G(E(x))) - D(x) + gamma/2 ||grad D(x)||^2
The discriminator D goes on from the one that the generator was trained against (as the authors'
does: genforce/idinvert, issue 8) and pulls codes to where the generator draws well. The paper
writes a Wasserstein form; the released code has the logistic one, softplus(-D), and so have we.

Offers `DomainSettings` and `DomainLesson`. Read first: encoders.py. Read next: encode_offsets.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hw5.kit.precision import mixed
from hw5.models.encoder import Encoder
from hw5.models.feature_network import FeatureNetwork
from hw5.models.stylegan2 import StyleGAN2
from hw5.train.encoders import Draw, EncoderSettings, Lesson, feature_loss


@dataclass(frozen=True)
class DomainSettings(EncoderSettings):
    """Numbers of the domain-guided encoder; "original" is the authors' released code."""

    # weight of the feature distance. Original: 5e-5, for VGG-16's block4_conv3 on pictures of 0 to
    # 255; another network's features have other units. For conv3_3 of world-features 0.06 makes
    # both terms equal at the mean code, from where all training starts (mean squares over samples:
    # pixels 0.163, features 2.60)
    perceptual: float = 0.06
    layer: str = "conv3_3"
    adversarial: float = 0.08  # weight of softplus(-D); original 0.08, paper and talk 0.1
    r1: float = 10.0  # gamma, of the squared gradient at real pictures; original, paper and talk
    r1_every: int = 16  # steps; StyleGAN2, appendix B (original: 1), multiplied to make up for it
    discriminator_rate: float = 1e-4  # original; it is trained already and need only keep up


class DomainLesson(Lesson):
    """Encode real pictures, render the codes, compare; and keep the discriminator up to date."""

    columns = ("loss", "pixel", "perceptual", "adversarial", "discriminator", "r1")
    settings: DomainSettings
    latest: tuple[Tensor, Tensor]  # real pictures of the last step, and what was made of them

    def __init__(
        self,
        encoder: Encoder,
        generator: StyleGAN2,
        settings: DomainSettings,
        *,
        draw: Draw,
        features: FeatureNetwork,
        discriminator: nn.Module,
    ) -> None:
        """Gather the players; `draw` gives the real pictures, `discriminator` is trained on."""
        super().__init__(encoder, generator, settings)
        self.draw, self.features = draw, features.freeze()
        self.discriminator = discriminator.train()
        self.judge_step = torch.optim.Adam(
            discriminator.parameters(), settings.discriminator_rate, betas=(0.0, 0.99)
        )

    def parts(self) -> dict[str, Any]:
        """What a checkpoint holds."""
        own = {"discriminator": self.discriminator, "judge_step": self.judge_step}
        return super().parts() | own

    def losses(self, progress: float, rng: torch.Generator) -> dict[str, Tensor]:
        """The encoder's three terms for a batch of real pictures, and their weighted sum."""
        images = self.draw(self.settings.batch, rng)
        made = self.generator.synthesize(self.encoder(images))
        self.discriminator.requires_grad_(False)
        terms = {
            "pixel": F.mse_loss(made.float(), images),
            "perceptual": feature_loss(self.features, self.settings.layer, made, images),
            "adversarial": F.softplus(-self.discriminator(made).float()).mean(),
        }
        self.latest = images, made.detach()  # the discriminator learns from the same ones
        return {"loss": total(terms, self.settings), **terms}

    def step(self, seen: int, progress: float, rng: torch.Generator) -> dict[str, float]:
        """One step of the encoder, then one of the discriminator."""
        figures = super().step(seen, progress, rng)
        return figures | self.teach_discriminator(*self.latest, seen)

    def teach_discriminator(self, real: Tensor, made: Tensor, seen: int) -> dict[str, float]:
        """softplus(D(made)) + softplus(-D(real)), and every now and then R1."""
        self.discriminator.requires_grad_(True)
        with mixed(self.device, self.dtype):
            on_made, on_real = self.discriminator(made), self.discriminator(real)
        loss = F.softplus(on_made.float()).mean() + F.softplus(-on_real.float()).mean()
        figures = {"discriminator": loss.item()}
        if (seen // self.settings.batch) % self.settings.r1_every == 0:
            penalty = squared_gradient(self.discriminator, real)
            loss = loss + self.settings.r1_every * self.settings.r1 / 2 * penalty
            figures["r1"] = penalty.item()
        self.judge_step.zero_grad(set_to_none=True)
        loss.backward()
        self.judge_step.step()
        return figures


def total(terms: dict[str, Tensor], settings: DomainSettings) -> Tensor:
    """Eq. 2: the weighted sum of the encoder's terms."""
    return (
        terms["pixel"]
        + settings.perceptual * terms["perceptual"]
        + settings.adversarial * terms["adversarial"]
    )


def squared_gradient(discriminator: nn.Module, real: Tensor) -> Tensor:
    """Mean over pictures of ||grad D(x)||^2, differentiable: R1. Mescheder et al. 2018, eq. 9."""
    real = real.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(discriminator(real).sum(), real, create_graph=True)
    return gradient.square().sum(dim=(1, 2, 3)).mean()
