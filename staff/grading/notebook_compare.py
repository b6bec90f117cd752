"""What a notebook's cell showed against what it shows when all is right.

Offers `Shown`, `parse`, `compared_cells`, `judge` and `Judged`. Words are compared as nbval does it
(kind by kind, in order), numbers and pictures within the cell's own tolerances (hw5/testing).
Read next: notebooks.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from nbformat import NotebookNode

from staff.grading.exchange import Frame

MAX_WORDS = 2**20  # characters of a cell's outputs
MAX_LINE = 300  # characters of a complaint
KINDS = ("stream", "display_data", "execute_result", "error")
# a widget's view names a model that is gone; libraries warn on stderr of whatever machine they meet
NOT_COMPARED = ("application/vnd.jupyter.widget-view+json", "stderr")


@dataclass(frozen=True)
class Shown:
    """What one cell showed: plain words and pixels, or why it showed nothing."""

    outputs: tuple[NotebookNode, ...] = ()
    films: tuple[np.ndarray, ...] = ()  # each uint8 (frames, H, W, 3)
    trouble: str = ""


@dataclass(frozen=True)
class Judged:
    """A cell, what is wrong with it, and the pictures that show it."""

    cell: str
    faults: tuple[str, ...] = ()
    pictures: tuple[tuple[np.ndarray, np.ndarray], ...] = ()  # theirs, expected: (H, W, 3)


def parse(frame: Frame) -> Shown:
    """A frame of the worker as plain outputs; whatever is no output becomes trouble."""
    text = frame.words.get("outputs", "[]")
    if frame.words.get("trouble") or len(text) > MAX_WORDS:
        return Shown(trouble=frame.words.get("trouble") or "more words than a cell may show")
    try:
        outputs = tuple(plain(output) for output in json.loads(text))
        films = tuple(frame.arrays[str(i)] for i in range(len(frame.arrays)))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        return Shown(trouble=f"outputs that cannot be read: {type(error).__name__}")
    if any(film.dtype != np.uint8 or film.ndim != 4 or film.shape[3] != 3 for film in films):
        return Shown(trouble="pixels of another shape than pictures have")
    return Shown(outputs, films)


def plain(output: Mapping[str, object]) -> NotebookNode:
    """One output with the fields that are compared, each a text.

    Raises:
        ValueError: another kind of output, or a field that is no text.
    """
    kind = output["output_type"]
    fields = {key: output[key] for key in ("name", "text", "ename", "evalue") if key in output}
    data = output.get("data", {})
    values = [*fields.values(), *data.values()]
    if kind not in KINDS or not all(isinstance(value, str | dict) for value in values):
        raise ValueError("no output")
    node = NotebookNode(output_type=kind, **fields)
    if data:
        node.data = NotebookNode(data)
    return node


def compared_cells(book: NotebookNode) -> list[NotebookNode]:
    """The code cells whose outputs are compared."""
    code = (cell for cell in book.cells if cell.cell_type == "code" and cell.source.strip())
    return [cell for cell in code if "nbval-ignore-output" not in cell.metadata.get("tags", [])]


def judge(cell: NotebookNode, shown: Mapping[str, Shown]) -> Judged:
    """What is wrong with what a cell showed."""
    fresh = shown.get(cell.id)
    if fresh is None:
        return Judged(cell.id, ("not run: the notebook had stopped before",))
    if fresh.trouble:
        return Judged(cell.id, (short(fresh.trouble),))
    errors = [o for o in fresh.outputs if o.output_type == "error"]
    if errors and "raises-exception" not in cell.metadata.get("tags", []):
        return Judged(cell.id, (short(f"stopped: {errors[0].ename}: {errors[0].evalue}"),))
    return compare(cell, fresh)


def compare(cell: NotebookNode, fresh: Shown) -> Judged:
    """Words, then pictures, with the tolerances in the cell's metadata."""
    from nbval.plugin import coalesce_streams

    from hw5.testing.nbpictures import CellRules
    from hw5.testing.outputs import settle_numbers, take_apart
    from hw5.testing.pictures import faults_of, frames_of

    rules = CellRules.of(cell.metadata, cell.id)
    stored, files = take_apart(coalesce_streams(cell.outputs))
    words = coalesce_streams([NotebookNode(output) for output in fresh.outputs])
    settle_numbers(words, stored, rules.rtol)
    faults, pictures = list(differences(words, stored)), []
    if len(fresh.films) != len(files):
        faults.append(f"{len(fresh.films)} pictures shown, {len(files)} expected")
    for number, (film, file) in enumerate(zip(fresh.films, files, strict=False), 1):
        expected = frames_of(file)
        if found := faults_of(list(film), expected, rules.pictures):
            faults.append(short(f"picture {number}: {'; '.join(found)}"))
            pictures.append((film[len(film) // 2], expected[len(expected) // 2]))
    return Judged(cell.id, tuple(faults), tuple(pictures))


def differences(fresh: Sequence[NotebookNode], stored: Sequence[NotebookNode]) -> Iterator[str]:
    """A line for each kind of words that is not as stored."""
    ours, theirs = by_kind(stored), by_kind(fresh)
    for kind in sorted(ours.keys() | theirs.keys()):
        old, new = ours.get(kind, []), theirs.get(kind, [])
        if len(old) != len(new):
            yield f"{len(new)} times {kind}, {len(old)} expected"
        elif old != new:
            a, b = next((a, b) for a, b in zip(new, old, strict=True) if a != b)
            yield short(f"{kind}: {first_difference(str(a), str(b))}")


def by_kind(outputs: Sequence[NotebookNode]) -> dict[str, list[object]]:
    """The words of outputs, sorted by what they are."""
    found: dict[str, list[object]] = {}
    for output in outputs:
        words = {output.name: output.text} if output.output_type == "stream" else {}
        words |= {key: output[key] for key in ("ename", "evalue") if key in output}
        words |= output.get("data", {})
        for kind, value in words.items():
            if kind not in NOT_COMPARED:
                found.setdefault(kind, []).append(value)
    return found


def first_difference(new: str, old: str) -> str:
    """The first line that differs, as it is and as it should be."""
    lines = zip([*new.splitlines(), ""], [*old.splitlines(), ""], strict=False)
    a, b = next(((a, b) for a, b in lines if a != b), (new, old))
    return f"{a.strip()!r}, expected {b.strip()!r}"


def short(text: str) -> str:
    """Text on one line, cut to length."""
    return " ".join(text.split())[:MAX_LINE]
