"""`hw5 draw`: from a sketch to a picture, or strokes on a projected one.

Offers `draw`. The search is hw5/draw.py; sketches are read by hw5/kit/strokes.py.
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
) -> int:
    """Find a picture that agrees with a sketch, or edit a projected one.

    For example:
      python -m hw5 draw data/sketches/sparse.json
      python -m hw5 draw my_sketch.png --num-mean 0 --num-seeds 4
      python -m hw5 draw green_eyes.json --start runs/project

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
    """
    from hw5 import defaults
    from hw5 import draw as drawing
    from hw5.cli import tools
    from hw5.kit import devices, files, progress, seeding, strokes

    sketch = tools.find_sketch(sketch)
    files.refuse_existing(out, overwrite=overwrite)
    begin = tools.read_start(start) if start else None
    generator, settings = begin.fill_in(generator, settings) if begin else (generator, settings)
    generator, place = generator or "stylegan2", devices.pick(device)
    network = defaults.open_generator(generator, place)
    settings = tools.settled(settings, network, generator)
    colour, mask = (each.to(place) for each in strokes.load_sketch(sketch, network.image_size))
    criterion = defaults.build_criterion(weights, place)
    with progress.bar(settings.num_steps, "draw") as on_step:
        drawn = drawing.draw(
            network, colour, mask, criterion=criterion, settings=settings,
            **(begin.arguments(network) if begin else {}), rng=seeding.make(seed), on_step=on_step,
        )  # fmt: skip
    extra = {"generator": generator, "sketch": str(sketch), "weights": weights, "seed": seed}
    extra |= {"distance": drawn.distance, "start_distance": drawn.start_distance}
    tools.save_search(out, drawn.projected, {"sketch": colour}, extra, overwrite=overwrite)
    print(
        f"loss {drawn.projected.loss:.4g}; {drawn.distance:.2f} usual distances from the mean cat"
        f" (it started at {drawn.start_distance:.2f})"
    )
    print(f"wrote {out}")
    return 0
