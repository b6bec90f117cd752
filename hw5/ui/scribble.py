"""A canvas to scribble on, in the browser: canvas.js draws, Python reads strokes.

Offers `canvas` and `Canvas`. Strokes come over as JSON when the pen lifts, in the format of
kit/strokes.py; Python rasterises them, the browser shows the same pixels. Where front-end code is
blocked, pick.py reads files instead.
"""

from __future__ import annotations

import base64
from pathlib import Path

import anywidget
import traitlets

from hw5.kit import images, strict_json, strokes
from hw5.kit.checks import InputError, check_images, check_number
from hw5.kit.files import atomic_write
from hw5.kit.strokes import FORMAT, VERSION, Sketch
from hw5.kit.trace import trace
from hw5.shapes import Images, Mask

HERE = Path(__file__).parent
SIZE = 64  # pixels per side, as the bundled generators
# Colours of cats and what surrounds them: coats of world/factors.py, eyes, nose, sky, grass.
PALETTE = (
    ("ginger", "#e0954a"), ("cream", "#ecd6ac"), ("brown", "#7a5236"), ("grey", "#8a929e"),
    ("black", "#2b2826"), ("white", "#f7f4ee"), ("amber eye", "#e3b130"), ("green eye", "#7bb13c"),
    ("blue eye", "#5b9bd8"), ("pink nose", "#d98a8c"), ("sky", "#a9c7de"), ("grass", "#6d9a58"),
)  # fmt: skip


class Canvas(anywidget.AnyWidget):
    """Scribble canvas.

    Attributes:
        sketch: what is drawn; setting it is one more step that can be undone.
        message: what was wrong with an opened file, or an empty text.
    """

    _esm = HERE / "canvas.js"
    _css = HERE / "canvas.css"
    strokes = traitlets.List(help="as in a sketch file").tag(sync=True)
    size = traitlets.Int(SIZE, help="pixels per side").tag(sync=True)
    background = traitlets.Unicode(help="a picture as a data: address").tag(sync=True)
    palette = traitlets.List(help="[name, colour]").tag(sync=True)
    message = traitlets.Unicode().tag(sync=True)

    def __init__(self, sketch: Sketch, *, background: Images | None, size: int) -> None:
        """Show `sketch`."""
        super().__init__(
            strokes=_plain(sketch),
            size=size,
            background="" if background is None else _address(background),
            palette=[list(entry) for entry in PALETTE],
        )
        self.add_class("hw5-scribble")  # for style.css, where scripts are blocked
        self.on_msg(self._on_message)

    @property
    def sketch(self) -> Sketch:
        """What is drawn.

        Raises:
            InputError: the browser sent strokes that are none.
        """
        document = {"format": FORMAT, "version": VERSION, "strokes": self.strokes}
        return strokes.sketch_from_json(document, name="canvas")

    @sketch.setter
    def sketch(self, sketch: Sketch) -> None:
        """Show other strokes."""
        self.strokes = _plain(sketch)

    def rasterise(self, size: int | None = None) -> tuple[Images, Mask]:
        """Colour (1, 3, S, S) in [-1, 1] and mask (1, 1, S, S) of the sketch."""
        return strokes.rasterise(self.sketch, size or self.size)

    def save(self, path: str | Path) -> None:
        """Write the sketch: strokes to a name ending in .json, pixels with alpha to .png.

        Raises:
            InputError: another ending, or a place that cannot be written.
        """
        if Path(path).suffix.lower() != ".png":
            strokes.save_sketch(path, self.sketch)
            return
        with atomic_write(path) as temporary:
            temporary.write_bytes(strokes.sketch_to_png(*self.rasterise()))

    def load(self, path: str | Path) -> None:
        """Show the sketch in a .json file, or in a square picture with transparency.

        Raises:
            InputError: unreadable, or no sketch; the canvas stays as it was.
        """
        self.sketch = read(path, self.size)

    def _on_message(self, _: object, content: dict, buffers: list) -> None:
        """A file opened in the browser: `content` names it, `buffers` hold its bytes."""
        try:
            self.sketch = parse(str(content.get("open")), bytes(buffers[0]), self.size)
            self.message = ""
        except InputError as error:
            self.message = str(error)


def read(path: str | Path, size: int) -> Sketch:
    """The sketch in a .json file, or in a square picture with transparency, traced at `size`.

    Raises:
        InputError: unreadable, or no sketch.
    """
    if Path(path).suffix.lower() == ".json":
        return strokes.read_sketch(path)
    return trace(*strokes.load_sketch(path, size))


def parse(name: str, data: bytes, size: int) -> Sketch:
    """The sketch in the bytes of a file called `name`; see `read`.

    Raises:
        InputError: no sketch.
    """
    if name.lower().endswith(".json"):
        document = strict_json.parse(data, name)
        return strokes.sketch_from_json(document, name=name)
    return trace(*strokes.sketch_from_png(data, size, name=name))


def _plain(sketch: Sketch) -> list[dict]:
    return strokes.sketch_to_json(sketch)["strokes"]


def _address(picture: Images) -> str:
    """A picture as text that a browser shows."""
    return "data:image/png;base64," + base64.b64encode(images.to_png(picture)).decode()


def canvas(
    sketch: Sketch | str | Path | None = None,
    *,
    background: Images | None = None,
    size: int = SIZE,
) -> Canvas:
    """A canvas to scribble on; `.sketch` is what was drawn.

    Args:
        sketch: what to begin with, or a file that holds it; None: nothing.
        background: (1, 3, H, W) in [-1, 1], shown under the strokes and never part of them.
        size: pixels per side, from 8 to 256.

    Raises:
        InputError: a background that is no picture, or an unreadable sketch.
    """
    check_number("size", size, low=8, high=256, whole=True)
    if background is not None:
        background = background.detach().clamp(-1, 1)
        check_images("background", background)
    if isinstance(sketch, str | Path):
        sketch = read(sketch, size)
    return Canvas(sketch or Sketch(), background=background, size=size)
