"""A bar moves on a terminal and says one line elsewhere."""

import io
from types import SimpleNamespace

import pytest

from hw5.kit import progress
from hw5.kit.checks import InputError


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_log_gets_one_line_at_the_end():
    log = io.StringIO()
    with progress.bar(3, "project", stream=log) as on_step:
        for loss in (3.0, 2.0, 0.5):
            on_step(SimpleNamespace(loss=loss))
            assert log.getvalue() == "", "quiet until the end"
    assert log.getvalue().count("\n") == 1
    assert log.getvalue().startswith("project: 3 steps in 0.0 s loss 0.5")


def test_a_loop_that_stops_early_says_how_far_it_came():
    log = io.StringIO()
    with progress.bar(5, "draw", stream=log) as on_step:
        on_step()
    assert log.getvalue().startswith("draw: 1 of 5 steps in")


def test_an_error_passes_through_and_is_told_from_success():
    log = io.StringIO()
    with pytest.raises(ZeroDivisionError), progress.bar(5, "draw", stream=log) as on_step:
        on_step()
        raise ZeroDivisionError
    assert log.getvalue().startswith("draw: stopped after 1 of 5 steps")


def test_a_terminal_sees_the_bar_move():
    screen = Terminal()
    with progress.bar(2, "draw", stream=screen) as on_step:
        on_step(SimpleNamespace(loss=0.25))
        on_step(SimpleNamespace(loss=0.125))
    assert "draw:   0%" in screen.getvalue()
    assert "draw: 2 steps in" in screen.getvalue()


@pytest.mark.parametrize("record", [None, 7, SimpleNamespace(loss=None), SimpleNamespace(loss=[1])])
def test_records_without_a_single_loss_are_counted_all_the_same(record):
    screen = Terminal()
    with progress.bar(1, "draw", stream=screen) as on_step:
        on_step(record)
    assert screen.getvalue().endswith(" s\n")


@pytest.mark.parametrize("total", [-1, 2.5, None])
def test_a_bad_total_is_refused(total):
    with pytest.raises(InputError, match="total"):
        progress.bar(total, "draw")
