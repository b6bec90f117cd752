"""`hw5 interpolate`: a film from one cat to another.

Offers `interpolate`. The walk is hw5/interpolate.py; pictures are projected by hw5/projector.py.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import tyro

from hw5.config import Interpolation, LossWeights, Projection


@dataclass(frozen=True)
class BriefProjection(Projection):
    """How pictures at the ends of the film are projected."""

    # steps at most; two pictures are waited for, so fewer than for one (ours)
    num_steps: int = 300

    def __post_init__(self) -> None:
        """Refuse settings that cannot be meant."""
        super().__post_init__()
        if self.noise != "fixed":
            from hw5.kit.checks import InputError  # here: it imports torch

            hint = "a film has one set of noise maps, and each picture would find its own"
            raise InputError.about("noise", expected="fixed", got=self.noise, hint=hint)


def interpolate(
    first: tyro.conf.Positional[str] = "1",
    second: tyro.conf.Positional[str] = "2",
    *,
    generator: str = "stylegan2",
    settings: Interpolation,
    search: BriefProjection,
    weights: LossWeights,
    device: str = "cpu",
    seed: int = 0,
    fps: float = 20,
    out: Path = Path("runs/interpolate"),
    overwrite: bool = False,
) -> int:
    """Make a film from one cat to another: film.gif, strip.png and record.json in a folder.

    For example:
      python -m hw5 interpolate 3 14 --space w --num-frames 60
      python -m hw5 interpolate chelsea my_cat.jpg --num-steps 200

    Args:
        first: where the film starts: a number (seed of a random cat), a picture file, or chelsea
        second: where it ends, likewise
        generator: name of a bundled generator (`python -m hw5 models` lists them)
        settings: the walk
        search: how pictures are projected; its space is also the space of the walk
        weights: the loss of that projection
        device: cpu, auto (an accelerator if there is one), or a name that torch knows, such as cuda
        seed: where the searches start
        fps: frames per second of the film, up to 50
        out: folder to write
        overwrite: replace what an earlier run wrote there
    """
    from hw5 import defaults
    from hw5 import interpolate as walks
    from hw5.cli import tools
    from hw5.kit import devices, files, images, seeding, strict_json
    from hw5.kit.checks import check_number

    check_number("--fps", fps, low=0.1, high=images.MAX_GIF_FPS)  # before the search, not after it
    check_number("--seed", seed, low=0, high=seeding.MAX_SEED, whole=True)
    files.refuse_existing(out, overwrite=overwrite)
    network = defaults.open_generator(generator, devices.pick(device))
    search = tools.settled(search, network, generator)
    ends = [
        tools.code_of(word, network, search, weights, seed=seed, label=label)
        for word, label in ((first, "first"), (second, "second"))
    ]
    film = walks.interpolate(network, *ends, search.space, settings=settings)
    with files.atomic_folder(out, overwrite=overwrite) as folder:
        images.save_gif(folder / "film.gif", film.frames, fps=fps)
        images.save(folder / "strip.png", images.strip(tools.spread(film.frames, 9)))
        facts = {"first": first, "second": second, "generator": generator, "seed": seed}
        facts |= {"settings": {**asdict(settings), "space": search.space}, "fps": fps}
        strict_json.write(folder / "record.json", facts)
    print(f"wrote {out / 'film.gif'} and {out / 'strip.png'}")
    return 0
