"""The lecture's copies: folded, large, with stored pictures; nothing else is touched."""

from __future__ import annotations

import base64
import json
import os
import re  # STAFF
import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from hw5.cli import formulas, lecture, lecture_stage
from hw5.kit.checks import InputError

PICTURE = new_output("display_data", data={"image/png": "iVBORw0KGgo=", "text/plain": "a cat"})
CONTROL = new_output(
    "display_data", data={lecture_stage.WIDGET: {"model_id": "1"}, "text/plain": "Slider()"}
)


@pytest.fixture
def notebooks(tmp_path):
    cells = [
        new_markdown_cell("# Cats"),
        new_code_cell("secret_name = 1", outputs=[PICTURE], execution_count=1),
        new_code_cell("slider", outputs=[CONTROL], execution_count=2),
        new_markdown_cell("### A detail"),
        new_code_cell("ui.world()", metadata={"tags": ["interactive"]}),
    ]
    folder = tmp_path / "notebooks"
    folder.mkdir()
    for name in ("00_tour", "01_losses"):
        nbformat.write(new_notebook(cells=cells), folder / f"{name}.ipynb")
    return folder


@pytest.fixture
def copies(notebooks, tmp_path):
    return lecture_stage.stage_folder(
        lecture_stage.find_notebooks(notebooks), tmp_path / "stage"
    )  # fmt: skip


def cells_of(path):
    return nbformat.read(path, as_version=4).cells


def test_the_code_is_folded_and_the_stored_picture_stays_as_the_fallback(copies):
    cell = cells_of(copies[0])[1]
    assert cell.metadata["jupyter"]["source_hidden"] is True
    assert cell.outputs == [PICTURE] and cell.source == "secret_name = 1"


@pytest.mark.parametrize("number", [2, 4])
def test_a_control_without_a_kernel_is_replaced_by_how_to_start_it(copies, number):
    line, *_ = outputs = cells_of(copies[0])[number].outputs
    assert "Shift+Enter" in line["data"]["text/markdown"]
    assert all(lecture_stage.WIDGET not in output["data"] for output in outputs)


def test_a_still_stands_in_for_a_control():
    """The checkpoint's picture; else the last one on the slide; else the checkpoint's words."""
    kept = new_output("execute_result", data={"image/png": "AAAA"}, execution_count=3)
    said = new_output("stream", name="stdout", text="as expected")
    cells = [
        new_markdown_cell("## A slide"),
        new_code_cell("show", outputs=[PICTURE]),
        new_code_cell("ui.world()", metadata={"tags": ["interactive"]}),
        new_markdown_cell("Look."),
        new_code_cell("fix", outputs=[said, kept], metadata={"tags": ["checkpoint"]}),
    ]
    book = new_notebook(cells=cells)
    (still,) = lecture_stage.still(book, 2)
    assert still.output_type == "display_data" and still.data == {"image/png": "AAAA"}
    book.cells[4].outputs = [said]
    assert lecture_stage.still(book, 2) == [PICTURE]
    book.cells.insert(2, new_markdown_cell("## Another slide"))
    assert lecture_stage.still(book, 3) == [said]
    book.cells[5].metadata["tags"] = []
    assert lecture_stage.still(book, 3) == []


def test_the_notebooks_themselves_are_not_changed(notebooks, tmp_path):
    before = {path: path.read_bytes() for path in notebooks.iterdir()}
    lecture_stage.stage_folder(lecture_stage.find_notebooks(notebooks), tmp_path / "stage")
    assert {path: path.read_bytes() for path in notebooks.iterdir()} == before


def test_the_letters_are_large(copies):
    file = copies[0].parent / ".settings/@jupyterlab/apputils-extension/themes.jupyterlab-settings"
    said = json.loads(file.read_text())["overrides"]
    assert int(said["content-font-size1"].removesuffix("px")) >= 20


def test_formulas_are_pictures_that_say_what_they_show():
    text = formulas.with_pictures("Let $a < b$ be\n\n$$\\|x\\|^2$$", size=20)
    assert "$" not in text and text.count('src="data:image/svg+xml;base64,') == 2
    assert 'alt="a &lt; b"' in text and 'alt="\\&#124;x\\&#124;^2"' in text


@pytest.mark.parametrize(
    ("written", "known"),
    [(r"\|x\|", r"\Vert x\Vert"), (r"\bigl\|x\bigr\|", r"\lVert x\rVert"),
     (r"\arg\min_x", r"\operatorname{argmin}_x")],
)  # fmt: skip
def test_what_the_typesetter_does_not_know_is_put_in_its_words(written, known):
    one, other = (formulas.with_pictures(f"${text}$", size=20) for text in (written, known))
    assert one.split("src=")[1] == other.split("src=")[1]


