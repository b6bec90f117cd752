"""An ablation as a page and as a sheet of pictures.

Offers `write_page` (index.html, with links to the pictures of the cells) and `write_sheet`
(grid.png, labelled). Both show what is there; cells that are still missing are counted.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from html import escape
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from hw5.inversion.ablation_grid import Cell, Grid, cells_of, studies_of
from hw5.kit.files import atomic_write
from report import ablations
from report.ablations import Shown, rows_of, slug, varied
from report.page import wrap

TITLE = "Ablation of projection settings"
SCALE = 2  # how much pictures are enlarged on the sheet
LABEL = 34  # pixels below each picture of the sheet: two lines
LINE = 22  # letters in a line of a label
GAP = 8


def write_page(folder: Path, grid: Grid, shown: Mapping[Cell, Shown], *, ruler: str) -> Path:
    """Write index.html and grid.json, and return the page's path.

    Args:
        folder: holds the pictures that `shown` names.
        grid: what was to be run.
        shown: what has been run of it.
        ruler: which LPIPS this is.
    """
    words = (
        f"<h1>{TITLE}</h1>\n<p>{len(shown)} of {len(cells_of(grid))} cells are done. LPIPS is "
        f"{escape(ruler)}.</p>\n<p>{ablations.CAUTION}</p>\n<p>{ablations.TIMES}</p>\n"
    )
    links = [f'<li><a href="#{slug(s)}">{escape(s)}</a></li>' for s in studies_of(grid)]
    html = wrap(TITLE, "".join(links), words + ablations.sections(grid, shown))
    ablations.write_grid(folder, grid)
    page = folder / "index.html"
    with atomic_write(page) as temporary:
        temporary.write_text(html, encoding="utf-8")
    return page


def write_sheet(folder: Path, grid: Grid, shown: Mapping[Cell, Shown]) -> Path | None:
    """Write grid.png, a labelled row for each study and target; None where nothing is done."""
    rows = []
    for study, picture, there in rows_of(grid, shown):
        if there:
            target = (there[0].target, f"{study}: {Path(picture).name}")
            rows.append([target, *((each.picture, varied(each.cell, study)) for each in there)])
    if not rows:
        return None
    side = SCALE * max(each.size for each in shown.values())
    width, height = side + GAP, side + LABEL + GAP
    shape = (max(map(len, rows)) * width + GAP, len(rows) * height + GAP)
    sheet = Image.new("RGB", shape, "white")
    for down, row in enumerate(rows):
        for across, (file, words) in enumerate(row):
            _paste(sheet, folder / file, words, (GAP + across * width, GAP + down * height), side)
    path = folder / "grid.png"
    with atomic_write(path) as temporary:
        sheet.save(temporary)
    return path


def _paste(sheet: Image.Image, file: Path, words: str, place: tuple[int, int], side: int) -> None:
    """Put a picture, enlarged to crisp blocks, and its label on the sheet."""
    with Image.open(file) as picture:
        sheet.paste(picture.resize((side, side), Image.Resampling.NEAREST), place)
    lines = textwrap.wrap(words, LINE, max_lines=2, placeholder=" ...")
    position = (place[0], place[1] + side + 2)
    ImageDraw.Draw(sheet).text(position, "\n".join(lines), "black", ImageFont.load_default())
