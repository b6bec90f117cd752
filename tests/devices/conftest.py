"""A real accelerator for whole commands, or a pretended one where that is asked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
import torch

from hw5.testing.elsewhere import elsewhere

PRETEND = "HW5_ELSEWHERE"  # set to 1: minutes, as every operation is looked at


@pytest.fixture
def place() -> Callable[[], AbstractContextManager[torch.device]]:
    """A context in which a device works that is not the CPU."""
    if torch.accelerator.is_available():

        @contextmanager
        def real() -> Iterator[torch.device]:
            yield torch.accelerator.current_accelerator()

        return real
    if os.environ.get(PRETEND):
        return elsewhere
    pytest.skip(f"no accelerator here; {PRETEND}=1 pretends one")
