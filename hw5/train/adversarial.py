"""Adversarial training of a generator, from scratch or after a warm start.

Non-saturating logistic loss (Goodfellow et al. 2014) with lazy R1 (Mescheder et al. 2018; Karras
et al. 2020, appendix B), style mixing where the generator has layers, a running average of the
generator. With `anchor > 0` the pairs of regress.py go on as a second loss
(as in pix2pix, Isola et al. 2017, eq. 4): the discriminator adds texture, the pairs keep variety.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hw5.kit.precision import mixed, precision
from hw5.models.feature_network import FeatureNetwork
from hw5.models.generator import Generator
from hw5.train.batches import Batch, Pictures, same_window
from hw5.train.loop import ExponentialAverage, Run, repeat, sample_codes
from hw5.train.pairs import codes_of
from hw5.train.regress import feature_distance

COLUMNS = ("real", "fake", "discriminator", "r1", "adversarial", "anchor")  # of the log


@dataclass(frozen=True)
class AdversarialSettings:
    """Numbers of the adversarial phase; sources beside them."""

    hours: float = 0.5
    batch: int = 16  # ADA: 32 at 64 px; steps matter more than pictures on two cores
    generator_rate: float = 1e-3  # half of ADA's 2e-3: the generator is warm
    discriminator_rate: float = 2e-3  # ADA
    r1: float = (
        0.1  # gamma, 0: none; ADA's heuristic for 64 px and batch 32 is 0.03, StyleGAN2's 10
    )
    r1_every: int = 16  # lazy regularisation, StyleGAN2 appendix B
    head_start: int = 3_200  # pictures the discriminator sees before the generator moves
    anchor: float = 10.0  # weight of the paired loss, 0: none; pix2pix: 100, for L1 alone
    perceptual: float = 0.3  # inside the paired loss, as in regress.py
    layers: tuple[str, ...] = ("conv1_2", "conv2_2", "conv3_3")  # of the paired loss
    window: int | None = None  # side of what the feature network sees, pixels; None: everything
    # D compares the real and the made picture of one cat, softplus(D(made) - D(real)), in place of
    # judging each alone (RpGAN: Jolicoeur-Martineau 2019; R3GAN: Huang et al. 2024, eq. 2)
    relativistic: bool = False
    mixing: float = 0.3  # chance of style mixing; StyleGAN2: 0.9
    # of the layers; StyleGAN2: "random". This world has no texture beyond its factors, and noise
    # cost FID: 482 with, 438 without on 1,000 pictures after 11,000
    noise: str = "none"
    half_life: float = 5_000  # of the weight average, pictures
    go_on: bool = False  # the players are shipped weights: the average is worth its half-life
    seed: int = 0


@dataclass
class Duel:
    """The two players, their optimisers, and the judge of the pairs."""

    generator: Generator
    discriminator: nn.Module
    features: FeatureNetwork
    settings: AdversarialSettings
    compiled: bool = False  # the three networks' passes; R1 differentiates twice and stays as it is

    def __post_init__(self) -> None:
        """Make the optimisers (Adam as in StyleGAN2) and the running average."""
        rates = (self.settings.generator_rate, self.settings.discriminator_rate)
        players = (self.generator, self.discriminator)
        self.g_step, self.d_step = (
            torch.optim.Adam(player.parameters(), rate, betas=(0.0, 0.99))
            for player, rate in zip(players, rates, strict=True)
        )
        self.average = ExponentialAverage(
            self.generator, half_life=self.settings.half_life, trained=self.settings.go_on
        )
        self.device = next(self.generator.parameters()).device
        self.dtype = precision(self.device)
        wrap = (
            partial(torch.compile, dynamic=False) if self.compiled else (lambda function: function)
        )
        self.paint, self.judge = wrap(self._paint), wrap(lambda images: self.discriminator(images))
        self.apart = wrap(partial(feature_distance, self.features, self.settings.layers))

    def _paint(self, codes: Tensor) -> Tensor:
        if "w" not in self.generator.spaces:
            return self.generator(codes)
        return self.generator.synthesize(codes, noise=self.settings.noise)

    def mixed(self) -> torch.autocast:
        """Context of the forward passes: bfloat16 where this machine is faster in it."""
        return mixed(self.device, self.dtype)

    def codes(self, batch: Batch, rng: torch.Generator) -> Tensor:
        """The z `(N, d)` of the cats of a batch."""
        z_dim = self.generator.z_dim
        return codes_of(batch.scores, z_dim, mirrored=batch.mirrored, rng=rng).to(self.device)

    def parts(self) -> dict[str, nn.Module | torch.optim.Optimizer]:
        """What a checkpoint holds."""
        return {
            "generator": self.generator, "discriminator": self.discriminator,
            "average": self.average.network, "g_step": self.g_step, "d_step": self.d_step,
        }  # fmt: skip

    def slow_down(self, progress: float) -> None:
        """Constant rates, falling linearly over the last quarter of the run."""
        fall = max(0.02, min(1.0, 4.0 * (1.0 - progress)))
        self.g_step.param_groups[0]["lr"] = self.settings.generator_rate * fall
        self.d_step.param_groups[0]["lr"] = self.settings.discriminator_rate * fall

    def round(self, pictures: Pictures, seen: int, rng: torch.Generator) -> dict[str, float]:
        """One step of the discriminator, one of the generator; their losses."""
        settings = self.settings
        batch = pictures.batch(settings.batch, rng=rng)
        losses = discriminator_step(self, batch, rng)
        if settings.r1 and (seen // settings.batch) % settings.r1_every == 0:
            losses |= r1_step(self.discriminator, batch.images, self.d_step, settings)
        if seen >= settings.head_start:
            losses |= generator_step(self, pictures.batch(settings.batch, rng=rng), rng)
            self.average.update(self.generator, pictures=settings.batch, seen=seen)
        return losses


def train_adversarial(
    duel: Duel, pictures: Pictures, folder: Path
) -> tuple[Generator, dict[str, float]]:
    """Train for `duel.settings.hours`; return the generator's average and the last losses."""
    settings, run = duel.settings, Run(folder, hours=duel.settings.hours)
    average, grid = duel.average.network, sample_codes(duel.generator)

    def step(seen: int, progress: float, rng: torch.Generator) -> dict[str, float]:
        duel.slow_down(progress)
        return duel.round(pictures, seen, rng)

    def show(seen: int) -> None:
        run.snapshot(average, sampled(average, grid), seen)

    return average, repeat(
        run, duel.parts(), step, batch=settings.batch, seed=settings.seed, columns=COLUMNS,
        on_save=show,
    )  # fmt: skip


