"""The rungs up to the fastest search: where each starts, what its curve says, how it is timed."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
import torch

from hw5.checking.fakes import LAYERS, PIXELS, WIDTH, LinearGenerator, fixed_draw
from hw5.config import LossWeights
from hw5.inversion import improvements
from hw5.inversion.curvature import Curvature
from hw5.inversion.improvements import RUNGS, Pace, Rung, Trace, better_adam, follow, middle, paces
from hw5.inversion.inverted import Step
from hw5.inversion.ready import FastestKit
from hw5.kit import seeding
from hw5.latents import mean_code, render
from hw5.losses import Criterion
from tests.inversion.small import random_pictures, ruler, tiny_generator

CRITERION = Criterion(LossWeights(pixel=1.0, norm="l2", perceptual=0.0))
FROM_ENCODER = ("encoder", "metric", "frozen", "batch", "bfloat16", "gauss-newton")


def flat(size):
    """A curvature that is the same in all directions."""
    return Curvature(torch.eye(size, dtype=torch.float64), torch.ones(size, dtype=torch.float64))


@pytest.fixture
def kit():
    generator = tiny_generator()
    shape = (generator.num_layers, generator.w_dim)
    codes = fixed_draw(3, 1, *shape)
    return FastestKit(
        generator, CRITERION, lambda x: codes.repeat(len(x), 1, 1), flat(shape[0] * shape[1])
    )


def losses_at(kit, code, target):
    return CRITERION(render(kit.generator, code, "w+"), target).total.tolist()


@pytest.mark.parametrize("name", RUNGS)
def test_every_rung_starts_where_it_says_and_never_rises(kit, name):
    target = random_pictures(2)
    traces = follow(kit, target, RUNGS[name].search, budget=30)
    mean = mean_code(kit.generator, "w+", rng=seeding.make(0)).repeat(2, 1, 1)
    start = kit.encoder(target) if name in FROM_ENCODER else mean
    loose = 0.02 if name == "bfloat16" else 1e-6
    assert [trace.loss[0] for trace in traces] == pytest.approx(
        losses_at(kit, start, target), rel=loose
    )
    for trace in traces:
        assert trace.evaluations[0] == 1 and trace.evaluations[-1] <= 30
        assert list(trace.evaluations) == sorted(set(trace.evaluations))
        assert all(later <= sooner for sooner, later in pairwise(trace.loss))
        assert trace.loss[-1] < trace.loss[0]


def test_each_rung_of_the_ladder_has_one_thing_more_than_the_one_before():
    *first, frozen, batch = (RUNGS[name] for name in improvements.LADDER)
    assert not any(rung.is_frozen or rung.is_batched or rung.curve for rung in first)
    assert frozen.is_frozen and not frozen.is_batched and frozen.curve == "metric"
    assert batch.is_frozen and batch.is_batched and batch.curve == "metric"
    assert frozen.search is batch.search is RUNGS["metric"].search


def test_the_metric_saves_evaluations_where_directions_differ_and_it_knows_them():
    generator = LinearGenerator()
    with torch.no_grad():  # the last layer's curvature is a twenty-fifth of the first's
        generator.matrix.mul_(torch.tensor([1.0, 0.4, 0.2])[:, None, None])
    matrix = generator.matrix.detach().permute(1, 0, 2).reshape(PIXELS, LAYERS * WIDTH)
    values, basis = torch.linalg.eigh(2 * matrix.T @ matrix / PIXELS)
    curvature, code = Curvature(basis.flip(1), values.flip(0)), fixed_draw(7, 1, LAYERS, WIDTH)
    kit = FastestKit(generator, CRITERION, lambda x: code, curvature)
    target = torch.tanh(0.4 * fixed_draw(20, 1, 3, 8, 8))
    counts = {}
    for name in ("encoder", "metric"):
        (trace,) = follow(kit, target, RUNGS[name].search, budget=40)
        counts[name] = trace.first_below((1 + 1e-6) * trace.loss[-1])
    assert 2 * counts["metric"] <= counts["encoder"]


def test_a_frozen_generator_changes_no_curve(kit):
    target, found = random_pictures(1), []
    for is_frozen in (True, False):
        steps = []
        RUNGS["lbfgs"].search(
            kit, target, 8, is_frozen=is_frozen, on_step=steps.append, should_stop=lambda: False
        )
        found.append([step.losses[0] for step in steps])
    assert found[0] == pytest.approx(found[1], rel=1e-6)


def test_lpips_is_looked_at_where_it_is_marked_of_the_best_picture_so_far(kit):
    target, steps = random_pictures(2), []
    (trace, _) = follow(
        kit, target, RUNGS["adam-0.1"].search, budget=9, ruler=ruler, marks=(1, 4, 9, 50),
        on_step=steps.append,
    )  # fmt: skip
    assert trace.looked == (1, 4, 9)
    for count, distance in zip(trace.looked, trace.lpips, strict=True):
        best = min(steps[:count], key=lambda step: step.losses[0])
        assert distance == pytest.approx(float(ruler(best.image[:1], target[:1])))


def test_a_cancelled_search_leaves_the_beginning_of_its_curve(kit):
    target, seen = random_pictures(1), []
    search = RUNGS["metric"].search
    (whole,) = follow(kit, target, search, budget=12)
    (part,) = follow(
        kit, target, search, budget=12, on_step=seen.append, should_stop=lambda: len(seen) >= 5
    )
    assert part.evaluations == whole.evaluations[:5]
    assert part.loss == pytest.approx(whole.loss[:5])


def test_the_goal_is_first_met_where_the_curve_crosses_it():
    trace = Trace((1, 4, 9), (3.0, 2.0, 1.0))
    assert [trace.first_below(goal) for goal in (5, 2, 1.5, 0.5)] == [1, 4, 9, None]


def test_each_picture_has_adams_best_rate_and_medians_are_taken_at_each_count():
    low, high = Trace((1, 2), (5.0, 1.0)), Trace((1, 2), (5.0, 4.0))
    found = {"adam-0.1": [low, high], "adam-0.01": [high, low], "lbfgs": [low, low]}
    assert better_adam(found) == [low, low]
    odd = Trace((1, 2), (9.0, 7.0), (2,), (0.5,))
    assert middle([odd, odd, Trace((1, 2), (1.0, 1.0), (2,), (0.1,))]) == ((1, 2), [9.0, 7.0])
    assert middle([odd], "lpips") == ((2,), [0.5])


def test_paces_are_the_least_of_all_rounds_but_the_first_for_each_picture(monkeypatch):
    """A first evaluation takes 2 s, every further one 0.5; up to thrice that in a busy round."""
    asked = []

    def search(kit, target, budget, *, is_frozen, on_step, should_stop):
        asked.append((len(target), is_frozen))
        busy = {1: 0.5, 2: 0.5, 3: 3.0, 4: 3.0}.get(len(asked), 1.0)
        for count in range(1, budget + 1):
            on_step(Step(count - 1, (1.0,), count, busy * (2.0 + 0.5 * (count - 1))))

    rungs = {"alone": Rung("", "", search), "four": Rung("", "", search, True, True)}
    monkeypatch.setattr(improvements, "RUNGS", rungs)
    ticks = []
    found = paces(
        None, torch.zeros(4, 3, 2, 2), ("alone", "four"), rounds=2, on_step=lambda: ticks.append(0)
    )
    assert found == {"alone": Pace(2.0, 0.5), "four": Pace(0.5, 0.125)}
    assert asked == [(1, False), (4, True)] * 3 and len(ticks) == 6
    assert found["alone"].seconds(11) == pytest.approx(7.0)


def test_a_step_of_many_evaluations_is_shared_out(monkeypatch):
    def search(kit, target, budget, *, on_step, **_):
        on_step(Step(0, (1.0,), 1, 1.0))
        on_step(Step(1, (1.0,), 21, 5.0))

    monkeypatch.setattr(improvements, "RUNGS", {"leaps": Rung("", "", search)})
    assert paces(None, torch.zeros(1), ("leaps",), rounds=1) == {"leaps": Pace(1.0, 0.2)}


def test_the_clock_of_gauss_newton_goes_on_after_its_start(kit):
    steps, begin = [], time.perf_counter()
    RUNGS["gauss-newton"].search(
        kit, random_pictures(1), 60, is_frozen=False, on_step=steps.append,
        should_stop=lambda: False,
    )  # fmt: skip
    seconds = [step.seconds for step in steps]
    assert seconds == sorted(seconds) and 0 < seconds[-1] < time.perf_counter() - begin
