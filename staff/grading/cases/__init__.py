"""What is asked of a submission: a module of cases for each part, or two where a part is large.

Offers `all_cases`. Each case is one decorated function: what the worker calls, between the numbers
that the parent draws and the judgement that the parent passes. None holds an answer, so the worker
may have these files beside the student's. Read next: case.py, then losses.py as an example.
"""

from __future__ import annotations

import importlib
from functools import cache

from staff.grading.cases.case import Case

MODULES = (
    "losses", "losses_networks", "latents", "codes", "steps", "projector", "interpolate", "draw",
    "inversion", "inversion_tuning",
)  # fmt: skip


@cache
def all_cases() -> tuple[Case, ...]:
    """Every case of every part, in the order of the tasks."""
    suites = (importlib.import_module(f"{__name__}.{module}").suite for module in MODULES)
    found = sorted((case for suite in suites for case in suite.cases), key=lambda case: case.order)
    twice = len(found) - len({case.key for case in found})
    if twice:
        raise ValueError(f"{twice} cases have the name of another of their task")
    return tuple(found)
