"""Drawings: three scribbles from sparse to dense, and one edit of a projected picture.

Offers `draw_scribbles` and `edit_eyes`, which return data; figures.py shows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from hw5 import world
from hw5.config import Drawing, LossWeights, Projection
from hw5.defaults import build_criterion
from hw5.draw import Drawn, draw
from hw5.kit import strokes
from hw5.projector import project
from hw5.search import Projected
from hw5.shapes import Images, Mask
from report.desk import Desk, Progress, cats_of, picture_of

SKETCHES = ("sparse", "medium", "dense")
SKETCH_FOLDER = Path(__file__).parents[1] / "data" / "sketches"
GREEN_HUE = 120.0  # degrees of the factor eye_hue
GREEN = (70, 170, 80)  # the same as a colour for strokes
MARGIN = 0.05  # of the picture's side: the dots of the edit lie inside the eyes
EDIT_WEIGHTS = LossWeights(perceptual=0.0, penalty=20.0)  # half of it paints green patches
EDIT_KEEP = 5.0  # weight of the rest of the picture


@dataclass(frozen=True)
class Scribble:
    """A sketch and the picture found for it."""

    name: str
    colour: Images
    mask: Mask
    coverage: float  # share of the pixels that are drawn
    before: Images
    drawn: Drawn


@dataclass(frozen=True)
class Edit:
    """Green eyes: the picture, its projection, the strokes, the result, and the right answer."""

    original: Images
    projected: Projected
    colour: Images
    mask: Mask
    drawn: Drawn
    answer: Images
    eyes: Mask  # the parts that the factor may change
    psnr_outside: float  # of the result against the projection, outside of the eyes, dB


def draw_scribbles(desk: Desk, *, progress: Progress) -> list[Scribble]:
    """Each bundled sketch, from the mean cat."""
    settings = Drawing(num_steps=desk.settings.drawing_steps, num_mean=desk.settings.num_mean)
    criterion = build_criterion(LossWeights.for_scribbles(), desk.device)
    found = []
    with progress(len(SKETCHES) * settings.num_steps, "scribbles") as bar:
        for name in SKETCHES:
            sketch = strokes.load_sketch(SKETCH_FOLDER / f"{name}.json", desk.size())
            colour, mask = (each.to(desk.device) for each in sketch)
            drawn = draw(
                desk.stylegan, colour, mask, criterion=criterion, settings=settings,
                rng=desk.rng("scribble"), on_step=bar,
            )  # fmt: skip
            before = picture_of(
                desk.stylegan, drawn.projected.start, drawn.projected.settings.space
            )
            found.append(Scribble(name, colour, mask, float(mask.mean()), before, drawn))
    return found


def edit_eyes(desk: Desk, *, progress: Progress) -> Edit:
    """Project a cat that no network has seen, dot its eyes green, and compare with the answer."""
    cat = cat_to_edit().to(desk.device)
    original = world.render(cat, desk.size())
    answer = world.render(cat.replace(eye_hue=GREEN_HUE, odd_eyes=0), desk.size())
    eyes = torch.maximum(original.mask("eyes"), original.mask("pupils"))
    dots = strokes.rasterise(dots_on_eyes(original), desk.size())
    colour, mask = (each.to(desk.device) for each in dots)
    budget, steps = desk.settings.adam_steps, desk.settings.drawing_steps
    with progress(budget + steps, "edit") as bar:
        found = project(
            desk.stylegan, original.image, criterion=desk.criterion,
            settings=Projection(space="w", num_steps=budget, num_mean=desk.settings.num_mean),
            rng=desk.rng("search"), on_step=bar,
        )  # fmt: skip
        drawn = draw(
            desk.stylegan, colour, mask, criterion=build_criterion(EDIT_WEIGHTS, desk.device),
            settings=Drawing(space="w", num_steps=steps, keep=EDIT_KEEP), start=found.code,
            keep=found.image.clamp(-1, 1), noise=found.noise, rng=desk.rng("edit"), on_step=bar,
        )  # fmt: skip
    outside = psnr_where(drawn.image, found.image, 1 - eyes)
    return Edit(original.image, found, colour, mask, drawn, answer.image, eyes, outside)


def cat_to_edit() -> world.Factors:
    """The first cat of the test split that looks at us with wide eyes of another colour."""
    cats = cats_of("test", 256)
    suits = (
        (cats["yaw"].abs() < 8)
        & (cats["pitch"].abs() < 6)
        & (cats["roll"].abs() < 6)
        & (cats["eye_openness"] > 0.7)
        & (cats["eye_size"] > 0)
        & ((cats["eye_hue"] < 60) | (cats["eye_hue"] > 190))
        & (cats["glasses"] == 0)
        & (cats["hat"] == 0)
    )
    return cats.select([int(suits.nonzero()[0])])


def dots_on_eyes(picture: world.Picture) -> strokes.Sketch:
    """One green dot on each eye, beside the pupil's slit as a hand would put it."""
    eyes = picture.mask("eyes")[0, 0] + picture.mask("pupils")[0, 0]  # (H, W)
    size = eyes.shape[-1]
    columns = eyes.sum(dim=0).nonzero().flatten()
    middle = int(columns.float().mean().round())
    dots = []
    for half in (slice(0, middle), slice(middle, size)):
        rows, across = eyes[:, half].nonzero(as_tuple=True)
        x = (across.float().mean() + half.start + 0.5) / size
        y = (rows.float().mean() + 0.5) / size
        height = (rows.max() - rows.min() + 1) / size
        dots.append(strokes.Stroke(((float(x), float(y)),), GREEN, float(height) - MARGIN))
    return strokes.Sketch(tuple(dots))


def psnr_where(output: Images, target: Images, mask: Mask) -> float:
    """Signal-to-noise ratio in dB over the pixels where `mask` is 1; the peak is 2."""
    weight = mask.expand_as(output)
    squared = (weight * (output - target).square()).sum() / weight.sum()
    return float(10 * torch.log10(4 / squared.clamp(min=1e-12)))
