"""The checks of a part: short functions, each a fact, with points.

Offers `Suite`, `Check`, `Later`, `all_checks` and `needs_of`. A check is a function of a seed that
raises `expect.Wrong`; its docstring is the fact. Read next: losses.py.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hw5.checking.tasks import PARTS, order

# One module per part, or several where a part is large.
MODULES = ("losses", "losses_networks", "latents", "projector", "search", "interpolate", "draw",
           "inversion", "inversion_tuning")  # fmt: skip


@dataclass(frozen=True)
class Check:
    """One fact about one task."""

    task: str  # "1.2"
    name: str  # of its function
    says: str  # the fact, one sentence
    points: int
    run: Callable[[int], None]  # from a seed; raises Wrong


class Suite:
    """The checks of a module, in order."""

    def __init__(self, needs: Mapping[str, tuple[str, ...]]) -> None:
        """Begin with no check.

        Args:
            needs: task -> tasks that it calls, and that must be right before it can be.
        """
        self.needs, self.checks = dict(needs), []

    def check(self, task: str, points: int = 1) -> Callable[[Callable[[int], None]], Callable]:
        """Decorator: the function below is a check of this task."""

        def add(function: Callable[[int], None]) -> Callable[[int], None]:
            says = " ".join((function.__doc__ or "").split())
            self.checks.append(Check(task, function.__name__, says, points, function))
            return function

        return add


class Later:
    """A module that is imported when first used: a student's file may not even parse."""

    def __init__(self, name: str) -> None:
        """Remember the name."""
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        """An attribute of the module, imported now if need be."""
        return getattr(importlib.import_module(self._name), attribute)

    def module(self) -> Any:
        """The module itself."""
        return importlib.import_module(self._name)


def suites() -> list[Suite]:
    """Every suite; imports torch."""
    return [importlib.import_module(f"hw5.checking.{name}").suite for name in MODULES]


def all_checks() -> list[Check]:
    """Every check of every part, in the order of the tasks."""
    return sorted((c for suite in suites() for c in suite.checks), key=lambda c: order(c.task))


def needs_of(tasks: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Task -> what it needs, for these tasks and for all that they need in turn."""
    known = {task: needs for suite in suites() for task, needs in suite.needs.items()}
    found: dict[str, tuple[str, ...]] = {}
    left = list(tasks)
    while left:
        task = left.pop()
        if task not in found:
            found[task] = known.get(task, ())
            left += found[task]
    return found


def chosen_tasks(names: Iterable[str], checks: Iterable[Check]) -> list[str]:
    """Task numbers behind names: parts ("losses"), their numbers ("1"), or tasks ("1.2").

    No names mean all tasks.

    Raises:
        InputError: a name that is none of these.
    """
    known = sorted({check.task for check in checks}, key=order)
    names = list(names) or list(PARTS)
    chosen: list[str] = []
    for name in names:
        part = str(list(PARTS).index(name) + 1) if name in PARTS else name
        found = [task for task in known if part in (task, task.split(".")[0])]
        if not found:
            from hw5.kit.checks import check_choice

            check_choice("part", name, [*PARTS, *known])
        chosen += found
    return [task for task in known if task in chosen]
