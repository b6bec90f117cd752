"""Cats shared by the tests of the world."""

from __future__ import annotations

import pytest

from hw5.kit import seeding
from hw5.world import Factors, Picture, neutral, render, sample


@pytest.fixture(scope="session")
def cats() -> Factors:
    """Four portraits, the second with everything on."""
    drawn = sample(4, rng=seeding.make(11))
    drawn.table[1] = drawn.replace(glasses=1, bow_tie=1, hat=1, eye_openness=0.9).table[1]
    return drawn


@pytest.fixture(scope="session")
def small(cats) -> Picture:
    """The four at 32 px."""
    return render(cats, 32)


@pytest.fixture(scope="session")
def plain_cat() -> Factors:
    """The neutral cat."""
    return neutral()
