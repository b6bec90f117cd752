"""What a hundred thousand submissions cost: a cluster in a few dozen lines of queueing.

Offers `Cluster`, `Simulated` and `simulate`. Each worker takes the next submission when it is free.
A submission takes the measured time, some take much longer, a worker may be lost with what it has
in hand, and its submissions go back to the front of the queue. Before each dispatch stands one
scheduler, and behind each result one writer of result files: whichever is busy longest saturates
first. Read next: docs/grading_at_scale.md, whose figures `python -m staff scale` prints.
"""

from __future__ import annotations

import heapq
import math
import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Cluster:
    """What the simulation assumes. Times in seconds, prices in dollars."""

    submissions: int = 100_000
    workers: int = 200
    seconds: float = 4.2  # a submission on one core: the median (measured by `bench`)
    spread: float = 0.25  # of the logarithm of the time: machines and students differ (assumed)
    straggler_share: float = 0.02  # submissions that run into a limit (assumed)
    straggler_seconds: float = 60.0  # what those take: the sum of their limits (assumed)
    lost_per_hour: float = 0.05  # share of workers lost in an hour: preemption (assumed)
    replace_seconds: float = 120.0  # until a lost worker is replaced, machine and imports (assumed)
    start_seconds: float = 60.0  # until the first worker begins: machine, imports, exam (assumed)
    dispatch_seconds: float = 0.01  # the scheduler, for each submission (measured by `scale`)
    write_seconds: float = 0.06  # a durable result file, for each (measured by `scale`)
    dollars_per_core_hour: float = 0.04  # an assumption; put in what yours costs
    failure_share: float = 0.001  # attempts that fail by our doing and are made again (assumed)


@dataclass(frozen=True)
class Simulated:
    """What came of it."""

    hours: float  # from the start to the last result
    core_hours: float  # paid for, idle and lost time included
    wasted_hours: float  # of core_hours, spent on attempts that were lost or failed
    attempts: int  # at least one for each submission
    lost_workers: int
    dollars: float
    busy: dict[str, float]  # share of the time that workers, scheduler and writer were busy

    @property
    def bottleneck(self) -> str:
        """What is busiest."""
        return max(self.busy, key=self.busy.__getitem__)


@dataclass
class _Desk:
    """Something that serves one at a time."""

    free: float = 0.0
    busy: float = 0.0

    def serve(self, now: float, seconds: float) -> float:
        """When what comes now is done."""
        self.free = max(now, self.free) + seconds
        self.busy += seconds
        return self.free


def simulate(cluster: Cluster, draw: random.Random) -> Simulated:
    """Grade all submissions once in simulated time; every one ends with a result.

    Raises:
        ValueError: no worker, no submission, or workers that are lost faster than they work.
    """
    check(cluster)
    scheduler, writer = _Desk(), _Desk()
    free = [cluster.start_seconds] * cluster.workers  # when each worker can begin
    left, attempts, lost = cluster.submissions, 0, 0
    useful = wasted = end = 0.0
    while left:
        now = heapq.heappop(free)
        begin = scheduler.serve(now, cluster.dispatch_seconds)
        needs, lasts = time_of_one(cluster, draw), life_of_worker(cluster, draw)
        attempts += 1
        if lasts < needs:  # the worker is gone before it is done
            lost, wasted = lost + 1, wasted + lasts
            heapq.heappush(free, begin + lasts + cluster.replace_seconds)
            continue
        heapq.heappush(free, begin + needs)
        if draw.random() < cluster.failure_share:
            wasted += needs
            continue
        left, useful = left - 1, useful + needs
        end = max(end, writer.serve(begin + needs, cluster.write_seconds))
    paid = cluster.workers * end
    return Simulated(
        hours=end / 3600,
        core_hours=paid / 3600,
        wasted_hours=wasted / 3600,
        attempts=attempts,
        lost_workers=lost,
        dollars=paid / 3600 * cluster.dollars_per_core_hour,
        busy={
            "workers": (useful + wasted) / paid,
            "scheduler": scheduler.busy / end,
            "writer of results": writer.busy / end,
        },
    )


def time_of_one(cluster: Cluster, draw: random.Random) -> float:
    """Seconds that one submission takes on a worker."""
    if draw.random() < cluster.straggler_share:
        return cluster.straggler_seconds
    return cluster.seconds * math.exp(draw.gauss(0, cluster.spread))


def life_of_worker(cluster: Cluster, draw: random.Random) -> float:
    """Seconds until a worker is lost, counted from now: loss has no memory."""
    if not cluster.lost_per_hour:
        return math.inf
    return draw.expovariate(-math.log1p(-cluster.lost_per_hour) / 3600)


def check(cluster: Cluster) -> None:
    """Require a cluster that can finish.

    Raises:
        ValueError: it cannot.
    """
    for name in ("submissions", "workers", "seconds"):
        if getattr(cluster, name) <= 0:
            raise ValueError(f"{name}: expected more than 0, got {getattr(cluster, name)}")
    for name in ("straggler_share", "lost_per_hour", "failure_share"):
        if not 0 <= getattr(cluster, name) < 1:
            raise ValueError(f"{name}: expected a share from 0 to 1, got {getattr(cluster, name)}")
