"""Build the report: run the main job, gather the runs, set the page, check it.

Offers `build` (the whole) and `set_page` (the page alone, from what was already run, in seconds).
Run as `python -m hw5 report`. Nothing of an earlier report is touched before the new one is
complete. Read next: job.py for the main job, gallery.py for runs, page.py for the words.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hw5.kit import files
from hw5.kit.checks import InputError
from report import credits, made, markup, parts
from report.check import check_page
from report.gallery import run_figure
from report.media import FOLDER, Album
from report.page import HERE, assemble, names_in
from report.runs import JOB, KINDS, Found, find_runs
from report.settings import ReportSettings

PREFIX = "runs/"  # of a run's name in the text
NOT_MADE = "?"  # stands for a number of the main job before it was run


@dataclass(frozen=True)
class Built:
    """A page, and what it lacks."""

    page: Path
    gaps: tuple[parts.Gap, ...]


def build(out: Path, settings: ReportSettings, *, runs: Path = Path("runs")) -> Built:
    """Run the main job into the folder of runs, then set the page.

    Raises:
        InputError: a missing weight, a place that cannot be written, or a faulty page.
    """
    from report.job import run  # opens the networks, which the page alone does not need

    run(runs / JOB, settings)
    return set_page(out, runs)


def set_page(out: Path, runs: Path, *, words: Path = HERE) -> Built:
    """Write `out`/index.html with `out`/media from the main job's figures, the runs and the words.

    Args:
        out: folder of the page; its other files are left alone.
        runs: folder of all runs.
        words: where text/, template.html, style.css and script.js lie.

    Raises:
        InputError: an unusable run or text, a place that cannot be written, or a faulty page.
    """
    found, main_job = find_runs(runs), made.load(runs / JOB)
    lacking = parts.gaps(found, has_job=main_job is not None, folder=words)
    with tempfile.TemporaryDirectory() as scratch:
        page = Path(scratch) / "index.html"
        media = Path(scratch) / FOLDER
        media.mkdir()
        album = Album(media)
        blocks = job_blocks(main_job, media) | run_blocks(album, found, names_in(words))
        blocks["missing"] = parts.checklist(found, lacking, has_job=main_job is not None)
        blocks["credits"] = credits.table()

        def take(file: Path, alt: str) -> str:
            copy = album.copy(f"own-{file.stem}", file, alt)
            return markup.img(copy, scale=1)

        page.write_text(assemble(blocks, folder=words, take=take), encoding="utf-8")
        drop_unused(page)
        if faults := check_page(page):
            raise InputError.about(
                str(out / page.name), expected="a sound page", got="; ".join(faults)
            )
        out.mkdir(parents=True, exist_ok=True)
        with files.atomic_folder(out / FOLDER, overwrite=True) as folder:
            shutil.copytree(media, folder, dirs_exist_ok=True)
        with files.atomic_write(out / page.name) as temporary:
            shutil.copyfile(page, temporary)
    return Built(out / page.name, tuple(lacking))


def job_blocks(main_job: made.Made | None, media: Path) -> dict[str, str]:
    """The main job's figures and numbers, with their files; gaps before it was run."""
    if main_job is None:
        gap = markup.missing(parts.JOB.what, parts.JOB.how)
        unknown = f'<span class="gap" title="{parts.JOB.how}">{NOT_MADE}</span>'
        return dict.fromkeys(made.FIGURES, gap) | dict.fromkeys(made.NUMBERS, unknown)
    for file in main_job.files:
        shutil.copyfile(file, media / file.name)
    return dict(main_job.blocks)


def run_blocks(album: Album, runs: Sequence[Found], named: set[str]) -> dict[str, str]:
    """A figure for each run that the text names, and the others of each kind together."""
    blocks = dict.fromkeys((PREFIX + run.name for run in runs), "")  # so that errors know them all
    blocks |= {name: run_figure(album, run) for run in runs if (name := PREFIX + run.name) in named}
    rest = parts.by_kind([run for run in runs if PREFIX + run.name not in named])
    all_of = parts.by_kind(runs)
    wanted: Mapping[str, parts.Part] = {part.kind: part for part in parts.PARTS}
    for kind in KINDS:
        figures = [run_figure(album, run) for run in rest.get(kind, ())] if kind in named else []
        part = wanted.get(kind)
        if part and len(all_of.get(kind, ())) < part.least:
            figures.append(markup.missing(part.what, part.how))
        blocks[kind] = "\n".join(figures)
    return blocks


def drop_unused(page: Path) -> None:
    """Delete files of the media folder that the page does not mention: the words decide."""
    used = set(re.findall(rf"{FOLDER}/([\w.+-]+)", page.read_text("utf-8")))
    for file in (page.parent / FOLDER).iterdir():
        if file.name not in used:
            file.unlink()
