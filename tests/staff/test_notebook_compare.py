"""What a notebook shows against what it should: words, numbers, pictures, and hostile replies."""

from __future__ import annotations

import base64
import io
import json

import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_output
from PIL import Image

from hw5.testing.outputs import take_apart
from hw5.testing.pictures import frames_of
from staff.grading import notebooks
from staff.grading.exchange import Frame
from staff.grading.notebook_compare import MAX_WORDS, Shown, compared_cells, judge, parse
from staff.grading.notebooks import Sheet, grade_one, reference
from staff.release.files import ROOT
from staff.sandbox import StaffError

SIDE = 32


def picture(seed):
    return np.random.default_rng(seed).integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8)


def png(array):
    Image.fromarray(array).save(packed := io.BytesIO(), "png")
    return base64.b64encode(packed.getvalue()).decode()


def cell(*outputs, **rules):
    made = new_code_cell("show()", id="cats", metadata={"hw5": rules} if rules else {})
    made.outputs = list(outputs)
    return made


def said(text, name="stdout"):
    return new_output("stream", name=name, text=text)


def shown(*outputs, films=()):
    arrays = {str(i): film[None] for i, film in enumerate(films)}
    words = {"outputs": json.dumps([dict(output) for output in outputs])}
    return {"cats": parse(Frame(words, arrays))}


def test_the_same_words_are_right():
    assert judge(cell(said("loss 0.5\n")), shown(said("loss 0.5\n"))).faults == ()


def test_other_words_are_wrong_and_shown():
    (fault,) = judge(cell(said("a\nb\n")), shown(said("a\nc\n"))).faults
    assert fault == "stdout: 'c', expected 'b'"


def test_numbers_may_differ_by_the_cells_own_share():
    found = shown(said("loss 0.51\n"))
    assert judge(cell(said("loss 0.50\n"), rtol=0.05), found).faults == ()
    assert judge(cell(said("loss 0.50\n"), rtol=0.01), found).faults


def test_a_warning_of_a_library_costs_nothing():
    assert judge(cell(said("a\n")), shown(said("a\n"), said("NNPACK!", "stderr"))).faults == ()


def test_a_picture_is_compared_by_its_pixels():
    stored = new_output("display_data", data={"image/png": png(picture(1))})
    fresh = new_output("display_data", data={"text/plain": ""})
    stored.data["text/plain"] = ""
    assert judge(cell(stored), shown(fresh, films=[picture(1)])).faults == ()
    wrong = judge(cell(stored), shown(fresh, films=[picture(2)]))
    assert "picture 1: PSNR" in wrong.faults[0]
    assert np.array_equal(wrong.pictures[0][1], picture(1))


def test_a_missing_picture_is_told():
    stored = new_output("display_data", data={"image/png": png(picture(1))})
    assert "0 pictures shown, 1 expected" in judge(cell(stored), shown()).faults


def test_an_unwritten_task_is_the_reason():
    error = new_output("error", ename="NotImplementedError", evalue="task 1.1: masked_mean")
    (fault,) = judge(cell(said("a")), shown(error)).faults
    assert fault == "stopped: NotImplementedError: task 1.1: masked_mean"


def test_a_cell_that_was_never_reached_is_wrong():
    assert judge(cell(said("a")), {}).faults == ("not run: the notebook had stopped before",)


@pytest.mark.parametrize(
    "words",
    [
        "not json",
        "[" * 5000,
        "{}x",
        '[{"output_type": "evil"}]',
        '[{"output_type": "stream", "name": 5, "text": "x"}]',
        '[{"output_type": "display_data", "data": []}]',
        "[5]",
        '"' + "x" * MAX_WORDS + '"',
    ],
)
def test_a_reply_that_is_no_output_is_trouble_and_no_crash(words):
    found = parse(Frame({"outputs": words}))
    assert found.trouble and judge(cell(said("a")), {"cats": found}).faults


@pytest.mark.parametrize(
    "film",
    [np.zeros((1, 4, 4, 3)), np.zeros((4, 4, 3), np.uint8), np.zeros((1, 4, 4, 4), np.uint8)],
)
def test_pixels_of_another_shape_are_trouble(film):
    assert parse(Frame({"outputs": "[]"}, {"0": film})).trouble


def test_points_are_the_share_of_cells_that_count(tmp_path):
    book = reference("01_losses", ROOT)
    cells = compared_cells(book)[:4]
    sheet = Sheet("01_losses", tuple(c.id for c in cells))
    found = grade_one(sheet, {cells[0].id: Shown()}, 2.0, tmp_path)
    assert (found.points, found.possible, found.cells) == (0.0, 2.0, 4)
    assert len(found.failed) == 4 and found.failed[3].startswith(cells[3].id)


def test_a_notebook_without_counting_cells_earns_nothing(tmp_path):
    assert grade_one(Sheet("01_losses", ()), {}, 2.0, tmp_path).points == 0


def shows(monkeypatch, solved, stubs):
    """Let the notebooks show this with the solved functions, and that with stubs."""
    shown = lambda name, files, jail, root: solved if files else stubs  # noqa: E731
    monkeypatch.setattr(notebooks, "run", shown)


def as_stored(book):
    """What the notebook's own outputs would come back as."""
    found = {}
    for one in compared_cells(book):
        bare, files = take_apart(one.outputs)
        films = {str(i): np.stack(frames_of(data)) for i, data in enumerate(files)}
        found[one.id] = parse(Frame({"outputs": json.dumps(bare)}, films))
    return found


def test_cells_that_stubs_pass_as_well_do_not_count(monkeypatch):
    stored = as_stored(reference("01_losses", ROOT))
    first = next(iter(stored))
    shows(monkeypatch, solved=stored, stubs={first: stored[first]})
    (sheet,) = notebooks.prepare(["01_losses"], None)
    assert set(sheet.cells) == set(stored) - {first}


def test_a_machine_on_which_the_solved_functions_lose_points_judges_nobody(monkeypatch):
    stored = as_stored(reference("01_losses", ROOT))
    last = list(stored)[-1]
    late = stored | {last: Shown(trouble="took longer than 60 s")}
    shows(monkeypatch, solved=late, stubs={})
    with pytest.raises(StaffError, match=rf"01_losses: .* 1 that fail, first {last}: .*busy"):
        notebooks.prepare(["01_losses"], None)
