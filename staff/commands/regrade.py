"""`python -m staff regrade SUBMISSIONS/ --against OLD/ --out NEW/`: grade anew, print changes."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from staff.commands.grade import add_grading, settings_of, tell

HELP = "grade into a new folder and show whose points differ from an earlier one"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """As for grade, and what to compare with."""
    add_grading(parser)
    parser.add_argument("--against", type=Path, required=True, help="an earlier folder of results")


def run(options: argparse.Namespace) -> int:
    """Grade and print each difference; status 1 if there is one, like diff."""
    from hw5.kit.checks import InputError
    from staff.batch import diff
    from staff.batch.batch import RESULTS, CanariesFailed, run_batch
    from staff.batch.store import Store

    before = Store(options.against / RESULTS).all()
    if options.out.resolve() == options.against.resolve():
        raise InputError.about("--out", expected="another folder", got="that of --against")
    settings = settings_of(options)
    try:
        finished = run_batch(settings, sys.stderr)
    except CanariesFailed as failed:
        print(f"refused, nothing was graded: the canaries came out wrong: {failed}")
        return 1
    status = tell(finished, settings)
    found = diff.changes(before, finished.graded)
    for change in found:
        print(change)
    print(diff.summary(found, len({g.submission for g in (*before, *finished.graded)})))
    return int(bool(found) or status)
