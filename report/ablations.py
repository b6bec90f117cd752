"""An ablation as part of a page: a row of pictures and a table for each study and target.

Offers `Shown`, `read_ablation` (a folder that `hw5 ablate` wrote), `rows_of` and `sections`. The
ablation's own page (hw5/cli/ablate_page.py) and the report set the same sections.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path
from typing import Any

from hw5.inversion.ablation_grid import Cell, Grid, cells_of, studies_of
from hw5.kit import strict_json
from hw5.kit.checks import InputError
from hw5.kit.decode import open_picture
from report import markup

CELLS, GRID = "cells", "grid.json"
SCALE = 2  # how much pictures are enlarged
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


def write_grid(folder: Path, grid: Grid) -> None:
    """Keep what was to be run beside the cells, for `read_ablation`."""
    strict_json.write(folder / GRID, asdict(grid))


def read_ablation(folder: Path) -> tuple[Grid, dict[Cell, Shown]]:
    """The grid and the cells that have been run of it; pictures are relative to `folder`.

    Raises:
        InputError: a file that `hw5 ablate` did not write.
    """
    try:
        said = strict_json.read(folder / GRID, expected="the grid of an ablation")
        grid = Grid(**{k: tuple(v) if isinstance(v, list) else v for k, v in said.items()})
        wanted, found = set(cells_of(grid)), {}
        for path in sorted((folder / CELLS).glob("*.json")):
            facts = strict_json.read(path, expected="a cell's record")
            cell = Cell(**facts["cell"])
            if cell in wanted:
                target = f"{CELLS}/target-{facts['digests']['target']}.png"
                size = open_picture(folder / target).width
                found[cell] = Shown(cell, facts, f"{CELLS}/{path.stem}.png", target, size)
    except (TypeError, KeyError, AttributeError) as error:
        hint = "run the ablation again into a new folder"
        raise InputError.about(
            str(folder), expected="an ablation", got=f"another record ({error})", hint=hint
        ) from error
    return grid, found


def sections(grid: Grid, shown: Mapping[Cell, Shown], *, level: int = 2, prefix: str = "") -> str:
    """Every study with its heading, what the student report saw, pictures and numbers.

    Args:
        grid: what was to be run.
        shown: what has been run of it, with pictures relative to the page.
        level: of the headings, 2 to 6.
        prefix: of all ids, where several ablations share a page.
    """
    parts, before = [], ""
    for number, (study, picture, there) in enumerate(rows_of(grid, shown), 1):
        if study != before:
            name = prefix + slug(study)
            parts.append(f'<h{level} id="{name}">{escape(study.capitalize())}</h{level}>')
            parts.append(f"<p>{escape(REPORTED[study])}</p>")
        before = study
        parts.append(row_section(study, picture, there, f"{prefix}{slug(study)}-{number}"))
    return "\n".join(parts)


def row_section(study: str, picture: str, there: Sequence[Shown], name: str) -> str:
    """One target of a study: its pictures side by side, and their table."""
    if not there:
        return f"<p>{escape(picture)}: nothing is done yet.</p>"
    first = there[0]
    target = markup.Picture(first.target, f"Target: {picture}", first.size, first.size)
    tiles = [markup.tile(target, "target", scale=SCALE), *(cell_tile(e, study) for e in there)]
    caption = f"<b>{escape(picture)}</b>: the target, and what each setting found."
    rows = [cell_row(each, study) for each in there]
    figure = markup.figure(name, None, markup.row(tiles), caption, wide=True)
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


def slug(words: str) -> str:
    """Words as an anchor: lower case, joined by hyphens."""
    return "-".join("".join(c if c.isalnum() else " " for c in words.lower()).split()) or "x"


def _number(facts: Mapping[str, Any], name: str, form: str) -> str:
    """A number of a record; nothing where there is none, as JSON's null for infinity."""
    value = facts.get(name)
    return "" if value is None else format(value, form)
