"""`python -m staff calibrate`: how much do the solved searches leave, over seeds and threads?

Other environments, with another version of torch, are measured by their own interpreters:
`python -m staff calibrate --also other/bin/python`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
from pathlib import Path

HELP = "measure what the solved searches leave, over seeds and threads; writes bands.toml"
ROOT = Path(__file__).resolve().parents[2]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How many seeds, which numbers of threads, which environments."""
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    also = "Python interpreters of other environments, as with another version of torch"
    parser.add_argument("--also", nargs="+", default=[], metavar="PYTHON", help=also)
    parser.add_argument(
        "--json", action="store_true", help="print what was measured, write nothing"
    )


def run(options: argparse.Namespace) -> int:
    """Measure here and elsewhere, write the file, print it."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that wait leave the cores alone
    os.environ["OMP_NUM_THREADS"] = str(max(options.threads))
    from hw5.kit.files import atomic_write
    from staff.grading import bands

    measured = [here(options.seeds, options.threads)]
    if options.json:
        print(json.dumps(measured[0]))
        return 0
    measured += [elsewhere(python, options.seeds, options.threads) for python in options.also]
    text = bands.as_toml(together(measured), describe(options, measured))
    with atomic_write(bands.FILE) as path:
        path.write_text(text, encoding="utf-8")
    print(text, end="")
    return 0


def here(seeds: int, threads: list[int]) -> dict:
    """Version of torch, and what each search leaves, run by run."""
    from importlib.metadata import version

    from staff.trial_cases import shares_left

    return {"torch": version("torch"), "shares": shares_left(range(seeds), threads)}


def elsewhere(python: str, seeds: int, threads: list[int]) -> dict:
    """The same by another interpreter.

    Raises:
        ValueError: there is none, or it cannot measure; with the last line of what it said.
    """
    numbers = ["--seeds", str(seeds), "--threads", *map(str, threads)]
    command = [python, "-m", "staff", "calibrate", "--json", *numbers]
    try:
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        return json.loads(ended.stdout)
    except (OSError, subprocess.CalledProcessError, json.JSONDecodeError) as error:
        said = (getattr(error, "stderr", "") or str(error)).strip().splitlines()[-1:]
        raise ValueError(f"{python} could not measure: {' '.join(said)}") from error


def together(measured: list[dict]) -> dict[str, list[float]]:
    """Search -> the runs of all environments."""
    return {
        name: [share for each in measured for share in each["shares"][name]]
        for name in measured[0]["shares"]
    }


def describe(options: argparse.Namespace, measured: list[dict]) -> str:
    """The line that says how the bands came about."""
    threads = " and ".join(map(str, options.threads))
    versions = " and ".join(each["torch"] for each in measured)
    return (
        f"`python -m staff calibrate`: {options.seeds} seeds, {threads} threads, torch {versions}"
    )
