"""Widgets in a real JupyterLab, in a real browser: started once, used by every test here.

HW5_FRONT_END=notebook takes Notebook 7 instead, where that is installed.

Callbacks and cells run in different threads, so a test waits for the widget's answer before it
runs a cell.
"""

from __future__ import annotations

import json
import os
import re

import numpy as np
import pytest

from hw5.bench import lab_server
from hw5.kit import strokes
from hw5.kit.images import to_uint8
from hw5.kit.strokes import Sketch, Stroke

# One JupyterLab serves them all: pytest-xdist keeps a file together (--dist loadfile).
pytestmark = [
    pytest.mark.skipif(bool(lab_server.missing()), reason=lab_server.missing()),
    pytest.mark.slow,
    pytest.mark.needs(),  # its notebook draws and searches
]

CELLS = (
    "import json, time, torch\ntorch.set_num_threads(1)\n"
    "from hw5 import ui, zoo\nfrom hw5.kit import strokes\ngenerator = zoo.load('stylegan2')",
    "panel = ui.sampler(generator); panel",
    "canvas = ui.canvas(); canvas",
    "print(json.dumps(strokes.sketch_to_json(canvas.sketch)))",
    "def forever(on_step, should_stop):\n"
    "    while not should_stop():\n"
    "        on_step(0.5)\n"
    "        time.sleep(0.01)\n"
    "ui.job(forever)",
    "ui.weights(lambda a: 1 / (a - 1), a=(0, 2, 0.5))",
    "cat = ui.world(); cat",
)
SAMPLER, CANVAS, PRINT, JOB, WEIGHTS, WORLD = range(1, len(CELLS))
BLOCKED = (
    CELLS[0], CELLS[SAMPLER], CELLS[WORLD], "ui.sketch_picker()", "ui.draw_live(generator, None)",
)  # fmt: skip
B_SAMPLER, B_WORLD, B_PICKER, B_DRAWING = range(1, len(BLOCKED))
LINE = Sketch((Stroke(((0.1, 0.5), (0.9, 0.5)), (1, 2, 3), 0.1),))
FILE = {
    "name": "mine.json", "mimeType": "application/json",
    "buffer": json.dumps(strokes.sketch_to_json(LINE)).encode(),
}  # fmt: skip
# anywidget gives the start of a widget 2 s, which an overloaded machine may miss; whether a widget
# works is what the tests here see for themselves.
TOO_BUSY = "[anywidget] Failed to initialize model."
FRONT_END = os.environ.get("HW5_FRONT_END", "jupyterlab")
# Notebook 7.6 says this of every notebook, empty ones, too.
ITS_OWN = "Cannot read properties of undefined (reading 'schema')"
BYTES = (
    "async (img) => Array.from(new Uint8Array(await (await fetch(img.src)).arrayBuffer()).slice(0,"
    " 2000))"
)
PIXELS = "(c) => Array.from(c.getContext('2d').getImageData(0, 0, c.width, c.height).data)"  # RGBA


