"""`python -m staff gradescope OUT.zip`: an autograder for Gradescope, with inputs and answers."""

from __future__ import annotations

import argparse
import secrets
from pathlib import Path

HELP = "build an autograder zip for Gradescope: grader, stubs, answers, no solution"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where to, and which exam."""
    parser.add_argument("out", type=Path, metavar="OUT.zip")
    parser.add_argument("--rubric", default="spring2025", help="name, or a TOML file")
    parser.add_argument("--seed", type=int, help="of the hidden inputs; drawn if not given")
    parser.add_argument("--pip-flags", default="", help="words for pip in Gradescope's container")


def run(options: argparse.Namespace) -> int:
    """Make the exam in a jail here, and pack it."""
    from staff.autograder.build import build_zip
    from staff.grading.grade import make_exam
    from staff.rubric import load
    from staff.sandbox import open_jail

    if options.out.suffix != ".zip":
        raise ValueError(f"OUT.zip: expected a name that ends in .zip, got {options.out}")
    seed = secrets.randbits(31) if options.seed is None else options.seed
    exam = make_exam(seed, load(options.rubric), open_jail())
    count = build_zip(options.out, exam, pip_flags=options.pip_flags)
    size = options.out.stat().st_size / 1e6
    print(f"{options.out}: {count} files, {size:.1f} MB, {len(exam.keys)} cases, seed {seed}")
    return 0
