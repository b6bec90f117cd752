"""`python -m staff grade SUBMISSIONS/ --out RESULTS/`: a whole class, in jails.

Offers also `add_grading`, `settings_of` and `tell` for commands that grade. Read next:
staff/batch/batch.py, docs/grading.md.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from staff.batch.batch import Finished, Settings

HELP = "grade a folder of submissions into a gradebook and pages of feedback"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to grade, by which rules, where and how."""
    add_grading(parser)
    parser.add_argument("--only", nargs="+", default=[], metavar="ID", help="these students alone")


def add_grading(parser: argparse.ArgumentParser) -> None:
    """The arguments of every command that grades."""
    parser.add_argument("submissions", type=Path, help="a folder: one folder or zip a student")
    parser.add_argument("--out", type=Path, required=True, help="results; the same again goes on")
    parser.add_argument("--rubric", default="spring2025", help="of staff/rubrics, or a TOML file")
    parser.add_argument("--roster", type=Path, help="CSV with a column id; name, section, ...")
    parser.add_argument("--marks", type=Path, help="CSV: id, days_late, free_days, manual marks")
    parser.add_argument("--names", help="regular expression for entries; its group is the id")
    parser.add_argument("--seed", type=int, help="of the inputs; else drawn once and kept")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="jails at a time")
    parser.add_argument(
        "--notebooks",
        action="store_true",
        help="run the rubric's notebooks too: half a minute each",
    )
    parser.add_argument(
        "--canaries",
        choices=("all", "few"),
        default="all",
        help="before a batch: every attack (minutes), or few for a quick try; results name it",
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--scheduler", default="", help="a Dask scheduler, tcp://HOST:PORT")
    where.add_argument("--cluster", action="store_true", help="Dask workers on this machine")
    parser.add_argument("--backend", default="auto", help="bubblewrap, container or plain")
    parser.add_argument("--unsafe", action="store_true", help="allow plain: no jail at all")


def run(options: argparse.Namespace) -> int:
    """Grade; status 1 if we failed at a submission or the canaries came out wrong."""
    from staff.batch.batch import CanariesFailed, run_batch

    settings = settings_of(options)
    try:
        finished = run_batch(settings, sys.stderr)
    except CanariesFailed as failed:
        print(f"refused, nothing was graded: the canaries came out wrong: {failed}")
        return 1
    except KeyboardInterrupt:
        print("stopped; the same command goes on where it was", file=sys.stderr)
        return 130
    return tell(finished, settings)


def settings_of(options: argparse.Namespace) -> Settings:
    """The command line as settings.

    Raises:
        InputError: a number of workers that cannot be.
    """
    from hw5.kit.checks import check_number
    from staff.batch.batch import Settings

    check_number("--workers", options.workers, low=1, high=1024, whole=True)
    given = vars(options)
    names = ("submissions", "out", "rubric", "roster", "marks", "seed", "workers", "scheduler",
             "cluster", "backend", "unsafe", "notebooks", "canaries")  # fmt: skip
    own = {"names": options.names} if options.names else {}
    return Settings(
        **{name: given[name] for name in names}, only=tuple(given.get("only", ())), **own
    )


def tell(finished: Finished, settings: Settings) -> int:
    """Print what came of it; the exit status."""
    print(f"{len(finished.graded)} results, {finished.num_new} of them new: {settings.out}")
    for title, names in (
        ("on the roster, nothing handed in", finished.who.missing),
        ("handed in, not on the roster", finished.who.unknown),
        ("our failures, to be run again", finished.failures),
    ):
        if names:
            print(f"{title} ({len(names)}): {', '.join(names)}")
    return int(bool(finished.failures))
