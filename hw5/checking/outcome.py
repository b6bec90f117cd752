"""What became of the checks: outcomes, gathered by task, with points and reasons.

Offers `Outcome`, `TaskReport` and `Report`. Read next: table.py, which writes a report down, and
runner.py, which makes one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hw5.checking.tasks import Task, part_of

PASSED, FAILED, UNWRITTEN, STUCK, SKIPPED = "passed", "failed", "not filled in", "stuck", "skipped"


@dataclass(frozen=True)
class Outcome:
    """What became of one check."""

    task: str  # "1.2"
    name: str  # of the check
    says: str  # the fact that was checked
    points: int  # to be had
    state: str  # PASSED, FAILED, UNWRITTEN (a stub was reached), STUCK (no end) or SKIPPED
    seen: str = ""  # what was seen instead, one line
    slip: str = ""  # the slip behind it, if it is known
    look: str = ""  # where to look
    blocked_by: str = ""  # a task that must be right first
    printed: str = ""  # what the student's code printed meanwhile


@dataclass(frozen=True)
class TaskReport:
    """The outcomes of one task."""

    number: str
    task: Task | None  # None where its file does not parse
    outcomes: tuple[Outcome, ...]
    first: tuple[str, ...] = ()  # tasks it needs that fail their own checks: to be mended first

    @property
    def points(self) -> int:
        """Points earned."""
        return sum(o.points for o in self.outcomes if o.state == PASSED)

    @property
    def possible(self) -> int:
        """Points to be had."""
        return sum(o.points for o in self.outcomes)

    @property
    def state(self) -> str:
        """PASSED, UNWRITTEN, or FAILED for anything else."""
        if all(o.state == PASSED for o in self.outcomes):
            return PASSED
        own_stub = [o for o in self.outcomes if o.state == UNWRITTEN and not o.blocked_by]
        return UNWRITTEN if own_stub else FAILED

    @property
    def failures(self) -> tuple[Outcome, ...]:
        """What did not pass, in order."""
        return tuple(o for o in self.outcomes if o.state != PASSED)

    @property
    def headline(self) -> Outcome | None:
        """The failure to read first: one whose slip is known, if there is one."""
        named = [o for o in self.failures if o.slip]
        return (named or [*self.failures, None])[0]


@dataclass(frozen=True)
class Report:
    """What became of the tasks that were asked for."""

    tasks: tuple[TaskReport, ...]
    seconds: float = 0.0

    @property
    def points(self) -> int:
        """Points earned."""
        return sum(task.points for task in self.tasks)

    @property
    def possible(self) -> int:
        """Points to be had."""
        return sum(task.possible for task in self.tasks)

    @property
    def passed(self) -> bool:
        """Are all points there?"""
        return all(task.state == PASSED for task in self.tasks)

    def __getitem__(self, number: str) -> TaskReport:
        """The report of a task, such as report["1.2"]."""
        return next(task for task in self.tasks if task.number == number)

    def __repr__(self) -> str:
        """Short, for the end of a notebook's cell: `check` has printed the whole."""
        parts = dict.fromkeys(part_of(task.number) for task in self.tasks)
        return f"<{', '.join(parts)}: {self.points} of {self.possible} points>"


def gather(
    outcomes: Iterable[Outcome],
    tasks: Mapping[str, Task],
    needs: Mapping[str, tuple[str, ...]],
    wanted: Iterable[str],
    seconds: float = 0.0,
) -> Report:
    """A report of the wanted tasks from the outcomes of these and of what they need.

    Args:
        outcomes: of all checks that were run.
        tasks: what is known of each task.
        needs: task -> tasks that it needs, for every task among the outcomes.
        wanted: the tasks to report, in order.
        seconds: that it took.
    """
    by_task: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by_task.setdefault(outcome.task, []).append(outcome)
    failing = {n for n, found in by_task.items() if any(o.state != PASSED for o in found)}
    reports = []
    for number in wanted:
        first = roots(number, needs, failing) if number in failing else ()
        found = tuple(by_task.get(number, ()))
        reports.append(TaskReport(number, tasks.get(number), found, first))
    return Report(tuple(reports), seconds)


def roots(task: str, needs: Mapping[str, tuple[str, ...]], failing: set[str]) -> tuple[str, ...]:
    """The failing tasks that `task` needs, however indirectly, and that need no failing one."""
    found: dict[str, None] = {}
    for need in needs.get(task, ()):
        deeper = roots(need, needs, failing)
        found |= dict.fromkeys(deeper or ((need,) if need in failing else ()))
    return tuple(found)
