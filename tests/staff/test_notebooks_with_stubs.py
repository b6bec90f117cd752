"""A notebook before anything is written: it stops at its first task, in two lines."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from staff.stubs import cut

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "file", "task"),
    [("01_losses", "losses", "1.1"), ("03_interpolation", "interpolate", "4.1")],
)
def test_with_stubs_a_notebook_stops_at_its_first_task_in_two_lines(name, file, task, tmp_path):
    shutil.copytree(ROOT / "hw5", tmp_path / "hw5", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "data").symlink_to(ROOT / "data")
    source = tmp_path / "hw5" / f"{file}.py"
    source.write_text(cut(source.read_text(encoding="utf-8")), encoding="utf-8")
    book = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    client = NotebookClient(book, timeout=300, resources={"metadata": {"path": str(tmp_path)}})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(tmp_path))
        with pytest.raises(CellExecutionError) as stopped:
            client.execute()
    (error,) = (o for c in book.cells for o in c.get("outputs", []) if o.output_type == "error")
    assert len(error.traceback) == 2
    assert error.traceback[0].startswith(f"Task {task} is yours to write: ")
    assert f"in hw5/{file}.py, line " in error.traceback[0]
    assert "Traceback" not in str(stopped.value)
