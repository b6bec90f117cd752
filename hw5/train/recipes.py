"""One recipe for each shipped weight: which networks, which phases, which settings.

Offers `RECIPES`. A recipe trains in its run folder and then ships: it writes the weight and its
card into data/weights. The phases are in read_factors.py, regress.py and adversarial.py; encoders
have a file of their own, encoder_recipes.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from hw5 import zoo
from hw5.kit import devices
from hw5.kit.checks import InputError
from hw5.metrics.ruler import FLOOR, as_facts, measure_floor
from hw5.models.feature_network import FeatureNetwork
from hw5.models.generator import Generator
from hw5.models.second_look import Ruler
from hw5.models.stylegan2 import StyleGAN2
from hw5.train import quality
from hw5.train.adversarial import AdversarialSettings, Duel, train_adversarial
from hw5.train.batches import Pictures
from hw5.train.cards import digest_of
from hw5.train.encoder_recipes import ENCODERS
from hw5.train.fit_mapping import MappingSettings, fit_mapping
from hw5.train.grow import GrowthPlan, train_grown
from hw5.train.jobs import (
    Job,
    begun,
    is_dueling,
    keep_figures,
    kept_figures,
    origin,
    portraits,
    ship,
)
from hw5.train.look_again import SecondLookSettings, train_second_look
from hw5.train.read_factors import train_features, train_reader
from hw5.train.read_quality import measure_reader, weak
from hw5.train.recognise import IdentitySettings, train_identity
from hw5.train.regress import RegressSettings, known_cats, regress
from hw5.train.supervised import Supervision
from hw5.world.dataset import renderer_digest
from hw5.world.factors import NUM_DRAWS, PARTS
from hw5.world.targets import NUM_TARGETS

FEATURES = "world-features"
READER, SECOND_LOOK = "world-reader", "second-look"
LPIPS_LAYERS = ("block1", "block3", "block5", "block11", "block16")


@dataclass(frozen=True)
class Recipe:
    """How one weight comes about."""

    run: Callable[[Job], None]
    curve: Callable[[Job], None] | None = None  # measures the snapshots of a run
    also: tuple[str, ...] = ()  # weights that it ships beside its own
    goes_on: bool = False  # can it begin as the shipped weight?


def train_world_features(job: Job) -> None:
    """The feature network: reads factors and parts."""
    settings = Supervision(hours=job.hours, seed=job.seed)
    network, metrics = train_features(
        job.folder, settings, device=job.device, compiled=job.compiled
    )
    config = {"num_outputs": NUM_TARGETS, "num_classes": len(PARTS)}
    what = "ten plain convolutions that read the factors and parts of a 64 px picture"
    data = portraits(settings.pictures)
    ship(FEATURES, network, FEATURES, config, job, what, metrics, data)


def train_world_reader(job: Job) -> None:
    """The ruler for edits: reads factors, finds parts, recognises cats."""
    settings = Supervision(hours=job.hours, seed=job.seed)
    network, metrics = train_reader(job.folder, settings, device=job.device, compiled=job.compiled)
    recognised = train_identity(network, IdentitySettings(seed=job.seed), compiled=job.compiled)
    judged = measure_reader(network, compiled=job.compiled)
    config = {"num_outputs": NUM_TARGETS, "num_classes": len(PARTS)}
    what = "reads the factors, parts and identity of a 64 px picture, at first look"
    data = portraits(settings.pictures)
    metrics = {**metrics, **recognised, **judged}
    ship(READER, network, READER, config, job, what, metrics, data)
    zoo.amend_card(READER, {"weak": weak(judged)})


def train_reader_again(job: Job) -> None:
    """The second look of the ruler; takes a quarter of an hour, whatever the hours say."""
    settings = SecondLookSettings(seed=job.seed)
    reader = zoo.load(READER, devices.pick(job.device))
    # A folder for each reader and each renderer: others notice something else, or elsewhere.
    folder = job.folder / f"of-{digest_of(READER)[:12]}-{renderer_digest()}"
    network, metrics = train_second_look(reader, folder, settings, compiled=job.compiled)
    ruler = Ruler(reader, network)
    judged = measure_reader(ruler, compiled=job.compiled)
    config = {"num_outputs": NUM_TARGETS, "num_classes": len(PARTS)}
    what = "corrects what world-reader reads by the colours of the parts: the ruler for edits"
    data = portraits(settings.pictures)
    ship(SECOND_LOOK, network, SECOND_LOOK, config, job, what, {**metrics, **judged}, data,
         (READER,))  # fmt: skip
    facts = {"weak": weak(judged), FLOOR: as_facts(measure_floor(ruler))}
    zoo.amend_card(SECOND_LOOK, facts)


def train_lpips_heads(job: Job) -> None:
    """The heads of the offline LPIPS; takes a few minutes, whatever the hours say."""
    from hw5.metrics.perceptual import lpips_metric  # needs lpips, which a bare machine has not
    from hw5.models.efficientnet import EfficientNetLite0
    from hw5.models.lpips_heads import Taps
    from hw5.train.calibrate_lpips import LpipsSettings, calibrate

    settings = LpipsSettings(seed=job.seed)
    taps = Taps("EfficientNetLite0", LPIPS_LAYERS)
    metric = lpips_metric("offline", features=EfficientNetLite0(), taps=taps)
    metric = metric.to(devices.pick(job.device))
    metrics = calibrate(metric, settings)
    data = f"{settings.triplets} triplets of each kind (metrics/triplets.py)"
    what = "weights of the offline LPIPS on EfficientNet-Lite0, calibrated on the world"
    name = "lpips-heads"
    ship(name, metric.heads, name, metric.heads.config(), job, what, metrics, data)


@dataclass(frozen=True)
class GanPlan:
    """Networks and time shares of a generator's two phases."""

    name: str
    what: str
    config: Mapping[str, Any]  # of the generator, whose kind is the name
    judge_kind: str  # of the discriminator, a key of zoo.BUILDERS
    judge_config: Mapping[str, Any] = field(default_factory=dict)
    warm_share: float = 0.6  # of the hours
    regress: RegressSettings = field(default_factory=RegressSettings)
    adversarial: AdversarialSettings = field(default_factory=AdversarialSettings)

    def generator(self) -> Generator:
        """Build the generator with random weights."""
        return zoo.BUILDERS[self.name](**self.config)

    def judge(self) -> nn.Module:
        """Build the discriminator with random weights."""
        return zoo.BUILDERS[self.judge_kind](**self.judge_config)


