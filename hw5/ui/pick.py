"""Sketches without front-end code: upload a file or take a sample.

Offers `sketch_picker`, for places where canvas.js is blocked. It uses core widgets alone and can
stand in for a canvas. Read first: scribble.py.
"""

from __future__ import annotations

from pathlib import Path

import ipywidgets as widgets
import traitlets

from hw5.kit import strokes
from hw5.kit.checks import InputError
from hw5.kit.strokes import FORMAT, VERSION, Sketch
from hw5.shapes import Images, Mask
from hw5.ui.live import Pane, Panel, column, style
from hw5.ui.scribble import SIZE, parse
from hw5.zoo import DATA

SAMPLES = DATA / "sketches"


class SketchPicker(Panel):
    """Upload, samples and a preview.

    Attributes:
        sketch: what was chosen.
        message: what was wrong with a file, or an empty text.
    """

    strokes = traitlets.List(help="as in a sketch file")

    def __init__(self, size: int) -> None:
        """Show the first sample."""
        self.size = size
        self.pane = Pane()
        samples = sorted(SAMPLES.glob("*.json"))
        self.sample = widgets.Dropdown(
            options=[(path.stem, path) for path in samples], description="sample"
        )
        self.upload = widgets.FileUpload(
            accept=".json,.png", multiple=False, description="Open ..."
        )
        self.upload.tooltip = "a sketch (.json) or a square PNG with transparency"
        super().__init__([style(), column(widgets.HBox([self.sample, self.upload]), self.pane)])
        self.add_class("hw5-panel")
        self.sample.observe(lambda change: self.take(change["new"]), "value")
        self.upload.observe(self._on_upload, "value")
        if samples:
            self.take(samples[0])

    @property
    def sketch(self) -> Sketch:
        """What was chosen."""
        document = {"format": FORMAT, "version": VERSION, "strokes": self.strokes}
        return strokes.sketch_from_json(document)

    @sketch.setter
    def sketch(self, sketch: Sketch) -> None:
        """Show other strokes."""
        self.pane.show(strokes.rasterise(sketch, self.size)[0])
        count = len(sketch.strokes)
        self.pane.caption(f"{count} stroke." if count == 1 else f"{count} strokes.")
        self.pane.say("")
        self.strokes = strokes.sketch_to_json(sketch)["strokes"]

    def rasterise(self, size: int | None = None) -> tuple[Images, Mask]:
        """Colour (1, 3, S, S) in [-1, 1] and mask (1, 1, S, S) of the sketch."""
        return strokes.rasterise(self.sketch, size or self.size)

    def take(self, path: Path) -> None:
        """Choose the sketch in a .json file."""
        self.sketch = strokes.read_sketch(path)

    def _on_upload(self, change: dict) -> None:
        for file in change["new"]:
            try:
                self.sketch = parse(file["name"], bytes(file["content"]), self.size)
            except InputError as error:
                self.pane.fail(error)


def sketch_picker(*, size: int = SIZE) -> SketchPicker:
    """Choose a sketch without a canvas: `.sketch`, also as `paper` of `draw_live`."""
    return SketchPicker(size)
