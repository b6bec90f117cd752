"""`python -m staff cases`: does every mistake lose points, and no right solution?"""

from __future__ import annotations

import argparse
import os
import textwrap
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from staff.rubric_shapes import Rubric
    from staff.trial_cases import CaseTrial

HELP = "the grader's cases against known mistakes, other right ways, seeds and threads"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which parts, which rubric, which seeds."""
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help="losses, latents, ...; all if none"
    )
    parser.add_argument(
        "--rubric", default="spring2025", help="a name, or a path that ends in .toml"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the inputs")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only each Nth change")
    parser.add_argument("--list", action="store_true", help="instead: every case, by its name")
    over_seeds = "instead: false alarms of the solved functions over so many seeds"
    parser.add_argument("--seeds", type=int, default=0, metavar="N", help=over_seeds)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="with --seeds")


def run(options: argparse.Namespace) -> int:
    """Print a line for each change, or for each false alarm; status 1 if one is judged wrongly."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that wait leave the cores alone
    os.environ["OMP_NUM_THREADS"] = str(max(options.threads) if options.seeds else 1)
    from staff.rubric import load

    if options.list:
        return list_cases()
    rubric = load(options.rubric)
    return over_seeds(options, rubric) if options.seeds else over_changes(options, rubric)


def list_cases() -> int:
    """Print a line for each case: what a rubric calls it, its weight, what it asks."""
    from staff.grading.cases import all_cases

    for case in all_cases():
        print(f"{case.key:46}{case.weight:2g} {'hidden ' if case.hidden else '       '}{case.says}")
    return 0


def over_changes(options: argparse.Namespace, rubric: Rubric) -> int:
    """Try mistakes and other right ways in one process."""
    from staff.mutation import load
    from staff.trial_cases import try_cases

    began, parts = time.perf_counter(), tuple(options.parts)
    wrong, right = load("mutants", parts), load("alternatives", parts)
    changes = (wrong + right)[:: options.every]
    lost = kept = bad = 0
    for trial in try_cases(changes, rubric, options.seed):
        is_wrong = trial.mutant in wrong
        well = trial.share < 1 if is_wrong else trial.share == 1
        bad += not well
        lost, kept = lost + (is_wrong and well), kept + (not is_wrong and well)
        print(line(trial, well), flush=True)
    mistakes = sum(change in wrong for change in changes)
    others, seconds = len(changes) - mistakes, time.perf_counter() - began
    print(
        f"{lost} of {mistakes} mistakes lose points, {kept} of {others} other right ways lose none;"
        f" {seconds:.0f} s"
    )
    return int(bad > 0)


def line(trial: CaseTrial, well: bool) -> str:
    """Task, change, the share of points left, the first thing seen."""
    seen = f"{trial.failures[0][0]}: {trial.failures[0][1]}" if trial.failures else ""
    words = f"{trial.mutant.task:5}{trial.mutant.name[:52]:54}{trial.share:5.0%} "
    return f"{words}{'' if well else 'AMISS '}{textwrap.shorten(seen, 110, placeholder=' ...')}"


def over_seeds(options: argparse.Namespace, rubric: Rubric) -> int:
    """Judge the solved functions by their own answers, over seeds and numbers of threads."""
    from staff.grading.cases import all_cases
    from staff.trial_cases import false_alarms

    alarms = 0
    for key, seed, threads, seen in false_alarms(rubric, range(options.seeds), options.threads):
        alarms += 1
        print(f"{key}, seed {seed}, {threads} threads: {seen}")
    threads = ", ".join(map(str, options.threads))
    count = len(all_cases())
    print(f"{count} cases, {options.seeds} seeds, threads {threads}: {alarms} false alarms")
    return int(alarms > 0)
