"""Runs as figures: before and after with a slider, films, curves, settings, whole ablations.

Offers `run_figure`. Pictures are copied into the page's media folder as they are. Read next:
runs.py for what a run folder holds, parts.py for what a whole page needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any

import torch

from hw5.kit import images
from hw5.kit.decode import open_picture
from report import ablations, markup
from report.charts import Line, line_chart
from report.media import Album
from report.runs import FILM, Found

SIDE = 256  # pixels: width at which a picture of a run is shown
SMALLEST_LOSS = 1e-6  # the curve's axis is logarithmic
NOT_SETTINGS = ("history", "loss", "seconds", "evaluations", "stopped", "cells")
OPTIMISERS = {"adam": "Adam", "lbfgs": "L-BFGS"}


def run_figure(album: Album, run: Found) -> str:
    """The figure of a run, whatever its kind."""
    return FIGURES[run.kind](album, run)


def projection(album: Album, run: Found) -> str:
    """The target under what was found, the curve beside it."""
    target = run.record.get("picture", "the picture")
    words = f"{Path(str(target)).name} projected {place(run)}: {spent(run)}, {likeness(run)}."
    return searched(album, run, ("target", "target"), words)


def drawing(album: Album, run: Found) -> str:
    """The sketch under the picture that agrees with it, the curve beside it."""
    sketch = Path(str(run.record.get("sketch", "a sketch"))).name
    distance = number(run.record.get("distance"), ".2f")
    away = f"; {distance} usual distances from the mean cat" if distance else ""
    words = f"{sketch} turned into a cat {place(run)}: {spent(run)}{away}."
    return searched(album, run, ("sketch", "drawing"), words)


def searched(album: Album, run: Found, start: tuple[str, str], words: str) -> str:
    """A search: a slider between the picture called start[0], labelled start[1], and the result."""
    name = slug(run)
    before = album.copy(f"{name}-{start[0]}", run.picture(start[0]), f"{start[1]} of {run.name}")
    after = album.copy(f"{name}-result", run.picture("result"), f"What {run.name} found")
    # A sketch may have another size than the generator's pictures; the stack needs one.
    after = replace(after, width=before.width, height=before.height)
    slider = markup.before_after(before, after, (start[1], "found"), scale=SIDE / before.width)
    body = f'<div class="run">{slider}{curve(run)}</div>'
    return captioned(run, body, words)


def film(album: Album, run: Found) -> str:
    """The film and the strip of its frames."""
    name, record = slug(run), run.record
    ends = [str(record.get(end, "")) for end in ("first", "second")]
    way = f"from {ends[0]} to {ends[1]}" if all(ends) else "from one cat to another"
    still_file = album.folder / f"{name}-film-still.png"
    open_picture(run.folder / FILM, min_side=1).convert("RGB").save(still_file)
    moving = album.copy(f"{name}-film", run.folder / FILM, f"A film {way}")
    still = replace(moving, source=moving.source.replace("-film.gif", "-film-still.png"))
    parts = [markup.moving(moving, still, scale=SIDE / 2 / moving.width)]
    if run.picture("strip").is_file():
        strip = album.copy(f"{name}-strip", run.picture("strip"), f"Frames of the way {way}")
        parts.append(markup.img(strip, scale=1.2))
    steps = record.get("settings", {}).get("num_frames")
    frames = f", {steps} frames" if steps else ""
    return captioned(run, markup.row(parts), f"The way {way} {place(run)}{frames}.".strip())


def ablation(album: Album, run: Found) -> str:
    """Every study of an ablation: pictures and tables."""
    grid, cells = ablations.read_ablation(run.folder)
    copies: dict[str, str] = {}

    def source(relative: str) -> str:
        if relative not in copies:
            name = f"{slug(run)}-{Path(relative).stem}"
            copies[relative] = album.copy(name, run.folder / relative, "copied").source
        return copies[relative]

    shown = {
        cell: replace(each, picture=source(each.picture), target=source(each.target))
        for cell, each in cells.items()
    }
    total = len(ablations.cells_of(grid))
    intro = (
        f"<p><strong>{escape(name_of(run))}</strong>: {len(shown)} of {total} cells are done. "
        f"{ablations.CAUTION} {ablations.TIMES}</p>"
    )
    return intro + ablations.sections(grid, shown, level=4, prefix=f"{slug(run)}-")


def other(album: Album, run: Found) -> str:
    """Any other run: its pictures under their names."""
    tiles = []
    for path in sorted(run.folder.glob("*.png")):
        copy = album.copy(f"{slug(run)}-{path.stem}", path, f"{path.stem} of {run.name}")
        tiles.append(markup.tile(copy, path.stem, scale=max(1, SIDE // max(copy.width, 1))))
    overall = run.record.get("overall")
    because = overall.get("because", "") if isinstance(overall, dict) else ""
    return captioned(run, markup.row(tiles), escape(because) or "Pictures of this run.", plain=True)


FIGURES: dict[str, Callable[[Album, Found], str]] = {
    "projections": projection,
    "drawings": drawing,
    "films": film,
    "ablations": ablation,
    "others": other,
}


# ---------------------------------------------------------------- what a record says, in words


def captioned(run: Found, body: str, words: str, *, plain: bool = False) -> str:
    """A figure with the run's name before its words, and its settings folded below."""
    caption = f"<b>{escape(name_of(run))}.</b> {words if plain else escape(words)}"
    settings = list(flat({k: v for k, v in run.record.items() if k not in NOT_SETTINGS}))
    folded = markup.details("Settings", markup.pairs(settings)) if settings else ""
    return markup.figure(slug(run), None, body, caption + folded, wide=True)