class Notebook:
    """The open notebook: its page, its cells, complaints of the browser, messages to the page."""

    def __init__(self, page, complaints=(), frames=(), address=""):
        self.page, self.complaints, self.frames = page, complaints, frames
        self.address = address

    def cell(self, index):
        return self.page.locator(".jp-CodeCell").nth(index)

    def printed(self):
        """Run the cell that prints the sketch; the sketch."""
        cell = self.cell(PRINT)
        before = cell.locator(".jp-InputPrompt").inner_text()
        cell.locator(".cm-content").click()
        self.page.keyboard.press("Control+Enter")
        self.page.wait_for_function(
            "([cell, old]) => { const now = cell.querySelector('.jp-InputPrompt').innerText;"
            " return now !== old && !now.includes('*'); }",
            arg=[cell.element_handle(), before],
        )
        text = cell.locator(".jp-OutputArea-output").last.inner_text()
        return strokes.sketch_from_json(json.loads(text))

    def drag(self, places):
        """Draw with the mouse through places given in shares of the canvas."""
        ink = self.cell(CANVAS).locator("canvas")
        ink.scroll_into_view_if_needed()
        box = ink.bounding_box()
        points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in places]
        self.page.mouse.move(*points[0])
        self.page.mouse.down()
        for point in points[1:]:
            self.page.mouse.move(*point, steps=6)
        self.page.mouse.up()

    def status(self, text):
        """Wait until the canvas says so."""
        self.cell(CANVAS).locator(".hw5-canvas-status").filter(has_text=text).wait_for()


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab")
    lab_server.write_notebook(folder / "work" / "widgets.ipynb", CELLS)
    lab_server.write_notebook(folder / "work" / "blocked.ipynb", BLOCKED)
    complaints, frames = [], []

    def received(frame):
        frames.append(frame if isinstance(frame, bytes) else frame.encode())

    with (
        lab_server.start_lab(folder, front_end=FRONT_END) as address,
        lab_server.open_page() as page,
    ):
        page.on("console", lambda m: m.type == "error" and complaints.append(m.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("response", lambda r: r.status >= 400 and complaints.append(f"{r.status} {r.url}"))
        page.on("request", lambda r: _is_outside(r.url, address) and complaints.append(r.url))
        page.on("websocket", lambda socket: socket.on("framereceived", received))
        lab_server.open_notebook(page, address, "widgets.ipynb", front_end=FRONT_END)
        lab_server.run_all(page)
        yield Notebook(page, complaints, frames, address)


@pytest.fixture(scope="module")
def blocked(notebook):
    """A notebook in a page that gets no script but those of JupyterLab and of the core widgets."""
    page = notebook.page.context.browser.new_page(viewport={"width": 1280, "height": 1100})
    page.set_default_timeout(lab_server.SLOW)
    page.route(re.compile("/anywidget/"), lambda route: route.abort())
    lab_server.open_notebook(page, notebook.address, "blocked.ipynb", front_end=FRONT_END)
    lab_server.run_all(page)
    yield Notebook(page)
    page.close()


def _is_outside(url, address):
    return url.startswith("http") and not url.startswith(address)


def test_a_key_press_on_a_slider_changes_the_picture(notebook):
    cell = notebook.cell(SAMPLER)
    image = cell.locator("img")
    before, source = image.evaluate(BYTES), image.get_attribute("src")
    cell.locator(".noUi-handle").first.focus()
    notebook.page.keyboard.press("ArrowRight")
    cell.locator(".hw5-caption").filter(has_text="seed 1:").wait_for()
    notebook.page.wait_for_function(
        "([img, old]) => img.src !== old", arg=[image.element_handle(), source]
    )
    assert image.evaluate(BYTES) != before


def test_a_picture_is_named_by_its_caption(notebook):
    picture = notebook.cell(SAMPLER).get_by_role("img", name=re.compile("^Picture from seed"))
    picture.wait_for()


def test_a_slider_moved_by_hand_and_then_by_python_is_where_python_put_it(notebook):
    cell = notebook.cell(WORLD)
    cell.locator(".noUi-handle").first.focus()
    notebook.page.keyboard.press("ArrowRight")
    readout = cell.locator(".widget-readout").first
    readout.filter(has_not_text=re.compile("^0$")).wait_for()
    cell.get_by_role("button", name="Neutral cat").click()
    readout.filter(has_text=re.compile("^0$")).wait_for()


def test_a_value_is_not_sent_back_to_the_page_that_it_came_from(notebook):
    image = notebook.cell(SAMPLER).locator("img")
    source = image.get_attribute("src")
    notebook.cell(SAMPLER).locator(".noUi-handle").first.focus()
    notebook.page.keyboard.press("ArrowRight")
    notebook.page.wait_for_function(
        "([img, old]) => img.src !== old", arg=[image.element_handle(), source]
    )
    assert notebook.frames  # the picture came, at least
    assert not any(b'"echo_update"' in frame for frame in notebook.frames)


def test_keys_on_a_slider_reach_no_shortcut(notebook):
    count = notebook.page.locator(".jp-Cell").count()
    notebook.cell(SAMPLER).locator(".noUi-handle").first.focus()
    for key in ("d", "d", "b"):
        notebook.page.keyboard.press(key)
    assert notebook.page.locator(".jp-Cell").count() == count


def test_a_drag_is_the_stroke_that_python_prints_and_the_pixels_that_it_rasterises(notebook):
    count = len(notebook.printed().strokes)
    notebook.drag([(0.2, 0.3), (0.7, 0.4), (0.5, 0.9)])
    notebook.status(f"{count + 1} stroke")
    sketch = notebook.printed()
    stroke = sketch.strokes[-1]
    assert stroke.kind == "line" and len(stroke.points) > 5
    for found, wanted in ((stroke.points[0], (0.2, 0.3)), (stroke.points[-1], (0.5, 0.9))):
        assert found == pytest.approx(wanted, abs=0.01)
    assert_same_pixels(notebook, sketch)


def test_fill_and_eraser_look_as_python_rasterises_them(notebook):
    cell, count = notebook.cell(CANVAS), len(notebook.printed().strokes)
    cell.get_by_role("button", name="Fill").click()
    cell.get_by_role("button", name="sky").click()
    notebook.drag([(0.9, 0.9)])
    cell.get_by_role("button", name="Eraser").click()
    notebook.drag([(0.1, 0.8), (0.9, 0.2)])
    notebook.status(f"{count + 2} stroke")
    sketch = notebook.printed()
    assert [(s.kind, s.erase) for s in sketch.strokes[-2:]] == [("fill", False), ("line", True)]
    cell.get_by_role("button", name="Brush").click()
    assert_same_pixels(notebook, sketch)


def assert_same_pixels(notebook, sketch):
    size = 64
    shown = np.array(notebook.cell(CANVAS).locator("canvas").evaluate(PIXELS), np.uint8)
    shown = shown.reshape(size, size, 4)
    colour, mask = strokes.rasterise(sketch, size)
    drawn = mask[0, 0].numpy() == 1
    assert ((shown[..., 3] == 255) == drawn).all()
    assert (shown[drawn][:, :3] == to_uint8(colour)[0][drawn]).all()


def test_a_finger_draws_and_the_page_stays_where_it_is(notebook):
    ink, count = notebook.cell(CANVAS).locator("canvas"), len(notebook.printed().strokes)
    ink.scroll_into_view_if_needed()
    box = ink.bounding_box()
    session = notebook.page.context.new_cdp_session(notebook.page)
    session.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    moves = ((0.5, 0.8), (0.5, 0.5), (0.5, 0.2))
    for kind, *place in (("Start", moves[0]), *(("Move", move) for move in moves[1:]), ("End",)):
        where = [
            {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]} for x, y in place
        ]
        session.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": where})
    session.detach()
    notebook.status(f"{count + 1} stroke")
    points = notebook.printed().strokes[-1].points
    assert points[0] == pytest.approx((0.5, 0.8), abs=0.01)
    assert points[-1] == pytest.approx((0.5, 0.2), abs=0.01)
    assert ink.bounding_box() == box  # a finger that draws does not scroll


def test_undo_and_redo_reach_python(notebook):
    cell, before = notebook.cell(CANVAS), notebook.printed().strokes
    notebook.drag([(0.1, 0.1), (0.3, 0.1)])
    notebook.status(f"{len(before) + 1} stroke")
    after = notebook.printed().strokes
    for button, wanted in (("Undo", before), ("Redo", after)):
        cell.get_by_role("button", name=button).click()
        notebook.status(f"{len(wanted)} stroke")
        assert notebook.printed().strokes == wanted


def test_the_keyboard_draws_and_its_keys_stay_in_the_canvas(notebook):
    cells = notebook.page.locator(".jp-Cell").count()
    count = len(notebook.printed().strokes)
    notebook.cell(CANVAS).locator("canvas").focus()
    for key in ("b", "d", "d", "Space", *["ArrowRight"] * 4, "Space"):
        notebook.page.keyboard.press(key)
    notebook.status(f"{count + 1} stroke")
    points = notebook.printed().strokes[-1].points
    assert points[-1][0] - points[0][0] == pytest.approx(4 / 64, abs=1e-3)
    assert notebook.page.locator(".jp-Cell").count() == cells


def test_a_sketch_file_is_opened(notebook):
    notebook.cell(CANVAS).locator("input[type=file]").set_input_files(FILE)
    notebook.status("1 stroke,")
    assert notebook.printed() == LINE


def test_a_running_job_stops(notebook):
    cell = notebook.cell(JOB)
    words = cell.locator(".hw5-words")
    cell.get_by_role("button", name="Run").click()
    words.filter(has_text=re.compile(r"running, step \d+")).wait_for()
    cell.get_by_role("button", name="Stop").click()
    words.filter(has_text="stopped").wait_for()


def test_an_exception_behind_a_slider_is_seen(notebook):
    cell = notebook.cell(WEIGHTS)
    handle = cell.locator(".noUi-handle")
    handle.focus()
    for _ in range(25):
        notebook.page.keyboard.press("ArrowRight")
    cell.get_by_role("alert").filter(has_text="ZeroDivisionError").wait_for()


def test_the_cat_follows_the_mouse(notebook):
    cell = notebook.cell(WORLD)
    yaw = cell.locator(".noUi-handle").first
    image = cell.locator("img")
    image.scroll_into_view_if_needed()
    box = image.bounding_box()
    source = image.get_attribute("src")
    notebook.page.mouse.move(box["x"] + 0.9 * box["width"], box["y"] + 0.5 * box["height"])
    notebook.page.wait_for_function(
        "([handle, img, old]) => handle.getAttribute('aria-valuetext') > 30 && img.src !== old",
        arg=[yaw.element_handle(), image.element_handle(), source],
    )


def test_the_browser_has_nothing_to_complain_about(notebook):
    excused = (TOO_BUSY, ITS_OWN) if FRONT_END == "notebook" else (TOO_BUSY,)
    assert [text for text in notebook.complaints if not any(e in text for e in excused)] == []


# ------------------------------------------------------------------ where scripts are blocked


def test_a_core_slider_moves_its_picture_without_our_scripts(blocked):
    cell = blocked.cell(B_SAMPLER)
    cell.locator(".hw5-caption").filter(has_text="seed 0:").wait_for()
    cell.locator(".noUi-base").first.click()  # its middle
    cell.locator(".hw5-caption").filter(has_text=re.compile("seed [1-9]")).wait_for()


def test_no_error_lies_on_the_cat_without_our_scripts(blocked):
    error = blocked.cell(B_WORLD).locator(".hw5-stage .jupyter-widgets-error-widget")
    error.wait_for(state="attached")  # of the layer that follows the mouse
    assert not error.is_visible()


def test_sketches_come_from_samples_and_files_without_our_scripts(blocked):
    cell = blocked.cell(B_PICKER)
    for name, count in (("sparse", 7), ("dense", 34)):
        cell.locator("select").select_option(name)
        cell.locator(".hw5-caption").filter(has_text=f"{count} strokes.").wait_for()
    with blocked.page.expect_file_chooser() as chooser:
        cell.get_by_role("button", name="Open").click()
    chooser.value.set_files(FILE)
    cell.locator(".hw5-caption").filter(has_text="1 stroke.").wait_for()


def test_in_the_place_of_a_blocked_canvas_stands_what_to_use(blocked):
    error = blocked.cell(B_DRAWING).locator(".jupyter-widgets-error-widget:visible")
    words = error.evaluate("(error) => getComputedStyle(error, '::after').content")
    assert "paper=ui.sketch_picker()" in words
