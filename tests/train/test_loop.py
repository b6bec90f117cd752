"""The plumbing of training: averages, schedules, and going on after a kill."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest
import torch
from torch import nn

from hw5.train.loop import ExponentialAverage, Run, cosine


def scalar(value: float) -> nn.Linear:
    network = nn.Linear(1, 1, bias=False)
    nn.init.constant_(network.weight, value)
    return network


def test_the_average_has_forgotten_half_after_its_half_life():
    average = ExponentialAverage(scalar(0.0), half_life=1000)
    moved = scalar(1.0)
    for _ in range(10):
        average.update(moved, pictures=100, seen=10**9)
    assert average.network.weight.item() == pytest.approx(0.5, abs=1e-4)


def test_the_average_of_a_trained_network_is_held_from_the_first_picture():
    average = ExponentialAverage(scalar(0.0), half_life=1000, trained=True)
    for seen in range(100, 1100, 100):
        average.update(scalar(1.0), pictures=100, seen=seen)
    assert average.network.weight.item() == pytest.approx(0.5, abs=1e-4)


def test_the_average_does_not_follow_later_changes_by_itself():
    network = scalar(3.0)
    average = ExponentialAverage(network, half_life=1000)
    with torch.no_grad():
        network.weight.fill_(7.0)
    assert average.network.weight.item() == 3.0


def test_the_schedule_rises_then_falls_to_its_floor():
    assert cosine(0.01, warm_up=0.02) == pytest.approx(0.5, rel=0.01)
    assert cosine(0.5, warm_up=0.0, floor=0.0) == pytest.approx(0.5, abs=1e-6)
    assert cosine(1.0, floor=0.1) == pytest.approx(0.1, abs=1e-6)


def test_a_run_goes_on_with_the_weights_pictures_and_time_of_its_checkpoint(tmp_path):
    first = Run(tmp_path, hours=1.0)
    first.save({"network": scalar(5.0)}, seen=640)
    network = scalar(0.0)
    second = Run(tmp_path, hours=1.0)
    assert second.resume({"network": network}) == 640
    assert network.weight.item() == 5.0
    assert second.progress() == pytest.approx(first.seconds / 3600, abs=1e-3)


def test_a_finished_run_plans_anew(tmp_path):
    first = Run(tmp_path, hours=0.0)
    time.sleep(0.01)
    first.save({}, seen=1)
    second = Run(tmp_path, hours=1.0)
    second.resume({})
    assert second.progress() < 0.01


def test_a_checkpoint_survives_kill_9_at_any_moment(tmp_path):
    script = textwrap.dedent(f"""
        import torch
        from pathlib import Path
        from hw5.train.loop import Run
        network = torch.nn.Linear(300, 300)
        run = Run(Path({str(tmp_path)!r}), hours=1.0)
        print("ready", flush=True)
        for seen in range(10**6):
            torch.nn.init.constant_(network.weight, float(seen))
            run.save({{"network": network}}, seen)
    """)
    network = nn.Linear(300, 300)
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    child.stdout.readline()
    for _ in range(200):
        time.sleep(0.02)
        if (tmp_path / "checkpoint.pt").exists():
            break
    time.sleep(0.137)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    seen = Run(tmp_path, hours=1.0).resume({"network": network})
    assert torch.equal(network.weight, torch.full_like(network.weight, float(seen)))


def test_the_log_keeps_one_header(tmp_path):
    run = Run(tmp_path, hours=1.0)
    run.log({"pictures": 1, "loss": 0.5})
    run.log({"pictures": 2, "loss": math.pi})
    assert (tmp_path / "log.csv").read_text().split() == ["pictures,loss", "1,0.5", "2,3.14159"]


def test_a_resumed_run_drops_the_rows_that_its_checkpoint_knows_nothing_of(tmp_path):
    run = Run(tmp_path, hours=1.0)
    run.log({"pictures": 8, "loss": 0.5})
    run.save({}, seen=16)
    for seen in (16, 1_234_568):
        run.log({"pictures": seen, "loss": 0.25})
    with (tmp_path / "log.csv").open("a") as file:
        file.write("12")  # a row that a kill cut off
    Run(tmp_path, hours=1.0).resume({})
    assert (tmp_path / "log.csv").read_text().split() == ["pictures,loss", "8,0.5", "16,0.25"]


def test_a_run_that_was_killed_before_its_first_checkpoint_begins_its_log_anew(tmp_path):
    Run(tmp_path, hours=1.0).log({"pictures": 8, "loss": 0.5})
    assert Run(tmp_path, hours=1.0).resume({}) == 0
    assert (tmp_path / "log.csv").read_text().split() == ["pictures,loss"]


def test_the_pictures_of_a_long_run_are_logged_whole(tmp_path):
    Run(tmp_path, hours=1.0).log({"pictures": 1_234_568})
    assert (tmp_path / "log.csv").read_text().split() == ["pictures", "1234568"]
