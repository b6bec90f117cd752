"""Reconstruction is not editing: the in-domain paper's semantic analysis, where the truth is known.

Zhu et al. 2020 (In-domain GAN inversion, arXiv 2004.00049, sections 4.2 and 4.4) ask of inverted
codes: do boundaries found on samples sort them as the pictures would be sorted (figure 4)? Do
points between two of them, and codes pushed across a boundary, still give pictures like the real
ones (table 2: FID and SWD)? Here two more questions have an answer: did the push change what it was
meant to change, and is it still the same cat?

Offers `ATTRIBUTES`, `draw_samples`, `boundaries`, `classify`, `halfway`, `stride`,
`push` and `judge_push`. The command is hw5/cli/semantics.py. Read first: semantics.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from hw5.inversion.semantics import (
    Boundary,
    PrecisionRecall,
    find_boundary,
    precision_recall,
    signed_distance,
)
from hw5.kit.checks import check_number, check_shape
from hw5.latents import render, sample_codes
from hw5.metrics.identity import cosine_similarity
from hw5.metrics.what_changed import NoiseFloor, what_changed
from hw5.shapes import Codes, Images
from hw5.world.factors import BY_NAME, FACTORS, Factors
from hw5.world.targets import WORN, readings

if TYPE_CHECKING:
    from hw5.models.generator import Generator
    from hw5.models.second_look import Ruler

BATCH = 50  # pictures rendered and read at a time
# Share of the samples at each end that a boundary is learned from. InterFaceGAN's code takes 2 % of
# 500,000 samples; of our 10,000 that is too few for a plane in 128 dimensions. Not for what is on
# or off: 6 % of the samples wear glasses, and nearly half of "the 10 % that most wear them" do not.
EXTREMES = 0.1
PUSH = 2.0  # how far an edit moves, in standard deviations of the samples' distances; see stride


@dataclass(frozen=True)
class Attribute:
    """A yes-or-no question about a factor: is it above `threshold` (in the factor's unit)?"""

    factor: str
    threshold: float
    says: str  # what a yes means

    def of(self, numbers: Tensor) -> Tensor:
        """The factor in its unit, (N,), from a reader's answers (N, T)."""
        names = [factor.name for factor in FACTORS]
        return readings(numbers)[:, names.index(self.factor)]

    @property
    def is_switch(self) -> bool:
        """On or off, with nothing between."""
        return BY_NAME[self.factor].unit == "choice"

    def holds(self, numbers: Tensor) -> Tensor:
        """Yes or no, (N,) bool."""
        return self.of(numbers) > self.threshold


# Thresholds are near the medians of the portraits, but for glasses, which few wear.
ATTRIBUTES = (
    Attribute("yaw", 0.0, "looks right"),
    Attribute("age", 0.5, "grown up"),
    Attribute("coat_brightness", 0.64, "light coat"),
    Attribute("glasses", WORN, "wears glasses"),
)


@dataclass(frozen=True, eq=False)
class Samples:
    """Codes drawn from a generator, and what a reader sees in their pictures."""

    codes: Codes  # w (N, 1, d)
    numbers: Tensor  # (N, T), answers in the layout of world/targets.py


@dataclass(frozen=True)
class Pushed:
    """What pushing codes across a boundary did; means over the pictures."""

    flipped: float  # share that is read on the other side of the threshold afterwards
    moved: float  # by the asked factor, towards the other side, in the samples' deviations
    strayed: float  # other factors that moved beyond what the reader confuses, in a picture
    identity: float  # cosine similarity to the picture before


@torch.no_grad()
def draw_samples(
    generator: Generator,
    reader: Ruler,
    count: int = 10_000,
    *,
    rng: torch.Generator,
    on_step: Callable[[], object] = lambda: None,
) -> Samples:
    """Draw codes in w, render them and read the pictures.

    Args:
        generator: with w; see models/generator.py.
        reader: see models/second_look.py.
        count: how many; 10,000 take some minutes.
        rng: source of the codes.
        on_step: called after each batch of `BATCH`.
    """
    check_number("count", count, low=1, whole=True)
    codes, seen = sample_codes(generator, "w", count, rng=rng), []
    for some in codes.split(BATCH):
        seen.append(reader.read(render(generator, some, "w").clamp(-1, 1)))
        on_step()
    return Samples(codes, torch.cat(seen))


def boundaries(samples: Samples, *, rng: torch.Generator) -> dict[str, Boundary]:
    """A boundary for each of `ATTRIBUTES`, by the factor's name.

    Raises:
        InputError: too few samples, of a switch that is on or off too few of a kind.
    """
    return {
        each.factor: find_boundary(
            samples.codes,
            each.of(samples.numbers),
            extremes=EXTREMES,
            threshold=each.threshold if each.is_switch else None,
            rng=rng,
        )
        for each in ATTRIBUTES
    }


def classify(
    codes: Codes, truth: Factors, planes: Mapping[str, Boundary]
) -> dict[str, PrecisionRecall]:
    """How well boundaries found on samples sort inverted codes, by the factor's name; figure 4.

    Args:
        codes: w+ (N, L, d) of the inverted pictures.
        truth: the cats of those pictures.
        planes: as `boundaries` gives them.

    Raises:
        InputError: not one code a cat, or an attribute that all cats or none have.
    """
    check_shape("codes", codes, (len(truth), "L", "d"), hint="one code a cat")
    return {
        each.factor: precision_recall(
            signed_distance(planes[each.factor], codes), truth[each.factor] > each.threshold
        )
        for each in ATTRIBUTES
    }


@torch.no_grad()
def halfway(generator: Generator, codes: Codes) -> Images:
    """Pictures halfway from each code (N, L, d) to the next and from the last to the first.

    As many as codes, (N, 3, H, W), so that FID, which falls with the number of pictures, compares
    with that of the reconstructions.
    """
    middles = torch.lerp(codes, codes.roll(-1, dims=0), 0.5)
    return torch.cat([render(generator, some, "w+") for some in middles.split(BATCH)]).clamp(-1, 1)


def stride(attribute: Attribute, plane: Boundary, samples: Samples) -> Tensor:
    """How far a push along the boundary's normal goes, a number in units of w.

    `PUSH` standard deviations of the samples' distances; for a switch from the middle of one side
    to that of the other, which lie many deviations apart where few samples are on: with one on in
    eighteen, two deviations leave all of the others where they were.
    """
    distance = signed_distance(plane, samples.codes)
    if not attribute.is_switch:
        return PUSH * distance.std()
    on = attribute.holds(samples.numbers)
    return distance[on].mean() - distance[~on].mean()


@torch.no_grad()
def push(
    generator: Generator, codes: Codes, plane: Boundary, by: float | Tensor, towards: Tensor
) -> Images:
    """Pictures of codes moved along a boundary's normal, (N, 3, H, W).

    Args:
        generator: see models/generator.py.
        codes: w+ (N, L, d); all layers move alike.
        plane: as `boundaries` gives it.
        by: how far, in units of w; see `stride`.
        towards: (N,) bool: to the positive side, or away from it?
    """
    sign = torch.where(towards, 1.0, -1.0)[:, None, None].to(codes)
    moved = codes + sign * by * plane.normal.to(codes)
    return torch.cat([render(generator, some, "w+") for some in moved.split(BATCH)]).clamp(-1, 1)


@torch.no_grad()
def judge_push(
    before: Images,
    after: Images,
    attribute: Attribute,
    *,
    samples: Samples,
    reader: Ruler,
    known: NoiseFloor,
) -> Pushed:
    """Did the push change what it was meant to, and nothing else?

    Every picture was pushed to the side where it is not read before.

    Args:
        before: reconstructions (N, 3, H, W).
        after: the same, pushed.
        attribute: whose boundary was crossed.
        samples: their readings set the unit of how far the asked factor moved.
        reader: the judge.
        known: how far it can be trusted; see metrics/what_changed.py.
    """
    pairs = list(zip(before.split(BATCH), after.split(BATCH), strict=True))
    one = torch.cat([reader.read(each) for each, _ in pairs])
    other = torch.cat([reader.read(each) for _, each in pairs])
    alike = torch.cat([cosine_similarity(reader.embed(a), reader.embed(b)) for a, b in pairs])
    was, now = attribute.holds(one), attribute.holds(other)
    meant = torch.where(was, -1.0, 1.0)
    moved = attribute.of(other) - attribute.of(one)
    change = what_changed(before, after, reader.read, noise_floor=known)
    return Pushed(
        flipped=float((was != now).float().mean()),
        moved=float((moved * meant).mean() / attribute.of(samples.numbers).std()),
        strayed=float(change.strays({attribute.factor}).float().mean()),
        identity=float(alike.mean()),
    )
