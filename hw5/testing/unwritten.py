"""A pytest plugin: a test that fails for want of an unwritten task is skipped, and says which.

So `make test` is green on the first day and grows with each task. A failure counts as such only if
its text names a task that is unwritten at this moment; with all tasks written nothing is skipped.
pyproject.toml switches the plugin on. Read next: hw5/checking/tasks.py.
"""

from __future__ import annotations

import re
from collections.abc import Generator

import pytest

from hw5.checking.tasks import PACKAGE, Task, find_tasks

# "task 1.2: pixel_loss" as a stub says it, "Task 1.2 is yours" as a notebook does
_NAMED = re.compile(r"\btask (\d+\.\d+)(?:: | is yours)", re.IGNORECASE)
_TASKS = pytest.StashKey[dict[str, Task]]()


def pytest_configure(config: pytest.Config) -> None:
    """Read once which tasks are still to be written."""
    tasks = find_tasks()
    config.stash[_TASKS] = {number: task for number, task in tasks.items() if task.unwritten}


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
        reason = f"task {task.number}, {task.function}, is yours to write"
        report.longrepr = (str(PACKAGE.parent / task.file), task.unwritten, reason)
