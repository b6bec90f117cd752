"""Notebooks for the lecture hall: the same cells, folded code, large type, stored pictures shown.

Offers `staged` (a notebook), `stage_folder` (a folder of them with Lab's settings) and `slides`.
The notebooks of the course are never changed: these are copies.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from hw5.cli.formulas import with_pictures

WIDGET = "application/vnd.jupyter.widget-view+json"
LIVE = "▶ **Live:** click here and press Shift+Enter."
SETTINGS = ".settings"  # folder of Lab's settings beside the notebooks
# Pixels that can be read from the last row (ours); Lab's usual is 13 to 14.
LETTERS, CODE = 22, 18
FORMULAS = 26  # their font looks smaller
_SIZES = f"--jp-content-font-size1: {LETTERS}px; --jp-code-font-size: {CODE}px"
_DARK = 'body:is(.theme-dark, [data-jp-theme-light="false"])'  # formulas are black pictures
STYLE = f"<style>:root {{ {_SIZES} }} {_DARK} img.hw5-formula {{ filter: invert(1) }}</style>"
DECK = Path(__file__).parent / "deck"  # nbconvert's template for slides, with reveal.js
LAB = {
    "@jupyterlab/apputils-extension/themes": {
        "overrides": {
            "content-font-size1": f"{LETTERS}px",
            "code-font-size": f"{CODE}px",
            "ui-font-size1": "15px",
        }
    },
    "@jupyterlab/apputils-extension/notification": {
        "fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True,
    },
}  # fmt: skip


def staged(notebook: NotebookNode) -> NotebookNode:
    """A copy with folded code; what a cell showed when it was stored is its fallback.

    A control without its kernel is dead or not there, so a line and a still picture take its place
    until it is run.
    """
    book = copy.deepcopy(notebook)
    for index, cell in enumerate(book.cells):
        slide = cell.metadata.setdefault("slideshow", {})
        slide["slide_type"] = "slide" if begins_slide(cell) else "-"
        if cell.cell_type != "code":
            continue
        cell.metadata.setdefault("jupyter", {})["source_hidden"] = True
        if waits_for_kernel(cell):
            line = nbformat.v4.new_output("display_data", data={"text/markdown": LIVE})
            cell.outputs = [line, *still(notebook, index)]
    return book


def still(notebook: NotebookNode, index: int) -> list[NotebookNode]:
    """What stands in for the control of cell `index`, as outputs; nothing where nothing is stored.

    It is the picture of the checkpoint right behind it, which fixes what the control shows; else
    the last picture before it on its slide, which is what the control moves; else that
    checkpoint's words.
    """
    after = [c for c in notebook.cells[index + 1 :] if c.cell_type == "code"][:1]
    behind = [c for c in after if "checkpoint" in c.metadata.get("tags", [])]
    before = []
    for cell in reversed(notebook.cells[:index]):
        if begins_slide(cell):
            break
        before += [pictures(cell)]
    words = [[o for o in cell.outputs if o.output_type == "stream"] for cell in behind]
    found = next(filter(None, [*map(pictures, behind), *before, *words]), [])
    return [as_shown(output) for output in copy.deepcopy(found)]


def pictures(cell: NotebookNode) -> list[NotebookNode]:
    """The stored outputs of a cell that are pictures."""
    outputs = cell.get("outputs", [])
    return [o for o in outputs if any(kind.startswith("image/") for kind in o.get("data", {}))]


def as_shown(output: NotebookNode) -> NotebookNode:
    """A result as another cell can show it: without the number of the cell that it came from."""
    if output.output_type != "execute_result":
        return output
    return nbformat.v4.new_output("display_data", data=output.data, metadata=output.metadata)


def waits_for_kernel(cell: NotebookNode) -> bool:
    """Is a cell's output a control, or nothing although the cell is there to be played with?"""
    has_control = any(WIDGET in output.get("data", {}) for output in cell.outputs)
    return has_control or (not cell.outputs and "interactive" in cell.metadata.get("tags", []))


def begins_slide(cell: NotebookNode) -> bool:
    """Does a slide begin here? At each title of the first two levels."""
    return cell.cell_type == "markdown" and bool(re.match(r"\s*##? ", cell.source))


def find_notebooks(folder: Path) -> list[Path]:
    """The notebooks in `folder`, in order.

    Raises:
        InputError: there is none.
    """
    found = sorted(folder.glob("*.ipynb"))
    if not found:
        from hw5.kit.checks import InputError  # here and below: see lecture.py

        raise InputError.about(str(folder), expected="notebooks", got="none")
    return found


def stage_folder(notebooks: Sequence[Path], out: Path, *, styled: bool = False) -> list[Path]:
    """Write staged copies and Lab's settings into `out`; return the copies.

    Args:
        notebooks: those of the course.
        out: made if it is missing.
        styled: put the large type into the notebooks, and formulas as pictures; Lab has the one in
            its settings and sets the others itself.

    Raises:
        InputError: a file that is no notebook.
    """
    books = {out / path.name: staged(read(path)) for path in notebooks}
    out.mkdir(parents=True, exist_ok=True)
    for path, book in books.items():
        if styled:
            for cell in book.cells:
                if cell.cell_type == "markdown":
                    cell.source = with_pictures(cell.source, size=FORMULAS)
            book.cells[0].source = f"{STYLE}\n\n{book.cells[0].source}"
        nbformat.write(book, path)
    for plugin, settings in LAB.items():
        file = out / SETTINGS / f"{plugin}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(settings), encoding="utf-8")
    return list(books)


def read(path: Path) -> NotebookNode:
    """A notebook.

    Raises:
        InputError: something else.
    """
    try:
        return nbformat.read(path, as_version=4)
    except (ValueError, KeyError, AttributeError, OSError) as error:
        from hw5.kit.checks import InputError

        raise InputError.about(str(path), expected="a notebook", got="another file") from error


def slides(copies: Sequence[Path]) -> list[Path]:
    """Write slides beside staged notebooks, without code; a slide begins at each title.

    Each is one file with all that it needs, reveal.js and pictures among it.
    """
    from nbconvert import SlidesExporter

    exporter = SlidesExporter(exclude_input=True, exclude_input_prompt=True,
                              exclude_output_prompt=True, template_name=DECK.name,
                              extra_template_basedirs=[str(DECK.parent)])  # fmt: skip
    paths = []
    for path in copies:
        html, _ = exporter.from_notebook_node(read(path), {"metadata": {"name": path.stem}})
        paths.append(path.with_suffix(".slides.html"))
        paths[-1].write_text(html, encoding="utf-8")
    return paths
