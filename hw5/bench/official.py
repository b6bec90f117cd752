"""Seconds per projection with generators of the official sizes, on any device.

Offers `measure_official`. The published networks need a download, their cost does not: StyleGAN2 of
ADA's widths (32768 / resolution, at most 512 channels, w of 512, eight mapping layers as in
config-f) with random weights, at 64, 256, 512 and 1024 px. Each is timed in `projector.project`
itself, with its default loss, a picture at a time. Steps cost the same all along, so a few are
timed and multiplied; a size beyond `ALWAYS` of which one step would take longer than `LONGEST` is
not run at all but scaled from the largest one that was, by its multiplications
(`..._evaluations_timed` is 0 then).

The student report gives 34 s for 1,000 steps of Adam on its StyleGAN, 211 s with quasi-Newton and
11 s for its DCGAN, at 64 px on a card that it does not name, with VGG-19 in the loss.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext

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
TIMED = 2  # steps, after one that warms up
ALWAYS = 256  # pixels up to which every size is timed
LONGEST = 60.0  # seconds that one step may be expected to take
REPORT = {  # the student report's figures, in seconds
    "report_stylegan_64_adam_seconds": 34.0,
    "report_stylegan_64_lbfgs_seconds": 211.0,
    "report_dcgan_64_adam_seconds": 11.0,
}


def measure_official(device: torch.device = CPU) -> dict[str, float]:
    """Seconds of 1,000 steps of Adam and of the report's L-BFGS, by architecture and size."""
    found = dict(REPORT)
    found |= told("dcgan_64", step_seconds(DCGAN, device), TIMED)
    for name, autocast in precisions(device):
        known: tuple[int, float] | None = None  # multiplications and seconds of a step
        for size in SIZES:
            work = multiplications(size)
            expected = known[1] * work / known[0] if known else 0.0
            timed = 0 if size > ALWAYS and expected > LONGEST else TIMED
            if timed:
                expected = step_seconds(lambda size=size: official(size), device, autocast)
                known = (work, expected)
            found |= told(f"stylegan_{size}{name}", expected, timed)
    return found


def told(name: str, step: float, timed: int) -> dict[str, float]:
    """The figures of one network."""
    return {
        f"{name}_step_seconds": step,
        f"{name}_adam_seconds": step * STEPS,
        f"{name}_lbfgs_seconds": step * LBFGS_EVALUATIONS,
        f"{name}_evaluations_timed": timed,
    }


def precisions(device: torch.device) -> Iterator[tuple[str, torch.dtype | None]]:
    """What a name ends in, and what convolutions run in: accelerators also try bfloat16."""
    yield "", None
    if device.type != "cpu":
        yield "_bfloat16", torch.bfloat16


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


def step_seconds(
    make: Callable[[], Generator], device: torch.device, autocast: torch.dtype | None = None
) -> float:
    """Mean seconds of a step of `project`, the first one not counted."""
    torch.manual_seed(0)
    network = make().eval().requires_grad_(False).to(device)
    target = torch.zeros(1, 3, network.image_size, network.image_size, device=device)
    criterion = build_criterion(LossWeights(), device)
    settings = Projection(space=network.spaces[-1], num_steps=1 + TIMED, num_mean=0)
    with torch.autocast(device.type, autocast) if autocast else nullcontext():
        found = project(
            network, target, criterion=criterion, settings=settings, rng=seeding.make(0)
        )
    first, last = found.history[0].seconds, found.history[-1].seconds
    return (last - first) / TIMED
