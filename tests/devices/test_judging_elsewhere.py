"""What judges pictures takes them where they are, and says there what it says here."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import torch
from torch import Tensor

from hw5.inversion.semantic_analysis import ATTRIBUTES, Samples, judge_push
from hw5.kit import seeding
from hw5.metrics import distribution, identity, neighbours, readings, segmentation, sliced
from hw5.metrics.what_changed import NoiseFloor
from hw5.testing.elsewhere import elsewhere
from hw5.world.factors import FACTORS
from hw5.world.targets import NUM_TARGETS

PLACES = (lambda: nullcontext(torch.device("cpu")), elsewhere)


class Reader:
    """Reads the mean of each row of a picture, in every column another mix of them."""

    def read(self, images: Tensor) -> Tensor:
        rows = images.mean(dim=(1, 3))  # (N, H)
        mix = torch.linspace(-3, 3, NUM_TARGETS * rows.shape[1]).sin().to(rows)
        return rows @ mix.view(rows.shape[1], NUM_TARGETS)

    def embed(self, images: Tensor) -> Tensor:
        return images.flatten(1)


def fid(a: Tensor, b: Tensor) -> float:
    return distribution.fid(a, b)


def kid(a: Tensor, b: Tensor) -> float:
    return distribution.kid(a, b, subset_size=8, subsets=3, rng=seeding.make(0)).mean


def ruler(a: Tensor, b: Tensor) -> float:
    return distribution.FidRuler(distribution.Statistics.of(a)).score(b)


def copies(a: Tensor, b: Tensor) -> tuple[float, ...]:
    found = neighbours.near_copies(a, b, a + 0.1)
    return found.threshold, found.floor, found.share


def variety(a: Tensor, b: Tensor) -> tuple[float, ...]:
    found = neighbours.precision_recall(a, b)
    return found.precision, found.recall


def recognised(a: Tensor, b: Tensor) -> tuple[float, ...]:
    return identity.roc_auc(a[:, 0], b[:, 0]), identity.equal_error_rate(a[:, 0], b[:, 0])


def explained(a: Tensor, b: Tensor) -> float:
    return readings.r_squared(a, b)


def overlap(a: Tensor, b: Tensor) -> float:
    return segmentation.iou((a > 0).long()[None], (b > 0).long()[None], 2).mean


def wasserstein(a: Tensor, b: Tensor) -> float:
    return sliced.sliced_wasserstein(a, b, projections=4, rng=seeding.make(0))


@pytest.mark.parametrize(
    "measure",
    [fid, kid, ruler, copies, variety, recognised, explained, overlap, wasserstein],
    ids=lambda measure: measure.__name__,
)
def test_a_metric(measure):
    rng = seeding.make(0)
    a, b = torch.randn(12, 4, generator=rng), torch.randn(12, 4, generator=rng)
    found = []
    for place in PLACES:
        with place() as device:
            found.append(measure(a.to(device), b.to(device)))
    assert found[0] == pytest.approx(found[1])


@pytest.mark.parametrize("attribute", ATTRIBUTES, ids=lambda attribute: attribute.factor)
def test_pushed_pictures_are_judged(attribute):
    rng = seeding.make(0)
    before, after, drawn = torch.rand(3, 6, 3, 8, 8, generator=rng) * 2 - 1
    ones = torch.ones(len(FACTORS))
    found = []
    for place in PLACES:
        with place() as device:
            samples = Samples(torch.zeros(6, 1, 4, device=device), Reader().read(drawn.to(device)))
            pictures = before.to(device), after.to(device)
            judges = {"samples": samples, "reader": Reader(), "known": NoiseFloor(*[ones] * 3)}
            found.append(judge_push(*pictures, attribute, **judges))
    assert vars(found[0]) == pytest.approx(vars(found[1]))
