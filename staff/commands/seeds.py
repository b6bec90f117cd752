"""`python -m staff seeds`: do the solved functions ever raise a false alarm?"""

from __future__ import annotations

import argparse
import os

HELP = "the solved functions over seeds, 1 and 2 threads: any false alarm?"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How many seeds, and which numbers of threads."""
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])


def run(options: argparse.Namespace) -> int:
    """Check the solved functions over seeds and numbers of threads; print every false alarm."""
    os.environ["OMP_NUM_THREADS"] = str(max(options.threads))
    import torch

    from hw5.checking.outcome import PASSED
    from hw5.checking.suite import Check, all_checks
    from hw5.checking.worker import outcomes

    checks, alarms = all_checks(), 0
    for number in options.threads:
        torch.set_num_threads(number)
        for seed in range(options.seeds):
            for event in outcomes(checks, seed, tasks={}):
                if not isinstance(event, Check) and event.state != PASSED:
                    alarms += 1
                    print(f"{event.task} {event.name}, seed {seed}, {number} threads: {event.seen}")
    threads = ", ".join(map(str, options.threads))
    print(f"{len(checks)} checks, {options.seeds} seeds, threads {threads}: {alarms} false alarms")
    return int(alarms > 0)
