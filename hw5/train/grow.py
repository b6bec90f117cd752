"""Larger pictures: a trained generator is given one more block, and taught what is finer.

Progressive growing (Karras et al. 2018, section 2) with StyleGAN2's output skips: the new block
adds nothing at first, so that the large picture begins as the small one enlarged. Then a
super-resolver learns to enlarge the world's pictures (enlarger.py), and the generator learns from
it to draw its own as sharply (distil.py). Then everything against a discriminator, which begins as
that of the small one and learns to look at the fine detail. Offers `GrowthPlan`, `enlarge` and
`train_grown`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import nn

from hw5 import zoo
from hw5.kit import devices
from hw5.models.feature_network import FeatureNetwork
from hw5.models.multiscale import enlarge_judge
from hw5.models.stylegan2 import StyleGAN2
from hw5.train import quality
from hw5.train.adversarial import AdversarialSettings, Duel, train_adversarial
from hw5.train.batches import Pictures
from hw5.train.distil import DistilSettings, distil
from hw5.train.enlarger import EnlargerSettings, train_enlarger
from hw5.train.jobs import Job, is_dueling, keep_figures, kept_figures, portraits, ship

FEATURES = "world-features"


@dataclass(frozen=True)
class GrowthPlan:
    """Which weight is grown to what, and the time shares of the first two of three phases."""

    name: str
    start: str  # the weight that is grown
    config: Mapping[str, Any]  # of the grown generator
    judge: str  # weight that the discriminator begins as
    pictures: int  # size of the training set, mirror images not counted
    enlarger: EnlargerSettings = field(default_factory=EnlargerSettings)
    distil: DistilSettings = field(default_factory=DistilSettings)
    adversarial: AdversarialSettings = field(default_factory=AdversarialSettings)
    enlarger_share: float = 0.1  # of the hours
    distil_share: float = 0.25  # of the hours

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
    """Grow, learn from a super-resolver, then against a discriminator; ship it with its card.

    A later call finishes what was cut short; once the last phase is done, it gets all the hours.
    """
    device = devices.pick(job.device)
    torch.manual_seed(job.seed)
    features = zoo.load(FEATURES, device).to(memory_format=torch.channels_last)
    pictures = Pictures(
        "train", plan.pictures, device=device, compiled=job.compiled, size=plan.size
    )
    small = zoo.load(plan.start, device)
    generator = enlarge(small, plan.config)
    first, hours = kept_figures(job.folder / "distil"), job.hours
    if not is_dueling(job):
        first = sharpen(plan, job, generator, small, features, pictures)
        hours = (1 - plan.enlarger_share - plan.distil_share) * job.hours
    duel = replace(plan.adversarial, hours=hours, seed=job.seed)
    judge = enlarge_judge(zoo.load(plan.judge, device), plan.size).to(device)
    players = Duel(generator, judge, features, duel, compiled=job.compiled)
    average, second = train_adversarial(players, pictures, job.folder / "duel")
    metrics = first | {f"duel_{name}": value for name, value in second.items()}
    metrics |= quality.measure(average.cpu(), compiled=job.compiled, on_step=quality.tell)
    data = portraits(plan.pictures, plan.size)
    needs = (FEATURES, plan.start, plan.judge)
    path = ship(plan.name, average, "stylegan2", plan.config, job, plan.what, metrics, data, needs)
    what = f"the discriminator that {plan.name} was trained against"
    ship(f"{plan.name}-discriminator", judge, "multiscale-discriminator", judge.config(), job,
         what, second, data, (FEATURES,), path)  # fmt: skip


def sharpen(
    plan: GrowthPlan, job: Job, generator: StyleGAN2, small: StyleGAN2, features: FeatureNetwork,
    pictures: Pictures,
) -> dict[str, float]:  # fmt: skip
    """Teach `generator` the pictures of `small`, enlarged sharply; return the phases' figures.

    Afterwards all of `generator` may learn.
    """
    own = replace(plan.enlarger, hours=plan.enlarger_share * job.hours, seed=job.seed)
    enlarger, seen = train_enlarger(
        features, pictures, job.folder / "enlarger", own, compiled=job.compiled
    )
    lesson = replace(plan.distil, hours=plan.distil_share * job.hours, seed=job.seed)
    folder = job.folder / "distil"
    average, taught = distil(
        generator, small, enlarger, features, folder, lesson, compiled=job.compiled
    )
    generator.load_state_dict(average.state_dict())
    generator.requires_grad_(True)
    before = {f"enlarger_{name}": value for name, value in seen.items()}
    return keep_figures(folder, "distil", taught | before)
