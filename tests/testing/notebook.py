"""Small notebooks, run once to be their own reference, and pytest run over a folder of them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook, new_output

ROOT = Path(__file__).parents[2]


def cell(source, *, tags=(), **rules):
    """A code cell; `rules` go into its metadata under "hw5"."""
    metadata = {"tags": list(tags)} | ({"hw5": rules} if rules else {})
    return new_code_cell(source, metadata=metadata)


def ran(source, text="", **rules):
    """A code cell as if it had been run with the result `text`; saves a kernel."""
    made = cell(source, **rules)
    made.execution_count = 1
    if text:
        made.outputs = [new_output("execute_result", data={"text/plain": text}, execution_count=1)]
    return made


def write(path, cells, *, run=True):
    """Write a notebook, with its outputs stored when `run`."""
    book = new_notebook(cells=[c if not isinstance(c, str) else cell(c) for c in cells])
    if run:
        os.environ.setdefault("PYTHONPATH", str(ROOT))
        NotebookClient(book, resources={"metadata": {"path": str(path.parent)}}).execute()
    nbformat.write(book, path)
    return path


def check(folder, *words, **env):
    """Run `pytest --nbpictures` in `folder`: outcome by "notebook:cell", and all it printed."""
    (folder / "pytest.ini").write_text(f"[pytest]\npythonpath = {ROOT}\n")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "hw5.testing.nbpictures", "--nbpictures", "-v",
         "--color=no", "-p", "no:cacheprovider", *words, "."],
        cwd=folder, capture_output=True, text=True, timeout=300,
        env={**os.environ, "PYTHONPATH": str(ROOT), **env},
    )  # fmt: skip
    found = re.findall(r"^(\w+)\S*::Cell (\d+) (\w+)", run.stdout, flags=re.MULTILINE)
    return {f"{book}:{number}": outcome for book, number, outcome in found}, run.stdout + run.stderr
