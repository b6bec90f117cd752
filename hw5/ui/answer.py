"""Draw on the left, watch the optimiser answer on the right.

Offers `draw_live`. Every stroke that ends starts `hw5.draw.draw` anew with the sketch as it is
then; the search before it is cancelled. Read first: scribble.py, runs.py.
"""

from __future__ import annotations

import time

import ipywidgets as widgets
import torch

from hw5.config import Drawing
from hw5.draw import Drawn, draw
from hw5.kit import seeding
from hw5.latents import mean_code, render
from hw5.models.generator import Generator
from hw5.objective import Score
from hw5.search import Record
from hw5.shapes import Codes, Images
from hw5.ui.live import Pane, Panel, column, row, style
from hw5.ui.runs import Run
from hw5.ui.scribble import SIZE, Canvas, canvas

EVERY = 0.15  # seconds between two pictures of a running search
# A hand waits for an answer: fewer steps than a picture to keep (config.py).
LIVE = Drawing(num_steps=100, num_typical=1000)


START = "The start, before anything is drawn."


class DrawLive(Panel):
    """Canvas and answer.

    Attributes:
        canvas: where the sketch is drawn; `.sketch` is it.
        result: `Drawn` of the last sketch that was searched to its end, or None.
    """

    def __init__(
        self, generator: Generator, criterion: Score, settings: Drawing, paper: widgets.Widget,
        *, keep: Images | None, start: Codes | None, seed: int,
    ) -> None:  # fmt: skip
        """Show the start; answer when something is drawn."""
        self.generator, self.criterion, self.settings = generator, criterion, settings
        self.canvas, self._keep, self._seed = paper, keep, seed
        if start is None:
            start = mean_code(generator, settings.space, rng=seeding.make(seed))
        self._start, self._run, self.result = start, None, None
        self.pane = Pane(START, side=384)
        with torch.no_grad():
            self.pane.show(render(generator, start, settings.space))
        self.stop_button = widgets.Button(
            description="Stop", icon="stop", tooltip="keep what is there, until the next stroke"
        )
        self.again_button = widgets.Button(
            description="Search again", icon="refresh", tooltip="answer the same sketch again"
        )
        self.stop_button.on_click(lambda _: self.stop())
        self.again_button.on_click(lambda _: self.answer())
        right = column(self.pane, widgets.HBox([self.again_button, self.stop_button]))
        super().__init__([style(), row(self.canvas, right)])
        self.add_class("hw5-panel")
        self.canvas.observe(lambda _: self.answer(), "strokes")

    @property
    def sketch(self) -> object:
        """What is drawn."""
        return self.canvas.sketch

    def answer(self) -> None:
        """Search for the sketch as it is now; a search that runs is cancelled."""
        self._run = Run(self._work)
        self._run.begin()

    def stop(self) -> None:
        """Keep what is there."""
        if self._run is not None:
            self._run.stop()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the search is over; False after `timeout` seconds."""
        return self._run is None or self._run.wait(timeout)

    def _work(self, run: Run) -> None:
        if run.should_stop():
            return
        try:
            with torch.enable_grad():
                self._search(run)
        except Exception as error:
            if run is self._run:
                self.pane.fail(error)

    def _search(self, run: Run) -> None:
        drawn_here = self.canvas.rasterise(self.generator.image_size)
        colour, mask = (each.to(self._start.device) for each in drawn_here)
        if not bool(mask.any()):
            self.result = None
            self.pane.show(render(self.generator, self._start, self.settings.space))
            self.pane.caption(START)
            return
        self.pane.say("")
        looked = 0.0

        def on_step(record: Record) -> None:
            nonlocal looked
            if run is self._run and time.perf_counter() - looked >= EVERY:
                looked = time.perf_counter()
                self.pane.show(record.pictures(), draft=True)
                self.pane.caption(
                    f"Searching: step {record.step + 1} of {self.settings.num_steps}, "
                    f"loss {record.loss:.3f}."
                )

        drawn = draw(
            self.generator, colour, mask, criterion=self.criterion, settings=self.settings,
            start=self._start, keep=self._keep, rng=seeding.make(self._seed), on_step=on_step,
            should_stop=run.should_stop,
        )  # fmt: skip
        if run is self._run:
            self._show(drawn)

    def _show(self, drawn: Drawn) -> None:
        self.result = drawn
        self.pane.show(drawn.image)
        ended = "Stopped" if drawn.projected.stopped == "cancelled" else "Done"
        self.pane.caption(
            f"{ended} at step {len(drawn.projected.history)}: loss {drawn.projected.loss:.3f}, "
            f"distance from the mean {drawn.distance:.2f}."
        )


def draw_live(
    generator: Generator,
    criterion: Score,
    *,
    settings: Drawing = LIVE,
    paper: Canvas | None = None,
    keep: Images | None = None,
    start: Codes | None = None,
    seed: int = 0,
) -> DrawLive:
    """A canvas, and beside it the picture that the generator makes of the sketch.

    Args:
        generator: see models/generator.py.
        criterion: such as `Criterion(LossWeights.for_scribbles())`.
        settings: see config.py; 100 steps here, so that an answer takes seconds.
        paper: a canvas to draw on, or anything with `strokes` and `rasterise`; None makes one.
        keep: (1, 3, H, W) in [-1, 1], a picture to stay like where nothing is drawn.
        start: the code to start from; None: the mean code.
        seed: of the mean code and of the usual distance.
    """
    settings = settings.settled(generator.spaces)
    if paper is None:
        paper = canvas(background=keep, size=min(generator.image_size, 4 * SIZE))
    return DrawLive(generator, criterion, settings, paper, keep=keep, start=start, seed=seed)
