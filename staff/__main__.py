"""`python -m staff COMMAND`: what instructors run. `python -m staff COMMAND --help` says more.

Each command ends with status 0 when all is well, 1 when it found something amiss, 2 for bad input.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

# Before torch is imported: many small checks run fastest on one thread, and forks need that.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# each a module of staff/commands that offers HELP, `add_arguments` and `run`
COMMANDS = (
    "release", "gradescope",
    "grade", "regrade", "appeal", "similarity", "scale", "bench",
    "mutants", "alternatives", "seeds", "cases", "calibrate", "attacks",
)  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    modules = {name: importlib.import_module(f"staff.commands.{name}") for name in COMMANDS}
    parser = argparse.ArgumentParser(
        prog="python -m staff",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, module in modules.items():
        module.add_arguments(commands.add_parser(name, help=module.HELP, description=module.HELP))
    options = parser.parse_args(argv)
    try:
        return modules[options.command].run(options)
    except ValueError as error:  # InputError, MarksError and their like: bad input, in one line
        print(f"staff: error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # a plain exit lets a library behind torch complain about its own leaks
