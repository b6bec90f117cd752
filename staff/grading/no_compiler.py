"""Spares a worker the import of torch's compiler, which costs more than all cases together.

Offers `stand_in`. torch's optimisers import torch._dynamo for two functions, to say that they are
not to be compiled: `disable`, `graph_break`. Here nothing is compiled, so both do nothing. Whoever
asks for anything else gets the real module.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

NAME = "torch._dynamo"


def stand_in() -> None:
    """Put a module of two functions in the compiler's place, unless it is there already."""
    import torch

    if NAME in sys.modules:
        return
    module = ModuleType(NAME)
    module.disable = disable
    module.graph_break = lambda *_: None
    module.__getattr__ = real_attribute
    sys.modules[NAME] = module
    torch._dynamo = module


def disable(function: Callable, *_: Any, **__: Any) -> Callable:  # noqa: ANN401
    """The function itself: nothing would compile it."""
    return function


def real_attribute(name: str) -> Any:  # noqa: ANN401
    """An attribute of the real compiler, which from now on is there."""
    import torch

    if name.startswith("__"):
        raise AttributeError(name)
    sys.modules.pop(NAME, None)
    torch._dynamo = importlib.import_module(NAME)
    return getattr(torch._dynamo, name)
