"""The race of inversions: who is timed, against which goal, and what is left out of the clock."""

from __future__ import annotations

import time

import pytest
import torch

from hw5.bench import inversion
from hw5.bench.projection import starter_loop
from hw5.config import LossWeights
from hw5.inversion.inverted import Step
from hw5.losses import Criterion


@pytest.fixture
def small_race(small_kit, ruler, monkeypatch):
    monkeypatch.setattr(inversion, "open_fastest", lambda: small_kit)
    monkeypatch.setattr(inversion, "lpips_metric", lambda: ruler)
    monkeypatch.setattr(inversion, "STEPS", 3)
    monkeypatch.setattr(inversion, "BUDGET", 40)
    return small_kit


def test_a_race_on_a_tiny_generator_has_all_its_figures(small_race, capsys):
    found = inversion.measure_inversion(num_pictures=2)
    assert found["reached"] == 1 and found["evaluations"] < 40
    assert found["ratio"] > 0 and found["batch_ratio"] > 0
    assert found["ratio_of_a_quarter"] <= found["ratio"] <= found["ratio_of_three_quarters"]
    bars = capsys.readouterr().err
    assert "starter-style loops: 12 steps" in bars  # 3 for each of four rates
    assert "ours, picture by picture: 2 steps" in bars


def test_the_goal_is_the_lowest_end_of_all_rates(small_race, ruler, monkeypatch):
    monkeypatch.setattr(inversion, "seconds_alone", lambda *_: 6.0)
    loops = {0.1: inversion.Loop(1.0, 0.5, 2), 0.01: inversion.Loop(2.0, 0.2, 1)}
    row = inversion._compare(small_race, ruler, torch.zeros(1, 3, 16, 16), loops)
    assert row["starter_rate"] == 0.01 and row["starter_lpips"] == 0.2
    assert row["ratio"] == pytest.approx(6.0 / row["seconds"])
    assert row["ratio_to_first"] == pytest.approx(6.0 * 1 / 3 / row["seconds"])


def test_loops_side_by_side_end_where_each_ends_alone(small_race, ruler, monkeypatch, rng):
    monkeypatch.setattr(inversion, "RATES", (0.01, 30.0))  # the second makes the loss rise again
    network, criterion = small_race.generator, small_race.criterion
    targets = torch.rand(2, 3, 16, 16, generator=rng) * 2 - 1
    found = inversion.run_loops(network, targets, criterion, ruler)
    for target, loops in zip(targets.split(1), found, strict=True):
        assert list(loops) == list(inversion.RATES)
        for rate, loop in loops.items():
            pictures = []
            alone = starter_loop(
                network, target, criterion, 3, rate, look=lambda _, x, to=pictures: to.append(x)
            )
            assert loop.loss == pytest.approx(alone.loss, rel=1e-4)
            assert loop.lpips == pytest.approx(ruler(pictures[-1], target).item(), rel=1e-4)


def test_a_loop_is_first_as_near_as_it_ends_where_its_row_is(monkeypatch):
    monkeypatch.setattr(inversion, "STEPS", 4)
    rows = {1: (4.0, 9.0), 2: (1.0, 8.0), 3: (2.0, 7.0), 4: (1.5, 6.0)}
    seen = {done: torch.tensor(distances) for done, distances in rows.items()}
    assert [inversion.first_as_near(seen, row) for row in (0, 1)] == [2, 4]


def test_a_loop_alone_is_timed_on_few_steps_and_counted_as_whole(small_race, monkeypatch):
    class Ended:
        seconds = 0.5

    asked = []
    monkeypatch.setattr(inversion, "TIMED", 2)
    monkeypatch.setattr(inversion, "STEPS", 8)
    monkeypatch.setattr(inversion, "starter_loop", lambda *given: asked.append(given[3]) or Ended)
    target = torch.zeros(1, 3, 16, 16)
    assert inversion.seconds_alone(small_race.generator, target, None) == 0.5 * 8 / 2
    assert asked == [2]


