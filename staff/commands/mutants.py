"""`python -m staff mutants`: does every known misconception lose points, and is it named?"""

from __future__ import annotations

import argparse

from staff.commands.trials import add_arguments, try_folder

__all__ = ["HELP", "add_arguments", "run"]
HELP = "every known misconception against the checks: caught, and named?"


def run(options: argparse.Namespace) -> int:
    """Print a line for each; status 1 if one is missed."""
    return try_folder("mutants", options)
