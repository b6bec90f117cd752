"""A grown generator learns from its small self and a super-resolver what is finer.

Regressing the new block on the world's own pictures blurs it: what the small generator draws of a
cat is not, pixel for pixel, that cat. Here each code has a picture that lies exactly over the small
one, the small generator's enlarged by enlarger.py (distillation: Hinton et al. 2015,
arXiv:1503.02531), and nothing is left to be averaged over. First the new block learns alone, then
all layers. Offers `DistilSettings` and `distil`. Read next: grow.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from hw5.kit.precision import mixed, precision
from hw5.models.feature_network import FeatureNetwork
from hw5.models.stylegan2 import StyleGAN2
from hw5.train.batches import same_window
from hw5.train.enlarger import Enlarger
from hw5.train.loop import ExponentialAverage, Run, cosine, repeat, sample_codes
from hw5.train.regress import feature_distance


@dataclass(frozen=True)
class DistilSettings:
    """Numbers of the run; found by trying."""

    hours: float = 0.4
    batch: int = 16
    rate: float = 4e-3  # Adam's peak learning rate of the new block; falls along half a cosine
    other_rate: float = 1e-3  # of all others, once they learn too
    alone: float = 0.3  # share of the hours in which the new block learns alone
    window: int = 64  # side of what the feature network sees, pixels
    perceptual: float = 0.1  # weight of the feature distance beside the pixel distance
    layers: tuple[str, ...] = ("conv1_2", "conv2_2")  # of WorldFeatures
    half_life: float = 5_000  # of the weight average, pictures
    seed: int = 0


def distil(
    student: StyleGAN2,
    teacher: StyleGAN2,
    enlarger: Enlarger,
    features: FeatureNetwork,
    folder: Path,
    settings: DistilSettings,
    *,
    compiled: bool = False,
) -> tuple[StyleGAN2, dict[str, float]]:
    """Train `student` for `settings.hours`; return its average and the last losses.

    Args:
        student: as large as the enlarger makes the teacher's pictures; its mapping network stays.
        teacher: draws half its size.
        enlarger: trained.
        features: judges beside the pixels.
        folder: of the run, which goes on if it is there.
        settings: see there.
        compiled: fuse the networks' passes; minutes of work.
    """
    lesson = _Lesson(student, teacher, enlarger, features, settings, compiled=compiled)
    average = ExponentialAverage(student, half_life=settings.half_life)
    run = Run(folder, hours=settings.hours, again=False)
    parts = {"student": student, "average": average.network, "optimiser": lesson.optimiser}
    grid = sample_codes(student)

    def step(seen: int, progress: float, rng: torch.Generator) -> dict[str, float]:
        losses = lesson.step(progress, rng)
        average.update(student, pictures=settings.batch, seen=seen)
        return losses

    def show(seen: int) -> None:
        run.snapshot(average.network, _drawn(average.network, grid), seen)

    return average.network, repeat(
        run, parts, step, batch=settings.batch, seed=settings.seed, on_save=show
    )


class _Lesson:
    """One step: the small picture of some codes, enlarged, shown to the student."""

    def __init__(
        self, student: StyleGAN2, teacher: StyleGAN2, enlarger: Enlarger, features: FeatureNetwork,
        settings: DistilSettings, *, compiled: bool,
    ) -> None:  # fmt: skip
        self.student, self.teacher, self.enlarger = student, teacher, enlarger.requires_grad_(False)
        self.settings, self.device = settings, next(student.parameters()).device
        self.dtype = precision(self.device)
        # In the network's order, always: the optimiser's state is kept by place.
        self.new = list(student.synthesis.block(student.image_size).parameters())
        known = {id(weight) for weight in self.new}
        self.others = [each for each in student.synthesis.parameters() if id(each) not in known]
        student.requires_grad_(False)
        groups = [{"params": self.new}, {"params": self.others}]
        self.optimiser = torch.optim.Adam(groups, settings.rate, betas=(0.9, 0.99))
        wrap: Callable = partial(torch.compile, dynamic=False) if compiled else lambda f: f
        self.show, self.paint = wrap(self._show), wrap(self._paint)
        self.apart = wrap(partial(feature_distance, features, settings.layers))

    def step(self, progress: float, rng: torch.Generator) -> dict[str, float]:
        """Learn from one batch; the losses it started from."""
        settings = self.settings
        fall = cosine(progress)
        for group, rate in zip(
            self.optimiser.param_groups, (settings.rate, settings.other_rate), strict=True
        ):
            group["lr"] = rate * fall
        for weight in self.new:
            weight.requires_grad_(True)
        for weight in self.others:
            weight.requires_grad_(progress >= settings.alone)
        z = torch.randn(settings.batch, self.student.z_dim, generator=rng).to(self.device)
        wanted, made = self.show(z), self.paint(z)
        pixel = F.l1_loss(made, wanted)
        with mixed(self.device, self.dtype):
            perceptual = self.apart(*same_window(settings.window, rng, made, wanted))
        self.optimiser.zero_grad(set_to_none=True)
        (pixel + settings.perceptual * perceptual).backward()
        self.optimiser.step()
        return {"pixel": pixel.item(), "perceptual": perceptual.item()}

    @torch.no_grad()
    def _show(self, z: Tensor) -> Tensor:
        """What the student is to draw, (N, 3, H, W)."""
        with mixed(self.device, self.dtype):
            small = self._drawn_by(self.teacher, z).clamp(-1.0, 1.0)
            return self.enlarger(small).float().clamp(-1.0, 1.0)

    def _paint(self, z: Tensor) -> Tensor:
        """What it draws."""
        with mixed(self.device, self.dtype):
            return self._drawn_by(self.student, z)

    def _drawn_by(self, generator: StyleGAN2, z: Tensor) -> Tensor:
        w_plus = generator.map(z).expand(-1, generator.num_layers, -1)
        return generator.synthesize(w_plus, noise="none").float()


@torch.no_grad()
def _drawn(generator: StyleGAN2, z: Tensor) -> Tensor:
    return generator(z)
