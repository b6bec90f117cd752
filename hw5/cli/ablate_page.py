"""An ablation as a page and as a sheet of pictures.

Offers `write_page` (index.html, with links to the pictures of the cells) and `write_sheet`
(grid.png, labelled). Both show what is there; cells that are still missing are counted.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from hw5.cli import pages
from hw5.inversion.ablation_grid import Cell, Grid, cells_of, studies_of
from hw5.kit.files import atomic_write
from report import markup

TITLE = "Ablation of projection settings"
SCALE = 2  # how much pictures are enlarged, on the page and on the sheet
LABEL = 34  # pixels below each picture of the sheet: two lines
LINE = 22  # letters in a line of a label
GAP = 8
HEADER = ("setting", "PSNR (dB)", "LPIPS", "distance", "loss", "pixel", "perceptual", "penalty",
          "evaluations", "seconds")  # fmt: skip
# What the student report saw, beside which ours can be read.
REPORTED = {
    "layers": "The report: the lowest layers alone blur; conv_2_1 to 3_2 and conv_1_1 to 3_1 "
    "hardly differ; deeper ones spoil the picture.",
    "weights": "The report: without a perceptual loss the search fails, and the other weights "
    "hardly differ; it chose 0.7.",
    "space and start": "The report: w+ from the mean of 10 codes is best; a DCGAN suffers from the "
    "mean start.",
    "optimiser": "The report: 34 s for 1000 iterations of a first-order optimiser in w+, 211 s for "
    "a quasi-Newton one.",
    "product": "Every combination of the settings.",
}
CAUTION = (
    "Compare rows by PSNR (more is closer) and LPIPS (less is closer). The losses do not compare: "
    "each row minimised a loss with weights or layers of its own, so a lower loss may belong to a "
    "worse picture. No row minimised PSNR as such, though pixels alone by L2 come close to it, and "
    "none minimised LPIPS. Distance is that of the code from the mean code; a usual cat is at 1."
)
TIMES = (
    "Seconds are a row's share of the batch that it was searched in, on whatever else the machine "
    "did; use --batch-size 1 --jobs 1 to compare them. Evaluations compare everywhere."
)


@dataclass(frozen=True)
class Shown:
    """A cell that has been run: its record, and where the pictures are, relative to the page."""

    cell: Cell
    facts: Mapping[str, Any]
    picture: str
    target: str
    size: int  # side of both in pixels


def rows_of(grid: Grid, shown: Mapping[Cell, Shown]) -> Iterator[tuple[str, str, list[Shown]]]:
    """(study, picture, what is done of it), in the order of the grid."""
    for study, cells in studies_of(grid).items():
        for picture in grid.pictures:
            yield study, picture, [shown[c] for c in cells if c.picture == picture and c in shown]


def write_page(folder: Path, grid: Grid, shown: Mapping[Cell, Shown], *, ruler: str) -> Path:
    """Write index.html and return its path.

    Args:
        folder: holds the pictures that `shown` names.
        grid: what was to be run.
        shown: what has been run of it.
        ruler: which LPIPS this is.
    """
    parts = [
        f"<h1>{TITLE}</h1>\n<p>{len(shown)} of {len(cells_of(grid))} cells are done. LPIPS is "
        f"{escape(ruler)}.</p>\n<p>{CAUTION}</p>\n<p>{TIMES}</p>"
    ]
    before = ""
    for number, (study, picture, there) in enumerate(rows_of(grid, shown), 1):
        if study != before:
            parts.append(f'<h2 id="{slug(study)}">{escape(study.capitalize())}</h2>')
            parts.append(f"<p>{escape(REPORTED[study])}</p>")
        before = study
        parts.append(row_section(study, picture, there, number))
    contents = {slug(study): study for study in studies_of(grid)}
    return pages.write_page(folder / "index.html", TITLE, "\n".join(parts), contents=contents)


def row_section(study: str, picture: str, there: Sequence[Shown], number: int) -> str:
    """One target of a study: its pictures side by side, and their table."""
    if not there:
        return f"<p>{escape(picture)}: nothing is done yet.</p>"
    name = f"{slug(study)}-{number}"
    first = there[0]
    target = markup.Picture(first.target, f"Target: {picture}", first.size, first.size)
    tiles = [markup.tile(target, "target", scale=SCALE), *(cell_tile(e, study) for e in there)]
    caption = f"{escape(picture)}: the target, and what each setting found."
    rows = [cell_row(each, study) for each in there]
    figure = markup.figure(name, number, markup.row(tiles), caption, wide=True)
    return f"{figure}\n{markup.table(f'{name}-numbers', escape(picture), HEADER, rows)}"


def cell_tile(each: Shown, study: str) -> str:
    """A cell's picture with its setting and its likeness."""
    setting = varied(each.cell, study)
    alt = f"{each.cell.picture}, projected with {setting}"
    note = f"{_number(each.facts, 'psnr', '.1f')} dB"
    picture = markup.Picture(each.picture, alt, each.size, each.size)
    return markup.tile(picture, setting, note, scale=SCALE)


def cell_row(each: Shown, study: str) -> list[str]:
    """A cell's row of the table."""
    terms = each.facts["terms"]
    return [
        varied(each.cell, study),
        _number(each.facts, "psnr", ".2f"),
        _number(each.facts, "lpips", ".3f"),
        _number(each.facts, "distance", ".2f"),
        _number(each.facts, "loss", ".4g"),
        *(_number(terms, name, ".3g") for name in ("pixel", "perceptual", "penalty")),
        str(each.facts["evaluations"]),
        _number(each.facts, "seconds", ".1f"),
    ]


def varied(cell: Cell, study: str) -> str:
    """The part of a cell's settings that its study varies."""
    if study == "layers":
        return cell.layers.replace("-", " to ") or "pixels only"
    if study == "weights":
        return f"perceptual {cell.perceptual:g}, pixel {1 - cell.perceptual:.3g}"
    if study == "space and start":
        start = f"mean of {cell.num_mean:,}" if cell.num_mean else "one code"
        return f"{Path(cell.generator).stem} {cell.space}, {start}"
    if study == "optimiser":
        return {"adam": "Adam", "lbfgs": "L-BFGS"}[cell.optimiser]
    return cell.label


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


def slug(words: str) -> str:
    """Words as an anchor: lower case, joined by hyphens."""
    return "-".join("".join(c if c.isalnum() else " " for c in words.lower()).split()) or "x"


def _number(facts: Mapping[str, Any], name: str, form: str) -> str:
    """A number of a record; nothing where there is none, as JSON's null for infinity."""
    value = facts.get(name)
    return "" if value is None else format(value, form)