STYLEGAN2 = GanPlan(
    name="stylegan2",
    what="StyleGAN2 of cats, 64 px, z, w, w+ and style space",
    config={
        # ADA: two layers as wide as w, at a hundredth of the rate. Three wide ones learn the pairs.
        "num_mapping_layers": 3,
        "mapping_lr_multiplier": 0.1,
        "mapping_width": 512,
        # leaner where pictures are large: 1.2 times as fast as ADA's halving from 256 at 8 px on
        "channels": {"4": 256, "8": 192, "16": 96, "32": 48, "64": 24},
    },
    judge_kind="dcgan-discriminator",  # small: half of a round's time is the generator's
    # those of the shipped weight's last 75,000 pictures, when FID fell fastest; what came before
    # stands in docs/decisions/0004 and in the card
    adversarial=AdversarialSettings(
        generator_rate=8e-4, discriminator_rate=4e-4, r1=1.0, anchor=5.0, relativistic=True
    ),
)
DCGAN_PLAN = GanPlan(
    name="dcgan",
    what="DCGAN of cats as in the course starter, 64 px, z of 100",
    config={},
    judge_kind="dcgan-discriminator",
    # no mapping network, no equalised rates: steps a third as long, a firmer hold on the judge
    adversarial=AdversarialSettings(
        generator_rate=3e-4, discriminator_rate=3e-4, r1=1.0, perceptual=0.0
    ),
)


def train_gan(plan: GanPlan, job: Job) -> None:
    """Warm start on pairs, then adversarial training; ships generator and discriminator.

    A later call finishes what was cut short; once the second phase is done, it gets all the hours.
    A run that goes on from the shipped weights has no warm start.
    """
    other = f"{plan.name}-discriminator"
    on = all([origin(name, job) for name in (plan.name, other)])
    device = devices.pick(job.device)
    torch.manual_seed(job.seed)
    features = zoo.load(FEATURES, device).to(memory_format=torch.channels_last)
    pictures = Pictures("train", plan.regress.pictures, device=device, compiled=job.compiled)
    generator = begun(plan.name, plan.generator, job).to(device)
    discriminator = begun(other, plan.judge, job).to(device)
    first, hours = kept_figures(job.folder / "warm"), job.hours
    if not on and not is_dueling(job):
        first = warm_start(plan, job, generator, features, pictures)
        hours = (1 - plan.warm_share) * job.hours
    duel = replace(plan.adversarial, hours=hours, seed=job.seed, go_on=on)
    players = Duel(generator, discriminator, features, duel, compiled=job.compiled)
    average, second = train_adversarial(players, pictures, job.folder / "duel")
    metrics = first | {f"duel_{name}": value for name, value in second.items()}
    metrics |= quality.measure(average.cpu(), compiled=job.compiled, on_step=quality.tell)
    data = portraits(plan.regress.pictures)
    path = ship(plan.name, average, plan.name, plan.config, job, plan.what, metrics, data,
                (FEATURES,))  # fmt: skip
    what = f"the discriminator that {plan.name} was trained against"
    ship(other, discriminator, plan.judge_kind, plan.judge_config, job, what, second, data,
         (FEATURES,), path)  # fmt: skip


