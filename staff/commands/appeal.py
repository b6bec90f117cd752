"""`python -m staff appeal RESULTS/ SUBMISSIONS/ ID TASK`: one task again, by its recorded seed."""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = "rerun one student's one task with the recorded seed, and show why (for staff: has answers)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Whose task, and where things lie."""
    parser.add_argument("results", type=Path, help="the folder that grade wrote")
    parser.add_argument("submissions", type=Path, help="the folder that was graded")
    parser.add_argument("student", metavar="ID")
    parser.add_argument("task", help="such as 1.2")
    parser.add_argument("--names", help="as for grade")
    parser.add_argument("--backend", default="auto", help="bubblewrap, container or plain")
    parser.add_argument("--unsafe", action="store_true", help="allow plain: no jail at all")


def run(options: argparse.Namespace) -> int:
    """Print the task then and now; status 1 if the verdict is another."""
    from hw5.kit.checks import InputError
    from staff.batch.appeal import appeal, lines
    from staff.batch.batch import RESULTS, chosen, read_record
    from staff.batch.desk import open_desk
    from staff.batch.store import Store
    from staff.batch.submissions import NAMES, find
    from staff.rubric import load

    record = read_record(options.results)
    stored = Store(options.results / RESULTS).read(options.student)
    if stored is None:
        got = f"none for {options.student}"
        raise InputError.about(str(options.results), expected="a result", got=got)
    handed_in = find(options.submissions, options.names or NAMES)
    submission = chosen(handed_in, [options.student])[0]
    desk = open_desk(
        load(record["rubric"]), stored.seed, backend=options.backend, unsafe=options.unsafe
    )
    found = appeal(submission, stored, options.task, desk)
    print("\n".join(lines(found)))
    print("\nthe same verdict" if found.agrees else "\nANOTHER VERDICT than the recorded one")
    return int(not found.agrees)
