"""The outputs of a cell, taken apart: pictures here, text there, numbers within a tolerance.

Offers `take_apart`, `settle_numbers` and `Screen`. Read next: nbpictures.py, which compares them.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from nbformat import NotebookNode

PICTURES = ("image/png", "image/jpeg", "image/webp", "image/gif")
_EMBEDDED = re.compile(r"data:(?:" + "|".join(PICTURES) + r");base64,([A-Za-z0-9+/=\s]+)")
_NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_SHOWS = ("stream", "display_data", "execute_result", "error")


def take_apart(outputs: Sequence[NotebookNode]) -> tuple[list[NotebookNode], list[bytes]]:
    """Outputs without their pictures, and the pictures' files in order.

    Pictures are outputs of their own, or set into HTML as data; there a mark takes their place, so
    that the HTML around them is still compared. Displays that show nothing are left out: the line
    below a slow cell (ui/waiting.py) ends as one, where somebody looked on.
    """
    bare: list[NotebookNode] = []
    found: list[bytes] = []

    def take(match: re.Match[str]) -> str:
        found.append(base64.b64decode(match[1]))
        return "data:picture"

    for output in outputs:
        if _shows_nothing(output):
            continue
        copy = NotebookNode(output)
        if "data" in output:
            copy.data = NotebookNode()
            versions = [output["data"][kind] for kind in PICTURES if kind in output["data"]]
            found += [base64.b64decode(data) for data in versions[:1]]
            for kind, value in output["data"].items():
                if kind not in PICTURES:
                    is_text = isinstance(value, str)
                    copy.data[kind] = _EMBEDDED.sub(take, value) if is_text else value
        bare.append(copy)
    return bare, found


def _shows_nothing(output: NotebookNode) -> bool:
    is_display = output.get("output_type") == "display_data"
    return is_display and not any(output.get("data", {}).values())


def settle_numbers(
    fresh: Sequence[NotebookNode], stored: Sequence[NotebookNode], rtol: float
) -> None:
    """Write the stored text over the fresh one wherever only numbers differ, within `rtol`."""
    for new, old in zip(fresh, stored, strict=False):
        pairs = [(new, old), (new.get("data", {}), old.get("data", {}))]
        for after, before in pairs:
            for key in set(after) & set(before):
                texts = after[key], before[key]
                if all(isinstance(text, str) for text in texts) and same_but_numbers(*texts, rtol):
                    after[key] = before[key]


def same_but_numbers(fresh: str, stored: str, rtol: float) -> bool:
    """Are two texts alike but for spaces, and for numbers that differ by the share `rtol`?"""
    plain = [_NUMBER.sub(" # ", text).split() for text in (fresh, stored)]
    values = [[float(number) for number in _NUMBER.findall(text)] for text in (fresh, stored)]
    return plain[0] == plain[1] and all(
        math.isclose(a, b, rel_tol=rtol) for a, b in zip(*values, strict=True)
    )


class Screen:
    """What `clear_output` and display updates do to the outputs of the running cell.

    Programs that run a notebook and store it obey these messages, so a comparison has to as well.
    """

    def __init__(self, request: str) -> None:
        """Watch the outputs of the cell whose execution has the id `request`."""
        self.request = request
        self._places: dict[str, int] = {}
        self._clear_before_next = False

    def takes(self, message: Mapping[str, Any], outputs: list[NotebookNode]) -> bool:
        """Apply one message of the kernel; True where nothing is left to do about it."""
        if message["parent_header"].get("msg_id") != self.request:
            return False
        kind, content = message["msg_type"], message["content"]
        if kind == "clear_output":
            self._clear_before_next = bool(content.get("wait"))
            if not self._clear_before_next:
                self._clear(outputs)
            return True
        display = content.get("transient", {}).get("display_id")
        if kind == "update_display_data":
            if display in self._places:
                outputs[self._places[display]]["data"] = content["data"]
            return True
        if kind in _SHOWS and self._clear_before_next:
            self._clear(outputs)
        if display is not None:
            self._places[display] = len(outputs)
        return False

    def _clear(self, outputs: list[NotebookNode]) -> None:
        outputs.clear()
        self._places.clear()
        self._clear_before_next = False
