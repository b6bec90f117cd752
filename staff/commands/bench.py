"""`python -m staff bench`: submissions a minute, beside plain pytest, and in Gradescope's box."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from staff.batch.bench import Rate
    from staff.batch.desk import RealDesk

HELP = "how fast grading is, beside the same tests under plain pytest, and in Gradescope's box"
SEED = 0  # of the exam; speed does not depend on it


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How much to measure."""
    parser.add_argument("--count", type=int, default=8, help="solved submissions to grade (8)")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="jails at a time")
    parser.add_argument("--rubric", default="spring2025", help="of staff/rubrics, or a TOML file")
    parser.add_argument("--backend", default="auto", help="bubblewrap, container or plain")
    parser.add_argument("--unsafe", action="store_true", help="allow plain: no jail at all")
    parser.add_argument("--no-box", action="store_true", help="leave Gradescope's box out")
    parser.add_argument("--one", type=Path, help="grade one submission, as in the box, and end")


def run(options: argparse.Namespace) -> int:
    """Print the figures."""
    from hw5.kit.checks import check_number
    from staff.batch.desk import open_desk
    from staff.rubric import load

    check_number("--count", options.count, low=1, high=1000, whole=True)
    check_number("--workers", options.workers, low=1, high=1024, whole=True)
    rubric = load(options.rubric)
    desk = open_desk(rubric, SEED, backend=options.backend, unsafe=options.unsafe)
    if options.one:
        return grade_one(desk, options.one)
    with tempfile.TemporaryDirectory(prefix="hw5-bench-") as folder:
        compare(desk, options, Path(folder))
        return 0 if options.no_box else box(options, Path(folder))


def grade_one(desk: RealDesk, submission: Path) -> int:
    """Make the exam and grade one submission, as an autograder does."""
    from staff.batch.desk import SandboxGrader
    from staff.batch.submissions import Submission

    grader = SandboxGrader(desk.exam(), desk.backend, desk.unsafe)
    graded = grader(Submission(submission.name, submission))
    print(f"{graded.state}: {graded.points:g} of {graded.possible:g} points {graded.message}")
    return int(not graded.possible or graded.points < graded.possible)


def compare(desk: RealDesk, options: argparse.Namespace, folder: Path) -> None:
    """Print both rates."""
    from staff.batch.bench import in_jails, solved_submissions, under_pytest
    from staff.batch.desk import jail_of

    began = time.perf_counter()
    exam = desk.exam()
    jail, at_a_time = jail_of(desk.backend, desk.unsafe), f"{options.workers} at a time"
    print(
        f"{len(exam.cases)} cases of {len({c.task for c in exam.cases})} tasks; exam made in "
        f"{time.perf_counter() - began:.1f} s"
    )
    todo = solved_submissions(folder / "handed-in", options.count)
    jailed = in_jails(exam, jail, todo, options.workers)
    tell(f"in jails ({jail.name}), {at_a_time}", jailed)
    plain = under_pytest(exam, folder, options.count, options.workers)
    tell(f"plain pytest, a process for each, {at_a_time}", plain)
    load = ", ".join(f"{share:.1f}" for share in os.getloadavg())
    print(f"jailed against plain: {jailed.a_minute / plain.a_minute:.2f} times as many a minute")
    print(f"{os.cpu_count()} processors, load in the last 1, 5, 15 minutes: {load}")


def tell(how: str, rate: Rate) -> None:
    """Print a rate."""
    print(
        f"{how}: {rate.a_minute:.1f} submissions a minute, "
        f"{rate.processor_s:.2f} processor seconds each", flush=True,
    )  # fmt: skip


def box(options: argparse.Namespace, folder: Path) -> int:
    """Print how one submission fares in Gradescope's box; status 1 if it does not fit."""
    from staff.batch.bench import boxed
    from staff.batch.box import GRADESCOPE

    found = boxed(folder / "boxed", options.rubric, options.backend, unsafe=options.unsafe)
    limits = f"{GRADESCOPE.cpus:g} CPU, {GRADESCOPE.memory_mb:g} MB, {GRADESCOPE.wall_s:g} s"
    print(
        f"one submission, exam included, in {limits}: {found.seconds:.0f} s, "
        f"at most {found.peak_mb:.0f} MB{', ended: ' * bool(found.ended)}{found.ended}"
    )
    if found.code:
        print(found.output.strip()[-500:])
    return int(found.code != 0)
