"""Who may have copied: students' own lines, laid out for JPlag or copydetect.

Offers `export`. Of each submission only the files that students edit are taken, and beside them go
the same files as they were handed out, so that what everybody was given counts for nobody. These
tools say how much two texts share; why is a question for people. Read next:
staff/commands/similarity.py.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hw5.kit.files import atomic_folder
from staff.batch.store import file_name
from staff.batch.submissions import Submission

SUBMISSIONS, BOILERPLATE = "submissions", "boilerplate"

# A submission, and the folder that its wanted files go to; what could not be taken, in words
Unpack = Callable[[Path, Path], str]


@dataclass(frozen=True)
class Exported:
    """Where things lie, and who is missing."""

    folder: Path
    count: int
    left_out: tuple[str, ...]  # "ada: not an archive"

    def commands(self) -> tuple[str, str]:
        """What to type for copydetect, and for JPlag."""
        theirs, given = self.folder / SUBMISSIONS, self.folder / BOILERPLATE
        return (
            f"copydetect -t {theirs} -b {given} -e py -O {self.folder / 'copydetect.html'}",
            f"java -jar jplag.jar -l python3 -bc {given} {theirs}",
        )


def export(
    submissions: Sequence[Submission], stubs: Sequence[tuple[str, str]], unpack: Unpack, out: Path
) -> Exported:
    """Write submissions/ID/*.py and boilerplate/*.py into a new folder.

    Args:
        submissions: all of them.
        stubs: (place, text) of each file that students edit, as it was handed out.
        unpack: takes what is wanted out of a submission; returns why it could not, or "".
        out: new or empty.

    Raises:
        InputError: `out` is filled or cannot be written.
    """
    left_out = []
    with atomic_folder(out) as temporary:
        for place, text in stubs:
            write(temporary / BOILERPLATE / place, text)
        for submission in submissions:
            into = temporary / SUBMISSIONS / file_name(submission.name)
            into.mkdir(parents=True)
            if why := unpack(submission.path, into):
                left_out.append(f"{submission.name}: {why}")
                shutil.rmtree(into)
    return Exported(out, len(submissions) - len(left_out), tuple(left_out))


def write(path: Path, text: str) -> None:
    """Write a text, making its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
