"""An exception as one line that a student can act on.

Offers `describe`. Exceptions in the threads behind widgets have no cell to appear under;
live.py and jobs.py show this line in the widget instead.
"""

from __future__ import annotations

import traceback
from pathlib import Path

from hw5.kit.checks import InputError

LONGEST = 300  # characters; more would push the picture off the screen


def describe(error: BaseException) -> str:
    """Kind, message and place of `error` in one line.

    The place is the innermost line that is not inside an installed package: the student's own. An
    `InputError` says all that is needed itself.
    """
    text = " ".join(str(error).split())
    if isinstance(error, InputError):
        return text
    text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    text = text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if "site-packages" not in f.filename]
    if not own:
        return text
    place = own[-1]
    file = Path(place.filename)
    name = "a cell" if file.parent.name.startswith("ipykernel_") else file.name
    return f"{text} ({name}, line {place.lineno}, in {place.name})"