def curve(run: Found) -> str:
    """The best loss against evaluations; nothing where no history was kept."""
    steps = [s for s in run.record.get("history") or [] if isinstance(s, dict)]
    points = [
        (step["evaluations"], max(min(best), SMALLEST_LOSS))
        for step in steps
        if (best := [x for x in step.get("best_losses") or [] if x is not None])
    ]
    if len(points) < 2:
        return ""
    x, y = zip(*points, strict=True)
    alt = f"The best loss of {run.name} falls from {y[0]:.3g} to {y[-1]:.3g}"
    return line_chart([Line("loss", x, y)], x_label="evaluations", y_label="best loss", alt=alt)


def place(run: Found) -> str:
    """Generator, space and optimiser, as far as the record says."""
    settings = run.record.get("settings")
    settings = settings if isinstance(settings, dict) else {}
    space, optimiser = settings.get("space"), settings.get("optimiser")
    words = [f"in {space}" if space else "", f"of {run.record.get('generator', '')}"]
    words += [f"by {OPTIMISERS.get(optimiser, optimiser)}" if optimiser else ""]
    return " ".join(word for word in words if word not in ("", "of "))


def spent(run: Found) -> str:
    """Loss, evaluations and seconds."""
    loss, seconds = number(run.record.get("loss"), ".4g"), number(run.record.get("seconds"), ".1f")
    return f"loss {loss} after {run.record.get('evaluations')} evaluations, {seconds} s"


def likeness(run: Found) -> str:
    """PSNR of the result against its target."""
    pair = [images.load(run.picture(name)) for name in ("result", "target")]
    if pair[0].shape != pair[1].shape:
        return "of another size than the target"
    squared = (pair[0] - pair[1]).square().mean().clamp(min=1e-12)
    return f"PSNR {float(10 * torch.log10(4 / squared)):.1f} dB"


def flat(record: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, str]]:
    """Names and values of a nested record, one level in a line; long lists are left out."""
    for name, value in record.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{name} ")
        elif not isinstance(value, list) or len(value) <= 6:
            yield prefix + name.replace("_", " "), shown(value)


def shown(value: object) -> str:
    """A setting as a person writes it."""
    if isinstance(value, list):
        return ", ".join(map(shown, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def number(value: object, form: str) -> str:
    """A number of a record; nothing where there is none."""
    return format(value, form) if isinstance(value, int | float) else ""


def name_of(run: Found) -> str:
    """How the page calls a run."""
    return f"runs/{run.name}"


def slug(run: Found) -> str:
    """A run's name as an id and as the beginning of file names."""
    return f"run-{ablations.slug(run.name)}"
