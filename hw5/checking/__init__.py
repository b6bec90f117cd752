"""The public checks: how many points the functions have that students write, and why not more.

Offers `check` for notebooks (the command line has `python -m hw5 check`), and `Report`, its answer.
A check compares a function with hand-made examples, closed forms, finite differences and small
networks whose answers are known; when it fails, it names the slip. Read next: losses.py for the
checks themselves, runner.py for how they are run.
"""

from __future__ import annotations

from hw5.checking.outcome import Report
from hw5.checking.runner import TIMEOUT, run
from hw5.checking.table import as_text

__all__ = ["Report", "check"]


def check(*names: str, seed: int = 0, timeout: float = TIMEOUT) -> Report:
    """Check parts ("losses") or tasks ("1.2"), or everything, and print points and reasons.

    The files are read as they are now: nothing needs to be imported again after an edit.

    Args:
        names: parts, their numbers ("1") or tasks ("1.2").
        seed: of the drawn examples; the verdict is the same for every seed.
        timeout: seconds for each check, after which it counts as endless.

    Raises:
        InputError: an unknown name.
    """
    report = run(names, seed=seed, timeout=timeout)
    print(as_text(report))
    return report
