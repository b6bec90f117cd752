"""Last value wins, whatever thread it comes from, and no exception is lost."""

from __future__ import annotations

import threading
import time

import pytest

from hw5.ui.latest import Latest

SOON = 5.0


@pytest.fixture
def errors():
    return []


def test_the_last_of_many_values_is_worked_on(errors):
    seen = []
    latest = Latest(lambda value: (time.sleep(0.02), seen.append(value))[0], on_error=errors.append)
    for value in range(50):
        latest(value)
    assert latest.settle(SOON)
    assert seen[-1] == 49 and not errors


def test_values_that_come_while_it_works_are_dropped_but_the_last(errors):
    seen, first = [], threading.Event()
    go_on = threading.Event()

    def work(value):
        seen.append(value)
        first.set()
        go_on.wait(SOON)

    latest = Latest(work, on_error=errors.append)
    latest(0)
    first.wait(SOON)
    for value in range(1, 10):
        latest(value)
    go_on.set()
    assert latest.settle(SOON)
    assert seen == [0, 9]


def test_values_from_many_threads_end_with_the_newest(errors):
    seen, guard, newest = [], threading.Lock(), []
    latest = Latest(seen.append, on_error=errors.append)

    def send(value):
        with guard:
            latest(value)
            newest.append(value)

    threads = [threading.Thread(target=send, args=(v,)) for v in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert latest.settle(SOON)
    assert seen[-1] == newest[-1]


def test_an_exception_is_reported_and_the_next_value_is_worked_on(errors):
    seen = []
    latest = Latest(lambda value: seen.append(1 / value), on_error=errors.append)
    latest(0)
    assert latest.settle(SOON)
    latest(2)
    assert latest.settle(SOON)
    assert [type(e) for e in errors] == [ZeroDivisionError] and seen == [0.5]


def test_rest_comes_once_after_the_last_value(errors):
    drafts, sharp = [], []
    latest = Latest(drafts.append, on_error=errors.append, rest=sharp.append, pause=0.5)
    for value in range(3):
        latest(value)
        deadline = time.monotonic() + SOON
        while drafts[-1:] != [value] and time.monotonic() < deadline:
            time.sleep(0.001)
    assert latest.settle(SOON)
    assert drafts == [0, 1, 2] and sharp == [2]


def test_rest_is_not_called_for_a_value_that_failed(errors):
    sharp = []
    latest = Latest(lambda v: 1 / v, on_error=errors.append, rest=sharp.append, pause=0.01)
    latest(0)
    assert latest.settle(SOON) and sharp == []


def test_idle_work_gives_way_to_a_value(errors):
    seen, idled = [], threading.Event()

    def idle():
        idled.set()
        time.sleep(0.001)
        return True

    latest = Latest(seen.append, on_error=errors.append, idle=idle)
    latest(1)
    assert idled.wait(SOON)
    latest(2)
    deadline = time.monotonic() + SOON
    while seen[-1] != 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    latest._idle = None
    assert seen == [1, 2]


def test_an_idle_thread_ends_and_starts_again(errors, monkeypatch):
    monkeypatch.setattr("hw5.ui.latest.PATIENCE", 0.01)
    seen = []
    latest = Latest(seen.append, on_error=errors.append)
    latest(1)
    thread = latest._thread
    thread.join(SOON)
    assert not thread.is_alive()
    latest(2)
    assert latest.settle(SOON) and seen == [1, 2]


def test_slow_work_can_ask_whether_a_newer_value_waits(errors):
    answers, started = [], threading.Event()

    def work(value):
        started.set()
        deadline = time.monotonic() + SOON
        while value == 1 and not latest.is_stale() and time.monotonic() < deadline:
            time.sleep(0.001)
        answers.append((value, latest.is_stale()))

    latest = Latest(work, on_error=errors.append)
    latest(1)
    started.wait(SOON)
    latest(2)
    assert latest.settle(SOON) and answers == [(1, True), (2, False)]
