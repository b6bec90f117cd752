"""The small networks and pictures that the tests of the assignment share."""

from __future__ import annotations

import pytest
import torch

from hw5.config import LossWeights
from hw5.losses import Criterion
from hw5.checking.fakes import SIZE, LinearGenerator, OnlyZ, SmallFeatures, fixed_draw


@pytest.fixture
def generator():
    return LinearGenerator()


@pytest.fixture
def only_z():
    return OnlyZ()


@pytest.fixture
def features():
    return SmallFeatures()


@pytest.fixture
def squared_error():
    return Criterion(LossWeights(pixel=1.0, norm="l2", perceptual=0.0))


@pytest.fixture
def picture():
    """A smooth picture in [-1, 1] that the linear generator cannot make exactly."""
    return torch.tanh(0.4 * fixed_draw(20, 1, 3, SIZE, SIZE))


@pytest.fixture
def other():
    return torch.tanh(0.4 * fixed_draw(21, 1, 3, SIZE, SIZE))


@pytest.fixture
def mask():
    """A stroke of five pixels, thinner than a cell of the deeper layers."""
    stroke = torch.zeros(1, 1, SIZE, SIZE, dtype=torch.float64)
    stroke[..., 1:6, 3] = 1
    return stroke
