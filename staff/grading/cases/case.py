"""One question to a student's function: what is drawn, what is called, how the answer is judged.

Offers `Case`, `Suite` and `Later`. A case is written once and used in two processes:
- the parent draws `inputs` from the exam's secret seed, and judges what comes back;
- the worker, in the jail, gives them to `call`, which holds no answer: the solved functions are
  called in the same way, and what they say is the answer.

Read next: judge.py for the ways to judge, losses.py for cases.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np

Arrays = Mapping[str, np.ndarray]
Call = Callable[[SimpleNamespace], Mapping[str, Any]]  # tensors by name -> tensors, numbers
# A fact about inputs and answer alone: "" where it holds, else what was seen instead.
Relation = Callable[[Arrays, Arrays], str]
MANNERS = {  # of a case about them
    "hidden": True,
    "hint": "edit no argument, make new tensors like the arguments, let gradients pass",
}
# How much of the way to the best possible answer is still to go: 0 is perfect, 1 the start.
Measure = Callable[[Arrays, Arrays], float]


class Later:
    """A module that is imported when a call first uses it: torch and hw5 in the worker alone."""

    def __init__(self, name: str) -> None:
        """Remember the name."""
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        """An attribute of the module, imported now if need be."""
        return getattr(importlib.import_module(self._name), attribute)


@dataclass(frozen=True)
class Case:
    """One question; see the module's text for what runs where."""

    task: str  # "1.2"
    name: str
    says: str  # the fact that is asked for, one sentence
    inputs: Callable[[np.random.Generator], Arrays]  # in the parent
    call: Call  # in the worker
    module: str  # the student's module, imported before: "hw5.losses"
    hint: str = ""  # where to look
    weight: float = 1.0  # within its task
    hidden: bool = False  # unless the rubric says otherwise
    free: frozenset[str] = frozenset()  # answers that right solutions need not share
    relations: tuple[Relation, ...] = ()
    measure: Measure | None = None  # credit by a curve of the rubric, beside all the above
    seconds: float = 10.0  # by the wall's clock; cases take hundredths, on a crowded machine one
    needs: tuple[str, ...] = ()  # tasks whose functions are called as well

    @property
    def key(self) -> str:
        """What a rubric calls it: "1.2 l1"."""
        return f"{self.task} {self.name}"

    @property
    def order(self) -> tuple[int, int]:
        """Sorts task 1.10 after 1.9."""
        part, number = self.task.split(".")
        return int(part), int(number)


@dataclass
class Suite:
    """The cases of a module, in order."""

    module: str  # "hw5.losses"
    needs: Mapping[str, Sequence[str]] = field(default_factory=dict)  # task -> tasks it calls
    cases: list[Case] = field(default_factory=list)

    def case(
        self,
        task: str,
        inputs: Callable[[np.random.Generator], Arrays],
        *,
        free: Iterable[str] = (),
        module: str = "",
        **options: Any,
    ) -> Callable[[Call], Call]:
        """Decorator: the function below is what the worker calls; its docstring is the fact.

        Args:
            task: "1.2".
            inputs: draws what it is called with.
            free: names of answers that only relations and measure judge.
            module: where it is not the suite's.
            options: further fields of `Case`.
        """

        def add(call: Call) -> Call:
            says = " ".join((call.__doc__ or "").split())
            case = Case(
                task,
                call.__name__,
                says,
                inputs,
                call,
                module=module or self.module,
                needs=tuple(self.needs.get(task, ())),
                free=frozenset(free),
                **options,
            )
            self.cases.append(case)
            return call

        return add
