"""Recipes of the three encoders: which networks, which pictures, where the weight goes.

Offers `ENCODERS` (name -> function of a job), which recipes.py adds to its own, and `ON_PICTURES`,
the names that take a folder of one's own pictures. A weight trained on those stays in the run
folder, beside its card; the shipped one is not touched.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hw5 import zoo
from hw5.kit import devices
from hw5.kit.checks import InputError, check_choice
from hw5.models.encoder import Encoder
from hw5.models.stylegan2 import StyleGAN2
from hw5.train.batches import Pictures, tell
from hw5.train.cards import make_card
from hw5.train.encode_domain import DomainLesson, DomainSettings
from hw5.train.encode_offsets import OffsetLesson, OffsetSettings
from hw5.train.encode_samples import SampleLesson, SampleSettings
from hw5.train.encoders import (
    COLUMNS,
    Draw,
    EncoderSettings,
    Lesson,
    fresh_encoder,
    measure,
    train_encoder,
)
from hw5.train.jobs import Job, begun, origin, target_of
from hw5.train.own_pictures import as_images, read_folder
from hw5.world import dataset

GENERATOR, FEATURES, JUDGE = "stylegan2", "world-features", "stylegan2-discriminator"
SHOWN = 4 * COLUMNS  # pairs in the sample grid


@dataclass(frozen=True)
class EncoderPlan:
    """One encoder: its method, its settings, the weights it learns from."""

    name: str
    what: str
    lesson: type[Lesson]
    settings: EncoderSettings
    needs: dict[str, str] = field(default_factory=dict)  # argument of `lesson` -> name of a weight
    on_pictures: bool = True  # or on the generator's samples
    config: dict[str, Any] = field(default_factory=dict)  # of the encoder
    pictures: int = 32_768  # size of the training set, mirror images not counted
    compared: int = 500  # pictures of the test split behind the card's figures


@dataclass(frozen=True)
class Material:
    """What a run learns from and is measured on."""

    draw: Draw | None  # None: the method makes its own
    test: Tensor  # (N, 3, H, W) in [-1, 1]
    said: str  # for the card
    split: str = "test"  # or train, where there were too few pictures to keep any from training


def train_an_encoder(plan: EncoderPlan, job: Job) -> None:
    """Train by `plan`, measure, and ship the weight with its card."""
    on = bool(origin(plan.name, job))
    device = devices.pick(job.device)
    torch.manual_seed(job.seed)
    generator = zoo.load(GENERATOR, device)
    check_generator(generator)
    networks: dict[str, Any] = {key: zoo.load(name, device) for key, name in plan.needs.items()}
    material = gather(plan, job, generator.image_size, device)
    if plan.on_pictures:
        networks["draw"] = material.draw
    settings = replace(plan.settings, seed=job.seed, hours=job.hours, go_on=on)
    encoder = begun(plan.name, lambda: fresh_encoder(generator, plan.config), job).to(device)
    lesson = plan.lesson(encoder, generator, settings, **networks)
    shown = material.test[:SHOWN].to(device)
    encoder, figures = train_encoder(lesson, shown, job.folder, hours=job.hours)
    figures |= measure(encoder.cpu(), generator.cpu(), material.test, split=material.split)
    ship(plan, job, encoder, figures, material.said)


def check_generator(generator: torch.nn.Module) -> None:
    """Require a generator with w+.

    Raises:
        InputError: The weight called stylegan2 holds another network.
    """
    if not isinstance(generator, StyleGAN2):
        raise InputError.about(GENERATOR, expected="a StyleGAN2", got=type(generator).__name__)


def gather(plan: EncoderPlan, job: Job, size: int, device: torch.device) -> Material:
    """The pictures to learn from: one's own if the job names a folder, else the world's."""
    if job.pictures is not None:
        return own_material(job.pictures, size, device)
    test = dataset.pictures(
        "test", plan.compared, size=size, compiled=job.compiled,
        on_step=lambda done: tell(done, plan.compared),
    )  # fmt: skip
    images = as_images(torch.from_numpy(np.array(test)))
    if not plan.on_pictures:
        return Material(None, images, f"samples of {GENERATOR}, each seen once")
    world = Pictures("train", plan.pictures, device=device, compiled=job.compiled, size=size)
    said = f"{plan.pictures} portraits at {size} px, training split, and their mirror images"
    return Material(lambda count, rng: world.batch(count, rng=rng).images, images, said)


def own_material(folder: Path, size: int, device: torch.device) -> Material:
    """The pictures of a folder; says on the terminal which files could not be read."""
    own = read_folder(folder, size, on_step=tell_reading)
    for line in own.skipped:
        print(f"skipped {line}", file=sys.stderr, flush=True)
    said = (
        f"{len(own.taught)} pictures of one's own at {size} px, and their mirror images; "
        f"{len(own.skipped)} files could not be read"
    )
    split = "test" if own.is_judged_apart else "train"
    return Material(own.to(device).draw, as_images(own.held_out), said, split)


def tell_reading(done: int, count: int) -> None:
    """Say every 256 files how far the reading is."""
    if done % 256 == 0 or done == count:
        print(f"read {done:,} of {count:,} files", file=sys.stderr, flush=True)


def ship(
    plan: EncoderPlan, job: Job, encoder: Encoder, figures: dict[str, float], data: str
) -> None:
    """Write weight and card: into data/weights, or for one's own pictures into the run folder."""
    target: str | Path = job.folder / f"{plan.name}{zoo.SUFFIX}"
    if job.pictures is None:
        target = target_of(plan.name, figures, job)
    card = make_card(
        what=plan.what,
        command=job.command(plan.name),
        data=data,
        seed=job.seed,
        device=devices.pick(job.device),
        metrics=figures,
        trained_on=(GENERATOR, *plan.needs.values()),
    )
    config = {
        "w_dim": encoder.w_dim, "num_layers": encoder.num_layers, "image_size": encoder.image_size,
        "released": encoder.released, **plan.config,
    }  # fmt: skip
    card |= origin(plan.name, job)
    path = zoo.save(target, encoder, kind="encoder", config=config, card=card)
    print(f"wrote {path}", file=sys.stderr, flush=True)


