"""Runs checks in another process, with a clock: the door behind `check`.

Offers `run`. Each check has `timeout` seconds. One that has not ended by then is ended with its
process, whatever it does (an endless loop, a lock, a huge tensor), and counts as failed; the
checks after it go on in a new process, without those of the same task and of tasks that need it.
This module imports no torch: the other process does. Read next: worker.py.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from typing import IO

from hw5.checking.outcome import STUCK, Outcome, Report, gather
from hw5.checking.tasks import PACKAGE, Task

TIMEOUT = 15.0  # seconds for one check; on an idle laptop none takes a tenth of one
START = 120.0  # seconds for the process to start: importing torch from a cold disk


class WorkerDied(Exception):
    """The process ended, or was ended, before it had finished."""


def run(
    names: Sequence[str] = (), *, seed: int = 0, threads: int = 1, timeout: float = TIMEOUT
) -> Report:
    """Check parts or tasks.

    Args:
        names: parts ("losses"), their numbers ("1") or tasks ("1.2"); none for all.
        seed: of the drawn examples; every seed must give the same verdict.
        threads: that torch may use.
        timeout: seconds for each check.

    Raises:
        InputError: an unknown name, or a time that is not positive.
        RuntimeError: the other process cannot start, for instance because torch is missing.
    """
    if not 0 < timeout < float("inf"):
        from hw5.kit.checks import InputError  # here: it brings torch along, seconds for nothing

        raise InputError.about("timeout", expected="a positive number of seconds", got=timeout)
    began = time.perf_counter()
    request = {"names": list(names), "seed": seed, "threads": threads}
    done: list[Outcome] = []
    stuck: list[str] = []
    while True:
        with Worker(request | {"done": len(done), "stuck": stuck}) as worker:
            plan = worker.plan()
            try:
                for outcome in worker.outcomes(timeout):
                    done.append(outcome)
                break
            except WorkerDied as death:
                if worker.begun is None:
                    raise RuntimeError(worker.last_words()) from death
                done.append(did_not_end(worker.begun, str(death)))
                stuck.append(done[-1].task)
    tasks = {number: Task(**task) for number, task in plan["tasks"].items()}
    return gather(done, tasks, plan["needs"], plan["wanted"], time.perf_counter() - began)


class Worker:
    """A process that runs checks and says how they end."""

    def __init__(self, request: dict) -> None:
        """Start it."""
        self.begun: dict | None = None  # the check that runs now
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        paths = [str(PACKAGE.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "hw5.checking.worker", json.dumps(request)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        )
        self._lines: queue.Queue[bytes] = queue.Queue()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def __enter__(self) -> Worker:
        """Nothing more to do."""
        return self

    def __exit__(self, *error: object) -> None:
        """End the process, whether or not it has finished."""
        self._process.kill()
        self._process.wait()
        self._listener.join()
        self._errors.close()

    def _listen(self) -> None:
        """Pass lines on, and an empty one at the end: reading a pipe knows no timeout."""
        with self._process.stdout as stream:
            for line in stream:
                self._lines.put(line)
        self._lines.put(b"")

    def _event(self, seconds: float) -> dict:
        """The next thing the process says.

        Raises:
            WorkerDied: it says nothing for so long, or has ended.
        """
        try:
            line = self._lines.get(timeout=seconds)
        except queue.Empty:
            raise WorkerDied(f"it had not ended after {seconds:g} seconds") from None
        if not line:
            status = self._process.wait()
            raise WorkerDied(f"the process ended in it, with status {status}")
        return json.loads(line)

    def plan(self) -> dict:
        """What will be run: wanted tasks, what they need, and what is known of each.

        Raises:
            InputError: an unknown name was asked for.
            RuntimeError: the process cannot start.
        """
        try:
            plan = self._event(START)
        except WorkerDied as death:
            raise RuntimeError(self.last_words()) from death
        if "refused" in plan:
            from hw5.kit.checks import InputError

            raise InputError(plan["refused"])
        return plan

    def outcomes(self, timeout: float) -> Iterator[Outcome]:
        """Each check's outcome as it ends.

        Raises:
            WorkerDied: a check took longer than `timeout`, or ended the process.
        """
        while "finished" not in (event := self._event(timeout)):
            if "begins" in event:
                self.begun = event["begins"]
            else:
                self.begun = None
                yield Outcome(**event["ends"])

    def last_words(self) -> str:
        """The last line that the process wrote to its standard error."""
        self._process.kill()
        self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return f"the checks could not be run: {lines[-1] if lines else 'no reason was given'}"


def did_not_end(begun: dict, seen: str) -> Outcome:
    """The outcome of the check that was running when its process was ended, or ended itself."""
    if "seconds" in seen:
        slip, look = "does not end", "is there a loop whose condition never becomes false?"
    else:
        slip, look = "ends Python itself", "memory used up, or os._exit called?"
    return Outcome(**begun, state=STUCK, seen=seen, slip=slip, look=look)
