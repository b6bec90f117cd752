"""What a command line asks to be searched for: the code of a picture, or of a sketch.

Offers `Asked` and its kinds `ToProject` and `ToDraw`. resuming.py runs either, stopped by Ctrl-C
and gone on with or not. Everything here imports torch, so the commands import this file only when
they run.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import torch

from hw5 import projector
from hw5.cli import tools
from hw5.config import Drawing, LossWeights, Projection
from hw5.kit import strokes
from hw5.losses import Criterion
from hw5.models.generator import Generator
from hw5.objective import Score
from hw5.search import Projected
from hw5.shapes import Images

Given = dict[str, Any]  # "target", "mask" or None, and what else a kind of search is given


@dataclass(frozen=True, kw_only=True)
class Asked(ABC):
    """A search as the command line asks for it."""

    generator: str | None
    settings: Projection
    weights: LossWeights
    device: str
    seed: int

    command: ClassVar[str]
    subject: ClassVar[str]  # the option without a name
    settings_of: ClassVar[type[Projection]]

    @classmethod
    def of(cls, plain: dict[str, Any]) -> Asked:
        """What `dataclasses.asdict` made of one."""
        settings, weights = cls.settings_of(**plain["settings"]), LossWeights(**plain["weights"])
        return cls(**{**plain, "settings": settings, "weights": weights})

    def options(self) -> dict[str, object]:
        """Every option's value by its name."""
        plain = asdict(self)
        return {**plain.pop("settings"), **plain.pop("weights"), **plain}

    def filled(self) -> Asked:
        """The same with what the command line leaves to other files."""
        return self

    def score(self, criterion: Criterion, given: Given) -> Score:
        """What the search lowers."""
        return criterion

    @abstractmethod
    def given(self, network: Generator, place: torch.device) -> Given:
        """Everything that is read from files."""

    @abstractmethod
    def find(
        self, network: Generator, given: Given, **how: object
    ) -> tuple[Projected, dict[str, float]]:
        """Search; what was found, and what a run's record says of it beside.

        Args:
            network: the generator.
            given: see `given`.
            how: `criterion`, `rng`, `on_step`, `should_stop` and `resume` of `projector.project`.
        """

    @abstractmethod
    def facts(self) -> dict[str, object]:
        """What a run's record says of the search beside its settings."""

    @abstractmethod
    def pictures(self, given: Given) -> dict[str, Images]:
        """The pictures that a run keeps beside the result."""


@dataclass(frozen=True, kw_only=True)
class ToProject(Asked):
    """A picture to be found."""

    picture: str
    box: tuple[int, int, int] | None
    mask: str | None

    command, subject, settings_of = "project", "picture", Projection

    def given(self, network: Generator, place: torch.device) -> Given:
        """The target, and the mask if there is one."""
        size = network.image_size
        target = tools.read_target(self.picture, size, self.box).to(place)
        mask = tools.read_mask(Path(self.mask), size).to(place) if self.mask else None
        return {"target": target, "mask": mask}

    def find(
        self, network: Generator, given: Given, **how: object
    ) -> tuple[Projected, dict[str, float]]:
        """Project."""
        return projector.project(network, **given, settings=self.settings, **how), {}

    def facts(self) -> dict[str, object]:
        """The record's entries, a mask's only where there is one."""
        facts = {name: getattr(self, name) for name in ("generator", "picture", "weights", "seed")}
        return facts | ({"mask": self.mask} if self.mask else {})

    def pictures(self, given: Given) -> dict[str, Images]:
        """The target."""
        return {"target": given["target"]}


@dataclass(frozen=True, kw_only=True)
class ToDraw(Asked):
    """A sketch to be turned into a picture, or drawn onto one."""

    sketch: str
    start: str | None

    command, subject, settings_of = "draw", "sketch", Drawing

    def filled(self) -> Asked:
        """With the generator and the space of the run to start from."""
        generator, settings = self.generator, self.settings
        if self.start:
            generator, settings = tools.read_start(Path(self.start)).fill_in(generator, settings)
        return replace(self, generator=generator or "stylegan2", settings=settings)

    def given(self, network: Generator, place: torch.device) -> Given:
        """The sketch, and what the run to start from has of a picture."""
        path = tools.find_sketch(Path(self.sketch))
        target, mask = (each.to(place) for each in strokes.load_sketch(path, network.image_size))
        begin: Given = {"start": None, "keep": None, "noise": None}
        if self.start:
            begin = tools.read_start(Path(self.start)).arguments(network)
        return {"target": target, "mask": mask, **begin}

    def score(self, criterion: Criterion, given: Given) -> Score:
        """With what is to be kept of a picture."""
        from hw5 import draw as drawing  # here: projecting needs none of part 5

        keep = given["keep"]
        if keep is None:
            return criterion
        return drawing.keep_rest(criterion, keep, self.settings.keep)

    def find(
        self, network: Generator, given: Given, **how: object
    ) -> tuple[Projected, dict[str, float]]:
        """Draw; a search that goes on has begun already."""
        from hw5 import draw as drawing

        begin = {name: given[name] for name in ("start", "keep", "noise")}
        if how["resume"] is not None:
            begin["start"] = None
        drawn = drawing.draw(
            network, given["target"], given["mask"], settings=self.settings, **begin, **how
        )
        return drawn.projected, {name: getattr(drawn, name) for name in DISTANCES}

    def facts(self) -> dict[str, object]:
        """The record's entries."""
        sketch = str(tools.find_sketch(Path(self.sketch)))
        own = {"sketch": sketch, "weights": self.weights, "seed": self.seed}
        return {"generator": self.generator, **own}

    def pictures(self, given: Given) -> dict[str, Images]:
        """The sketch's colours."""
        return {"sketch": given["target"]}


DISTANCES = ("distance", "start_distance")  # of `hw5.draw.Drawn`
