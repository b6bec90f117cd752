"""A batch that is killed again and again: `python killed_batches.py IN OUT TIMES SEED`.

Each round forks a process that grades with a fake grader, and kills it with signal 9 at a random
moment; the last round is left alone. Prints a line for each round as JSON: how many results there
were when the round ended, and whether any earlier result file was touched by it.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from grading_fakes import FakeGrader

from staff.batch import crew, run
from staff.batch.store import Store
from staff.batch.submissions import find

COMMON = {"tests": "t1"}
SECONDS = 0.01  # that the fake grader takes for each


def grade(handed_in: Path, out: Path) -> None:
    """What a batch does, from the lock to the last result."""
    store = Store(out)
    lock = store.lock()
    store.sweep()
    planned = run.plan(find(handed_in), store, COMMON)
    with crew.threads(FakeGrader(out.parent / "log", SECONDS), 2) as hands:
        run.grade_all(planned, store, hands)
    lock.release()


def files(out: Path) -> dict[str, int]:
    """The result files, each with its inode: a file written again has another."""
    return {p.name: p.stat().st_ino for p in out.glob("[!.]*.json")}


def one_round(handed_in: Path, out: Path, more: int | None, pause: float) -> dict[str, object]:
    """Grade in a process of its own, killed `pause` seconds after so many more results."""
    before, child = files(out), os.fork()
    if child == 0:
        try:
            grade(handed_in, out)
        finally:
            os._exit(0)
    if more is not None:
        while len(files(out)) < len(before) + more and not has_ended(child):
            time.sleep(0.001)
        time.sleep(pause)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    after = files(out)
    touched = [name for name in before if after.get(name) != before[name]]
    return {"killed": os.WIFSIGNALED(status), "results": len(after), "touched": touched}


def has_ended(child: int) -> bool:
    """Is the child a process that only waits to be asked for?"""
    return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def main(handed_in: str, out: str, times: str, seed: str) -> None:
    """Kill `times` times, then let it end."""
    draw, count = random.Random(int(seed)), len(find(Path(handed_in)))
    for _ in range(int(times)):
        more = draw.randrange(round(1.5 * count / int(times)))
        ended = one_round(Path(handed_in), Path(out), more, draw.uniform(0, 2 * SECONDS))
        sys.stdout.write(json.dumps(ended) + "\n")
    sys.stdout.write(json.dumps(one_round(Path(handed_in), Path(out), None, 0)) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
