"""`python -m staff release OUT`: the student's copy as folder and zip, or the reasons why not."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

HELP = "build what students get: folder, zip, digests; refused while anything leaks"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where to, and what else to make of it."""
    parser.add_argument("out", nargs="?", type=Path, help="a new folder: hw5/, hw5.zip, SHA256SUMS")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier release")
    parser.add_argument("--git", action="store_true", help="make hw5/ a repository of one commit")
    parser.add_argument(
        "--admit",
        action="store_true",
        help="list new files, and let students have them",
    )


def run(options: argparse.Namespace) -> int:
    """Build it; status 1, and a line for each reason, if a gate complains."""
    if options.out is None and not options.admit:
        raise ValueError("OUT: expected a folder for the release, or --admit")
    from staff.release.build import build
    from staff.release.files import ROOT, ReleaseError, write_admitted

    if options.admit:
        decision = write_admitted(ROOT)
        for sign, names in (("+", decision.undecided), ("-", decision.gone)):
            print("".join(f"{sign} {name}\n" for name in names), end="")
        print(f"students get {len(decision.released)} files")
        return 0
    try:
        made = build(options.out, overwrite=options.overwrite, repository=options.git)
    except ReleaseError as error:
        print("".join(f"{fault}\n" for fault in error.faults), end="", file=sys.stderr)
        print(f"no release: {len(error.faults)} complaints", file=sys.stderr)
        return 1
    print(f"{made.folder}: {made.num_files} files, {made.num_bytes / 1e6:.1f} MB")
    print(f"{made.archive}: {made.archive.stat().st_size / 1e6:.1f} MB, digests in {made.digests}")
    origin = f"commit {made.commit[:10]}" if made.commit else "files that are not committed yet"
    print(f"from {origin}, every gate passed, {made.seconds:.0f} s")
    return 0
