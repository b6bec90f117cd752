"""A picture that follows controls: draft while the hand moves, sharp when it rests.

Offers `Pane` (a picture with a caption and a line for messages), `Panel` (controls around one) and
`Live` (a panel driven by the newest values). All other panels are built on them. Read first:
latest.py.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

import anywidget
import ipywidgets as widgets
import torch
from traitlets import TraitError

from hw5.kit import images
from hw5.kit.checks import InputError, check_choice
from hw5.kit.strokes import sketch_to_png
from hw5.shapes import Images
from hw5.ui.errors import describe
from hw5.ui.latest import Latest

Values: TypeAlias = Mapping[str, float | str]

HERE = Path(__file__).parent
SIDE = 320  # pixels of the screen per side of a picture: five for each pixel of 64
# Shown before the first picture: one clear pixel. Without any bytes the browser refuses the widget.
EMPTY = sketch_to_png(torch.ones(1, 3, 1, 1), torch.zeros(1, 1, 1, 1))
SETTLE = 30.0  # seconds that a test or a cell waits for a picture


@cache
def _css() -> str:
    return (HERE / "style.css").read_text(encoding="utf-8")


class Guard(anywidget.AnyWidget):
    """Keeps keys from the shortcuts of the page around it, and names pictures; see guard.js."""

    _esm = HERE / "guard.js"


@cache
def style() -> widgets.Box:
    """Style sheet and guard as a widget without size, one for the children of all panels.

    The style sheet travels in a core widget, so that it is there where scripts are blocked.
    """
    return widgets.Box(
        [widgets.HTML(f"<style>{_css()}</style>"), Guard()], layout=widgets.Layout(display="none")
    )


def row(*parts: widgets.Widget) -> widgets.HBox:
    """Parts side by side, below each other where the page is narrow."""
    return _with_class(widgets.HBox(parts), "hw5-row")


def column(*parts: widgets.Widget) -> widgets.VBox:
    """Parts below each other."""
    return _with_class(widgets.VBox(parts), "hw5-column")


def words(width: int | None = None) -> widgets.HTML:
    """A place for words, of fixed width in pixels."""
    layout = widgets.Layout(width=f"{width}px" if width else "auto", margin="0")
    return _with_class(widgets.HTML(layout=layout), "hw5-text")


def _with_class(part: widgets.DOMWidget, name: str) -> widgets.DOMWidget:
    part.add_class(name)
    return part


class Pane(widgets.VBox):
    """A picture of fixed size, so that the page never jumps, with words below it."""

    def __init__(
        self, caption: str = "", *, side: int = SIDE, over: widgets.Widget | None = None
    ) -> None:
        """Empty, with room for the picture.

        Args:
            caption: what the picture shows; guard.js makes it the name of the picture for those who
                listen, where scripts are blocked it is the text after it.
            side: width and height on the screen, in pixels.
            over: a layer that is laid on the picture.
        """
        size = f"{side}px"
        fixed = widgets.Layout(width=size, height=size, flex="none", margin="0")
        self.image = widgets.Image(value=EMPTY, format="png", layout=fixed)
        self.image.add_class("hw5-pixels")
        self._caption, self._message = words(side), words(side)
        stage = _with_class(widgets.Box([self.image, over] if over else [self.image]), "hw5-stage")
        super().__init__([stage, self._caption, self._message])
        self.add_class("hw5-pane")
        self.layout.flex = "none"
        self.text, self.message = "", ""
        self._held: dict[widgets.HTML, str] | None = None
        self.caption(caption)
        self.say("")

    @property
    def picture(self) -> bytes:
        """What is shown, as the bytes of a PNG (at rest) or JPEG (while a slider moves)."""
        return bytes(self.image.value)

    def show(self, pictures: Images, *, draft: bool = False) -> None:
        """Show pictures (N, 3, H, W) in [-1, 1], several as a grid: JPEG for a draft, else PNG."""
        data = images.to_jpeg(pictures) if draft else images.to_png(pictures)
        if data == self.image.value:
            return
        with self.image.hold_sync():  # one message: bytes never meet the wrong format
            self.image.format = "jpeg" if draft else "png"
            self.image.value = data

    @contextmanager
    def picture_first(self) -> Iterator[None]:
        """Words of this block are sent at its end: nothing is before the picture on its way."""
        self._held = {}
        try:
            yield
        finally:
            held, self._held = self._held, None
            for place, text in held.items():
                place.value = text

    def caption(self, text: str) -> None:
        """Say what the picture shows."""
        if text != self.text or not self._caption.value:
            self.text = text
            self._write(self._caption, f'<div class="hw5-caption">{html.escape(text)}</div>')

    def say(self, text: str, *, is_error: bool = False) -> None:
        """Put a line below the picture; an error is marked by a word and a sign, not by colour."""
        if text == self.message and self._message.value:
            return
        self.message = text
        kind, role, sign = ("hw5-error", "alert", "⚠ ") if is_error else ("", "status", "")
        self._write(
            self._message,
            f'<div class="hw5-message {kind}" role="{role}">{sign if text else ""}'
            f"{html.escape(text)}</div>",
        )

    def _write(self, place: widgets.HTML, text: str) -> None:
        if self._held is None:
            place.value = text
        else:
            self._held[place] = text

    def fail(self, error: BaseException) -> None:
        """Say what went wrong; the picture stays."""
        self.say(describe(error), is_error=True)


class Panel(widgets.VBox):
    """Controls and a pane; what the pane shows can be read without a browser.

    Attributes:
        pane: where the picture is shown.
        controls: those that decide what it shows, by name.
    """

    pane: Pane
    controls: Mapping[str, widgets.Widget] = MappingProxyType({})

    @property
    def values(self) -> Values:
        """The values of all controls by name: what presets.py keeps."""
        return {name: control.value for name, control in self.controls.items()}

    @values.setter
    def values(self, values: Values) -> None:
        """Move the named controls; the others stay.

        Raises:
            InputError: a control that is not there, or a value it cannot take; nothing has moved.
        """
        before = self.values
        try:
            for name, value in values.items():
                check_choice("control", name, tuple(self.controls))
                self._put(name, value)
        except InputError:
            for name in values.keys() & before.keys():
                self.controls[name].value = before[name]
            raise

    def _put(self, name: str, value: float | str) -> None:
        control = self.controls[name]
        got = InputError.about(f"control {name}", expected=_range(control), got=value)
        try:
            control.value = value
        except (TraitError, TypeError, ValueError) as error:
            raise got from error
        if control.value != value:  # a slider stops at its end, and says nothing
            raise got

    @property
    def picture(self) -> bytes:
        """What is shown: a PNG, a JPEG while a slider moves, or nothing yet."""
        return self.pane.picture

    @property
    def message(self) -> str:
        """The line below the picture: empty, or what went wrong."""
        return self.pane.message


def _range(control: widgets.Widget) -> str:
    """What a control can be set to, in words."""
    if hasattr(control, "min"):
        return f"a number from {control.min:g} to {control.max:g}"
    values = (option[-1] if isinstance(option, tuple) else option for option in control.options)
    return f"one of {', '.join(map(repr, values))}"


class Live(Panel):
    """A pane and controls: whenever a value changes, the picture of the newest values follows."""

    def __init__(
        self,
        draw: Callable[[Any], Images],
        *,
        refine: Callable[[Any], Images] | None = None,
        idle: Callable[[], bool] | None = None,
        pane: Pane | None = None,
    ) -> None:
        """Connect `draw` with the pane.

        Args:
            draw: pure function from values to pictures (N, 3, H, W); fast.
            refine: the same, better and slower, for the hand at rest; None: `draw`'s own pictures,
                kept whole as a PNG.
            idle: see `Latest`.
            pane: where to show; None makes one.
        """
        super().__init__()
        self.pane = pane or Pane()
        self._draw, self._refine = draw, refine
        self._last: Images | None = None
        self.latest = Latest(self._work, on_error=self.pane.fail, rest=self._rest, idle=idle)
        self.add_class("hw5-panel")

    def settle(self, timeout: float = SETTLE) -> bool:
        """Wait for the sharp picture of the newest values; False after `timeout` seconds."""
        return self.latest.settle(timeout)

    def show_now(self, value: object) -> None:
        """Draw in this thread: the first picture, whose errors belong under the cell."""
        with torch.no_grad():
            self.pane.show((self._refine or self._draw)(value))

    def watch(self, controls: Sequence[widgets.Widget], ask: Callable[[], object]) -> None:
        """Ask for the picture of `ask()` whenever the value of one of `controls` changes."""
        for control in controls:
            control.observe(lambda _: self.latest(ask()), "value")

    @torch.no_grad()
    def _work(self, value: object) -> None:
        with self.pane.picture_first():
            self._last = self._draw(value)
            self.pane.show(self._last, draft=True)
            self.pane.say("")

    @torch.no_grad()
    def _rest(self, value: object) -> None:
        self.pane.show(self._refine(value) if self._refine else self._last)
