"""Run folders as the page sees them: what they hold and how they were made.

Offers `Found`, `find_runs` and `name_of`. A run folder is what `python -m hw5 project`, `draw`,
`interpolate`, `ladder` and `ablate` write, or `hw5.kit.runs.save_run`. Read next: gallery.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from hw5.kit import strict_json
from hw5.kit.checks import InputError
from hw5.kit.runs import RECORD
from report.ablations import CELLS, GRID

FILM = "film.gif"
JOB = "main-job"  # the folder of the main job among the runs
KINDS = ("projections", "drawings", "films", "ablations", "others")


@dataclass(frozen=True)
class Found:
    """One run folder."""

    kind: str  # one of KINDS
    name: str  # relative to the folder of all runs, with /
    folder: Path
    record: Mapping[str, strict_json.Json]  # {} where there is none

    def picture(self, name: str) -> Path:
        """Where a picture of that name is."""
        return self.folder / f"{name}.png"


def find_runs(root: Path) -> list[Found]:
    """Every run folder under `root`, in the order of their names; none when there is no `root`.

    Raises:
        InputError: a record that is damaged; the message names it.
    """
    return [read_run(folder, root) for folder in sorted(run_folders(root))]


def run_folders(root: Path) -> Iterator[Path]:
    """Folders under `root` that hold a run; what is inside of a run is its own business."""
    if not root.is_dir():
        return
    for folder in root.iterdir():
        if not folder.is_dir() or folder.name.startswith(".") or folder.name == JOB:
            continue
        if any((folder / name).is_file() for name in (RECORD, FILM, GRID)):
            yield folder
        elif not (folder / CELLS).is_dir():
            yield from run_folders(folder)


def read_run(folder: Path, root: Path) -> Found:
    """One run, its kind told from its files."""
    record = {}
    if (folder / RECORD).is_file():
        record = strict_json.read(folder / RECORD, expected="the record of a run")
        if not isinstance(record, dict):
            got = type(record).__name__
            raise InputError.about(str(folder / RECORD), expected="a JSON object", got=got)
    return Found(kind_of(folder), folder.relative_to(root).as_posix(), folder, record)


def kind_of(folder: Path) -> str:
    """One of `KINDS`."""
    has = {path.name for path in folder.iterdir()}
    if GRID in has:
        return "ablations"
    if FILM in has:
        return "films"
    if "result.png" in has and "target.png" in has:
        return "projections"
    return "drawings" if {"result.png", "sketch.png"} <= has else "others"
