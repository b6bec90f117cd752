"""An unfilled task or an unusable argument in a notebook: a few plain lines, no wall of traceback.

Offers `install`, which notebook.py calls, and `explain`, which words an error. Every other error is
shown by IPython as usual.
"""

from __future__ import annotations

import re
import traceback
from pathlib import Path
from types import FrameType, TracebackType
from typing import TYPE_CHECKING

from hw5.kit.checks import InputError

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

PACKAGE = Path(__file__).resolve().parents[1]
_TASK = re.compile(r"task[ _](\d+)[._](\d+)", re.IGNORECASE)
_EFFORT = re.compile(r"Task (\d+\.\d+) \((.+?)\)")


def install(shell: InteractiveShell) -> None:
    """Show the errors that `explain` knows in its words, from now on."""

    def show(
        shell: InteractiveShell,
        kind: type[BaseException],
        error: BaseException,
        trace: TracebackType,
        tb_offset: int | None = None,  # IPython passes it by this name
    ) -> None:
        lines = explain(error)
        if lines:
            error._render_traceback_ = lambda: lines  # IPython's own hook for such wording
        shell.showtraceback((kind, error, trace), tb_offset=tb_offset)

    shell.set_custom_exc((NotImplementedError, InputError), show)


def explain(error: BaseException) -> list[str]:
    """The error in a few lines; none for an error that needs its whole traceback."""
    frames = list(traceback.walk_tb(error.__traceback__))
    cell = [(frame, line) for frame, line in frames if _is_cell(frame.f_code.co_filename)]
    where = f"Line {cell[-1][1]} of this cell" if cell else "This cell"
    if isinstance(error, InputError):
        return [f"{where} was refused.", str(error)]
    if not frames or not _TASK.search(str(error)):
        return []
    frame, line = frames[-1]
    file = Path(frame.f_code.co_filename)
    name = file.relative_to(PACKAGE.parent).as_posix() if PACKAGE in file.parents else file.name
    return [
        f"Task {_number(error)} is yours to write: {_function(frame)} in {name}, line {line}"
        f"{_effort(frame, _number(error))}.",
        f"{where} needs it. Write it, save the file, and run this cell again.",
    ]


def _is_cell(filename: str) -> bool:
    """Was this code typed into a notebook? IPython keeps cells as temporary files of its own."""
    return filename.startswith("<ipython-input") or "ipykernel_" in filename


def _number(error: BaseException) -> str:
    found = _TASK.search(str(error))
    return f"{found[1]}.{found[2]}"


def _function(frame: FrameType) -> str:
    """Name of the function that holds the task: PerceptualLoss(...) for its `__call__`."""
    name = frame.f_code.co_name
    owner = type(frame.f_locals["self"]).__name__ if "self" in frame.f_locals else ""
    if name == "__call__":
        return f"the call of {owner}" if owner else name
    return f"{owner}.{name}" if owner else name


def _effort(frame: FrameType, number: str) -> str:
    """The docstring's "(about 3 lines, 10 minutes)" of this task, if it is found."""
    docs = (value for value in frame.f_code.co_consts if isinstance(value, str))
    for found in (_EFFORT.search(text) for text in docs):
        if found and found[1] == number:
            return f" ({found[2]})"
    return ""
