"""Run the notebooks from top to bottom and store their outputs, in one canonical form.

    python staff/renew_notebooks.py            # all of notebooks/
    python staff/renew_notebooks.py 01 03      # those whose names begin so
    python staff/renew_notebooks.py --clear    # take the outputs out again

Stored outputs are the reference that `make test` compares with, so look at the pictures before you
commit them. Nothing is stored of a notebook that stops with an error. Offers `canonical` and
`to_text`, which tests/notebooks uses.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
TIMEOUT = 300  # seconds a cell may take
WIDGET = "application/vnd.jupyter.widget-view+json"  # names a model that dies with its kernel
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
CELL_METADATA = ("hw5", "tags")  # an allow-list: times, folds and the like are one's own


def canonical(book: NotebookNode, *, clear: bool = False) -> NotebookNode:
    """The notebook without what differs from run to run; `clear` drops the outputs as well."""
    book.metadata = nbformat.from_dict(METADATA)
    book.nbformat, book.nbformat_minor = 4, 5
    count = 0
    for cell in book.cells:
        kept = {name: cell.metadata[name] for name in CELL_METADATA if name in cell.metadata}
        cell.metadata = nbformat.from_dict(kept)
        if cell.cell_type != "code":
            continue
        count += 1
        cell.execution_count = None if clear else count
        cell.outputs = [] if clear else [o for o in cell.outputs if _is_kept(o)]
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = count
    return book


def _is_kept(output: NotebookNode) -> bool:
    """Does this output outlive its kernel? A widget does not, and its text holds an address."""
    return WIDGET not in output.get("data", {})


def to_text(book: NotebookNode) -> str:
    """The notebook as its file holds it."""
    return nbformat.writes(book, version=4, indent=1) + "\n"


def run(path: Path) -> NotebookNode:
    """The notebook at `path`, run in a fresh kernel beside its file."""
    book = nbformat.read(path, as_version=4)
    client = NotebookClient(
        book, timeout=TIMEOUT, record_timing=False, store_widget_state=False,
        resources={"metadata": {"path": str(path.parent)}},
    )  # fmt: skip
    return client.execute()


def main() -> int:
    """Renew the notebooks that are named; 1 if one stops with an error."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="beginnings of file names; none: all")
    parser.add_argument("--clear", action="store_true", help="take outputs out, run nothing")
    options = parser.parse_args()
    wanted = tuple(options.names) or ("",)
    failed = 0
    for path in sorted(p for p in FOLDER.glob("*.ipynb") if p.name.startswith(wanted)):
        began = time.perf_counter()
        try:
            book = nbformat.read(path, as_version=4) if options.clear else run(path)
        except CellExecutionError as error:
            print(f"{path.name}: stopped\n{error}", file=sys.stderr)
            failed = 1
            continue
        path.write_text(to_text(canonical(book, clear=options.clear)), encoding="utf-8")
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = time.perf_counter() - began
        print(f"{path.name}: {seconds:.0f} s, {used.ru_utime + used.ru_stime:.0f} s of processor")
    return failed


if __name__ == "__main__":
    sys.exit(main())
