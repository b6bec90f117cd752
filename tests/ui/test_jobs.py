"""A job runs in a thread, shows its steps, stops when told, and never takes the kernel with it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import pytest
import torch

from hw5 import ui
from hw5.config import Drawing, LossWeights, Projection
from hw5.kit import images, seeding
from hw5.kit.checks import InputError
from hw5.kit.strokes import Sketch, Stroke
from hw5.losses import Criterion
from hw5.projector import project
from hw5.ui.curve import loss_curve
from hw5.ui.errors import describe

SOON = 10.0


@dataclass
class Step:
    loss: float

    def pictures(self):
        return torch.full((1, 3, 8, 8), 1 - self.loss)


def count(steps):
    """A job of so many steps whose loss falls to 0."""

    def function(on_step, should_stop):
        for step in range(steps):
            if should_stop():
                return "stopped"
            on_step(Step(1 - (step + 1) / steps))
        return "whole"

    return function


def forever(started):
    def function(on_step, should_stop):
        started.set()
        while not should_stop():
            on_step(Step(0.5))
            time.sleep(0.001)
        return "the best so far"

    return function


def test_a_job_gives_its_result_and_losses():
    job = ui.job(count(4), total=4)
    assert job.state == "ready" and job.run().wait(SOON)
    assert (job.state, job.result, job.losses) == ("done", "whole", [0.75, 0.5, 0.25, 0.0])
    assert job.bar.value == 4


def test_a_stopped_job_keeps_what_the_function_returns():
    started = threading.Event()
    job = ui.job(forever(started)).run()
    assert started.wait(SOON)
    job.stop()
    assert job.wait(SOON) and (job.state, job.result) == ("stopped", "the best so far")


def test_an_exception_becomes_a_line_and_the_job_can_run_again():
    errors = [ValueError("no such cat")]

    def function(on_step, should_stop):
        if errors:
            raise errors.pop()
        return 1

    job = ui.job(function).run()
    assert job.wait(SOON) and job.state == "failed" and job.result is None
    assert job.message.startswith("ValueError: no such cat (test_jobs.py, line")
    assert job.run().wait(SOON) and (job.state, job.result, job.message) == ("done", 1, "")


def test_a_second_job_stops_the_first():
    started = threading.Event()
    first = ui.job(forever(started)).run()
    assert started.wait(SOON)
    second = ui.job(count(2)).run()
    assert second.wait(SOON) and second.result == "whole"
    assert first.state == "stopped"


def test_a_job_that_is_run_again_shows_nothing_of_the_run_before():
    started = threading.Event()
    calls = []

    def function(on_step, should_stop):
        calls.append(1)
        if len(calls) == 1:
            return forever(started)(on_step, should_stop)
        return count(3)(on_step, should_stop)

    job = ui.job(function).run()
    assert started.wait(SOON)
    assert job.run().wait(SOON)
    assert job.result == "whole" and len(job.losses) == 3


def test_a_job_that_runs_has_no_result_of_the_run_before():
    started = threading.Event()
    calls = [count(1), forever(started)]
    job = ui.job(lambda **loop: calls.pop(0)(**loop)).run()
    assert job.wait(SOON) and job.result == "whole"
    job.run()
    assert started.wait(SOON) and job.result is None
    job.stop()
    assert job.wait(SOON)


def test_the_picture_of_a_step_is_shown_while_it_runs():
    started = threading.Event()
    job = ui.job(forever(started)).run()
    end = time.monotonic() + SOON
    while not job.picture.startswith(b"\xff\xd8") and time.monotonic() < end:
        time.sleep(0.01)
    job.stop()
    assert job.wait(SOON) and job.picture.startswith(b"\xff\xd8")


def test_interrupting_the_cell_stops_the_job(monkeypatch):
    started = threading.Event()
    job = ui.job(forever(started)).run()
    assert started.wait(SOON)
    run, whole = job._run, job._run.wait

    def interrupted(_timeout):
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        job.wait()
    assert whole(SOON) and job.state == "stopped"


def test_a_projection_is_a_job(tiny):
    target = torch.zeros(1, 3, 16, 16)
    settings = Projection(num_steps=3, num_mean=4)
    criterion = Criterion(LossWeights(perceptual=0))
    job = ui.job(
        lambda **loop: project(
            tiny, target, criterion=criterion, settings=settings, rng=seeding.make(0), **loop
        ),
        total=3,
    ).run()
    assert job.wait(SOON) and job.message == ""
    assert job.picture == images.to_png(job.result.image)


def test_a_function_that_cannot_be_called_with_the_loop_is_refused():
    with pytest.raises(InputError, match="wrap it"):
        ui.job(lambda: 1)


@pytest.fixture
def live(tiny):
    settings = Drawing(num_steps=4, num_mean=4, num_typical=4)
    return ui.draw_live(tiny, Criterion(LossWeights.for_scribbles()), settings=settings)


RED = Sketch((Stroke(((0.5, 0.5),), (255, 0, 0), 0.5),))
BLUE = Sketch((Stroke(((0.2, 0.5),), (0, 0, 255), 0.5),))


def test_a_stroke_starts_the_search_and_its_answer_is_shown(live):
    live.canvas.sketch = RED
    assert live.wait(SOON) and live.message == ""
    assert live.picture == images.to_png(live.result.image)


def test_the_last_sketch_wins(live, tiny):
    live.canvas.sketch = RED
    live.canvas.sketch = BLUE
    assert live.wait(SOON)
    alone = ui.draw_live(tiny, live.criterion, settings=live.settings)
    alone.canvas.sketch = BLUE
    assert alone.wait(SOON)
    torch.testing.assert_close(live.result.code, alone.result.code)


def test_an_empty_canvas_shows_the_start_again(live):
    before = live.picture
    live.canvas.sketch = RED
    assert live.wait(SOON) and live.picture != before
    live.canvas.sketch = Sketch()
    assert live.wait(SOON) and live.picture == before and live.result is None


def test_a_sketch_from_files_can_stand_in_for_the_canvas(tiny):
    settings = Drawing(num_steps=2, num_mean=4, num_typical=4)
    picker = ui.sketch_picker(size=16)
    live = ui.draw_live(
        tiny, Criterion(LossWeights.for_scribbles()), settings=settings, paper=picker
    )
    live.answer()
    assert live.wait(SOON) and live.result is not None


def test_a_curve_marks_the_lowest_loss_at_the_bottom():
    svg = loss_curve([4.0, 2.0, 3.0])
    points = svg.split('points="')[1].split('"')[0].split()
    heights = [float(p.split(",")[1]) for p in points]
    assert heights.index(max(heights)) == 1 and heights.index(min(heights)) == 0


def test_a_curve_of_a_thousand_losses_stays_small():
    assert len(loss_curve([1 / (1 + n) for n in range(10_000)])) < 8000


def test_a_curve_survives_losses_that_are_not_finite():
    assert "polyline" in loss_curve([float("nan"), 1.0, float("inf")])
    assert "no loss yet" in loss_curve([float("nan")])


def test_an_error_is_one_line_with_its_place():
    try:
        raise ValueError("two\nlines")
    except ValueError as error:
        text = describe(error)
    assert text.startswith("ValueError: two lines (test_jobs.py, line ") and "\n" not in text


def test_an_input_error_needs_no_place():
    assert describe(InputError("mask: expected one")) == "mask: expected one"
