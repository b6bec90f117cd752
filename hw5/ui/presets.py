"""Buttons that put a panel's controls where they were kept: a lecturer's saved states.

Offers `presets`. A state is what `panel.values` gives; one that names only some controls moves only
those. States come from data/presets or from a JSON file of one's own, name -> state, where one
click keeps the present one. Read first: live.py.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from pathlib import Path

import ipywidgets as widgets

from hw5.kit import strict_json
from hw5.kit.checks import InputError, check_choice
from hw5.ui.live import Panel, Values, column, row, style, words

MOST = 60  # characters of a name, so that it fits on its button
SHIPPED = Path(__file__).resolve().parents[2] / "data" / "presets"
EXPECTED = "states by name, each of them values by name of a control"


class Presets(widgets.VBox):
    """A button for each kept state of a panel, and a field to keep the present one.

    Attributes:
        known: name -> state.
        message: the line below the buttons: empty, or what went wrong.
    """

    def __init__(self, panel: Panel, known: Mapping[str, Values], file: Path | None) -> None:
        """Show a button for each of `known`."""
        super().__init__()
        self._panel, self._file = panel, file
        self.message = ""
        self.known = dict(known)
        self._buttons = widgets.HBox(layout=widgets.Layout(flex_flow="row wrap"))
        self.name = widgets.Text(
            placeholder="name of what you see", description="keep as",
            tooltip="a name for where the controls are now", layout=widgets.Layout(width="300px"),
        )  # fmt: skip
        keep = widgets.Button(
            description="Keep", icon="bookmark", tooltip="remember where the controls are now"
        )
        keep.on_click(lambda _: self._answer(self.keep, self.name.value))
        self._said = words()
        self.children = (style(), column(self._buttons, row(self.name, keep), self._said))
        self.add_class("hw5-panel")
        self._show()

    def choose(self, name: str) -> None:
        """Put the controls where `name` has them.

        Raises:
            InputError: no such name, or a state that does not fit the panel.
        """
        check_choice("preset", name, tuple(self.known))
        self._panel.values = self.known[name]

    def keep(self, name: str) -> None:
        """Keep the present state as `name`, in place of an older one; in the file if there is one.

        Raises:
            InputError: no name or a long one, or a file that cannot be written.
        """
        name = name.strip()
        if not 0 < len(name) <= MOST:
            got = f"{len(name)} characters"
            raise InputError.about("name", expected=f"1 to {MOST} characters", got=got)
        known = {**self.known, name: dict(self._panel.values)}
        if self._file is not None:
            strict_json.write(self._file, known)
        self.known = known
        self._show()

    def _show(self) -> None:
        buttons = []
        for name in self.known:
            button = widgets.Button(description=name, tooltip=f"show {name}")
            button.layout.width = "auto"
            button.on_click(lambda _, name=name: self._answer(self.choose, name))
            buttons.append(button)
        self._buttons.children = buttons

    def _answer(self, work: Callable[[str], None], name: str) -> None:
        """Do what a button asks; say what went wrong, and only that."""
        self.message = ""
        try:
            work(name)
        except InputError as error:
            self.message = str(error)
        sign = "⚠ " if self.message else ""
        self._said.value = f'<div role="status">{sign}{html.escape(self.message)}</div>'


def presets(
    panel: Panel,
    known: str | Mapping[str, Values] | None = None,
    *,
    file: str | Path | None = None,
) -> Presets:
    """Buttons that put the controls of `panel` where they were kept; one keeps the present state.

        cat = ui.world()
        ui.presets(cat, "world", file="my_cats.json")

    Args:
        panel: any of ui's panels with controls.
        known: name -> state (`panel.values`, or a part of it), or the name of a shipped set.
        file: where states are kept beside those; it need not exist yet. None: what is kept is gone
            with the notebook.

    Raises:
        InputError: a panel without controls, no such set, or a file with something else in it.
    """
    if not panel.controls:
        got = type(panel).__name__
        raise InputError.about("panel", expected="a panel with sliders", got=got)
    path = None if file is None else Path(file)
    stored = _read(path) if path and path.exists() else {}
    return Presets(panel, {**_shipped(known), **stored}, path)


def _shipped(known: str | Mapping[str, Values] | None) -> Mapping[str, Values]:
    """A set of data/presets by its name; another mapping as it is."""
    if not isinstance(known, str):
        return known or {}
    check_choice("presets", known, sorted(path.stem for path in SHIPPED.glob("*.json")))
    return _read(SHIPPED / f"{known}.json")


def _read(path: Path) -> Mapping[str, Values]:
    """States by name out of a file.

    Raises:
        InputError: unreadable, or something else.
    """
    stored = strict_json.read(path, expected=EXPECTED)
    fits = isinstance(stored, dict) and all(
        isinstance(state, dict)
        and all(isinstance(value, int | float | str) for value in state.values())
        for state in stored.values()
    )
    if not fits:
        raise InputError.about(str(path), expected=EXPECTED, got="other values")
    return stored
