"""What several commands share: read pictures and runs, make codes, save searches.

Offers `settled`, `find_sketch`, `read_target`, `read_mask`, `code_of`, `spread`, `save_search`,
`read_start` and `Start`. Everything here imports torch, so the commands import this file only when
they run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, is_dataclass, replace
from pathlib import Path
from typing import TypeVar

import torch
from skimage.data import chelsea
from torch import Tensor

from hw5 import latents, projector
from hw5.config import SPACES, LossWeights, Projection
from hw5.defaults import build_criterion
from hw5.kit import images, photo, progress, runs, seeding
from hw5.kit.checks import InputError, check_choice
from hw5.models.generator import Generator
from hw5.search import Projected
from hw5.shapes import Codes, Images, Mask
from hw5.zoo import DATA

Search = TypeVar("Search", bound=Projection)
SAMPLE_PHOTO = "chelsea"  # the word for scikit-image's photograph
EVERY = 10  # steps between two entries of a saved history


def settled(settings: Search, network: Generator, name: str) -> Search:
    """The settings as they hold for the generator called `name`, before any bar opens.

    Raises:
        InputError: a space that it does not have.
    """
    if settings.space is not None:
        check_choice(f"--space of {name}", settings.space, network.spaces)
    if settings.noise == "optimised" and is_noise_mute(network):
        print(f"note: {name} adds no noise to its pictures: --noise optimised changes nothing")
    return settings.settled(network.spaces)


def is_noise_mute(network: Generator) -> bool:
    """Have its noise maps a strength of 0 in every layer, as those of the bundled StyleGAN2?"""
    strengths = [v for name, v in network.named_parameters() if name.endswith("noise_strength")]
    return bool(strengths) and not any(map(bool, strengths))


def find_sketch(path: Path) -> Path:
    """`path` where it exists, else the bundled sketch of that name: data/sketches/medium.json."""
    bundled = DATA.parent / path
    return bundled if bundled.is_file() and not path.exists() else path


def read_target(picture: str, size: int, box: tuple[int, int, int] | None = None) -> Images:
    """A picture file, or the sample photograph, as (1, 3, size, size)."""
    is_sample = picture == SAMPLE_PHOTO and not Path(picture).exists()
    if is_sample and box is None:
        return photo.sample_photo(size)
    return photo.crop_photo(chelsea() if is_sample else picture, size=size, box=box)


def read_mask(path: Path, size: int) -> Mask:
    """A square picture as a mask (1, 1, size, size): 1 where it is brighter than mid-grey.

    Raises:
        InputError: unreadable, not square, or black all over.
    """
    grey = images.load(path, size=size).mean(dim=1, keepdim=True)
    mask = (grey > 0).float()
    if not bool(mask.any()):
        hint = "what shall count is white"
        raise InputError.about(str(path), expected="a mask", got="black all over", hint=hint)
    return mask


def code_of(
    word: str,
    network: Generator,
    search: Projection,
    weights: LossWeights,
    *,
    seed: int,
    label: str,
) -> Codes:
    """One code: of a random cat if `word` is a number (its seed), else of the picture it names."""
    if re.fullmatch(r"[0-9]+", word):
        return latents.sample_noise(network, search.space, 1, rng=seeding.make(int(word)))
    place = latents.example_of(network).device
    target = read_target(word, network.image_size).to(place)
    with progress.bar(search.num_steps, f"project {label}") as on_step:
        found = projector.project(
            network,
            target,
            criterion=build_criterion(weights, place),
            settings=search,
            rng=seeding.make(seed),
            on_step=on_step,
        )
    return found.code


def spread(frames: Images, count: int) -> Images:
    """`count` frames evenly spread over a film, both ends included."""
    count = min(count, len(frames))
    return frames[torch.linspace(0, len(frames) - 1, count).round().long()]


def save_search(
    folder: Path,
    found: Projected,
    images: Mapping[str, Images],
    extra: Mapping[str, object],
    *,
    files: Mapping[str, bytes] | None = None,
    overwrite: bool,
) -> None:
    """Write a search's outcome as a run folder; `extra` goes into its record, `files` beside it."""
    history = [*found.history[:-1:EVERY], found.history[-1]]
    record = {
        **{name: asdict(value) if is_dataclass(value) else value for name, value in extra.items()},
        "settings": asdict(found.settings),
        "loss": found.loss,
        "seconds": found.seconds,
        "evaluations": found.evaluations,
        "stopped": found.stopped,
        "history": [step.plain() for step in history],
    }
    noise = {noise_name(name): value for name, value in found.noise.items()}
    runs.save_run(
        folder,
        images={**images, "result": found.image},
        arrays={"code": found.code, "start": found.start, **noise},
        record=record,
        files=files,
        overwrite=overwrite,
    )


def noise_name(layer: str) -> str:
    """The name under which a run keeps the noise map of a layer such as b8.conv0."""
    return "noise-" + layer.replace(".", "-")


@dataclass(frozen=True)
class Start:
    """A saved run to start from."""

    generator: str
    space: str
    run: runs.Run

    def fill_in(self, generator: str | None, settings: Search) -> tuple[str, Search]:
        """The run's generator, and `settings` in its space.

        Raises:
            InputError: another generator or space is asked for.
        """
        for option, asked, own in (
            ("--generator", generator, self.generator), ("--space", settings.space, self.space)
        ):  # fmt: skip
            if asked not in (None, own):
                raise InputError.about(
                    option, expected=f"{own}, as in {self.run.folder}, or nothing", got=asked,
                    hint="a code means something to its own generator and space only",
                )  # fmt: skip
        return self.generator, replace(settings, space=self.space)

    def arguments(self, network: Generator) -> dict[str, Codes | Images | dict[str, Tensor]]:
        """`draw`'s arguments start, keep and noise.

        Raises:
            InputError: the run's code does not fit its generator.
        """
        latents.check_codes(
            f"{self.run.folder}: code", network, self.run.arrays["code"], self.space
        )
        maps = network.noise_maps() if "w" in network.spaces else {}
        saved = {layer: self.run.arrays.get(noise_name(layer)) for layer in maps}
        noise = {layer: value for layer, value in saved.items() if value is not None}
        place = latents.example_of(network).device
        return {
            "start": self.run.arrays["code"].to(place),
            "keep": self.run.images["result"].to(place),
            "noise": {layer: value.to(place) for layer, value in noise.items()},
        }


def read_start(folder: Path) -> Start:
    """Read a run folder that `project` or `draw` wrote.

    Raises:
        InputError: another kind of folder, or a damaged one.
    """
    run = runs.load_run(folder)
    settings = run.record.get("settings")
    space = settings.get("space") if isinstance(settings, dict) else None
    generator = run.record.get("generator")
    if "code" not in run.arrays or "result" not in run.images or not isinstance(generator, str):
        hint = "write one with: python -m hw5 project PICTURE --out FOLDER"
        raise InputError.about(
            str(folder), expected="a run of project or draw", got="another", hint=hint
        )
    check_choice(f"{folder}: space", space, SPACES)
    return Start(generator, space, run)
