"""`python -m staff calibrate`: how much do the solved searches leave, over seeds and threads?"""

from __future__ import annotations

import argparse
import os

HELP = "measure what the solved searches leave, over seeds and threads; writes bands.toml"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How many seeds, which numbers of threads."""
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])


def run(options: argparse.Namespace) -> int:
    """Measure, write the file, print it."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that wait leave the cores alone
    os.environ["OMP_NUM_THREADS"] = str(max(options.threads))
    from importlib.metadata import version

    from hw5.kit.files import atomic_write
    from staff.grading import bands
    from staff.trial_cases import shares_left

    shares = shares_left(range(options.seeds), options.threads)
    threads = " and ".join(map(str, options.threads))
    how = f"{options.seeds} seeds, {threads} threads, torch {version('torch')}"
    text = bands.as_toml(shares, f"`python -m staff calibrate`: {how}")
    with atomic_write(bands.FILE) as path:
        path.write_text(text, encoding="utf-8")
    print(text, end="")
    return 0
