"""What `mutants` and `alternatives` share: try changed solutions and print a line for each.

Offers `add_arguments` and `try_folder`. Read next: staff/trial.py.
"""

from __future__ import annotations

import argparse
import textwrap
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from staff.trial import Trial


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which parts, and the seed of every draw."""
    parser.add_argument("parts", nargs="*", metavar="PART")
    parser.add_argument("--seed", type=int, default=0)


def try_folder(folder: str, options: argparse.Namespace) -> int:
    """Try what a folder of staff/ holds; status 1 if a wrong one passes or a right one fails."""
    from staff.mutation import load
    from staff.trial import try_all

    began, bad, count = time.perf_counter(), 0, 0
    are_wrong = folder == "mutants"
    for trial in try_all(load(folder, tuple(options.parts)), seed=options.seed):
        well = trial.is_caught and trial.is_named if are_wrong else not trial.is_caught
        bad, count = bad + (not well), count + 1
        words = [trial.mutant.task, trial.mutant.name, "caught" if trial.is_caught else "passed"]
        named = ("named" if trial.is_named else "NOT NAMED") if are_wrong else ""
        print(f"{words[0]:5}{words[1][:52]:54}{words[2]:8}{named:11}{shown(trial)}", flush=True)
    kind = "misconceptions, each caught and named" if are_wrong else "right ways, none refused"
    verdict = f"{count - bad} of {count} {kind}" if bad else f"all {count} {kind}"
    print(f"{verdict}; {time.perf_counter() - began:.0f} s")
    return int(bad > 0)


def shown(trial: Trial) -> str:
    """The hint in a table's last column; what was seen, where there is none."""
    seen = trial.failures[0].seen if trial.failures else ""
    return textwrap.shorten(trial.slip or seen, 110, placeholder=" ...")