def test_only_the_best_picture_so_far_can_reach_the_goal(ruler):
    target = torch.zeros(1, 3, 4, 4)
    watch = inversion.Watch(ruler, target, goal=0.5)
    watch(Step(0, (2.0,), 1, 0.0, torch.ones(1, 3, 4, 4)))
    assert not watch.is_done()
    watch(Step(1, (3.0,), 2, 0.0, target))  # near, but of a higher loss
    assert not watch.is_done()
    watch(Step(2, (1.0,), 3, 0.0, target))
    assert watch.is_done()


def test_looking_is_not_timed(ruler):
    def slow(output, target):
        time.sleep(0.02)
        return ruler(output, target)

    watch = inversion.Watch(slow, torch.zeros(1, 3, 4, 4), goal=0.0)
    watch(Step(0, (2.0,), 1, 0.0, torch.ones(1, 3, 4, 4)))
    assert watch.spent >= 0.02


def goals(kit, ruler, targets, criterion=None):
    return inversion.run_loops(kit.generator, targets, criterion or kit.criterion, ruler)


@pytest.fixture
def targets(rng, monkeypatch):
    monkeypatch.setattr(inversion, "TOGETHER", 2)
    return torch.rand(3, 3, 16, 16, generator=rng) * 2 - 1


def test_a_run_that_was_cut_short_goes_on_with_the_loops_that_are_missing(
    small_race, ruler, targets, cut, monkeypatch, tmp_path
):
    cut(inversion, "_run_loops", at=3)
    with pytest.raises(KeyboardInterrupt):
        goals(small_race, ruler, targets)
    rest = cut(inversion, "_run_loops")
    found = goals(small_race, ruler, targets)
    asked = [(given[4], len(given[1])) for given in rest.calls]
    assert asked == [(0.01, 1), (0.03, 2), (0.03, 1), (0.1, 2), (0.1, 1)]  # 3 of 8 were done
    assert goals(small_race, ruler, targets) == found and len(rest.calls) == 5
    monkeypatch.setenv("HW5_CACHE", str(tmp_path / "another"))
    assert goals(small_race, ruler, targets) == found  # in one go


def test_more_pictures_add_to_what_is_kept(small_race, ruler, targets, cut):
    few = goals(small_race, ruler, targets[1:2])
    rest = cut(inversion, "_run_loops")
    all_of_them = goals(small_race, ruler, targets)
    assert [len(given[1]) for given in rest.calls] == [2] * len(inversion.RATES)
    assert all_of_them[1] == few[0]


@pytest.mark.parametrize("what", ["generator", "criterion", "ruler", "world", "picture", "steps"])
def test_what_a_loop_depends_on_makes_its_goals_others(
    small_race, ruler, targets, cut, monkeypatch, what
):
    goals(small_race, ruler, targets)
    criterion = None
    if what == "generator":
        next(small_race.generator.parameters()).data.mul_(1.001)
    elif what == "criterion":
        criterion = Criterion(LossWeights(pixel=0.5, norm="l2", perceptual=0.0))
    elif what == "ruler":
        ruler.register_buffer("heads", torch.ones(1))
    elif what == "world":
        monkeypatch.setattr(inversion, "renderer_digest", lambda: "another")
    elif what == "picture":
        targets = targets.flip(2)
    else:
        monkeypatch.setattr(inversion, "STEPS", 4)
    again = cut(inversion, "_run_loops")
    goals(small_race, ruler, targets, criterion)
    assert sum(len(given[1]) for given in again.calls) == len(targets) * len(inversion.RATES)


def test_a_damaged_goal_is_run_again(small_race, ruler, targets, cut, tmp_path):
    found = goals(small_race, ruler, targets)
    kept = sorted((tmp_path / "cache").rglob("*.json"))
    kept[0].write_text('{"loss": 1.0')
    again = cut(inversion, "_run_loops")
    assert goals(small_race, ruler, targets) == found and len(again.calls) == 1


def test_seconds_are_measured_anew_though_goals_are_kept(small_race, cut, capsys):
    inversion.measure_inversion(num_pictures=1)
    timed = cut(inversion, "starter_loop")
    found = inversion.measure_inversion(num_pictures=1)
    assert len(timed.calls) == 1 and found["starter_seconds"] > 0 and found["seconds"] > 0
    assert "starter-style loops: 0 steps" in capsys.readouterr().err
