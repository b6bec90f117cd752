"""The race of inversions: who is timed, against which goal, and what is left out of the clock."""

from __future__ import annotations

import time

import pytest
import torch

from hw5.bench import inversion
from hw5.bench.projection import starter_loop
from hw5.config import LossWeights
from hw5.inversion.curvature import measure_curvature
from hw5.inversion.inverted import Step
from hw5.inversion.ready import FastestKit
from hw5.kit import seeding
from hw5.latents import mean_code
from hw5.losses import Criterion
from hw5.models.stylegan2 import StyleGAN2


def distance(output, target):
    return (output - target).square().mean(dim=(1, 2, 3))


class Ruler(torch.nn.Module):
    def forward(self, output, target):
        return distance(output, target)


@pytest.fixture
def small_race(monkeypatch):
    torch.manual_seed(0)
    network = StyleGAN2(image_size=16, z_dim=4, w_dim=4, channel_base=64, channel_max=4)
    network.eval().requires_grad_(False)
    criterion = Criterion(LossWeights(pixel=1.0, norm="l2", perceptual=0.0))
    curvature = measure_curvature(network, criterion, num_probes=16, rank=8, rng=seeding.make(0))
    start = mean_code(network, "w+", num_samples=100, rng=seeding.make(0))
    search = FastestKit(network, criterion, lambda x: start.repeat(len(x), 1, 1), curvature)
    monkeypatch.setattr(inversion, "open_fastest", lambda: search)
    monkeypatch.setattr(inversion, "lpips_metric", Ruler)
    monkeypatch.setattr(inversion, "STEPS", 3)
    monkeypatch.setattr(inversion, "BUDGET", 40)
    return search


def test_a_race_on_a_tiny_generator_has_all_its_figures(small_race, capsys):
    found = inversion.measure_inversion(num_pictures=2)
    assert found["reached"] == 1 and found["evaluations"] < 40
    assert found["ratio"] > 0 and found["batch_ratio"] > 0
    assert "starter-style loops: 3 steps" in capsys.readouterr().err


def test_the_goal_is_the_lowest_end_of_all_rates(small_race):
    loops = {0.1: inversion.Loop(1.0, 0.5, 2), 0.01: inversion.Loop(2.0, 0.2, 1)}
    row = inversion._compare(small_race, Ruler(), torch.zeros(1, 3, 16, 16), loops, 6.0)
    assert row["starter_rate"] == 0.01 and row["starter_lpips"] == 0.2
    assert row["ratio"] == pytest.approx(6.0 / row["seconds"])
    assert row["ratio_to_first"] == pytest.approx(6.0 * 1 / 3 / row["seconds"])


def test_loops_side_by_side_end_where_each_ends_alone(small_race, monkeypatch, rng):
    monkeypatch.setattr(inversion, "RATES", (0.01, 30.0))  # the second makes the loss rise again
    network, criterion = small_race.generator, small_race.criterion
    targets = torch.rand(2, 3, 16, 16, generator=rng) * 2 - 1
    found = inversion.run_loops(network, targets, criterion, Ruler())
    for target, loops in zip(targets.split(1), found, strict=True):
        assert list(loops) == list(inversion.RATES)
        for rate, loop in loops.items():
            pictures = []
            alone = starter_loop(
                network, target, criterion, 3, rate, look=lambda _, x, to=pictures: to.append(x)
            )
            assert loop.loss == pytest.approx(alone.loss, rel=1e-4)
            assert loop.lpips == pytest.approx(distance(pictures[-1], target).item(), rel=1e-4)


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
    targets = torch.zeros(5, 3, 16, 16)
    assert inversion.seconds_alone(small_race.generator, targets, None) == 0.5 * 8 / 2
    assert asked == [2, 2, 2]


def test_only_the_best_picture_so_far_can_reach_the_goal():
    target = torch.zeros(1, 3, 4, 4)
    watch = inversion.Watch(Ruler(), target, goal=0.5)
    watch(Step(0, (2.0,), 1, 0.0, torch.ones(1, 3, 4, 4)))
    assert not watch.is_done()
    watch(Step(1, (3.0,), 2, 0.0, target))  # near, but of a higher loss
    assert not watch.is_done()
    watch(Step(2, (1.0,), 3, 0.0, target))
    assert watch.is_done()


def test_looking_is_not_timed():
    def slow(output, target):
        time.sleep(0.02)
        return distance(output, target)

    watch = inversion.Watch(slow, torch.zeros(1, 3, 4, 4), goal=0.0)
    watch(Step(0, (2.0,), 1, 0.0, torch.ones(1, 3, 4, 4)))
    assert watch.spent >= 0.02
