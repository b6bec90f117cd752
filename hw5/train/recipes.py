"""One recipe for each shipped weight: which networks, which phases, which settings.

Offers `RECIPES`. A recipe trains in its run folder and then ships: it writes the weight and its
card into data/weights. The phases are in read_factors.py, regress.py and adversarial.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from hw5 import zoo
from hw5.models.dcgan import DCGAN, DCGANDiscriminator
from hw5.models.discriminators import StyleGAN2Discriminator
from hw5.models.generator import Generator
from hw5.models.stylegan2 import StyleGAN2
from hw5.train import quality
from hw5.train.adversarial import AdversarialSettings, Duel, train_adversarial
from hw5.train.batches import Pictures
from hw5.train.cards import make_card
from hw5.train.fit_mapping import MappingSettings, fit_mapping
from hw5.train.loop import pick_device
from hw5.train.read_factors import FeatureSettings, train_features
from hw5.train.regress import RegressSettings, regress
from hw5.train.targets import NUM_TARGETS
from hw5.world.factors import PARTS

FEATURES = "world-features"
_DATA = "{count} portraits at 64 px, training split, and their mirror images"


@dataclass(frozen=True)
class Job:
    """What the command line asks for."""

    hours: float
    device: str
    seed: int
    folder: Path  # of this weight's run
    compiled: bool = True  # render the training set with torch.compile

    def command(self, name: str) -> str:
        """The command that repeats this job."""
        return f"python -m hw5 train {name} --hours {self.hours:g} --seed {self.seed}"


@dataclass(frozen=True)
class Recipe:
    """How one weight comes about."""

    run: Callable[[Job], None]
    needs: tuple[str, ...] = ()  # shipped weights it is trained on
    also: tuple[str, ...] = ()  # weights that it ships beside its own


def train_world_features(job: Job) -> None:
    """The feature network: reads factors and parts."""
    settings = FeatureSettings(hours=job.hours, seed=job.seed)
    network, metrics = train_features(
        job.folder, settings, device=job.device, compiled=job.compiled
    )
    config = {"num_outputs": NUM_TARGETS, "num_classes": len(PARTS)}
    what = "ten plain convolutions that read the factors and parts of a 64 px picture"
    _ship(FEATURES, network, FEATURES, config, job, what, metrics, settings.pictures)


@dataclass(frozen=True)
class GanPlan:
    """Networks and time shares of a generator's two phases."""

    name: str
    what: str
    generator: Callable[..., Generator]
    discriminator: Callable[..., nn.Module]
    config: Mapping[str, Any]  # of the generator
    warm_share: float = 0.6  # of the hours
    regress: RegressSettings = field(default_factory=RegressSettings)
    adversarial: AdversarialSettings = field(default_factory=AdversarialSettings)


STYLEGAN2 = GanPlan(
    name="stylegan2",
    what="StyleGAN2 of cats, 64 px, z, w, w+ and style space",
    generator=StyleGAN2,
    discriminator=StyleGAN2Discriminator,
    # ADA: two layers as wide as w, at a hundredth of the rate. Three wide ones learn the pairs.
    config={"num_mapping_layers": 3, "mapping_lr_multiplier": 0.1, "mapping_width": 512},
)
DCGAN_PLAN = GanPlan(
    name="dcgan",
    what="DCGAN of cats as in the course starter, 64 px, z of 100",
    generator=DCGAN,
    discriminator=DCGANDiscriminator,
    config={},
)


def train_gan(plan: GanPlan, job: Job) -> None:
    """Warm start on pairs, then adversarial training; ships generator and discriminator."""
    device = pick_device(job.device)
    torch.manual_seed(job.seed)
    features = zoo.load(FEATURES, device).to(memory_format=torch.channels_last)
    warm = replace(plan.regress, hours=plan.warm_share * job.hours, seed=job.seed)
    duel = replace(plan.adversarial, hours=(1 - plan.warm_share) * job.hours, seed=job.seed)
    pictures = Pictures("train", warm.pictures, device=device, compiled=job.compiled)
    generator = plan.generator(**plan.config).to(device)
    discriminator = plan.discriminator().to(device)
    average, first = regress(generator, features, pictures, job.folder / "warm", warm)
    generator.load_state_dict(average.state_dict())
    if isinstance(generator, StyleGAN2):
        first["mapping_missed"] = fit_mapping(generator, MappingSettings(seed=job.seed))
    players = Duel(generator, discriminator, features, duel)
    average, second = train_adversarial(players, pictures, job.folder / "duel")
    metrics = {f"warm_{name}": value for name, value in first.items()}
    metrics |= {f"duel_{name}": value for name, value in second.items()}
    metrics |= quality.measure(average.cpu(), compiled=job.compiled)
    count = warm.pictures
    _ship(plan.name, average, plan.name, plan.config, job, plan.what, metrics, count, (FEATURES,))
    other = f"{plan.name}-discriminator"
    what = f"the discriminator that {plan.name} was trained against"
    _ship(other, discriminator, other, {}, job, what, second, count, (plan.name,), plan.name)


def _ship(
    name: str, network: nn.Module, kind: str, config: Mapping[str, Any], job: Job, what: str,
    metrics: Mapping[str, float], count: int, trained_on: tuple[str, ...] = (), by: str = "",
) -> None:  # fmt: skip
    card = make_card(
        what=what,
        command=job.command(by or name),
        data=_DATA.format(count=count),
        seed=job.seed,
        device=pick_device(job.device),
        metrics=metrics,
        trained_on=trained_on,
    )
    zoo.save(name, network, kind=kind, config=config, card=card)


RECIPES: dict[str, Recipe] = {
    FEATURES: Recipe(train_world_features),
    "stylegan2": Recipe(
        lambda job: train_gan(STYLEGAN2, job), (FEATURES,), ("stylegan2-discriminator",)
    ),
    "dcgan": Recipe(lambda job: train_gan(DCGAN_PLAN, job), (FEATURES,), ("dcgan-discriminator",)),
}
