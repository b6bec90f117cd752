"""Where the mouse is over a picture.

Offers `Pointer`, a widget without content that is laid on an image; pointer.js is its other half.
cats.py turns its place into the pose of a head.
"""

from __future__ import annotations

from pathlib import Path

import anywidget
import traitlets


class Pointer(anywidget.AnyWidget):
    """A layer that reports the pointer.

    Attributes:
        at: [x, y], each from -1 to 1, right and down positive.
        is_on: whether it reports.
    """

    _esm = Path(__file__).parent / "pointer.js"
    at = traitlets.List(traitlets.Float(), [0.0, 0.0], minlen=2, maxlen=2).tag(sync=True)
    is_on = traitlets.Bool(True).tag(sync=True)

    def __init__(self) -> None:
        """Lie on whatever comes before in a box of the class hw5-stage."""
        super().__init__()
        self.add_class("hw5-pointer")
