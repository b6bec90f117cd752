"""What every test shares: one thread and a seeded generator.

Tolerances are in tolerances.py. Read next: the folder named like the part of hw5 that you change.
"""

import pytest
import torch

from hw5.kit import seeding

# Tests are many and small: threads cost more than they bring, and one thread gives steady numbers.
torch.set_num_threads(1)


@pytest.fixture
def rng() -> torch.Generator:
    """A generator that starts alike in every test."""
    return seeding.make(0)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first, and notebooks: work left for the end leaves a worker idle."""
    slow = {file_of(item) for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: not (file_of(item) in slow or file_of(item).endswith(".ipynb")))


def file_of(item: pytest.Item) -> str:
    """The file of a test, or of a notebook's cell."""
    return item.nodeid.split("::")[0]
