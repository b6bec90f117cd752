"""Notebooks are stored in one form, whoever ran them."""

from __future__ import annotations

import nbformat

from staff import renew_notebooks as renew

WIDGET = "application/vnd.jupyter.widget-view+json"


def book() -> nbformat.NotebookNode:
    """Three cells as a browser leaves them: times, folds, counts out of order, a widget."""
    cells = [
        nbformat.v4.new_code_cell("1 + 1", id=f"cell-{i}", execution_count=7 - i) for i in range(3)
    ]
    cells[0].outputs = [
        nbformat.v4.new_output("execute_result", data={"text/plain": "2"}, execution_count=7)
    ]
    widget = {WIDGET: {"model_id": "0f"}, "text/plain": "Weights(...)"}
    cells[1].outputs = [nbformat.v4.new_output("display_data", data=widget)]
    cells[2].metadata = {"tags": ["checkpoint"], "hw5": {"psnr": 30}, "collapsed": True}
    return nbformat.v4.new_notebook(cells=cells, metadata={"signature": "mine"})


def test_counts_go_from_one_upwards_in_cells_and_results():
    cells = renew.canonical(book()).cells
    assert [cell.execution_count for cell in cells] == [1, 2, 3]
    assert cells[0].outputs[0].execution_count == 1


def test_widgets_are_not_stored():
    assert renew.canonical(book()).cells[1].outputs == []


def test_tags_and_tolerances_are_kept_and_nothing_else():
    tidy = renew.canonical(book())
    assert tidy.cells[2].metadata == {"tags": ["checkpoint"], "hw5": {"psnr": 30}}
    assert "signature" not in tidy.metadata


def test_twice_canonical_is_once_canonical():
    once = renew.to_text(renew.canonical(book()))
    assert renew.to_text(renew.canonical(nbformat.reads(once, as_version=4))) == once


def test_clear_takes_outputs_and_counts_out():
    cells = renew.canonical(book(), clear=True).cells
    assert all(cell.outputs == [] and cell.execution_count is None for cell in cells)
