"""Run, Stop, and watch: a panel around any function that reports its steps.

Offers `job`. The function runs in a thread, so the notebook stays alive; an exception becomes a
line in the panel. Read first: runs.py.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from typing import Any

import ipywidgets as widgets
import torch

from hw5.kit.checks import InputError
from hw5.shapes import Images
from hw5.ui.curve import loss_curve
from hw5.ui.errors import describe
from hw5.ui.live import Pane, Panel, column, row, style, words
from hw5.ui.runs import Run

EVERY = 0.25  # seconds between two looks at a running job
READY, WAITING, RUNNING, DONE, STOPPED, FAILED = (
    "ready", "waiting", "running", "done", "stopped", "failed",
)  # fmt: skip


class Job(Panel):
    """A job with its buttons.

    Attributes:
        state: "ready", "waiting" (for the job before it), "running", "done", "stopped", "failed".
        result: what the function returned; None before that, and after a failure.
        error: what it raised, else None.
        losses: one number a step, where the steps have a `loss`.
    """

    def __init__(self, function: Callable[..., Any], total: int | None) -> None:
        """Wait for `run`, or for the button."""
        self._function, self._total = function, total
        self._run: Run | None = None
        self.state, self.result, self.error = READY, None, None
        self.losses: list[float] = []
        self.start_button = widgets.Button(
            description="Run",
            icon="play",
            button_style="primary",
            tooltip="start from the beginning",
        )
        self.stop_button = widgets.Button(
            description="Stop", icon="stop", tooltip="stop at the next step, keep the best so far"
        )
        self.bar = widgets.IntProgress(0, 0, total or 1)
        self.bar.layout = widgets.Layout(width="320px", display=None if total else "none")
        self.words, self.curve = words(320), words(320)
        self.curve.value = loss_curve([])
        self.pane = Pane("No picture yet.")
        self.start_button.on_click(lambda _: self.run())
        self.stop_button.on_click(lambda _: self.stop())
        buttons = widgets.HBox([self.start_button, self.stop_button])
        left = column(buttons, self.bar, self.words, self.curve)
        super().__init__([style(), row(left, self.pane)])
        self.add_class("hw5-panel")
        self._say("ready")

    def run(self) -> Job:
        """Start from the beginning; a job that runs anywhere in this notebook is cancelled."""
        self.losses, self.result, self.error = [], None, None
        self._looked, self._began = 0.0, time.perf_counter()
        self.pane.say("")
        self._draw()
        self._set(WAITING, "waiting for the job before this one")
        self._run = Run(self._work)
        self._run.begin()
        return self

    def stop(self) -> None:
        """Stop at the next step; what the function returns then is the result."""
        if self._run is not None:
            self._run.stop()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end; False after `timeout` seconds. Interrupting the cell stops the job."""
        if self._run is None:
            return True
        try:
            return self._run.wait(timeout)
        except KeyboardInterrupt:
            self.stop()
            raise

    def _work(self, run: Run) -> None:
        """The thread: call the function, keep what it gives unless a newer run has begun."""
        if run.should_stop():
            self._finish(run, STOPPED, "stopped before it began")
            return
        self._set(RUNNING, "running")
        try:
            with torch.enable_grad():
                result = self._function(
                    on_step=lambda record=None: self._on_step(run, record),
                    should_stop=run.should_stop,
                )
        except Exception as error:
            self._fail(run, error)
            return
        if run is self._run:
            self.result = result
            self._show(getattr(result, "image", result))
            self._draw()
        cancelled = run.should_stop()
        self._finish(run, STOPPED if cancelled else DONE, "stopped" if cancelled else "done")

    def _fail(self, run: Run, error: Exception) -> None:
        if run is self._run:
            self.error, self.result = error, None
            self.pane.say(describe(error), is_error=True)
        self._finish(run, FAILED, "failed")

    def _on_step(self, run: Run, record: object) -> None:
        """Keep the loss of every step; look at the picture a few times a second."""
        if run is not self._run:
            return
        loss = getattr(record, "loss", record)
        if isinstance(loss, int | float):
            self.losses.append(float(loss))
        now = time.perf_counter()
        if now - self._looked >= EVERY:
            self._looked = now
            pictures = getattr(record, "pictures", None)
            if callable(pictures):
                self._show(pictures()[:1], draft=True)
            self._draw()
            self._say(RUNNING)

    def _show(self, picture: Images | object, *, draft: bool = False) -> None:
        if isinstance(picture, torch.Tensor) and picture.ndim == 4 and picture.shape[1] == 3:
            self.pane.show(picture, draft=draft)
            self.pane.caption(f"Step {len(self.losses)}." if draft else "The result.")

    def _draw(self) -> None:
        self.curve.value = loss_curve(self.losses, total=self._total)
        if self._total:
            self.bar.value = min(len(self.losses), self._total)

    def _finish(self, run: Run, state: str, words: str) -> None:
        if run is self._run:
            self._set(state, words)

    def _set(self, state: str, words: str) -> None:
        self.state = state
        self._say(words)

    def _say(self, words: str) -> None:
        parts = [words]
        if self.losses:
            steps = f"step {len(self.losses)}" + (f" of {self._total}" if self._total else "")
            parts += [steps, f"loss {self.losses[-1]:.4g}"]
        if self._run is not None:
            parts.append(f"{time.perf_counter() - self._began:.1f} s")
        self.words.value = f'<div class="hw5-words" role="status">{", ".join(parts)}</div>'


def job(function: Callable[..., Any], *, total: int | None = None) -> Job:
    """A panel that calls `function(on_step=..., should_stop=...)` in a thread when Run is pressed.

    Args:
        function: such as `lambda **loop: project(generator, target, ..., **loop)`.
        total: steps expected, for the progress bar; None: unknown.

    Raises:
        InputError: a function that cannot be called like that.
    """
    try:
        inspect.signature(function).bind(on_step=None, should_stop=None)
    except TypeError as error:
        hint = "wrap it: lambda **loop: project(generator, target, ..., **loop)"
        expected = "one that takes on_step and should_stop"
        raise InputError.about("function", expected=expected, got=error, hint=hint) from error
    return Job(function, total)
