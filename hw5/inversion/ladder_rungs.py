"""Climb the debugging ladder: project each rung's picture and measure what ladder.py judges.

Offers `climb`, `Target` and `Rung`. Each picture is searched from several starts side by side (the
averaged code, random codes, an encoder's code if there is one), then another solver goes on from
the best point: if that finds a much lower loss, the first one was stuck. Read first: ladder.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch

from hw5.config import Projection
from hw5.inversion.ladder import Evidence
from hw5.inversion.per_seed import of_seed
from hw5.latents import broadcast_layers, render, sample_codes, sample_noise
from hw5.losses import Loss
from hw5.models.generator import Generator
from hw5.objective import Score
from hw5.projector import project
from hw5.search import Projected, Record
from hw5.shapes import Codes, Images, Mask, PerPicture

NUM_USUAL = 16  # random pictures that say what a usual loss and a usual error are
OTHER = {"adam": "lbfgs", "lbfgs": "adam"}  # the solver that gives a second opinion
Encoder = Callable[[Images], Codes]


@dataclass(frozen=True)
class Target:
    """The picture of one rung."""

    rung: str
    image: Images  # (1, 3, H, W) in [-1, 1]
    code: Codes | None = None  # that made it, in the space that is searched, where known


@dataclass(frozen=True)
class Rung:
    """One rung, climbed."""

    target: Target
    evidence: Evidence
    found: Projected  # the best of the usual starts
    second: Projected  # where the other solver went on to


def rms_error(output: Images, target: Images) -> PerPicture:
    """Root mean squared difference of pictures clamped to [-1, 1], (N,): the ladder's ruler."""
    difference = output.clamp(-1, 1) - target.clamp(-1, 1)
    return difference.square().mean(dim=(1, 2, 3)).sqrt()


def generated_target(generator: Generator, space: str, *, rng: torch.Generator) -> Target:
    """A random picture of the generator, with the code that made it."""
    code = sample_codes(generator, space, 1, rng=rng)
    with torch.no_grad():
        return Target("generated", render(generator, code, space).clamp(-1, 1), code)


def climb(
    generator: Generator,
    targets: Sequence[Target],
    *,
    criterion: Score,
    settings: Projection,
    encoder: Encoder | None = None,
    second_evaluations: int = 40,
    rng: torch.Generator,
    on_step: Callable[[Record], None] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[Rung]:
    """Yield each rung as soon as it is climbed.

    Args:
        generator: see models/generator.py.
        targets: the pictures, the easiest first.
        criterion: the loss under examination; see `projector.project`.
        settings: the search under examination; `num_seeds` starts, the first as `num_mean` says,
            the others random codes, so that traps show.
        encoder: gives codes in `settings.space` for pictures; its start is searched as well.
        second_evaluations: what the other solver may spend on each rung.
        rng: source of the starts and of the usual pictures.
        on_step: called with each `Record` of each search.
        should_stop: once true, the search in progress ends early and no rung follows.

    Raises:
        InputError: arguments that do not fit each other, or a loss that is no longer finite.
    """
    settings = settings.settled(generator.spaces)
    first = sample_noise(generator, settings.space, 1, num_mean=settings.num_mean, rng=rng)
    others = settings.num_seeds - 1
    random = [sample_codes(generator, settings.space, others, rng=rng)] if others else []
    starts = torch.cat([first, *random])
    with torch.no_grad():
        codes = sample_codes(generator, settings.space, NUM_USUAL, rng=rng)
        usual, again = (render(generator, codes, settings.space) for _ in range(2))
        repeat_error = float(rms_error(again, usual).median())
    for target in targets:
        search = _Search(generator, target, criterion, settings, on_step, should_stop)
        rung = search.examine(starts, usual, encoder, second_evaluations, rng)
        rung = replace(rung, evidence=replace(rung.evidence, repeat_error=repeat_error))
        if should_stop():  # a rung that was cut short says nothing
            return
        yield rung


@dataclass(frozen=True)
class _Search:
    """One rung's picture with everything that its searches share."""

    generator: Generator
    target: Target
    criterion: Score
    settings: Projection
    on_step: Callable[[Record], None] | None
    should_stop: Callable[[], bool]

    def examine(
        self,
        starts: Codes,
        usual: Images,
        encoder: Encoder | None,
        second_evaluations: int,
        rng: torch.Generator,
    ) -> Rung:
        """Search from all starts, ask for the second opinion, and measure."""
        guess = None if encoder is None else self.encode(encoder)
        everything = starts if guess is None else torch.cat([starts, guess])
        found = self.run(everything, self.settings, self.criterion, rng)
        losses = [float(x) for part in found.state["objectives"] for x in part["best"]["loss"]]
        best = min(range(len(starts)), key=lambda row: losses[row])
        found = found if found.seed == best else of_seed(found, best)
        second = self.second_opinion(found, second_evaluations, rng)
        with torch.no_grad():
            evidence = Evidence(
                rung=self.target.rung,
                losses=tuple(losses[: len(starts)]),
                start_loss=self.loss_at(starts[:1], torch.zeros_like(starts[:1])),
                usual_loss=float(self.score(usual).median()),
                error=float(rms_error(found.image, self.target.image)),
                usual_error=float(rms_error(usual, self.target.image).median()),
                true_loss=self.true_loss(found.start),
                second_loss=second.loss,
                encoder_loss=None if guess is None else losses[-1],
            )
        return Rung(self.target, evidence, found, second)

    def encode(self, encoder: Encoder) -> Codes:
        """The encoder's code of the target in the space that is searched."""
        with torch.no_grad():
            code = encoder(self.target.image)
        if self.settings.space == "w+" and code.shape[1] == 1:
            code = broadcast_layers(code, self.generator.num_layers)
        return code

    def run(
        self, starts: Codes, settings: Projection, criterion: Score, rng: torch.Generator
    ) -> Projected:
        """One search of this rung's picture."""
        return project(
            self.generator, self.target.image, criterion=criterion, settings=settings,
            start=starts, rng=rng, on_step=self.on_step, should_stop=self.should_stop,
        )  # fmt: skip

    def second_opinion(self, found: Projected, evaluations: int, rng: torch.Generator) -> Projected:
        """Go on from the best point with the other solver at its usual rate.

        A penalty still counts from where the first search began: else the two do not compare.
        """
        criterion = self.criterion

        def shifted(image: Images, target: Images, mask: Mask | None, delta: Codes) -> Loss:
            return criterion(image, target, mask, delta + found.delta)

        settings = replace(
            self.settings, optimiser=OTHER[self.settings.optimiser], learning_rate=None,
            num_steps=evaluations, max_evaluations=evaluations, noise="fixed", patience=0,
        )  # fmt: skip
        return project(
            self.generator, self.target.image, criterion=shifted, settings=settings,
            start=found.code, noise=found.noise, rng=rng, on_step=self.on_step,
            should_stop=self.should_stop,
        )  # fmt: skip

    def true_loss(self, start: Codes) -> float | None:
        """The loss at the code that made the picture, penalty from `start` included."""
        code = self.target.code
        return None if code is None else self.loss_at(code, code - start)

    def loss_at(self, code: Codes, delta: Codes) -> float:
        """The loss of a code's picture."""
        image = render(self.generator, code, self.settings.space)
        return float(self.criterion(image, self.target.image, None, delta).total)

    def score(self, images: Images) -> PerPicture:
        """The loss of pictures that nobody searched for, without a penalty, (N,)."""
        return self.criterion(images, self.target.image, None, None).total
