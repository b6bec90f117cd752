"""`hw5 project`: find the code whose picture looks like yours.

Offers `project`, and `search`, its work. The method is hw5/projector.py; its settings are
hw5/config.py. Read next: resuming.py, by which a stopped search goes on.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from hw5.cli.parsing import is_given
from hw5.config import LossWeights, Projection

if TYPE_CHECKING:
    from hw5.cli.resuming import Asked, Kept


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
    from hw5.cli import resuming
    from hw5.kit import files

    asked = resuming.Asked(
        picture, generator, settings, weights, box, str(mask) if mask else None, device, seed
    )
    kept = resuming.read(resume) if resume else None
    if kept:
        asked = kept.same(asked, words)
        out, overwrite = (out, overwrite) if is_given("--out", words) else (kept.folder, True)
    files.refuse_existing(out, overwrite=overwrite)
    return search(asked, kept, out, overwrite=overwrite)


def search(asked: Asked, kept: Kept | None, out: Path, *, overwrite: bool) -> int:
    """Search, or go on with what was kept, and write the run folder.

    Raises:
        InputError: what was asked for cannot be used.
        KeyboardInterrupt: Ctrl-C, with what to say of it if the search is kept.
    """
    from hw5 import defaults, projector
    from hw5.cli import resuming, tools
    from hw5.kit import devices, progress, seeding, stopping

    place = devices.pick(asked.device)
    network = defaults.open_generator(asked.generator, place)
    settings = tools.settled(asked.settings, network, asked.generator)
    asked, done = replace(asked, settings=settings), kept.steps if kept else 0
    target, mask = (kept or asked).pictures(network.image_size, place)
    criterion = defaults.build_criterion(asked.weights, place)
    state = kept.ready(network, criterion, target, mask) if kept else None
    with stopping.Stop() as should_stop:
        with progress.bar(settings.num_steps - done, "project") as on_step:
            found = projector.project(
                network, target, criterion=criterion, settings=settings, mask=mask,
                rng=seeding.make(asked.seed), on_step=on_step, should_stop=should_stop,
                resume=state,
            )  # fmt: skip
        if not found.history:  # stopped before its first step: there is nothing to keep
            raise KeyboardInterrupt
        stopped = resuming.save(out, found, asked, (target, mask), overwrite=overwrite)
    if stopped:
        raise KeyboardInterrupt(stopped)
    print(f"loss {found.loss:.4g} after {found.evaluations} evaluations, {found.seconds:.1f} s")
    print(f"wrote {out}")
    return 0
