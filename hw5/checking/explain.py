"""An exception in a student's code, in one line with the student's own file and line.

Offers `explain` and `Raised`. Read next: worker.py, which catches them.
"""

from __future__ import annotations

import re
import traceback
from pathlib import Path
from typing import NamedTuple

from hw5.checking.expect import (
    BATCH_OF_ONE,
    DETACHED,
    FIXED_DEVICE,
    FIXED_DTYPE,
    Slip,
)
from hw5.checking.tasks import PACKAGE, PARTS, UNWRITTEN, files_of, shown

SHARED_MEMORY = Slip(
    "writes to memory that several entries share", "`expand` makes no copies: `clone()` first"
)
IN_PLACE = Slip(
    "edits in place what the gradient still needs",
    "no `+=`, no `x[...] =`, no methods ending in _ on the way from the argument to the answer",
)
BAD_SHAPES = Slip(
    "shapes do not fit each other", "print the shapes in the line before; see the docstring's letters"
)  # fmt: skip
BAD_ARGUMENTS = Slip("called with other arguments than it takes", "compare with its signature")
UNKNOWN_NAME = Slip("a name that does not exist", "a typo, or an import that is missing")

# What an exception's message contains -> the slip. The first that fits is named.
KNOWN = (
    (r"same device|on device", FIXED_DEVICE),
    (r"same dtype|to have the same dtype|expected scalar type|dtype .* but (found|got)", FIXED_DTYPE),
    (r"does not require grad", DETACHED),
    (r"single memory location", SHARED_MEMORY),
    (r"in-?place operation|leaf Variable", IN_PLACE),
    (r"shape '.*' is invalid for input", BATCH_OF_ONE),
    (r"must match|broadcast|shapes cannot be multiplied|Sizes of tensors|expanded size|dimension",
     BAD_SHAPES),
    (r"argument|takes \d+ positional", BAD_ARGUMENTS),
    (r"is not defined|has no attribute|cannot import|not associated with a value", UNKNOWN_NAME),
)  # fmt: skip


class Raised(NamedTuple):
    """What became of a check that ended with an exception."""

    seen: str  # "RuntimeError: ..., hw5/losses.py line 57"
    slip: Slip | None
    unwritten: str  # the task whose stub was reached, or ""


def explain(error: BaseException) -> Raised:
    """One line about an exception."""
    message = " ".join(str(error).split())
    place = place_of(error)
    if isinstance(error, NotImplementedError) and (stub := UNWRITTEN.match(message)):
        return Raised(f"not filled in yet: {place}", None, stub[1])
    if isinstance(error, SyntaxError) and error.filename:
        place = f"{shown_if_ours(error.filename)} line {error.lineno}"
        slip = Slip("Python cannot read the file", "look at that line and the one above it")
        return Raised(f"{type(error).__name__}: {error.msg}, {place}", slip, "")
    slip = next((slip for words, slip in KNOWN if re.search(words, message)), None)
    cut = message if len(message) <= 200 else message[:197] + "..."
    return Raised(f"{type(error).__name__}: {cut}, {place}", slip, "")


def place_of(error: BaseException) -> str:
    """File and line, in the student's own files where the exception passed one."""
    frames = traceback.extract_tb(error.__traceback__)
    own = {str(path) for part in PARTS for path in files_of(part)}
    near = [frame for frame in frames if str(Path(frame.filename).resolve()) in own]
    if not (near or frames):
        return "no line is known"
    frame = (near or frames)[-1]
    return f"{shown_if_ours(frame.filename)} line {frame.lineno}"


def shown_if_ours(filename: str) -> str:
    """A path inside the package as messages show it; the bare name of any other file."""
    path = Path(filename).resolve()
    return shown(path) if path.is_relative_to(PACKAGE.parent) else path.name
