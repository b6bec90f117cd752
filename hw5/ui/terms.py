"""Sliders over the weights of a loss, or over any numbers a function takes.

Offers `weights`. Read first: live.py.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as widgets
import torch

from hw5.kit.checks import InputError, brief
from hw5.shapes import Images
from hw5.ui.latest import Latest
from hw5.ui.live import SETTLE, Pane, Panel, column, row, style

STEPS = 100  # of a slider, from end to end


class Weights(Panel):
    """Sliders, and what the function makes of them.

    Attributes:
        sliders: name -> slider.
        result: what the function returned last.
    """

    def __init__(self, function: Callable[..., Any], ranges: dict[str, Any]) -> None:
        """Call `function` with the starting values."""
        self._function = function
        self._can_stop = _takes(function, "should_stop")
        self.result: object = None
        self.sliders = {name: slider(name, value) for name, value in ranges.items()}
        self.controls = self.sliders
        self.pane = Pane()
        self.latest = Latest(self._work, on_error=self.pane.fail)
        for control in self.sliders.values():
            control.observe(lambda _: self.latest(self.values), "value")
        super().__init__([style(), row(self.pane, column(*self.sliders.values()))])
        self.add_class("hw5-panel")
        self.latest(self.values)

    def settle(self, timeout: float = SETTLE) -> bool:
        """Wait for the answer to the newest values; False after `timeout` seconds."""
        return self.latest.settle(timeout)

    def _work(self, values: dict[str, float]) -> None:
        stop = {"should_stop": self.latest.is_stale} if self._can_stop else {}
        self.pane.say("working ...")
        result = self._function(**values, **stop)
        if self.latest.is_stale():
            return
        self.result = result
        self._show(getattr(result, "image", result), values)
        self.pane.say("")

    def _show(self, result: Images | object, values: dict[str, float]) -> None:
        words = ", ".join(f"{name} {value:g}" for name, value in values.items())
        if isinstance(result, torch.Tensor) and result.ndim == 4:
            self.pane.show(result)
        else:
            words = f"{words}: {result}"
        self.pane.caption(words)


def slider(name: str, limits: float | Sequence[float]) -> widgets.FloatSlider:
    """A slider from (low, high), (low, high, value), or a value alone: 0 to twice the value.

    Raises:
        InputError: anything else.
    """
    one = isinstance(limits, int | float)
    numbers = (0, 2 * limits or 1, limits) if one else tuple(limits)
    if len(numbers) == 2:
        numbers = (*numbers, sum(numbers) / 2)
    if len(numbers) != 3 or not numbers[0] <= numbers[2] <= numbers[1] or numbers[0] == numbers[1]:
        expected = "a value, (low, high) or (low, high, value), in order"
        raise InputError.about(name, expected=expected, got=brief(limits))
    low, high, value = map(float, numbers)
    return widgets.FloatSlider(
        value, min=low, max=high, step=(high - low) / STEPS, description=name.replace("_", " "),
        readout_format=".3g", layout=widgets.Layout(width="380px"),
        style={"description_width": "110px"},
    )  # fmt: skip


def _takes(function: Callable[..., Any], name: str) -> bool:
    parameters = inspect.signature(function).parameters.values()
    return any(p.name == name or p.kind is p.VAR_KEYWORD for p in parameters)


def weights(function: Callable[..., Any], **ranges: float | Sequence[float]) -> Weights:
    """Sliders that call `function(**values)`; it answers with a picture, a result, or text.

        ui.weights(lambda pixel, penalty: draw(...), pixel=(0, 20, 10), penalty=(0, 10, 5))

    Args:
        function: gives a picture (1, 3, H, W), something with such an `image`, or anything that can
            be written. If it takes `should_stop`, that turns true when a newer value waits.
        ranges: see `slider`.

    Raises:
        InputError: no ranges, or one out of order.
    """
    if not ranges:
        raise InputError.about("ranges", expected="at least one, as in pixel=(0, 20)", got="none")
    return Weights(function, ranges)
