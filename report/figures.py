"""What the jobs found, as figures and sentences of the page.

Offers one function per figure; each saves its pictures into an `Album` and returns HTML. build.py
calls them in the order of the page.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from statistics import mean

import torch

from hw5.kit import images
from hw5.shapes import Images
from report import markup
from report.charts import Line, line_chart
from report.desk import Method
from report.drawings import Edit, Scribble
from report.media import Album
from report.projections import Cell, Film, Rung
from report.words import QUOTED

OPTIMISERS = {"adam": "Adam", "lbfgs": "L-BFGS"}
STRIP = 9  # frames of a film that are shown side by side


def spread(frames: Images, count: int) -> Images:
    """`count` frames evenly spread over a film, both ends included."""
    return frames[torch.linspace(0, len(frames) - 1, count).round().long()]


def hero(album: Album, cats: Images, number: int) -> str:
    """The opening picture: cats that the generator made up."""
    sheet = images.grid(cats, columns=8, gap=0)
    picture = album.add("hero", sheet, f"{len(cats)} different cats made by the generator")
    caption = "Nobody drew these cats: random codes, rendered by our StyleGAN2, not selected."
    return markup.figure("hero", number, markup.img(picture, scale=1.8), caption, wide=True)


def ladder(album: Album, cells: Sequence[Cell], optimiser: str, number: int) -> str:
    """Targets down, methods across; each picture with its likeness and its distance."""
    chosen = [cell for cell in cells if cell.optimiser == optimiser]
    rungs = unique([cell.rung for cell in chosen], key=lambda rung: rung.name)
    methods = unique([cell.method for cell in chosen], key=lambda method: method.label)
    table = {(cell.rung.name, cell.method.label): cell for cell in chosen}
    rows = [
        (
            rung.label,
            [
                markup.tile(target_picture(album, rung, optimiser)),
                *(cell_tile(album, table[rung.name, method.label]) for method in methods),
            ],
        )
        for rung in rungs
    ]
    columns = ["target", *(method.label for method in methods)]
    budget = max(cell.found.evaluations for cell in chosen)
    caption = (
        f"Four targets, projected by {OPTIMISERS[optimiser]} with about {budget} evaluations each. "
        "Under each picture its likeness to the target (PSNR in dB, more is closer) and the "
        "distance of its code from the mean code (a usual cat is at 1)."
    )
    body = markup.grid_table("", columns, rows)
    name = "ladder" if optimiser == "adam" else f"ladder-{optimiser}"
    return markup.figure(name, number, body, caption, wide=True)


def target_picture(album: Album, rung: Rung, optimiser: str) -> markup.Picture:
    """A target, saved once although it is shown beside each optimiser's pictures."""
    height, width = rung.image.shape[-2:]
    if optimiser == "adam":
        return album.add(f"target-{rung.name}", rung.image, f"Target: {rung.alt}")
    return markup.Picture(f"media/target-{rung.name}.png", f"Target: {rung.alt}", width, height)


def cell_tile(album: Album, cell: Cell) -> str:
    """One projection."""
    method = cell.method.label.lower().replace(", ", "-").replace("+", "plus")
    alt = f"{cell.rung.alt}, projected by {cell.method.label} with {OPTIMISERS[cell.optimiser]}"
    picture = album.add(f"{cell.optimiser}-{cell.rung.name}-{method}", cell.found.image, alt)
    return markup.tile(picture, note=f"{cell.psnr:.1f} dB · {cell.distance:.2f}")


def optimisers(cells: Sequence[Cell], number: int) -> str:
    """What each method spent and reached, averaged over the targets, and the student report's."""
    header = ["", "steps", "evaluations", "seconds", "ms per evaluation", "loss", "PSNR (dB)"]
    rows = []
    for optimiser in OPTIMISERS:
        for method in unique([cell.method for cell in cells], key=lambda m: m.label):
            rows.append(optimiser_row(select(cells, optimiser, method), optimiser, method))
    quoted = [
        [f"report: {name}", "1000", "", f"{value:g}", "", "", ""] for name, value in QUOTED.items()
    ]
    caption = (
        f"<b>Table {number}.</b> Projections, averaged over the four targets. Below, the times "
        "that the student report gives for 1000 iterations, with other networks and hardware."
    )
    return markup.table("optimisers", caption, header, [*rows, *quoted], quoted=len(quoted))


def optimiser_row(cells: Sequence[Cell], optimiser: str, method: Method) -> list[str]:
    """One row of the table."""
    seconds = mean(cell.found.seconds for cell in cells)
    evaluations = mean(cell.found.evaluations for cell in cells)
    return [
        f"{method.label}, {OPTIMISERS[optimiser]}",
        f"{mean(len(cell.found.history) for cell in cells):.0f}",
        f"{evaluations:.0f}",
        f"{seconds:.1f}",
        f"{1000 * seconds / evaluations:.0f}",
        f"{mean(cell.found.loss for cell in cells):.3f}",
        f"{mean(cell.psnr for cell in cells):.1f}",
    ]


