"""The widgets' scripts in a bare page: what they do in any front end, JupyterLab or not.

The page has an output that listens for keys, as VS Code's has. Python's half of the canvas is the
real one; between the two stands a model of a dozen lines, in the place of the one that a front end
brings.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from hw5 import ui
from hw5.bench import lab_server
from hw5.kit import strokes
from hw5.kit.strokes import Sketch, Stroke
from hw5.ui.scribble import parse

pytestmark = [
    pytest.mark.skipif(bool(lab_server.missing()), reason=lab_server.missing()),
    pytest.mark.slow,
]

UI = Path(ui.__file__).parent
PAGE = """<div id="output">
<div class="hw5-panel"><div id="handle" tabindex="0"></div><button>Run</button>
<input type="range"></div><div id="place"></div></div>"""
BEGIN = """async ({ guard, canvas, values }) => {
  window.keys = [];
  document.querySelector("#output").addEventListener("keydown", (event) => keys.push(event.key));
  const heard = {}, load = (text) =>
    import(URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
  window.model = {
    sent: [],
    get: (name) => values[name],
    set: (name, value) => {
      values[name] = value;
      for (const call of heard["change:" + name] ?? []) call();
    },
    on: (name, call) => (heard[name] ??= []).push(call),
    off: () => {},
    save_changes: () => {},
    send: (content, _, [data]) => model.sent.push([content, Array.from(new Uint8Array(data))]),
  };
  (await load(guard)).default.initialize();
  (await load(canvas)).default.render({ model, el: document.querySelector("#place") });
}"""
SHARED = ("strokes", "size", "background", "palette", "message")
SKETCH = Sketch((Stroke(((0.25, 0.25), (0.75, 0.25)), (200, 100, 0), 0.125),))


@pytest.fixture(scope="module")
def browser():
    with lab_server.open_page(width=900, height=700) as page:
        yield page


@pytest.fixture
def page(browser):
    """A panel, and a canvas with one stroke."""
    paper = ui.canvas(SKETCH)
    browser.goto("about:blank")
    browser.set_content(PAGE)
    scripts = {name: (UI / f"{name}.js").read_text("utf-8") for name in ("guard", "canvas")}
    browser.evaluate(BEGIN, scripts | {"values": {name: getattr(paper, name) for name in SHARED}})
    return browser


FOCUSED = ["#handle", ".hw5-panel button", ".hw5-panel input", "#place canvas",
           "#place button >> nth=0", "#place input[type=range] >> nth=0"]  # fmt: skip


@pytest.mark.parametrize("place", FOCUSED)
def test_a_key_inside_a_widget_does_not_reach_the_output_around_it(page, place):
    page.locator(place).focus()
    for key in ("Delete", "d", "x", "ArrowUp", "Shift+A", "z"):
        page.keyboard.press(key)
    assert page.evaluate("keys") == []


@pytest.mark.parametrize("place", FOCUSED)
def test_keys_that_leave_a_widget_or_belong_to_the_window_pass(page, place):
    page.locator(place).focus()
    for key in ("Escape", "Control+s", "Alt+x", "Tab"):
        page.keyboard.press(key)
    assert {"Escape", "s", "x", "Tab"} <= set(page.evaluate("keys"))


def test_a_slider_in_a_panel_gets_its_keys_first(page):
    """Core sliders listen on their handle; the panel must not be quicker."""
    page.evaluate(
        "document.querySelector('#handle').addEventListener('keydown', (e) => (moved = e.key))"
    )
    page.locator("#handle").focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("window.moved") == "ArrowRight"


def test_a_picture_is_called_what_its_caption_says_now(page):
    """The pane as core widgets make it: piece by piece, the words after the picture."""
    pane = (
        "<div class='hw5-pane'><div class='hw5-stage'><img src='data:,' width=9 height=9></div>"
        "<div id='words'></div></div>"
    )
    page.evaluate("(pane) => document.querySelector('.hw5-panel').innerHTML = pane", pane)
    for text in ("A cat.", "Another cat."):
        caption = f"<div class='hw5-caption'>{text}</div>"
        page.evaluate("(caption) => document.querySelector('#words').innerHTML = caption", caption)
        page.get_by_role("img", name=text, exact=True).wait_for(timeout=3000)


# ------------------------------------------------------------------ the canvas's controls


def drawn(page):
    """The strokes that the page has told Python, as a sketch."""
    paper = ui.canvas()
    paper.strokes = page.evaluate("model.get('strokes')")
    return paper.sketch


def draw(page):
    """A line from left to right, low on the canvas; the stroke."""
    box = page.locator("canvas").bounding_box()
    y = box["y"] + 0.75 * box["height"]
    page.mouse.move(box["x"] + 0.25 * box["width"], y)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.75 * box["width"], y)
    page.mouse.up()
    return drawn(page).strokes[-1]


def file_of(page, button):
    """Name and bytes of the file that a button saves."""
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    return download.value.suggested_filename, download.value.path().read_bytes()


def test_save_writes_the_strokes(page):
    draw(page)
    name, data = file_of(page, "Save")
    assert parse(name, data, 64) == drawn(page) and name == "sketch.json"


def test_png_writes_the_pixels_that_python_rasterises(page):
    name, data = file_of(page, "PNG")
    found, wanted = strokes.sketch_from_png(data, 64, name=name), strokes.rasterise(SKETCH, 64)
    assert torch.equal(found[1], wanted[1])
    torch.testing.assert_close(found[0] * found[1], wanted[0] * wanted[1])


def test_open_hands_the_file_to_python_as_it_is(page):
    file = {"name": "a.png", "mimeType": "image/png", "buffer": bytes(range(256))}
    page.locator("input[type=file]").set_input_files(file)
    page.wait_for_function("model.sent.length")
    assert page.evaluate("model.sent") == [[{"open": "a.png"}, list(range(256))]]


def test_clear_empties_the_canvas_and_undo_brings_it_back(page):
    page.get_by_role("button", name="Clear").click()
    assert drawn(page) == Sketch() and page.get_by_role("button", name="Clear").is_disabled()
    page.get_by_role("button", name="Undo").click()
    assert drawn(page) == SKETCH


def test_the_brush_is_as_wide_as_its_slider_says(page):
    page.get_by_role("slider", name="Size").fill("16")
    assert draw(page).width == 16 / 64


def test_any_colour_can_be_picked(page):
    page.get_by_label("any other colour").fill("#102030")
    assert draw(page).colour == (0x10, 0x20, 0x30)


def test_opacity_changes_what_is_seen_and_not_what_is_drawn(page):
    page.get_by_role("slider", name="Opacity").fill("30")
    assert page.locator("canvas").evaluate("(ink) => getComputedStyle(ink).opacity") == "0.3"
    test_png_writes_the_pixels_that_python_rasterises(page)


def test_a_background_lies_under_the_strokes_and_is_none_of_them(page):
    under = page.get_by_role("img", name="picture under the sketch")
    assert not under.is_visible()
    picture = ui.canvas(background=torch.ones(1, 3, 8, 8)).background
    page.evaluate("(picture) => model.set('background', picture)", picture)
    assert under.get_attribute("src") == picture
    under.wait_for()
    test_png_writes_the_pixels_that_python_rasterises(page)
