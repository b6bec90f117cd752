"""What every notebook begins with: threads, seeds, fresh code, and errors in a line.

Offers `start`, called once at the top; `expect`, which says whether a figure is what it should be;
`table`, which prints rows under each other; `beside`, which sets published figures next to one's
own; and `runs_folder`. Read next: unfilled.py, which words
an unfilled task, and waiting.py, which says what a slow cell is at.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from IPython import get_ipython

from hw5.ui import unfilled, waiting

REPOSITORY = Path(__file__).resolve().parents[2]
# Where the command line keeps its runs, too; tests name another folder, so as to replace none.
RUNS = Path(os.environ.get("HW5_RUNS") or REPOSITORY / "runs")
# The networks are small: more threads than these wait for each other (measured on 64 px).
MAX_THREADS = 2

Cell = str | int | float | None


def start(*, seed: int = 0) -> None:
    """Make this notebook repeatable, and its errors short.

    Sets threads (OMP_NUM_THREADS, else two) and torch's global seed, loads edited files of hw5
    anew before each cell, shows an unfilled task or an unusable argument as one line, and says
    below a slow cell what it is at. Outside a notebook only threads and seed are set.

    Args:
        seed: of torch's global numbers; hw5 itself draws from `rng` arguments only.
    """
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    cores = min(MAX_THREADS, os.cpu_count() or 1)
    torch.set_num_threads(int(wanted) if wanted.isdecimal() and int(wanted) else cores)
    torch.manual_seed(seed)
    shell = get_ipython()
    if shell is None:
        return
    shell.extension_manager.load_extension("autoreload")
    shell.run_line_magic("autoreload", "2")
    unfilled.install(shell)
    waiting.install(shell)
    beside = Path.cwd().resolve()
    if (beside.parent / "hw5").is_dir() and beside.parent != REPOSITORY:
        print("Careful: this notebook lies beside one copy of hw5, and Python uses another one.")
        print("In the folder above this one, run: pip install -e .")
    print("hw5 is ready. Edits in hw5/*.py count from the next cell on, once they are saved.")


def expect(what: str, value: float, low: float, high: float = math.inf, *, hint: str = "") -> None:
    """Say whether a figure is as expected, in a line that reads the same wherever it is.

    The figure itself is only printed when it is not: searches end a little differently on every
    machine, and a notebook that is compared with its reference must not.

    Args:
        what: the figure in words, with its unit.
        value: the student's.
        low: least value to expect.
        high: largest value to expect.
        hint: where to look if it is another.
    """
    limits = f"at least {low:g}" if math.isinf(high) else f"from {low:g} to {high:g}"
    if low <= float(value) <= high:
        print(f"as expected   {what}: {limits}")
    else:
        print(f"LOOK AGAIN    {what}: expected {limits}, got {float(value):.4g}. {hint}".rstrip())


def table(rows: Mapping[str, Sequence[Cell]], columns: Sequence[str]) -> None:
    """Print rows of text and numbers under their columns; None leaves a gap.

    Args:
        rows: name -> cells, one per column.
        columns: their headings.
    """
    lines = [["", *columns], *([name, *map(_cell, cells)] for name, cells in rows.items())]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns) + 1)]
    for line in lines:
        first, *rest = (word.rjust(width) for word, width in zip(line, widths, strict=True))
        print("  ".join([first.strip().ljust(widths[0]), *rest]).rstrip())


def beside(
    rows: Mapping[str, tuple[Cell, Cell]], *, source: str = "the report", own: str = "here"
) -> None:
    """Print what others have published next to what was measured here.

    Seconds and the ends of searches differ from machine to machine, so a cell that calls this has
    the tag nbval-ignore-output (tests/notebooks asks for it); `expect` says what holds anywhere.

    Args:
        rows: the figure in words, with its unit -> (theirs, one's own); None leaves a gap, words
            stand as they are.
        source: who published.
        own: who measured.
    """
    table(rows, [source, own])


def runs_folder(name: str) -> Path:
    """Where a notebook keeps the run called `name`."""
    return RUNS / name


def _cell(value: Cell) -> str:
    """A cell as text; numbers keep three digits, but none beyond the thousandth."""
    if value is None:
        return ""
    if isinstance(value, str | int):
        return str(value)
    digits = 3 if abs(value) < 1 else 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0
    return f"{value:,.{digits}f}"
