"""A rubric in memory: parts with tasks, notebooks and columns, and what is said about cases.

Offers `Rubric`, `Part`, `Manual`, `Late`, `CaseRule`. Read next: rubric_file.py, which reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Manual:
    """Points that a person gives: a column of the gradebook."""

    name: str  # the column's head
    title: str  # what to look at
    points: float


@dataclass(frozen=True)
class Part:
    """A part of the course's own list; tasks of several files may belong to it."""

    name: str
    title: str
    points: float
    tasks: Mapping[str, float] = field(default_factory=dict)  # "1.2" -> points
    notebooks: Mapping[str, float] = field(default_factory=dict)  # "02_inversion" -> points
    manual: tuple[Manual, ...] = ()
    is_extra: bool = False  # beyond what all have to do; `points` is the most that counts


@dataclass(frozen=True)
class Late:
    """What lateness costs."""

    free_days: int  # a semester
    percent_a_day: float  # of the points, for each day beyond


@dataclass(frozen=True)
class CaseRule:
    """What a rubric says about a case; None leaves what the case itself says."""

    hidden: bool | None = None
    hint: str | None = None
    relative: float | None = None  # tolerance of float64 values
    absolute: float | None = None
    full: float | None = None  # of a search's curve: shares of the way that are left
    zero: float | None = None


@dataclass(frozen=True)
class Rubric:
    """One course's rules."""

    name: str
    title: str
    parts: tuple[Part, ...]
    late: Late
    tolerance: Mapping[str, float]
    # a search's credit: full up to `full` times, none from `zero` times the calibrated figure on
    curve: Mapping[str, float]
    rules: Mapping[str, CaseRule] = field(default_factory=dict)  # by "1.2 l1"
    text: str = ""  # of the file, for its digest

    @property
    def tasks(self) -> dict[str, float]:
        """Every task that gives points."""
        return {task: points for part in self.parts for task, points in part.tasks.items()}

    @property
    def manual(self) -> tuple[Manual, ...]:
        """Every column that a person fills."""
        return tuple(column for part in self.parts for column in part.manual)

    @property
    def out_of(self) -> float:
        """Points without extras."""
        return sum(part.points for part in self.parts if not part.is_extra)

    def rule(self, key: str) -> CaseRule:
        """What is said about a case."""
        return self.rules.get(key, CaseRule())
