"""`hw5 project`: find the code whose picture looks like yours.

Offers `project`. The method is hw5/projector.py; its settings are hw5/config.py. Read next:
searches.py, what is asked for, and resuming.py, which runs it and goes on with a stopped one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro

from hw5.config import LossWeights, Projection


def project(
    picture: tyro.conf.Positional[str] = "chelsea",
    *,
    generator: str = "stylegan2",
    settings: Projection,
    weights: LossWeights,
    box: Annotated[tuple[int, int, int] | None, tyro.conf.arg(metavar="LEFT TOP SIDE")] = None,
    mask: Path | None = None,
    device: str = "cpu",
    seed: int = 0,
    out: Path = Path("runs/project"),
    overwrite: bool = False,
    resume: Path | None = None,
    words: tyro.conf.Suppress[tuple[str, ...]] = (),
) -> int:
    """Find the code whose picture looks like yours, and keep it in a run folder.

    Ctrl-C ends the search early: its best so far is kept, and --resume goes on from there. A second
    Ctrl-C ends at once, and keeps nothing.

    For example:
      python -m hw5 project my_cat.jpg --space w+ --num-steps 300
      python -m hw5 project chelsea --optimiser lbfgs --num-steps 60
      python -m hw5 project runs/crop/cat.png --mask runs/crop/cat.mask.png
      python -m hw5 project --resume runs/project

    Args:
        picture: picture file of any size, or chelsea for the photograph that comes with the package
        generator: name of a bundled generator (`python -m hw5 models` lists them)
        settings: the search
        weights: the loss
        box: the square to use, in pixels of the picture; the largest in the middle by default
        mask: square picture, white where the target counts; `python -m hw5 crop` writes one
        device: cpu, auto (an accelerator if there is one), or a name that torch knows, such as cuda
        seed: where the search starts
        out: run folder to write: pictures, codes (arrays.npz), losses and settings (record.json)
        overwrite: replace a run that is already there
        resume: run folder of a search that Ctrl-C stopped, to go on and be replaced, unless --out
        words: the command line, which says what was given
    """
    from hw5.cli import resuming, searches

    asked = searches.ToProject(
        generator=generator, settings=settings, weights=weights, device=device, seed=seed,
        picture=picture, box=box, mask=str(mask) if mask else None,
    )  # fmt: skip
    found, _, out = resuming.search(asked, words, out, resume=resume, overwrite=overwrite)
    print(f"loss {found.loss:.4g} after {found.evaluations} evaluations, {found.seconds:.1f} s")
    print(f"wrote {out}")
    return 0
