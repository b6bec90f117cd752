"""`hw5 project`: find the code whose picture looks like yours.

Offers `project`. The search is hw5/projector.py; its settings are hw5/config.py.
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
) -> int:
    """Find the code whose picture looks like yours, and keep it in a run folder.

    For example:
      python -m hw5 project my_cat.jpg --space w+ --num-steps 300
      python -m hw5 project chelsea --optimiser lbfgs --num-steps 60
      python -m hw5 project runs/crop/cat.png --mask runs/crop/cat.mask.png

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
    """
    from hw5 import defaults, projector
    from hw5.cli import tools
    from hw5.kit import devices, files, progress, seeding

    files.refuse_existing(out, overwrite=overwrite)
    place = devices.pick(device)
    network = defaults.open_generator(generator, place)
    settings = tools.settled(settings, network, generator)
    target = tools.read_target(picture, network.image_size, box).to(place)
    counted = tools.read_mask(mask, network.image_size).to(place) if mask else None
    criterion = defaults.build_criterion(weights, place)
    with progress.bar(settings.num_steps, "project") as on_step:
        found = projector.project(
            network,
            target,
            criterion=criterion,
            settings=settings,
            mask=counted,
            rng=seeding.make(seed),
            on_step=on_step,
        )
    extra = {"generator": generator, "picture": picture, "weights": weights, "seed": seed}
    extra |= {"mask": str(mask)} if mask else {}
    tools.save_search(out, found, {"target": target}, extra, overwrite=overwrite)
    print(f"loss {found.loss:.4g} after {found.evaluations} evaluations, {found.seconds:.1f} s")
    print(f"wrote {out}")
    return 0