@torch.no_grad()
def sampled(generator: Generator, z: Tensor) -> Tensor:
    """Pictures `(N, 3, H, W)` of z."""
    return generator(z)


def mix(
    generator: Generator, z: Tensor, *, mixing: float, rng: torch.Generator
) -> tuple[Tensor, Tensor | None]:
    """What paints the pictures of z: z itself, or w+; and w where the generator has a mapping.

    With chance `mixing` later layers take the codes of the next picture (StyleGAN, section 3.1).
    """
    if "w" not in generator.spaces:
        return z, None
    w = generator.map(z)
    w_plus = w.expand(-1, generator.num_layers, -1)
    if torch.rand((), generator=rng) < mixing:
        cut = int(torch.randint(1, generator.num_layers, (), generator=rng))
        w_plus = torch.cat([w_plus[:, :cut], w_plus.roll(1, 0)[:, cut:]], dim=1)
    return w_plus, w


def discriminator_loss(real: Tensor, fake: Tensor, *, relativistic: bool) -> Tensor:
    """What the discriminator minimises, from its logits `(N,)`; real and fake of one cat each."""
    if relativistic:
        return F.softplus(fake - real).mean()
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def generator_loss(real: Tensor | None, fake: Tensor) -> Tensor:
    """What the generator minimises, from the discriminator's logits; `real` if relativistic."""
    return F.softplus(-fake if real is None else real - fake).mean()


def discriminator_step(duel: Duel, batch: Batch, rng: torch.Generator) -> dict[str, float]:
    """Teach the discriminator real pictures, and made ones of the same cats."""
    z, settings = duel.codes(batch, rng), duel.settings
    with duel.mixed():
        with torch.no_grad():
            codes, _ = mix(duel.generator, z, mixing=settings.mixing, rng=rng)
            made = duel.paint(codes)
        real, fake = duel.judge(batch.images).float(), duel.judge(made).float()
    loss = discriminator_loss(real, fake, relativistic=settings.relativistic)
    _update(loss, duel.d_step)
    return {
        "real": real.mean().item(), "fake": fake.mean().item(), "discriminator": loss.item(),
    }  # fmt: skip


def r1_step(
    discriminator: nn.Module, images: Tensor, step: torch.optim.Optimizer,
    settings: AdversarialSettings,
) -> dict[str, float]:  # fmt: skip
    """Lazy R1: gamma / 2 times the squared gradient at real pictures, times the interval."""
    images = images[: len(images) // 2].detach().requires_grad_()
    (gradient,) = torch.autograd.grad(discriminator(images).sum(), images, create_graph=True)
    penalty = gradient.square().sum(dim=(1, 2, 3)).mean()
    _update(penalty * (settings.r1 / 2 * settings.r1_every), step)
    return {"r1": penalty.item()}


def generator_step(duel: Duel, batch: Batch, rng: torch.Generator) -> dict[str, float]:
    """Teach the generator to please the discriminator, and the pairs unless styles are mixed."""
    generator, settings = duel.generator, duel.settings
    z = duel.codes(batch, rng)
    is_mixed = "w" in generator.spaces and bool(torch.rand((), generator=rng) < settings.mixing)
    duel.discriminator.requires_grad_(False)
    with duel.mixed():
        codes, w = mix(generator, z, mixing=float(is_mixed), rng=rng)
        made = duel.paint(codes)
        with torch.no_grad():
            real = duel.judge(batch.images).float() if settings.relativistic else None
        loss = generator_loss(real, duel.judge(made).float())
        losses = {"adversarial": loss.item()}
        if settings.anchor and not is_mixed:  # a mixed cat has no picture to be compared with
            anchor = F.l1_loss(made.float(), batch.images)
            if settings.perceptual:
                pair = same_window(settings.window, rng, made, batch.images)
                anchor = anchor + settings.perceptual * duel.apart(*pair)
            loss = loss + settings.anchor * anchor
            losses["anchor"] = anchor.item()
    _update(loss, duel.g_step)
    duel.discriminator.requires_grad_(True)
    if w is not None:
        generator.mapping.track_average(w[:, 0].detach())
    return losses


def _update(loss: Tensor, step: torch.optim.Optimizer) -> None:
    step.zero_grad(set_to_none=True)
    loss.backward()
    step.step()