def test_a_formula_on_its_own_is_set_taller_than_in_a_line():
    alone, in_line = (
        formulas.with_pictures(text, size=20) for text in (r"$$\sum_i^n$$", r"$\sum_i^n$")
    )
    assert height(alone) > 1.3 * height(in_line)


def height(picture):
    svg = base64.b64decode(picture.split("base64,")[1].split('"')[0]).decode()
    return float(svg.split('height="')[1].split('"')[0])


def test_dollars_in_code_and_prices_stay_as_they_are():
    text = "`$HOME` and\n```\n$a$\n```\nfrom 5 $ to 6 $ each"
    assert formulas.with_pictures(text, size=20) == text


def test_a_lecture_is_staged_without_waiting_for_torch(notebooks, tmp_path):
    code = (
        "import sys; from pathlib import Path; from hw5.cli import lecture, lecture_stage as stage;"
        "paths = stage.find_notebooks(Path(sys.argv[1])); lecture.chosen(paths, '00');"
        "stage.stage_folder(paths, Path(sys.argv[2])); lecture.environment(None, Path('out'));"
        "lecture.command('lab', Path('out'), paths[0], browser=False);"
        "assert 'torch' not in sys.modules"
    )
    words = [sys.executable, "-c", code, str(notebooks), str(tmp_path / "stage")]
    assert subprocess.run(words, check=False).returncode == 0


def test_a_slide_begins_at_each_title_of_two_levels(copies):
    kinds = [cell.metadata["slideshow"]["slide_type"] for cell in cells_of(copies[0])]
    assert kinds == ["slide", "-", "-", "-", "-"]


# BEGIN STAFF
def test_slides_show_pictures_and_no_code(copies):
    (path, _) = lecture_stage.slides(copies)
    html = path.read_text("utf-8")
    assert "iVBORw0KGgo=" in html and "secret_name" not in html


def test_slides_fetch_nothing(copies):
    (path, _) = lecture_stage.slides(copies)
    html = path.read_text("utf-8")
    rest = re.sub(r"<script>.*?</script>", "", html, flags=re.DOTALL)  # reveal.js writes tags, too
    assert not re.findall(
        r"""<(?:script|link|i[mf]\w+)[^>]*(?:src|href)=["'](?!data:)|@import""", rest
    )
    assert "Reveal.initialize" in html and "MathJax" not in html


# END STAFF
def test_the_solved_functions_come_before_all_others(tmp_path):
    (tmp_path / "hw5").mkdir()
    (tmp_path / "hw5/losses.py").write_text("")
    env = lecture.environment(tmp_path, tmp_path / "out")
    assert env["PYTHONPATH"].split(os.pathsep)[0] == str(tmp_path.resolve())


def test_the_notebook_is_chosen_by_the_beginning_of_its_name(notebooks):
    paths = lecture_stage.find_notebooks(notebooks)
    assert lecture.chosen(paths, "01").name == "01_losses.ipynb"
    with pytest.raises(InputError, match=r"00_tour\.ipynb, 01_losses\.ipynb"):
        lecture.chosen(paths, "07")


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--notebooks", "nowhere"], "nowhere"),
        (["--view", "cinema"], "cinema"),
        (["--solved", "nowhere"], "nowhere"),
        (["--notebooks", "broken", "--view", "slides"], "broken.ipynb"),
        (["--first", "99"], "99"),
    ],
)
def test_what_cannot_be_shown_is_refused_in_one_line(run, notebooks, tmp_path, words, named):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/broken.ipynb").write_text("{")
    answer = run("lecture", *words)
    assert answer.status == 2 and named in answer.err and len(answer.err.splitlines()) == 1


# BEGIN STAFF
def test_the_command_writes_slides(run, notebooks, tmp_path):
    answer = run("lecture", "--view", "slides")
    assert answer.status == 0, answer
    assert (tmp_path / "build/lecture/00_tour.slides.html").is_file()


# END STAFF
@pytest.mark.parametrize(("user", "flags"), [(0, ["--allow-root"]), (1000, [])])
def test_the_lab_starts_for_root_too(user, flags, notebooks, monkeypatch):
    monkeypatch.setattr(lecture.os, "geteuid", lambda: user, raising=False)
    words = lecture.command("lab", notebooks, next(notebooks.iterdir()), browser=False)
    assert [word for word in words if word == "--allow-root"] == flags