CONVENTIONAL = EncoderPlan(
    name="encoder-conventional",
    what="conventional encoder of stylegan2: trained on sampled codes, answers with one w",
    lesson=SampleLesson,
    settings=SampleSettings(),
    on_pictures=False,
    config={"released": 0},
)
DOMAIN_GUIDED = EncoderPlan(
    name="encoder",
    what="domain-guided encoder of stylegan2: trained on pictures through the generator, w+",
    lesson=DomainLesson,
    settings=DomainSettings(),
    needs={"features": FEATURES, "discriminator": JUDGE},
)
OFFSETS = EncoderPlan(
    name="encoder-offsets",
    what="encoder of stylegan2 with one w and small offsets from it, released layer by layer",
    lesson=OffsetLesson,
    settings=OffsetSettings(),
    needs={"features": FEATURES},
    # lean, 2.6 MB in place of 6: half of the others' weights are those of the head
    config={"widths": (32, 64, 96, 160), "head_width": 32},
)
PLANS = (CONVENTIONAL, DOMAIN_GUIDED, OFFSETS)
ENCODERS: dict[str, Callable[[Job], None]] = {
    plan.name: partial(train_an_encoder, plan) for plan in PLANS
}
ON_PICTURES = tuple(plan.name for plan in PLANS if plan.on_pictures)


def check_takes_pictures(name: str) -> None:
    """Require a weight that can be trained on a folder of one's own pictures.

    Raises:
        InputError: It is trained on something else.
    """
    check_choice("train --pictures", name, ON_PICTURES)
