"""The main job: projections, films, drawings and an edit, kept as figures ready to be set.

Offers `run`. What it made lies in one folder among the runs, so that the page can be set again,
with other words or more runs beside it, without running it again. Read next: projections.py,
drawings.py, figures.py.
"""

from __future__ import annotations

import time
from pathlib import Path

import torch

from hw5.kit import files, progress, strict_json
from hw5.kit.checks import InputError
from report import figures, networks, words
from report.desk import Desk, made_up
from report.drawings import Edit, Scribble, draw_scribbles, edit_eyes
from report.made import BLOCKS, RESULTS
from report.media import FOLDER, Album
from report.projections import Cell, make_rungs, project_ladder, walk_between
from report.settings import ReportSettings

COMMAND = "make report"


def run(folder: Path, settings: ReportSettings) -> None:
    """Run the main job into `folder`, in place of an earlier one.

    Raises:
        InputError: a missing weight, or a place that cannot be written or holds something else.
    """
    if folder.is_dir() and any(folder.iterdir()) and not (folder / BLOCKS).is_file():
        hint = "move it away: this name belongs to the main job"
        raise InputError.about(str(folder), expected="a main job", got="other files", hint=hint)
    began = time.perf_counter()
    desk = Desk(settings)
    with files.atomic_folder(folder, overwrite=True) as temporary:
        blocks = figures_of(desk, Album(temporary), temporary)
        minutes = (time.perf_counter() - began) / 60
        blocks |= {"total_minutes": f"{minutes:.1f}", "machine": machine(), "command": COMMAND}
        blocks["results"] = f'<a href="{FOLDER}/{RESULTS}">{RESULTS}</a>'
        strict_json.write(temporary / BLOCKS, blocks)


def figures_of(desk: Desk, album: Album, folder: Path) -> dict[str, str]:
    """Every figure and number, by name."""
    cells = project_ladder(desk, make_rungs(desk), progress=progress.bar)
    films = walk_between(desk, cells, "test", "photo")
    scribbles = draw_scribbles(desk, progress=progress.bar)
    edit = edit_eyes(desk, progress=progress.bar)
    strict_json.write(folder / RESULTS, results(desk, cells, scribbles, edit))
    return {
        "hero": figures.hero(album, made_up(desk), 1),
        "ladder": figures.ladder(album, cells, "adam", 2),
        "ladder_lbfgs": figures.ladder(album, cells, "lbfgs", 3),
        "optimisers": figures.optimisers(cells, 1),
        "curves": figures.curves(cells, "test", 4),
        "interpolation": figures.interpolation(album, films, 5),
        "scribbles": figures.scribbles(album, scribbles, 6),
        "edit": figures.edit(album, edit, 7),
        "samples": networks.samples(album, desk, 8),
        "quality": networks.quality(desk, 2),
        "learning": networks.learning(desk, 9),
        **words.edit_numbers(edit),
        **words.proportions(cells),
        **words.first_rung(cells),
    }


def results(
    desk: Desk, cells: list[Cell], scribbles: list[Scribble], edit: Edit
) -> dict[str, object]:
    """The numbers behind the figures, for programs."""
    return {
        "settings": desk.settings,
        "projections": [
            {
                "target": cell.rung.name,
                "generator": cell.method.generator,
                "space": cell.method.space,
                "optimiser": cell.optimiser,
                "seconds": cell.found.seconds,
                "evaluations": cell.found.evaluations,
                "loss": cell.found.loss,
                "psnr_db": cell.psnr,
                "distance": cell.distance,
                "best_losses": [record.best for record in cell.found.history],
            }
            for cell in cells
        ],
        "scribbles": [
            {
                "name": s.name,
                "coverage": s.coverage,
                "loss": s.drawn.projected.loss,
                "distance": s.drawn.distance,
            }
            for s in scribbles
        ],
        "edit": {"psnr_outside_db": edit.psnr_outside, "distance": edit.drawn.distance},
    }


def machine() -> str:
    """What this ran on, in words."""
    threads = torch.get_num_threads()
    kind = "core" if threads == 1 else "cores"
    return f"{threads} CPU {kind} with torch {torch.__version__.split('+')[0]}"
