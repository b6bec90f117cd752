"""`python -m staff similarity SUBMISSIONS/ --out FOLDER`: lay out code for JPlag or copydetect."""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from pathlib import Path

HELP = "lay out students' files for JPlag or copydetect, with the stubs as boilerplate"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to compare, and where to put it."""
    parser.add_argument("submissions", type=Path, help="a folder: one folder or zip a student")
    parser.add_argument("--out", type=Path, required=True, help="a new folder")
    parser.add_argument("--names", help="as for grade")
    parser.add_argument("--run", action="store_true", help="run copydetect, if it is installed")


def run(options: argparse.Namespace) -> int:
    """Export, print both tools' commands, and run one if asked."""
    from staff.batch.similarity import export
    from staff.batch.submissions import NAMES, find
    from staff.grading.tree import package, student_files

    stubs = [(name, package()[name].decode()) for name in student_files()]
    handed_in = find(options.submissions, options.names or NAMES)
    found = export(handed_in, stubs, unpacked, options.out)
    for line in found.left_out:
        print(f"left out: {line}")
    print(f"{found.count} submissions in {found.folder}")
    for command in found.commands():
        print(f"  {command}")
    return copydetect(found.commands()[0]) if options.run else 0


def unpacked(submission: Path, into: Path) -> str:
    """Take the students' files out of a submission; why that failed, or ""."""
    from staff.grading.tree import student_files
    from staff.sandbox import Refused, unpack

    try:
        unpack(submission, into, student_files())
    except Refused as refused:
        return str(refused)
    return ""


def copydetect(command: str) -> int:
    """Run copydetect; its exit status, or 2 if it is not installed."""
    try:
        import copydetect  # noqa: F401
    except ImportError as error:
        from hw5.kit.checks import InputError

        hint = 'pip install -e ".[similarity]"'
        raise InputError.about("--run", expected="copydetect", got="none", hint=hint) from error
    words = shlex.split(command)
    return subprocess.run([sys.executable, "-m", *words], check=False).returncode
