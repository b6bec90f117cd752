"""The public checks as tests: pytest then grades code, with the hints in the failure's message.

Offers `checks_of`. The checks themselves are in hw5/checking/; they run once, all in one process.
"""

from __future__ import annotations

from functools import cache

import pytest

from hw5.checking.outcome import PASSED, UNWRITTEN
from hw5.checking.runner import run
from hw5.checking.suite import all_checks
from hw5.checking.table import message
from hw5.checking.tasks import find_tasks, part_of


@cache
def report():
    return run()


def checks_of(part):
    """A test for each check of a part."""
    checks = [(c.task, c.name) for c in all_checks() if part_of(c.task) == part]

    @pytest.mark.parametrize(("task", "name"), checks, ids=[f"{t}-{n}" for t, n in checks])
    def test_check(task, name):
        outcome = next(o for o in report()[task].outcomes if o.name == name)
        if outcome.state == UNWRITTEN:
            number = outcome.blocked_by or task
            pytest.skip(f"task {number} is yours to write: {find_tasks()[number].place}")
        if outcome.state != PASSED:
            pytest.fail(message(report()[task], outcome), pytrace=False)

    return test_check
