"""Seconds per projection with generators of the official sizes, on any device.

Offers `measure_official`. The published networks need a download, their cost does not: StyleGAN2 of
ADA's widths (32768 / resolution, at most 512 channels, w of 512, eight mapping layers as in
config-f) with random weights, at 64, 256, 512 and 1024 px. Each is timed in `projector.project`
itself, with its default loss, a picture at a time. Steps cost the same all along, so a few are
timed (`..._evaluations_timed`) and multiplied; a size beyond `ALWAYS` of which one step would take
longer than `LONGEST` is not run at all but scaled from the largest one that was, by its
multiplications (`..._evaluations_timed` is 0 then).

An accelerator is tried in four ways: float32 and bfloat16, each with the features' channels last in
memory, as everywhere in hw5, and first (`_contiguous`). Which pays differs from card to card.

The student report gives 34 s for 1,000 steps of Adam on its StyleGAN, 211 s with quasi-Newton and
11 s for its DCGAN, at 64 px on a card that it does not name, with VGG-19 in the loss. They stand
beside ours as `report_...`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from hw5.config import LossWeights, Projection
from hw5.defaults import CPU, build_criterion
from hw5.kit import seeding
from hw5.models.dcgan import DCGAN
from hw5.models.generator import Generator
from hw5.models.stylegan2 import StyleGAN2
from hw5.projector import project

SIZES = (64, 256, 512, 1024)  # pixels
STEPS = 1000  # of Adam; starter and report
LBFGS_EVALUATIONS = 4004  # where 1,000 iterations of the starter's L-BFGS end (research on reports)
ALWAYS = 256  # pixels up to which every size is timed
LONGEST = 60.0  # seconds that one step may be expected to take
REPORT = {  # the student report's figures, in seconds, by the network they stand beside
    "dcgan_64": {"adam": 11.0},
    "stylegan_64": {"adam": 34.0, "lbfgs": 211.0},
}


@dataclass(frozen=True)
class Way:
    """How a generator is run."""

    name: str  # what the figures' names end in
    precision: str = "float32"
    layout: torch.memory_format = torch.channels_last


PLAIN = Way("")
WAYS = (
    PLAIN,
    Way("_bfloat16", "bfloat16"),
    Way("_contiguous", layout=torch.contiguous_format),
    Way("_bfloat16_contiguous", "bfloat16", torch.contiguous_format),
)


def measure_official(device: torch.device = CPU) -> dict[str, float]:
    """Seconds of 1,000 steps of Adam and of the report's L-BFGS, by architecture and size."""
    timed = steps_timed(device)
    found = told("dcgan_64", step_seconds(DCGAN, device), timed)
    for way in WAYS if device.type != "cpu" else (PLAIN,):
        known: tuple[int, float] | None = None  # multiplications and seconds of a step
        for size in SIZES:
            work = multiplications(size)
            step = known[1] * work / known[0] if known else 0.0
            is_run = size <= ALWAYS or step <= LONGEST
            if is_run:
                step = step_seconds(lambda size=size: official(size), device, way)
                known = (work, step)
            found |= told(f"stylegan_{size}{way.name}", step, timed if is_run else 0)
    return found


def told(name: str, step: float, timed: int) -> dict[str, float]:
    """The figures of one network, the report's beside them."""
    beside = REPORT.get(name, {})
    return {
        f"{name}_step_seconds": step,
        f"{name}_adam_seconds": step * STEPS,
        f"{name}_lbfgs_seconds": step * LBFGS_EVALUATIONS,
        f"{name}_evaluations_timed": timed,
        **{f"report_{name}_{optimiser}_seconds": value for optimiser, value in beside.items()},
    }


def steps_timed(device: torch.device) -> int:
    """Steps behind a figure: where one takes milliseconds, two would tell nothing."""
    return 2 if device.type == "cpu" else 50


def official(size: int) -> StyleGAN2:
    """A generator of ADA's full widths with random weights."""
    return StyleGAN2(
        image_size=size, z_dim=512, w_dim=512, channel_base=32768, channel_max=512,
        num_mapping_layers=8,
    )  # fmt: skip


def multiplications(size: int) -> int:
    """Floating-point operations of one picture, counted without computing it."""
    with FakeTensorMode(), FlopCounterMode(display=False) as counter, torch.no_grad():
        network = official(size)
        network.synthesize(torch.zeros(1, network.num_layers, network.w_dim))
    return counter.get_total_flops()


def step_seconds(make: Callable[[], Generator], device: torch.device, way: Way = PLAIN) -> float:
    """Mean seconds of a step of `project`, the first one or two not counted."""
    torch.manual_seed(0)
    network = make().eval().requires_grad_(False).to(device)
    network.layout = way.layout
    target = torch.zeros(1, 3, network.image_size, network.image_size, device=device)
    criterion = build_criterion(LossWeights(), device)
    timed = steps_timed(device)
    warm = 1 if device.type == "cpu" else 2  # an accelerator looks for its kernels meanwhile
    settings = Projection(
        space=network.spaces[-1], num_steps=warm + timed, num_mean=0, precision=way.precision
    )
    found = project(network, target, criterion=criterion, settings=settings, rng=seeding.make(0))
    return (found.history[-1].seconds - found.history[warm - 1].seconds) / timed
