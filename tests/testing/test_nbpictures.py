"""The plugin on whole notebooks: ten bugs in the right cells, dead kernels, missing outputs."""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_output
from PIL import Image

from tests.testing.notebook import cell, check, ran, write

BUGS = ("channels", "upright", "in_place", "in_range", "near_the_mean", "layers", "found", "there",
        "under_the_mask", "every_tile")  # fmt: skip
WHITE = "from PIL import Image\nImage.new('RGB', (40, 40), 'white')"


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A notebook with a cell for each function of course.py, run once without a bug."""
    folder = tmp_path_factory.mktemp("course")
    shutil.copy(Path(__file__).with_name("course.py"), folder)
    sources = [f"course.{name}()" for name in BUGS]
    write(folder / "cats.ipynb", ["import course", *sources, "course.show(course.cats(2))"])
    return folder


@pytest.mark.slow
def test_nothing_changed_passes_with_another_number_of_threads(course):
    # Passive: two threads that wait actively for each other on a busy core wait for minutes.
    outcomes, text = check(course, OMP_NUM_THREADS="2", OMP_WAIT_POLICY="PASSIVE")
    assert outcomes == {f"cats:{i}": "PASSED" for i in range(len(BUGS) + 2)}, text


@pytest.mark.slow
def test_each_visible_bug_fails_in_its_own_cell_and_no_other_cell_does(course):
    outcomes, text = check(course, BUGS=" ".join(BUGS))
    wrong = {f"cats:{i}": "FAILED" for i in range(1, len(BUGS) + 1)}
    last = f"cats:{len(BUGS) + 1}"
    assert outcomes == {"cats:0": "PASSED", **wrong, last: "PASSED"}, text


def with_nothing_shown():
    """Two cells: one has an empty display in its stored outputs, the other shows one when run."""
    nothing = {"text/html": "", "text/plain": ""}
    stored = ran("2 + 2", "4")
    stored.outputs.insert(0, new_output("display_data", data=nothing))
    return stored, ran(f"from IPython.display import display\ndisplay({nothing}, raw=True)\n5", "5")


@pytest.fixture(scope="module")
def troubles(tmp_path_factory):
    """Light notebooks, each with a trouble of its own, all run by one pytest."""
    folder = tmp_path_factory.mktemp("troubles")
    changed = write(folder / "changed.ipynb", [WHITE])
    book = nbformat.read(changed, as_version=4)
    book.cells[0].source = WHITE.replace("white", "red")
    texts = ("'loss 0.53 after 20 steps'", "'loss 0.52 after 20 steps'")
    book.cells += [ran(*texts, rtol=0.05), ran(*texts), *with_nothing_shown()]
    nbformat.write(book, changed)
    dead = ran("import os, sys\nos.write(2, b'out of cats\\n')\nos._exit(3)")
    own_runs = "os.path.relpath(os.environ['HW5_RUNS'])"  # seen from the notebook's folder
    kept = ran(f"import os\n{own_runs}", "'build/nbpictures/dying/runs'")
    write(folder / "dying.ipynb", [kept, dead, ran("3", "3")], run=False)
    sleeping = ran("import time\ntime.sleep(60)", timeout=1)
    write(folder / "slow.ipynb", [sleeping, ran("2", "2")], run=False)
    silent = ran("print('never stored')")
    write(folder / "silent.ipynb", [silent, ran("2", "2")], run=False)
    write(folder / "cleared.ipynb", ["1", cell("2", tags=["nbval-ignore-output"])], run=False)
    write(folder / "misspelt.ipynb", [ran("1", "1", pnsr=30)], run=False)
    (folder / "broken.ipynb").write_text("{")
    write(
        folder / "fine.ipynb",
        [
            "from IPython.display import HTML, clear_output, display\nimport base64, io",
            "print('gone')\nclear_output()\nhandle = display(1, display_id=True)\nhandle.update(2)",
            f"{WHITE}.save(png := io.BytesIO(), 'png')\nHTML('<img src=\"data:image/png;base64,'"
            " + base64.b64encode(png.getvalue()).decode() + '\">')",
            cell("import time\ntime.time()", tags=["nbval-ignore-output"]),
        ],
    )
    began = time.perf_counter()
    outcomes, text = check(folder, "--continue-on-collection-errors")
    return folder, outcomes, text, time.perf_counter() - began


def test_a_changed_picture_fails_and_is_shown_beside_its_reference(troubles):
    folder, outcomes, text, _ = troubles
    assert outcomes["changed:0"] == "FAILED"
    assert "PSNR 1.76 dB, at least 30 dB wanted" in text
    shown = [Path(found) for found in re.findall(r"look at (\S+)", text)]
    assert {p.name for p in shown} == {
        "cell-00-picture-1-side-by-side.png", "cell-00-picture-1-heat-map.png"
    }  # fmt: skip
    assert all(path.is_relative_to(folder / "build/nbpictures/changed") for path in shown)
    assert Image.open(shown[0]).width > 2 * 40


def test_numbers_may_differ_by_the_share_that_the_cell_allows(troubles):
    _, outcomes, _, _ = troubles
    assert (outcomes["changed:1"], outcomes["changed:2"]) == ("PASSED", "FAILED")


def test_a_display_that_shows_nothing_is_no_difference(troubles):
    """What is left of the line below a slow cell, in a notebook that was saved by hand."""
    _, outcomes, text, _ = troubles
    assert (outcomes["changed:3"], outcomes["changed:4"]) == ("PASSED", "PASSED"), text


def test_runs_that_a_notebook_keeps_do_not_replace_ones_own(troubles):
    _, outcomes, text, _ = troubles
    assert outcomes["dying:0"] == "PASSED", text


def test_a_dead_kernel_is_noticed_at_once_with_its_last_words(troubles):
    _, outcomes, text, seconds = troubles
    assert [outcomes[f"dying:{i}"] for i in range(3)] == ["PASSED", "FAILED", "SKIPPED"]
    assert "The kernel died in this cell" in text and "out of cats" in text
    assert seconds < 60  # nbval alone waits 2,000


def test_a_cell_that_takes_too_long_fails_and_the_rest_is_not_run(troubles):
    _, outcomes, text, _ = troubles
    assert [outcomes["slow:0"], outcomes["slow:1"]] == ["FAILED", "SKIPPED"]
    assert "Timeout of 1 seconds" in text


def test_a_cell_that_was_stored_without_output_and_prints_fails(troubles):
    _, outcomes, _, _ = troubles
    assert [outcomes["silent:0"], outcomes["silent:1"]] == ["FAILED", "PASSED"]


@pytest.mark.parametrize(
    "line",
    [
        "cleared.ipynb: nothing to compare with: 1 of 2 code cells were never run",
        "misspelt.ipynb, cell 0: metadata hw5: expected numbers called psnr",
        "broken.ipynb: not a notebook",
    ],
)
def test_a_notebook_that_cannot_be_a_reference_is_an_error_with_a_clear_line(troubles, line):
    assert line in troubles[2]


def test_updates_clearing_and_pictures_in_html_are_understood(troubles):
    _, outcomes, text, _ = troubles
    assert [outcomes[f"fine:{i}"] for i in range(4)] == ["PASSED"] * 4, text


def test_nbval_beside_it_is_refused(tmp_path):
    _, text = check(tmp_path, "--nbval")
    assert "choose one" in text
