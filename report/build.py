"""Build the report: run the jobs, make the figures, set the page, check it.

Offers `build`. Run as `python -m hw5 report`, or `python -m report.build`. Nothing of an earlier
report is touched before the new one is complete.
"""

from __future__ import annotations

import time
from pathlib import Path

import torch

from hw5.kit import files, progress, strict_json
from hw5.kit.checks import InputError
from report import figures, networks, words
from report.check import check_page
from report.desk import Desk, made_up
from report.drawings import Edit, Scribble, draw_scribbles, edit_eyes
from report.media import FOLDER, Album
from report.page import assemble
from report.projections import Cell, make_rungs, project_ladder, walk_between
from report.settings import ReportSettings

COMMAND = "make report"


def build(out: Path, settings: ReportSettings) -> Path:
    """Run the main job and write `out`/index.html with `out`/media; return the page's path.

    Raises:
        InputError: a missing weight, a place that cannot be written, or an incomplete page.
    """
    began = time.perf_counter()
    desk = Desk(settings)
    out.mkdir(parents=True, exist_ok=True)
    with files.atomic_folder(out / FOLDER, overwrite=True) as media:
        blocks = run_jobs(desk, Album(media), media)
        minutes = (time.perf_counter() - began) / 60
        blocks |= {"total_minutes": f"{minutes:.1f}", "machine": machine(), "command": COMMAND}
        html = assemble(blocks)
    page = out / "index.html"
    with files.atomic_write(page) as temporary:
        temporary.write_text(html, encoding="utf-8")
    if faults := check_page(page):
        raise InputError.about(str(page), expected="a complete page", got="; ".join(faults))
    return page


def run_jobs(desk: Desk, album: Album, media: Path) -> dict[str, str]:
    """Everything the text may show, by name."""
    cells = project_ladder(desk, make_rungs(desk), progress=progress.bar)
    films = walk_between(desk, cells, "test", "photo")
    scribbles = draw_scribbles(desk, progress=progress.bar)
    edit = edit_eyes(desk, progress=progress.bar)
    strict_json.write(media / "results.json", results(desk, cells, scribbles, edit))
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


if __name__ == "__main__":
    build(Path(__file__).parent, ReportSettings())
