"""The command line: a table of commands, and one place where their errors become one line.

Offers `main` and `COMMANDS`. A command is a function with typed options in a file of its own; tyro
makes its parser and help from the signature and the settings dataclasses of hw5/config.py. The
command files import torch and the methods only when they run, so that help appears at once.
Read next: sample.py.
"""

from __future__ import annotations

import contextlib
import re
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import tyro

from hw5.cli import (
    ablate,
    bench,
    check,
    compare,
    convert,
    crop,
    doctor,
    draw,
    fetch,
    handin,
    interpolate,
    ladder,
    lecture,
    models,
    project,
    report,
    sample,
    semantics,
    train,
    world,
)
from hw5.cli.parsing import Command, Unicode, parsed, show, unknown

COMMANDS: dict[str, Command] = {
    "doctor": doctor.doctor,
    "world": world.world,
    "crop": crop.crop,
    "sample": sample.sample,
    "project": project.project,
    "interpolate": interpolate.interpolate,
    "draw": draw.draw,
    "ladder": ladder.ladder,
    "ablate": ablate.ablate,
    "compare": compare.compare,
    "semantics": semantics.semantics,
    "check": check.check,
    "report": report.report,
    "handin": handin.handin,
    "lecture": lecture.lecture,
    "convert": convert.convert,
    "bench": bench.bench,
    "train": train.train,
    "models": models.models,
    "fetch": fetch.fetch,
}

PROGRAM = "python -m hw5"
HELP = ("-h", "--help")
FOLDER = Path(__file__).resolve().parents[2]  # that holds the package
DESCRIPTION = (
    "GAN photo editing on two CPU cores. Each command has its own help with an example:\n"
    f"  {PROGRAM} sample --help"
)
TASK = re.compile(r"task[ _]\d+[._]\d+", re.IGNORECASE)  # what a stub says
# Exit statuses, the same for every command.
OK, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    Args:
        argv: words after the program's name; those of the process when None.

    Raises:
        SystemExit: 0, from the parser, after the help of a command.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in HELP:
        return overview(is_asked=bool(words))
    if words[0] not in COMMANDS:
        return report_bad_input(unknown(words[0], COMMANDS, PROGRAM))
    name, *rest = words
    try:
        return parsed(COMMANDS[name], rest, f"{PROGRAM} {name}")()
    except (
        KeyboardInterrupt
    ) as stop:  # Ctrl-C itself says nothing; a command that kept its work does
        print(f"hw5: {str(stop) or 'stopped'}", file=sys.stderr)
        return INTERRUPTED
    except NotImplementedError as error:
        return report_unwritten_task(error)
    except ValueError as error:
        return report_bad_input(error)


def overview(*, is_asked: bool) -> int:
    """Show all commands with a line each; nobody's wish where a command was forgotten."""
    summaries = {name: summary(command) for name, command in COMMANDS.items()}
    shown = Unicode()
    with contextlib.redirect_stdout(shown), contextlib.suppress(SystemExit):
        tyro.extras.subcommand_cli_from_dict(
            summaries, prog=PROGRAM, description=DESCRIPTION, args=["--help"]
        )
    show(shown.getvalue(), sys.stdout if is_asked else sys.stderr)
    if is_asked:
        return OK
    print("hw5: error: command: expected one of these, got none.", file=sys.stderr)
    return BAD_INPUT


def summary(command: Command) -> Command:
    """A command that does nothing, with the first line of `command`'s docstring."""

    def nothing() -> int:
        return OK

    nothing.__doc__ = (command.__doc__ or "").strip().splitlines()[0]
    return nothing


def report_bad_input(error: ValueError) -> int:
    """Print the line of an `InputError`; any other ValueError is our fault and is raised again."""
    from hw5.kit.checks import InputError

    if not isinstance(error, InputError):
        raise error
    print(f"hw5: error: {error}", file=sys.stderr)
    return BAD_INPUT


def report_unwritten_task(error: NotImplementedError) -> int:
    """Say which task is still to be written, in which file, and what tells the whole state.

    torch raises this kind of error too, for a kernel that it lacks: that one is raised again.
    """
    if not TASK.search(str(error)):
        raise error
    last = traceback.extract_tb(error.__traceback__)[-1]
    file = Path(last.filename)
    file = file.relative_to(FOLDER) if FOLDER in file.parents else file
    print(
        f"hw5: {error or last.name} is not written yet: {file.as_posix()}, line {last.lineno}.\n"
        f"     {PROGRAM} check says which tasks are, and where to begin.",
        file=sys.stderr,
    )
    return FAILED
