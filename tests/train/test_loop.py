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

from hw5.train import loop
from hw5.train.loop import ExponentialAverage, Run, cosine, repeat
from tests.train.clock import Clock


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


@pytest.mark.parametrize("asked", [0.1, 5.0])
def test_a_plan_that_was_cut_short_is_finished_whatever_the_next_call_asks(tmp_path, asked):
    Run(tmp_path, hours=0.5).save({}, seen=1)
    second = Run(tmp_path, hours=asked)
    second.resume({})
    assert second.budget == 0.5 * 3600


def test_a_finished_run_plans_anew(tmp_path):
    first = Run(tmp_path, hours=0.0)
    time.sleep(0.01)
    first.save({}, seen=1)
    second = Run(tmp_path, hours=1.0)
    second.resume({})
    assert second.progress() < 0.01
    assert second.budget == 3600


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


SECOND = 1 / 3600  # of the clock that counts looks


class Killed(Exception):
    """After a checkpoint."""


def walk(folder, *, dies_after=math.inf, seed=3, moves=None, **options):
    """A walk of random steps, eight pictures each; where it ends, and what `repeat` says of it.

    `moves` is filled with pictures seen -> move.
    """
    network, saved, moves = scalar(0.0), [], {} if moves is None else moves

    def step(seen, progress, rng):
        assert 0 <= progress < 1.1  # a look later than the loop's own
        moves[seen] = move = torch.randn((), generator=rng).item()
        nn.init.constant_(network.weight, network.weight.item() + move)
        if seen < 40:
            return {"move": move}
        return {"move": move, "late": 1.0}

    def on_save(seen):
        saved.append(seen)
        if seen >= dies_after:
            raise Killed

    run = Run(folder, hours=2 * SECOND, save_every=0.3)
    figures = repeat(
        run, {"network": network}, step, batch=8, seed=seed, on_save=on_save, **options
    )
    return network.weight.item(), figures, saved


def test_a_run_killed_after_a_checkpoint_ends_where_an_unbroken_one_does(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "time", Clock())
    whole, broken = {}, {}
    _, figures, saved = walk(tmp_path / "whole", moves=whole)
    assert len(saved) > 2 and saved[-1] == figures["pictures"]
    with pytest.raises(Killed):
        walk(tmp_path / "killed", dies_after=saved[1], moves=broken)
    later, again, _ = walk(tmp_path / "killed", moves=broken)
    assert later == pytest.approx(sum(broken.values()))
    assert abs(again["pictures"] - figures["pictures"]) <= 16  # a look at the clock more or less
    both = whole.keys() & broken.keys()
    assert {seen: whole[seen] for seen in both} == {seen: broken[seen] for seen in both}


def test_every_step_of_every_seed_draws_numbers_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "time", Clock())
    drawn = []
    for seed in (0, 1, 2**20):
        moves = {}
        walk(tmp_path / str(seed), seed=seed, moves=moves)
        drawn += moves.values()
    assert len(drawn) > 50 and len(set(drawn)) == len(drawn)


def test_losses_are_told_as_running_means_and_columns_wait_for_theirs(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "time", Clock())
    moves = {}
    _, figures, _ = walk(tmp_path, moves=moves, columns=("late", "move"), log_every=2)
    first, *rows = (tmp_path / "log.csv").read_text().split()
    assert first == "pictures,seconds,late,move"
    assert [int(row.split(",")[0]) for row in rows] == list(range(16, figures["pictures"] + 1, 16))
    assert [row.split(",")[2] for row in rows[:3]] == ["nan", "nan", "1"]
    mean, *later = moves.values()
    for move in later:
        mean += 0.02 * (move - mean)
    assert figures["move"] == pytest.approx(mean)


def test_without_columns_every_loss_is_logged(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "time", Clock())
    walk(tmp_path, log_every=10)
    assert (tmp_path / "log.csv").read_text().split()[0] == "pictures,seconds,move,late"
