"""`python -m staff COMMAND`: what instructors run.

    mutants [PART ...]        every known misconception against the checks: caught, and named?
    alternatives [PART ...]   other right ways to solve the tasks: do they pass?
    seeds [--seeds 20]        the solved functions over seeds, 1 and 2 threads: any false alarm?

Each prints a table and ends with status 0 when all is well, 1 when not, 2 for bad input.
"""

from __future__ import annotations

import argparse
import os
import sys
import textwrap
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from staff.trial import Trial

# Before torch is imported: many small checks run fastest on one thread, and forks need that.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m staff",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("mutants", "alternatives"):
        command = commands.add_parser(name)
        command.add_argument("parts", nargs="*", metavar="PART")
        command.add_argument("--seed", type=int, default=0)
    command = commands.add_parser("seeds")
    command.add_argument("--seeds", type=int, default=20)
    command.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    options = parser.parse_args(argv)
    try:
        if options.command == "seeds":
            return seeds(options.seeds, options.threads)
        return trials(options.command, tuple(options.parts), options.seed)
    except ValueError as error:
        print(f"staff: error: {error}", file=sys.stderr)
        return 2


def trials(folder: str, parts: tuple[str, ...], seed: int) -> int:
    """Try the mutants of a folder and print a line for each."""
    from staff.mutation import load
    from staff.trial import try_all

    began, bad, count = time.perf_counter(), 0, 0
    are_wrong = folder == "mutants"
    for trial in try_all(load(folder, parts), seed=seed):
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


def seeds(count: int, threads: Sequence[int]) -> int:
    """Check the solved functions over seeds and numbers of threads; print every false alarm."""
    os.environ["OMP_NUM_THREADS"] = str(max(threads))
    import torch

    from hw5.checking.outcome import PASSED
    from hw5.checking.suite import Check, all_checks
    from hw5.checking.worker import outcomes

    checks, alarms = all_checks(), 0
    for number in threads:
        torch.set_num_threads(number)
        for seed in range(count):
            for event in outcomes(checks, seed, tasks={}):
                if not isinstance(event, Check) and event.state != PASSED:
                    alarms += 1
                    print(f"{event.task} {event.name}, seed {seed}, {number} threads: {event.seen}")
    runs = f"{len(checks)} checks, {count} seeds, threads {', '.join(map(str, threads))}"
    print(f"{runs}: {alarms} false alarms")
    return int(alarms > 0)


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # a plain exit lets a library behind torch complain about its own leaks
