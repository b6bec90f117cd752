"""The widgets' scripts in a bare page: what they do in any front end, JupyterLab or not.

The page has an output that listens for keys, as VS Code's has. Python's half of the canvas is the
real one; between the two stands a model of a dozen lines, in the place of the one that a front end
brings.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from hw5 import ui
from hw5.bench import lab_server
from hw5.kit.strokes import Sketch, Stroke

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
