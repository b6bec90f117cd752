"""`hw5 draw`: from a sketch to a picture, or strokes on a projected one.

Offers `draw`. The search is hw5/draw.py; sketches are read by hw5/kit/strokes.py. Read next:
searches.py, what is asked for, and resuming.py, which runs it and goes on with a stopped one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro

from hw5.config import Drawing, LossWeights


@dataclass(frozen=True)
class ScribbleWeights(LossWeights):
    """`LossWeights.for_scribbles()` as a class: its help then needs no torch."""

    # weight of the perceptual loss; off, since a scribble has no texture to look like
    perceptual: float = 0.0
    # weight of the mean squared entry of delta; ours (report: 0.01 to 0.1, at another scale of w)
    penalty: float = 5.0


def draw(
    sketch: tyro.conf.Positional[Path] = Path("data/sketches/medium.json"),
    *,
    generator: str | None = None,
    start: Path | None = None,
    settings: Drawing,
    weights: ScribbleWeights,
    device: str = "cpu",
    seed: int = 0,
    out: Path = Path("runs/draw"),
    overwrite: bool = False,
    resume: Path | None = None,
    words: tyro.conf.Suppress[tuple[str, ...]] = (),
) -> int:
    """Find a picture that agrees with a sketch, or edit a projected one.

    Ctrl-C ends the search early: its best so far is kept, and --resume goes on from there. A second
    Ctrl-C ends at once, and keeps nothing.

    For example:
      python -m hw5 draw data/sketches/sparse.json
      python -m hw5 draw my_sketch.png --num-mean 0 --num-seeds 4
      python -m hw5 draw green_eyes.json --start runs/project
      python -m hw5 draw --resume runs/draw

    Args:
        sketch: square PNG with transparency, or strokes as JSON (hw5/kit/strokes.py)
        generator: name of a bundled generator; that of the run with --start, else stylegan2
        start: run folder of `project` to edit; its space is searched and its picture is kept
        settings: the search
        weights: the loss on the sketch
        device: cpu, auto (an accelerator if there is one), or a name that torch knows, such as cuda
        seed: where the search starts
        out: run folder to write: pictures, codes (arrays.npz), losses and settings (record.json)
        overwrite: replace a run that is already there
        resume: run folder of a search that Ctrl-C stopped, to go on and be replaced, unless --out
        words: the command line, which says what was given
    """
    from hw5.cli import resuming, searches

    asked = searches.ToDraw(
        generator=generator, settings=settings, weights=weights, device=device, seed=seed,
        sketch=str(sketch), start=str(start) if start else None,
    )  # fmt: skip
    found, far, out = resuming.search(asked, words, out, resume=resume, overwrite=overwrite)
    print(
        f"loss {found.loss:.4g}; {far['distance']:.2f} usual distances from the mean cat"
        f" (it started at {far['start_distance']:.2f})"
    )
    print(f"wrote {out}")
    return 0
