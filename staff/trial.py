"""Runs the checks on changed copies of the package, many in little time.

Offers `try_all` and `Trial`. A copy of the package is made once; torch and all that students do not
edit are imported from it once. Then each mutant is written into the copy, the students' modules are
forgotten and so imported anew, and the checks of its task are run: a fraction of a second, and not
an import of torch. Mutants are our own, so they need no sandbox, only a clock. Read next:
__main__.py.
"""

from __future__ import annotations

import contextlib
import importlib
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from staff.mutation import STAFF, Mutant, apply, files_of_tasks

if TYPE_CHECKING:
    from hw5.checking.outcome import Outcome

PACKAGE = STAFF.parent / "hw5"
TIMEOUT = 60  # seconds for the checks of one task; they take a fraction of one
# Imported once, since no mutant changes them and they take long.
GIVEN = ("hw5.config", "hw5.kit.files", "hw5.kit.checks", "hw5.kit.seeding", "hw5.checking.worker")


@dataclass(frozen=True)
class Trial:
    """What the checks said about a mutant."""

    mutant: Mutant
    failures: tuple[Outcome, ...]  # of its task, up to the first with a slip

    @property
    def slip(self) -> str:
        """The first slip that was named, with where to look; "" if none was."""
        return next((f"{o.slip}: {o.look}" for o in self.failures if o.slip), "")

    @property
    def is_caught(self) -> bool:
        """Did any check of its task fail?"""
        return bool(self.failures)

    @property
    def is_named(self) -> bool:
        """Does the first named slip say what the mutant does?"""
        words = self.mutant.hint
        return bool(words) and all(word.lower() in self.slip.lower() for word in words)


def try_all(mutants: Sequence[Mutant], *, seed: int = 0) -> Iterator[Trial]:
    """Check each mutant on a copy of the package, in order; for a process without hw5 imported.

    Raises:
        RuntimeError: a student's file is imported already.
        MarksError: a mutant that does not fit the solved files.
    """
    for mutant in changed_packages(mutants):
        if mutant is not None:
            yield try_one(mutant, seed)


def changed_packages(mutants: Sequence[Mutant]) -> Iterator[Mutant | None]:
    """None while the solved package can be imported, then each mutant while its change can.

    Raises:
        RuntimeError: a student's file is imported already.
        MarksError: a mutant that does not fit the solved files.
    """
    if "hw5" in sys.modules:
        raise RuntimeError("hw5 is imported already; start `python -m staff` for this")
    sys.dont_write_bytecode = True
    with tempfile.TemporaryDirectory(prefix="hw5-mutants-") as folder:
        package = Path(folder) / "hw5"
        shutil.copytree(PACKAGE, package)
        sys.path.insert(0, folder)
        warm_up()
        given, files = set(sys.modules), files_of_tasks(package)
        yield None
        for mutant in mutants:
            with changed(files[mutant.task], mutant):
                forget_all_but(given)
                yield mutant


@contextlib.contextmanager
def changed(path: Path, mutant: Mutant) -> Iterator[None]:
    """The file with the mutant's change, and as it was afterwards."""
    solved = path.read_text(encoding="utf-8")
    path.write_text(apply(mutant, solved), encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(solved, encoding="utf-8")


def warm_up() -> None:
    """Import what all mutants share."""
    import torch

    torch.set_num_threads(1)
    for name in GIVEN:
        importlib.import_module(name)
    importlib.import_module("hw5.checking.worker").warm_up()
    importlib.import_module("hw5.checking.suite").all_checks()


def forget_all_but(given: set[str]) -> None:
    """Make Python import anew what is not among `given`, modules and their parents' attributes."""
    for name in [name for name in sys.modules if name.startswith("hw5.") and name not in given]:
        parent, _, child = name.rpartition(".")
        if hasattr(sys.modules.get(parent), child):
            delattr(sys.modules[parent], child)
        del sys.modules[name]


def try_one(mutant: Mutant, seed: int) -> Trial:
    """Run the checks of the mutant's task until one names a slip."""
    from hw5.checking.outcome import PASSED
    from hw5.checking.suite import Check, all_checks
    from hw5.checking.worker import outcomes

    checks = [check for check in all_checks() if check.task == mutant.task]
    failures: list[Outcome] = []
    with clock(TIMEOUT):
        for event in outcomes(checks, seed, tasks={}):
            if not isinstance(event, Check) and event.state != PASSED:
                failures.append(event)
                if event.slip:
                    break
    return Trial(mutant, tuple(failures))


@contextlib.contextmanager
def clock(seconds: int) -> Iterator[None]:
    """Raise TimeoutError in the block after so many seconds, on systems that have alarms."""

    def ring(*_: object) -> None:
        raise TimeoutError(f"it had not ended after {seconds} seconds")

    if not hasattr(signal, "SIGALRM"):
        yield
        return
    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
