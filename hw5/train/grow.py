"""Larger pictures: a trained generator is given one more block, and taught what is finer.

Progressive growing (Karras et al. 2018, section 2) with StyleGAN2's output skips: the new block
adds nothing at first, so that the large picture begins as the small one enlarged. Then pairs, as in
regress.py, for the new block alone: they would blur again what a discriminator has sharpened. Then
everything against a discriminator, which begins as that of the small one and learns to look at the
fine detail. Offers `GrowthPlan`, `enlarge` and `train_grown`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import nn

from hw5 import zoo
from hw5.kit import devices
from hw5.models.multiscale import enlarge_judge
from hw5.models.stylegan2 import StyleGAN2
from hw5.train import quality
from hw5.train.adversarial import AdversarialSettings, Duel, train_adversarial
from hw5.train.batches import Pictures
from hw5.train.jobs import Job, is_dueling, keep_figures, kept_figures, portraits, ship
from hw5.train.regress import RegressSettings, regress

FEATURES = "world-features"


@dataclass(frozen=True)
class GrowthPlan:
    """Which weight is grown to what, and the time shares of the two phases."""

    name: str
    start: str  # the weight that is grown
    config: Mapping[str, Any]  # of the grown generator
    judge: str  # weight that the discriminator begins as
    pairs: RegressSettings
    adversarial: AdversarialSettings = field(default_factory=AdversarialSettings)
    pairs_share: float = 0.12  # of the hours; more of them made FID no better

    @property
    def size(self) -> int:
        """Side of its pictures, pixels."""
        return self.config["image_size"]

    @property
    def what(self) -> str:
        """One sentence for people."""
        return f"StyleGAN2 of cats, {self.size} px, grown from {self.start}"


def enlarge(small: StyleGAN2, config: Mapping[str, Any]) -> StyleGAN2:
    """Generator of `config` that paints the pictures of `small`, enlarged; on its device.

    Raises:
        RuntimeError: `config` has other blocks than those of `small` and the ones on top.
    """
    large = StyleGAN2(**config)
    new = {key for key in large.state_dict() if key not in small.state_dict()}
    missing, unknown = large.load_state_dict(small.state_dict(), strict=False)
    if unknown or not all(key in new for key in missing):
        raise RuntimeError(f"the grown generator has no place for {unknown}")
    for size in set(large.synthesis.resolutions) - set(small.synthesis.resolutions):
        nn.init.zeros_(large.synthesis.block(size).torgb.weight)
    return large.to(next(small.parameters()).device)


def train_grown(plan: GrowthPlan, job: Job) -> None:
    """Grow, teach by pairs, then against a discriminator; ship the generator with its card.

    Once the second phase has begun, a later call gives it all of its hours.
    """
    device = devices.pick(job.device)
    torch.manual_seed(job.seed)
    features = zoo.load(FEATURES, device).to(memory_format=torch.channels_last)
    pictures = Pictures(
        "train", plan.pairs.pictures, device=device, compiled=job.compiled, size=plan.size
    )
    generator = enlarge(zoo.load(plan.start, device), plan.config)
    first, hours = kept_figures(job.folder / "pairs"), job.hours
    if not is_dueling(job):
        first = teach_pairs(plan, job, generator, features, pictures)
        hours = (1 - plan.pairs_share) * job.hours
    duel = replace(plan.adversarial, hours=hours, seed=job.seed)
    judge = enlarge_judge(zoo.load(plan.judge, device), plan.size).to(device)
    players = Duel(generator, judge, features, duel, compiled=job.compiled)
    average, second = train_adversarial(players, pictures, job.folder / "duel")
    metrics = first | {f"duel_{name}": value for name, value in second.items()}
    metrics |= quality.measure(average.cpu(), compiled=job.compiled)
    data = portraits(plan.pairs.pictures, plan.size)
    needs = (FEATURES, plan.start, plan.judge)
    path = ship(plan.name, average, "stylegan2", plan.config, job, plan.what, metrics, data, needs)
    what = f"the discriminator that {plan.name} was trained against"
    ship(f"{plan.name}-discriminator", judge, "multiscale-discriminator", judge.config(), job,
         what, second, data, (FEATURES,), path)  # fmt: skip


def teach_pairs(
    plan: GrowthPlan, job: Job, generator: StyleGAN2, features: nn.Module, pictures: Pictures
) -> dict[str, float]:
    """Show its new block the large picture of each code; return the phase's figures.

    Afterwards all of `generator` may learn.
    """
    folder = job.folder / "pairs"
    generator.requires_grad_(False)
    generator.synthesis.block(plan.size).requires_grad_(True)
    settings = replace(plan.pairs, hours=plan.pairs_share * job.hours, seed=job.seed)
    average, figures = regress(
        generator, features, pictures, folder, settings, compiled=job.compiled
    )
    generator.load_state_dict(average.state_dict())
    generator.requires_grad_(True)
    return keep_figures(folder, "pairs", figures)
