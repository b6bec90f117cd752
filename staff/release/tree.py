"""The student's folder: every released file, as students get it.

Offers `write_tree` and `as_released`. Solutions are cut to stubs, lines for instructors dropped,
notebooks cleared; everything else is copied byte by byte. Read next: gates.py.
"""

from __future__ import annotations

from pathlib import Path

import nbformat

from staff.release.files import ROOT, Decision, ReleaseError, decide
from staff.release.marks import for_students
from staff.renew_notebooks import canonical, to_text
from staff.stubs import MarksError, cut

# Files that may hold marks; all others are copied as they are.
MARKED_TYPES = {".py", ".md", ".toml", ".txt", ".html", ".css", ".js", ""}


def write_tree(out: Path, root: Path = ROOT) -> Decision:
    """Write the student's folder to `out`, which must not exist; nothing is checked but the marks.

    Raises:
        ReleaseError: broken marks, no git repository, or a tracked file that is missing.
    """
    decision = decide(root)
    faults = []
    for name in decision.released:
        target = out / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            target.write_bytes(as_released(name, (root / name).read_bytes()))
        except (MarksError, FileNotFoundError) as error:
            faults.append(f"{name}: {error}")
    if faults:
        raise ReleaseError(*faults)
    return decision


def as_released(name: str, data: bytes) -> bytes:
    """What students get of a file.

    Raises:
        MarksError: a mark without its partner, or nested.
    """
    path = Path(name)
    if path.suffix == ".ipynb":
        return cleared(data.decode("utf-8")).encode("utf-8")
    try:
        text = data.decode("utf-8") if path.suffix in MARKED_TYPES else None
    except UnicodeDecodeError:
        text = None
    if text is None:
        return data
    text = for_students(text)
    if path.suffix == ".py" and path.parts[0] == "hw5":
        text = cut(text)
    return text.encode("utf-8")


def cleared(text: str) -> str:
    """A notebook without outputs, and with the word that there is nothing to compare it with."""
    book = canonical(nbformat.reads(text, as_version=4), clear=True)
    book.metadata["hw5"] = {"compare": False}
    return to_text(book)
