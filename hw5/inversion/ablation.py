"""Run the cells of an ablation: projections that are searched side by side and judged from outside.

Offers `run_batch`, which gives an `Outcome` for each cell, and `RowCriterion`, the loss whose
weights differ from picture to picture. Losses with different weights do not compare, so each
outcome is measured by rulers that nobody minimised: PSNR and LPIPS. Read first: ablation_grid.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from hw5.config import Projection
from hw5.inversion.ablation_grid import Cell
from hw5.inversion.per_seed import of_seed
from hw5.kit import seeding
from hw5.kit.checks import InputError
from hw5.latents import check_codes, distance_from_mean, sample_noise
from hw5.loss_parts import layers_between
from hw5.losses import Loss, PerceptualLoss, latent_penalty, pixel_loss
from hw5.metrics import pixels
from hw5.models.features import FeatureNetwork
from hw5.models.generator import Generator
from hw5.projector import project
from hw5.search import Projected, Record
from hw5.shapes import Codes, Images, Mask, PerPicture

NUM_TYPICAL = 2000  # random codes that define the mean and the usual distance from it
NUM_POINTS = 50  # at most, of a curve that is kept

Ruler = Callable[[Images, Images], PerPicture]


@dataclass(frozen=True)
class Outcome:
    """What became of a cell. Image, loss and terms belong to one evaluation, the best."""

    cell: Cell
    image: Images  # (1, 3, H, W)
    loss: float
    terms: dict[str, float]  # weighted; they sum to the loss
    psnr: float  # dB, of the picture clamped to [-1, 1]
    lpips: float
    distance: float  # of the code from the mean, in usual distances
    evaluations: int
    seconds: float  # an equal share of its batch's
    shared_by: int  # cells of that batch
    curve: tuple[tuple[int, float], ...]  # (evaluations, best loss so far), thinned
    stopped: str


class RowCriterion:
    """The sum of losses with weights of its own for each row of the batch."""

    def __init__(self, cells: Sequence[Cell], features: FeatureNetwork | None) -> None:
        """Weights of `cells`, one row each; their layers and norms are alike."""
        self.norm = cells[0].norm
        self.perceptual_weights = [cell.perceptual for cell in cells]
        self.penalties = [cell.penalty for cell in cells]
        self.perceptual = None
        if any(self.perceptual_weights):
            self.perceptual = PerceptualLoss(features, spelled_layers(features, cells[0].layers))

    def __call__(self, output: Images, target: Images, mask: Mask | None, delta: Codes) -> Loss:
        """Total and weighted terms, (N,) each."""
        looks = output.new_tensor(self.perceptual_weights)
        terms: dict[str, Tensor] = {
            "pixel": (1 - looks) * pixel_loss(output, target, mask, norm=self.norm)
        }
        if self.perceptual is not None:
            terms["perceptual"] = looks * self.perceptual(output, target, mask)
        terms["penalty"] = output.new_tensor(self.penalties) * latent_penalty(delta)
        return Loss(total=sum(terms.values()), terms=terms)


def spelled_layers(features: FeatureNetwork, words: str) -> tuple[str, ...]:
    """Layers FIRST-LAST of a network, in its own spelling or in that of VGG-19.

    Raises:
        InputError: not two names with a hyphen, or unknown ones.
    """
    first, hyphen, last = words.partition("-")
    if not hyphen:
        expected = "FIRST-LAST, such as conv_1_1-conv_3_1"
        raise InputError.about("layers", expected=expected, got=repr(words))
    return layers_between(features, first, last)


def check_cell(cell: Cell, generator: Generator, features: FeatureNetwork) -> None:
    """Require a space that the generator has, and layers that the features have.

    Raises:
        InputError: they do not.
    """
    if cell.space not in generator.spaces:
        spaces = ", ".join(generator.spaces)
        raise InputError.about(
            "spaces", expected=f"among {spaces}, as {cell.generator} has", got=repr(cell.space)
        )
    if cell.perceptual:
        spelled_layers(features, cell.layers)


def start_of(cell: Cell, generator: Generator) -> Codes:
    """Where the cell's search begins; the same whatever else shares its batch."""
    rng = seeding.make(cell.seed)
    start = sample_noise(generator, cell.space, 1, num_mean=cell.num_mean, rng=rng)
    check_codes("start", generator, start, cell.space)
    return start


