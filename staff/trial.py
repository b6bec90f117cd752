"""Runs the checks on changed copies of the package, many in little time.

Offers `try_all` and `Trial`. A copy of the package is made once; torch and all that students do not
edit are imported from it once; then each mutant is written into the copy and a fork of this process
runs the checks of its task, with a clock. So a mutant costs a fraction of a second and not an
import of torch. Needs a system that can fork. Read next: __main__.py.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from staff.mutation import STAFF, Mutant, apply, file_of

PACKAGE = STAFF.parent / "hw5"
TIMEOUT = 60.0  # seconds for the checks of one task; they take a fraction of one
# Imported before forking, since no mutant changes them and they take long.
GIVEN = ("hw5.config", "hw5.kit.files", "hw5.kit.checks", "hw5.kit.seeding", "hw5.checking.worker")


@dataclass(frozen=True)
class Trial:
    """What the checks said about a mutant."""

    mutant: Mutant
    failures: tuple[dict, ...]  # outcomes of its task that did not pass, as plain dicts
    slip: str  # the first slip that was named, with where to look
    ended: bool  # False: it took too long or the process died

    @property
    def is_caught(self) -> bool:
        """Did any check of its task fail?"""
        return bool(self.failures) or not self.ended

    @property
    def is_named(self) -> bool:
        """Does the first named slip say what the mutant does?"""
        words = self.mutant.hint
        return bool(words) and all(word.lower() in self.slip.lower() for word in words)


def try_all(mutants: Sequence[Mutant], *, seed: int = 0) -> Iterator[Trial]:
    """Check each mutant on a copy of the package, in order; for a process without hw5 imported.

    Raises:
        RuntimeError: hw5 is imported already, or this system cannot fork.
        MarksError: a mutant that does not fit the solved files.
    """
    if "hw5" in sys.modules or not hasattr(os, "fork"):
        raise RuntimeError("start `python -m staff` for this, on a system that can fork")
    sys.dont_write_bytecode = True
    with tempfile.TemporaryDirectory(prefix="hw5-mutants-") as folder:
        package = Path(folder) / "hw5"
        shutil.copytree(PACKAGE, package)
        sys.path.insert(0, folder)
        warm_up()
        for mutant in mutants:
            path = file_of(package, mutant.task)
            solved = path.read_text(encoding="utf-8")
            path.write_text(apply(mutant, solved), encoding="utf-8")
            try:
                yield try_one(mutant, seed)
            finally:
                path.write_text(solved, encoding="utf-8")


def warm_up() -> None:
    """Import what all forks need."""
    import torch

    torch.set_num_threads(1)
    for name in GIVEN:
        importlib.import_module(name)
    importlib.import_module("hw5.checking.worker").warm_up()
    importlib.import_module("hw5.checking.suite").all_checks()
    gc.freeze()  # forks then share what is there, instead of copying it page by page


def try_one(mutant: Mutant, seed: int) -> Trial:
    """Fork, run the checks of the mutant's task there, and read how they ended."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        run_child(mutant.task, seed, writing)
    os.close(writing)
    text, ended = read_all(reading, TIMEOUT)
    if not ended:
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    outcomes = [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]
    failures = tuple(o for o in outcomes if o["state"] != "passed")
    named = next((f"{o['slip']}: {o['look']}" for o in failures if o["slip"]), "")
    return Trial(mutant, failures, named, ended and bool(outcomes))


def run_child(task: str, seed: int, channel: int) -> None:
    """Run the checks of one task, write an outcome a line, and end this process."""
    try:
        from hw5.checking.suite import Check, all_checks
        from hw5.checking.worker import outcomes

        checks = [check for check in all_checks() if check.task == task]
        with os.fdopen(channel, "w", encoding="utf-8") as stream:
            for event in outcomes(checks, seed, tasks={}):
                if not isinstance(event, Check):
                    stream.write(json.dumps(asdict(event)) + "\n")
                    stream.flush()
                    if event.slip:  # named: the rest would tell nothing more
                        break
    finally:
        os._exit(0)


def read_all(descriptor: int, seconds: float) -> tuple[str, bool]:
    """All that comes until the other end closes, and whether it did within `seconds` of silence."""
    pieces = []
    with os.fdopen(descriptor, "rb", buffering=0) as stream:
        while select.select([stream], [], [], seconds)[0]:
            piece = stream.read(65536)
            if not piece:
                return b"".join(pieces).decode(), True
            pieces.append(piece)
    return b"".join(pieces).decode(), False
