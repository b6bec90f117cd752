"""Do the public checks say what they must: no stub passes, and every solution does?

Offers `stubs_that_pass` and `solutions_that_fail`. The checks run as a student runs them, in
another process that imports the given folder's hw5.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

SECONDS = 600  # for all checks of one folder; they take about ten
_PROGRAM = """
import dataclasses, json, sys
from hw5.checking.runner import run
report = run(sys.argv[1:])
print(json.dumps([dataclasses.asdict(o) for task in report.tasks for o in task.outcomes]))
"""


def stubs_that_pass(tree: Path, names: Sequence[str] = ()) -> list[str]:
    """A line for each check that does not say "not filled in" of the student's folder."""
    return [
        f"task {o['task']}: the stub {'passes' if o['state'] == 'passed' else 'does not stop'} the "
        f"check {o['name']!r} ({o['state']})"
        for o in outcomes(tree, names)
        if o["state"] != "not filled in"
    ]


def solutions_that_fail(root: Path, names: Sequence[str] = ()) -> list[str]:
    """A line for each check that the solved folder does not pass."""
    return [
        f"task {o['task']}: the solution fails the check {o['name']!r}: {o['seen']}"
        for o in outcomes(root, names)
        if o["state"] != "passed"
    ]


def outcomes(folder: Path, names: Sequence[str]) -> list[dict]:
    """What the checks of parts or tasks say in `folder`; of all of them without names.

    Raises:
        RuntimeError: they could not be run.
    """
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, *names],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason was given"])[-1]
        raise RuntimeError(f"{folder}: the checks could not be run: {last}")
    return json.loads(done.stdout)
