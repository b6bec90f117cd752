"""A pytest plugin: a test that fails for want of an unwritten task is skipped, and says which.

So `make test` is green on the first day and grows with each task. A failure counts as such only if
its text names a task that is unwritten at this moment; with all tasks written nothing is skipped.
A test whose failure cannot name it says so beforehand: `@pytest.mark.needs("latents", "3.5")`, or
`needs()` for the course's five parts. pyproject.toml switches the plugin on. Read next: hw5/checking/tasks.py.
"""

from __future__ import annotations

import re
from collections.abc import Generator

import pytest

from hw5.checking.tasks import PACKAGE, PARTS, Task, find_tasks, part_of

# "task 1.2: pixel_loss" as a stub says it, "Task 1.2 is yours" as a notebook does
_NAMED = re.compile(r"\btask (\d+\.\d+)(?:: | is yours)", re.IGNORECASE)
_TASKS = pytest.StashKey[dict[str, Task]]()


def pytest_configure(config: pytest.Config) -> None:
    """Read once which tasks are still to be written."""
    tasks = find_tasks()
    config.stash[_TASKS] = {number: task for number, task in tasks.items() if task.unwritten}


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test that needs an unwritten task before it begins."""
    mark = item.get_closest_marker("needs")
    if mark is None:
        return
    wanted = mark.args or tuple(PARTS)[:-1]  # all but the advanced part
    for number, task in item.config.stash[_TASKS].items():
        if number in wanted or part_of(number) in wanted:
            pytest.skip(reason_of(task))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a failure into a skip where it names an unwritten task."""
    report = yield
    skip_if_unwritten(report, item.config.stash[_TASKS])
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a file of tests that needs a task as soon as it is read."""
    report = yield
    skip_if_unwritten(report, collector.config.stash[_TASKS])
    return report


def skip_if_unwritten(
    report: pytest.TestReport | pytest.CollectReport, tasks: dict[str, Task]
) -> None:
    """Make a failed report a skipped one, at the task's line, if one of `tasks` is its reason."""
    if not tasks or not report.failed:
        return
    said = "\n".join([report.longreprtext, *(text for _, text in report.sections)])
    named = [tasks[number] for number in _NAMED.findall(said) if number in tasks]
    if named:
        task = named[-1]  # the innermost error stands last
        report.outcome = "skipped"
        report.longrepr = (str(PACKAGE.parent / task.file), task.unwritten, reason_of(task))


def reason_of(task: Task) -> str:
    """Why a test is skipped."""
    return f"task {task.number}, {task.function}, is yours to write"
