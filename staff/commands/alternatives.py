"""`python -m staff alternatives`: do other right ways to solve the tasks pass?"""

from __future__ import annotations

import argparse

from staff.commands.trials import add_arguments, try_folder

__all__ = ["HELP", "add_arguments", "run"]
HELP = "other right ways to solve the tasks: do they pass?"


def run(options: argparse.Namespace) -> int:
    """Print a line for each; status 1 if one is refused."""
    return try_folder("alternatives", options)