def run_batch(
    cells: Sequence[Cell],
    generator: Generator,
    target: Images,
    *,
    features: FeatureNetwork | None,
    ruler: Ruler,
    on_step: Callable[[Record], None] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> list[Outcome]:
    """Search the cells side by side; see `ablation_grid.batches_of` for which may.

    Args:
        cells: alike but for start and weights; one alone for L-BFGS.
        generator: theirs.
        target: (1, 3, H, W) in [-1, 1], as the generator makes them.
        features: network of the perceptual loss; may be None where no cell has one.
        ruler: called as ruler(output, target), gives (N,); such as `metrics.lpips_metric()`.
        on_step: called with each step's `Record`.
        should_stop: once true the search ends; its outcomes say "cancelled".

    Raises:
        InputError: arguments that do not fit, or a loss that is no longer finite.
    """
    first, count = cells[0], len(cells)
    settings = Projection(
        space=first.space, optimiser=first.optimiser, learning_rate=first.learning_rate,
        num_steps=first.evaluations, max_evaluations=first.evaluations * count, num_seeds=count,
    )  # fmt: skip
    criterion = RowCriterion(cells, features)
    found = project(
        generator, target, criterion=criterion, settings=settings, rng=seeding.make(first.seed),
        start=torch.cat([start_of(cell, generator) for cell in cells]), on_step=on_step,
        should_stop=should_stop,
    )  # fmt: skip
    rows = [of_seed(found, row) for row in range(count)]
    measured = measure(rows, generator, target, criterion, ruler)
    return [
        Outcome(
            cell=cell, image=row.image, loss=row.loss, evaluations=found.evaluations // count,
            seconds=found.seconds / count, shared_by=count, stopped=found.stopped,
            curve=curve_of(found.history, i, count),
            terms={name: float(values[i]) for name, values in measured.terms.items()},
            psnr=float(measured.psnr[i]), lpips=float(measured.lpips[i]),
            distance=float(measured.distance[i]),
        )
        for i, (cell, row) in enumerate(zip(cells, rows, strict=True))
    ]  # fmt: skip


@dataclass(frozen=True)
class _Measured:
    """What was measured of all rows, (N,) each."""

    terms: dict[str, PerPicture]
    psnr: PerPicture
    lpips: PerPicture
    distance: PerPicture


@torch.no_grad()
def measure(
    rows: Sequence[Projected],
    generator: Generator,
    target: Images,
    criterion: RowCriterion,
    ruler: Ruler,
) -> _Measured:
    """Terms of the loss, and the rulers that were not the loss."""
    images, codes, delta = (
        torch.cat([getattr(row, name) for row in rows]) for name in ("image", "code", "delta")
    )
    seen, wanted = images.clamp(-1, 1), target.expand_as(images)
    rng = seeding.make(0)  # one ruler for all cells, whatever their seed
    space = rows[0].settings.space
    return _Measured(
        terms=criterion(images, target, None, delta).terms,
        psnr=pixels.psnr(seen, wanted),
        lpips=ruler(seen, wanted),
        distance=distance_from_mean(generator, codes, space, num_samples=NUM_TYPICAL, rng=rng),
    )


def curve_of(history: Sequence[Record], row: int, count: int) -> tuple[tuple[int, float], ...]:
    """(evaluations of the row, its best loss so far), the last one always among them."""
    every = max(1, -(-len(history) // NUM_POINTS))
    kept = history[::-1][::every][::-1]
    return tuple((record.evaluations // count, record.best_losses[row]) for record in kept)
