"""The criterion with the networks that come with the package: every term, with and without mask."""

from __future__ import annotations

import pytest
import torch

from hw5.config import LossWeights
from hw5.defaults import build_criterion
from hw5.kit import seeding
from hw5.metrics.perceptual import lpips_metric


@pytest.fixture(scope="module")
def pair():
    rng = seeding.make(0)
    return (torch.rand(2, 3, 64, 64, generator=rng) * 2 - 1 for _ in range(2))


@pytest.fixture(scope="module")
def everything():
    return build_criterion(LossWeights(pixel=1.0, perceptual=1.0, style=1.0, lpips=1.0))


def test_the_lpips_term_is_what_the_bundled_ruler_says(pair, everything):
    output, target = pair
    terms = everything(output, target).terms
    assert set(terms) == {"pixel", "perceptual", "style", "lpips"}
    torch.testing.assert_close(terms["lpips"], lpips_metric()(output, target))
    half = torch.zeros(1, 1, 64, 64)
    half[..., :32] = 1.0
    output.requires_grad_()
    masked = everything(output, target, half)
    assert masked.total.shape == (2,)
    masked.total.sum().backward()
    assert output.grad.isfinite().all()
    assert output.grad[..., :32].abs().sum() > 0