def curves(cells: Sequence[Cell], rung: str, number: int) -> str:
    """How the loss falls with the evaluations spent, for one target."""
    chosen = [c for c in cells if c.rung.name == rung and c.method.space != "z"]
    chosen += [c for c in cells if c.rung.name == rung and c.method.label.startswith("DCGAN")]
    lines = [
        Line(
            f"{short_name(cell.method)} {OPTIMISERS[cell.optimiser]}",
            [record.evaluations for record in cell.found.history],
            [max(record.best, 1e-6) for record in cell.found.history],
        )
        for cell in chosen
    ]
    alt = "Falling curves of the best loss against evaluations, one for each space and optimiser"
    chart = line_chart(lines, x_label="evaluations", y_label="best loss so far", alt=alt)
    caption = "The best loss so far against what it cost, for the cat that no network has seen."
    return markup.figure("curves", number, chart, caption)


def short_name(method: Method) -> str:
    """A method in one word: its space, or DCGAN."""
    return "DCGAN" if method.label.startswith("DCGAN") else method.space


def interpolation(album: Album, films: Sequence[Film], number: int) -> str:
    """For each space the film, and some of its frames side by side."""
    rows = []
    for film in films:
        name = f"film-{film.space.replace('+', 'plus')}"
        frames = film.frames.clamp(-1, 1)
        strip = album.add(
            f"{name}-strip", images.strip(spread(frames, STRIP), gap=0),
            f"{STRIP} frames of the way between two cats in {film.space}",
        )  # fmt: skip
        still = album.add(
            f"{name}-still", frames[len(frames) // 2][None], f"Half way in {film.space}"
        )
        moving = album.add_film(name, frames, f"A cat turns into another and back, in {film.space}")
        rows.append((film.space, [markup.moving(moving, still), markup.img(strip, scale=1.2)]))
    body = markup.grid_table("space", ["film", "frames"], rows)
    caption = (
        "From the cat that no network has seen to the photograph, both as projected above. In z "
        "along the sphere, in w and w+ along a line."
    )
    return markup.figure("interpolation", number, body, caption, wide=True)


def scribbles(album: Album, found: Sequence[Scribble], number: int) -> str:
    """Each scribble, the picture the search began with, and the one it found."""
    rows = []
    for scribble in found:
        name, drawn = scribble.name, scribble.drawn
        near, far = f"distance {drawn.start_distance:.2f}", f"distance {drawn.distance:.2f}"
        painted = f"{100 * scribble.coverage:.0f} % painted"
        shown = [
            ("drawing", scribble.colour, f"A {name} scribble of a cat", painted),
            ("before", scribble.before, "The cat before", near),
            ("after", drawn.image, f"The cat for the {name} scribble", far),
        ]
        pictures = [
            (album.add(f"scribble-{name}-{stage}", picture, alt), note)
            for stage, picture, alt, note in shown
        ]
        rows.append((name, [markup.tile(picture, note=note) for picture, note in pictures]))
    body = markup.grid_table("", ["scribble", "before", "after"], rows)
    caption = (
        "Three scribbles, sparse to dense, drawn in w from the mean cat with Adam, and the "
        "distances of the codes from the mean code (a usual cat is at 1)."
    )
    return markup.figure("scribbles", number, body, caption)


def edit(album: Album, found: Edit, number: int) -> str:
    """The edit from picture to result, the right answer, and where the picture changed."""
    projected, result = found.projected.image.clamp(-1, 1), found.drawn.image.clamp(-1, 1)
    dotted = torch.where(found.mask > 0, found.colour, projected)
    change = (result - projected).abs().mean(dim=1, keepdim=True)
    change = (change / change.amax().clamp(min=1e-6) * 2 - 1).expand(-1, 3, -1, -1)
    shown = [
        ("the cat", found.original, "A rendered cat"),
        ("projected", projected, "The cat as the generator makes it"),
        ("two dots", dotted, "The projected cat with a green dot on each eye"),
        ("edited", result, "The cat after the edit"),
        ("the right answer", found.answer, "The same cat rendered with green eyes"),
        ("what changed", change, "Map of what the edit changed, brighter is more"),
    ]
    tiles = [
        markup.tile(album.add("edit-" + label.replace(" ", "-"), picture, alt), label)
        for label, picture, alt in shown
    ]
    caption = "Green eyes by two dots, in w from the projected code, with the rest held in place."
    return markup.figure("edit", number, markup.row(tiles), caption, wide=True)


def select(cells: Sequence[Cell], optimiser: str, method: Method) -> list[Cell]:
    """The projections by one method and optimiser."""
    return [c for c in cells if c.optimiser == optimiser and c.method == method]


def unique(items: Sequence, *, key: Callable[..., Hashable]) -> list:
    """Items in order, without repeats of the same key."""
    return list({key(item): item for item in items}.values())