def warm_start(
    plan: GanPlan, job: Job, generator: Generator, features: FeatureNetwork, pictures: Pictures
) -> dict[str, float]:
    """Teach `generator` its pairs and return the figures of the phase.

    The mapping network is fitted whenever there is no second phase yet, whose checkpoint holds it.
    """
    folder = job.folder / "warm"
    warm = replace(plan.regress, hours=plan.warm_share * job.hours, seed=job.seed)
    average, figures = regress(generator, features, pictures, folder, warm, compiled=job.compiled)
    generator.load_state_dict(average.state_dict())
    if isinstance(generator, StyleGAN2):
        figures["mapping_missed"] = fit_mapping(generator, MappingSettings(seed=job.seed))
    return keep_figures(folder, "warm", figures)


def measure_curve(plan: GanPlan, job: Job, count: int = 2_500) -> None:
    """FID over pictures seen, from the snapshots of the run; goes into the weight's card.

    During the warm start a style-based generator has no mapping network worth the name, so it is
    given the w of the world's cats. Where the run went on from a shipped weight, so does its curve,
    with as many pictures.

    Raises:
        InputError: The run has left no snapshots, which would leave no curve.
    """
    phases = [job.folder / phase for phase in ("warm", "duel")]
    if not any(quality.snapshots(folder) for folder in phases):
        hint = "train it first; only the machine and folder of a run hold its snapshots"
        got = f"none in {job.folder}"
        raise InputError.about("train --curve", expected="a run's snapshots", got=got, hint=hint)
    earlier = origin(plan.name, job).get("curve", {})
    count = earlier.get("pictures_compared", count)
    generator = plan.generator().eval().requires_grad_(False)

    def of_cats(number: int, rng: torch.Generator) -> Tensor:
        return known_cats(generator, torch.randn(number, NUM_DRAWS, generator=rng))

    def of_codes(number: int, rng: torch.Generator) -> Tensor:
        return generator(torch.randn(number, generator.z_dim, generator=rng))

    warm = earlier.get("warm", []) + quality.curve(phases[0], generator, of_cats, count=count)
    duel = earlier.get("duel", [])
    before = (warm + duel)[-1][0] if warm or duel else 0
    found = quality.curve(phases[1], generator, of_codes, count=count)
    duel = duel + [(before + seen, fid) for seen, fid in found]
    curve = {"pictures_compared": count, "warm": warm, "duel": duel}
    aside = job.folder / f"{plan.name}{zoo.SUFFIX}"
    zoo.amend_card(aside if aside.exists() else plan.name, {"curve": curve})


def grown(
    start: str, size: int, channels: int, pictures: int, base: Mapping[str, Any]
) -> GrowthPlan:
    """Plan of a generator of `size` pixels with `channels` in its new block, on those of `base`."""
    widths = {**base["channels"], str(size): channels}
    return GrowthPlan(
        name=f"stylegan2-{size}",
        start=start,
        config={**base, "image_size": size, "channels": widths},
        judge=f"{start}-discriminator",
        pictures=pictures,
        # The judge knows what a cat is from the start: half the pictures for its head start. Four
        # times the pixels ask for a larger gamma than the 1 of 64 px.
        adversarial=replace(
            STYLEGAN2.adversarial,
            window=64,
            head_start=1_600,
            anchor=4.0,
            generator_rate=6e-4,
            discriminator_rate=4e-4,
            r1=3.0,
        ),
    )


STYLEGAN2_128 = grown(STYLEGAN2.name, 128, 24, 16_384, STYLEGAN2.config)
STYLEGAN2_256 = grown(STYLEGAN2_128.name, 256, 16, 8_192, STYLEGAN2_128.config)

RECIPES: dict[str, Recipe] = {
    FEATURES: Recipe(train_world_features),
    READER: Recipe(train_world_reader),
    SECOND_LOOK: Recipe(train_reader_again),
    "lpips-heads": Recipe(train_lpips_heads),
    **{
        plan.name: Recipe(
            partial(train_gan, plan),
            partial(measure_curve, plan),
            also=(f"{plan.name}-discriminator",),
            goes_on=True,
        )
        for plan in (STYLEGAN2, DCGAN_PLAN)
    },
    **{
        plan.name: Recipe(partial(train_grown, plan), also=(f"{plan.name}-discriminator",))
        for plan in (STYLEGAN2_128, STYLEGAN2_256)
    },
    **{name: Recipe(run, goes_on=True) for name, run in ENCODERS.items()},
}
