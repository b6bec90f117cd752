"""One job at a time: the newest cancels the one before it and waits for its end."""

from __future__ import annotations

import threading
import time

from hw5.ui.runs import Run

SOON = 5.0


def until_stopped(log, name, started):
    def work(run):
        log.append(f"{name} begins")
        started.set()
        while not run.should_stop():
            time.sleep(0.001)
        time.sleep(0.1)  # whoever does not wait begins now
        log.append(f"{name} ends")

    return work


def test_a_new_job_cancels_the_old_one_and_begins_after_its_end():
    log, started = [], [threading.Event(), threading.Event()]
    Run(until_stopped(log, "a", started[0])).begin()
    assert started[0].wait(SOON)
    second = Run(until_stopped(log, "b", started[1])).begin()
    assert started[1].wait(SOON)
    second.stop()
    assert second.wait(SOON)
    assert log == ["a begins", "a ends", "b begins", "b ends"]


def test_a_job_that_raises_lets_the_next_one_begin(monkeypatch):
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    assert Run(lambda _: 1 / 0).begin().wait(SOON)
    done = []
    assert Run(lambda _: done.append(1)).begin().wait(SOON) and done


def test_of_many_jobs_started_at_once_the_last_is_not_cancelled():
    ended = []
    jobs = [Run(lambda run, n=n: ended.append((n, run.should_stop()))).begin() for n in range(10)]
    assert all(job.wait(SOON) for job in jobs)
    assert (9, False) in ended
