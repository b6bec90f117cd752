"""Projections: four targets up a ladder, by four methods and two optimisers; films between them.

Offers `make_rungs`, `project_ladder` and `walk_between`, which return data; figures.py shows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hw5 import latents, world
from hw5.config import Interpolation, Projection
from hw5.interpolate import interpolate
from hw5.kit import photo
from hw5.metrics import pixels
from hw5.projector import project
from hw5.search import Projected, Record
from hw5.shapes import Images
from report.desk import Desk, Method, OnStep, Progress, picture_of


@dataclass(frozen=True)
class Rung:
    """One target of the ladder, (1, 3, H, W) in [-1, 1]; `alt` describes the picture."""

    name: str
    label: str
    image: Images
    alt: str


@dataclass(frozen=True)
class Cell:
    """One projection: which target, how, and what came of it."""

    rung: Rung
    method: Method
    optimiser: str
    found: Projected
    psnr: float  # dB
    distance: float  # of the code from the mean, in usual distances


@dataclass(frozen=True)
class Film:
    """The way between two projected pictures in one space."""

    space: str
    frames: Images  # (T, 3, H, W)


def make_rungs(desk: Desk) -> list[Rung]:
    """Four targets, each harder than the one before."""
    codes = latents.sample_codes(desk.stylegan, "w", 1, rng=desk.rng("target"))
    generated = picture_of(desk.stylegan, codes, "w").clamp(-1, 1)
    train, test = (
        world.render(desk.cats(name, 1), desk.size()).image for name in ("train", "test")
    )
    wild = photo.sample_photo(desk.size()).to(desk.device)
    return [
        Rung("generated", "made by the generator", generated, "a cat made by StyleGAN2"),
        Rung("train", "from the training set", train, "a rendered cat of the training set"),
        Rung("test", "never seen", test, "a rendered cat that no network has seen"),
        Rung("photo", "a photograph", wild, "a photograph of a cat"),
    ]


def project_ladder(desk: Desk, rungs: Sequence[Rung], *, progress: Progress) -> list[Cell]:
    """Every target by every method with both optimisers."""
    settings = desk.settings
    per_optimiser = {"adam": settings.adam_steps, "lbfgs": settings.lbfgs_evaluations}
    total = len(rungs) * len(desk.methods) * sum(per_optimiser.values())
    with progress(total, "ladder") as bar:
        return [
            project_cell(desk, rung, method, optimiser, budget, bar)
            for optimiser, budget in per_optimiser.items()
            for rung in rungs
            for method in desk.methods
        ]


def project_cell(
    desk: Desk, rung: Rung, method: Method, optimiser: str, budget: int, bar: OnStep
) -> Cell:
    """One projection within a budget of evaluations."""
    network = desk.generators[method.generator]
    settings = Projection(
        space=method.space,
        optimiser=optimiser,
        num_steps=budget,
        max_evaluations=budget,
        num_mean=desk.settings.num_mean,
    )
    found = project(
        network,
        rung.image,
        criterion=desk.criterion,
        settings=settings,
        rng=desk.rng("search"),
        on_step=each_evaluation(bar),
    )
    distance = latents.distance_from_mean(
        network, found.code, method.space, rng=desk.rng("distance")
    )
    psnr = pixels.psnr(found.image.clamp(-1, 1), rung.image)
    return Cell(rung, method, optimiser, found, float(psnr), float(distance))


def each_evaluation(bar: OnStep) -> OnStep:
    """An `on_step` that moves `bar` once per evaluation: a step of L-BFGS takes several."""
    seen = 0

    def on_step(record: Record) -> None:
        nonlocal seen
        for _ in range(record.evaluations - seen):
            bar(record)
        seen = record.evaluations

    return on_step


def walk_between(desk: Desk, cells: Sequence[Cell], first: str, last: str) -> list[Film]:
    """Films from one projected rung to another, in each space of the StyleGAN."""
    films = []
    for space in desk.stylegan.spaces:
        codes = {
            cell.rung.name: cell.found.code
            for cell in cells
            if cell.optimiser == "adam"
            and (cell.method.generator, cell.method.space) == (desk.settings.stylegan, space)
        }
        film = interpolate(
            desk.stylegan, codes[first], codes[last], space,
            settings=Interpolation(num_frames=desk.settings.num_frames),
        )  # fmt: skip
        films.append(Film(space, film.frames))
    return films
