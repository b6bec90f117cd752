"""The canvas's Python half: strokes in and out, files, and the fallback without scripts."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hw5 import ui
from hw5.kit import strokes
from hw5.kit.checks import InputError
from hw5.kit.strokes import Sketch, Stroke
from hw5.kit.trace import trace

LINE = Stroke(((0.1, 0.2), (0.8, 0.7)), (200, 100, 0), 0.1)
SKETCH = Sketch((LINE, Stroke(((0.9, 0.1),), (0, 50, 200), kind="fill")))


UI = Path(ui.__file__).parent


@pytest.mark.parametrize("path", sorted(UI.glob("*.js")), ids=lambda path: path.name)
def test_scripts_are_plain_modules_that_reach_for_nothing_outside(path):
    text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
    assert "export default" in text
    assert not re.search(r"^\s*import\b|import\(|https?:|fetch\(", text, re.MULTILINE)


def test_what_goes_in_comes_out():
    assert ui.canvas(SKETCH).sketch == SKETCH


def test_strokes_from_the_browser_are_a_sketch():
    canvas = ui.canvas()
    canvas.strokes = strokes.sketch_to_json(SKETCH)["strokes"]
    colour, mask = canvas.rasterise(32)
    expected = strokes.rasterise(SKETCH, 32)
    assert torch.equal(colour, expected[0]) and torch.equal(mask, expected[1])


def test_a_background_is_no_part_of_the_sketch():
    canvas = ui.canvas(background=torch.zeros(1, 3, 16, 16))
    assert canvas.background.startswith("data:image/png;base64,")
    assert canvas.rasterise()[1].sum() == 0


def test_bad_strokes_from_the_browser_are_refused():
    canvas = ui.canvas()
    canvas.strokes = [{"kind": "line"}]
    with pytest.raises(InputError, match=r"canvas: strokes\[0\]"):
        _ = canvas.sketch


@pytest.mark.parametrize("name", ["sketch.json", "sketch.png"])
def test_a_saved_sketch_can_be_loaded(tmp_path, name):
    ui.canvas(SKETCH).save(tmp_path / name)
    canvas = ui.canvas(tmp_path / name)
    for found, wanted in zip(canvas.rasterise(), strokes.rasterise(SKETCH, 64), strict=True):
        assert torch.equal(found, wanted)


def test_a_file_opened_in_the_browser_is_read_by_python():
    canvas = ui.canvas()
    data = json.dumps(strokes.sketch_to_json(SKETCH)).encode()
    canvas._on_message(canvas, {"open": "mine.json"}, [data])
    assert canvas.sketch == SKETCH and canvas.message == ""


def test_a_bad_file_leaves_the_canvas_and_a_message():
    canvas = ui.canvas(SKETCH)
    canvas._on_message(canvas, {"open": "mine.png"}, [b"no picture"])
    assert canvas.sketch == SKETCH and canvas.message.startswith("mine.png: expected")


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=144, max_size=144))
def test_traced_pixels_are_rasterised_to_themselves(inks):
    palette = torch.tensor([[0, 0, 0], [255, 0, 0], [0, 255, 17], [9, 9, 9]]) / 127.5 - 1
    index = torch.tensor(inks).reshape(12, 12)
    mask = (index > 0).float()[None, None]
    colour = palette[index].permute(2, 0, 1)[None]
    found, drawn = strokes.rasterise(trace(colour, mask), 12)
    assert torch.equal(drawn, mask)
    np.testing.assert_allclose(found * mask, colour * mask, atol=1e-6)


def test_the_picker_offers_the_samples():
    picker = ui.sketch_picker()
    assert {label for label, _ in picker.sample.options} >= {"sparse", "medium", "dense"}
    picker.sample.value = dict(picker.sample.options)["medium"]
    assert picker.sketch == strokes.read_sketch(picker.sample.value)


def test_the_picker_takes_an_uploaded_file():
    picker = ui.sketch_picker()
    data = json.dumps(strokes.sketch_to_json(SKETCH)).encode()
    file = {"name": "mine.json", "content": memoryview(data)}
    picker._on_upload({"new": ({**file},)})
    assert picker.sketch == SKETCH


def test_the_picker_is_a_panel_whose_keys_are_guarded():
    assert "hw5-panel" in ui.sketch_picker()._dom_classes


def test_the_picker_says_what_is_wrong_with_a_file():
    picker = ui.sketch_picker()
    picker._on_upload({"new": ({"name": "a.json", "content": memoryview(b"{")},)})
    assert picker.message.startswith("a.json: expected JSON")


def test_pictures_are_shown_with_captions_in_words():
    shown = ui.show(torch.zeros(2, 3, 8, 8), ["target", "ours"], scale=2)
    bundle, metadata = shown._repr_mimebundle_()
    assert bundle["image/png"].startswith(b"\x89PNG")
    assert bundle["text/plain"] == "2 pictures: target, ours"
    assert metadata["image/png"]["alt"] == "2 pictures: target, ours"


def test_pixels_are_shown_as_crisp_blocks(decoded):
    picture = torch.rand(1, 3, 8, 8) * 2 - 1
    sheet = decoded(ui.show(picture, scale=4).png)
    assert sheet.shape == (32, 32, 3)
    assert (sheet == sheet[::4, ::4].repeat(4, 0).repeat(4, 1)).all()


def test_a_caption_too_few_is_refused():
    with pytest.raises(InputError, match="captions: expected 2"):
        ui.show(torch.zeros(2, 3, 8, 8), ["one"])
