"""Two figures of the simulation, measured here: a dispatch through Dask, and a durable result file.

Offers `dispatch_seconds` and `write_seconds`. Read next: simulation.py.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from statistics import median

from staff.batch import crew, run
from staff.batch.store import Store
from staff.batch.submissions import Submission
from staff.grading.graded import GRADED, PASSED, CaseResult, Graded, TaskResult

COUNT = 1000
TASKS, CASES = 40, 4  # about what a result of all parts holds


def sample(name: str) -> Graded:
    """A result of usual size."""
    cases = (CaseResult("a name of usual length", "1.2", PASSED, score=1.0),) * CASES
    return Graded(name, GRADED, tasks=(TaskResult("1.2", "pixel_loss", 1.0, 1.0, cases),) * TASKS)


def nothing(submission: Submission) -> Graded:
    """A grader that has nothing to do, so that only the way there and back is left."""
    return sample(submission.name)


def dispatch_seconds() -> float:
    """Processor seconds that a submission costs scheduler and driver, results of usual size.

    Both live in this process here, and each does one thing at a time. On a cluster they have a
    process each, so this is no less than what either takes.

    Raises:
        InputError: Dask is not installed.
    """
    todo = [Submission(f"s{i}", Path(f"s{i}")) for i in range(COUNT)]
    with crew.local_cluster(nothing, 2) as hands:
        list(run.results(todo[:100], hands))  # warm: connections, imports
        before = time.process_time()
        list(run.results(todo, hands))
        return (time.process_time() - before) / COUNT


def write_seconds() -> float:
    """Seconds after which a result file is on the disk, the median of many."""
    with tempfile.TemporaryDirectory(prefix="hw5-measure-") as folder:
        store, times = Store(Path(folder)), []
        for i in range(COUNT):
            began = time.perf_counter()
            store.write(sample(f"s{i}"))
            times.append(time.perf_counter() - began)
        return median(times)
