"""What surrounds the steps: log, plateau, cancelling, resuming, noise maps."""

from __future__ import annotations

import io
import math
from dataclasses import FrozenInstanceError, asdict, replace
from itertools import pairwise

import pytest
import torch

from hw5.config import LossWeights, Projection
from hw5.kit import seeding
from hw5.kit.checks import InputError
from hw5.latents import render
from hw5.losses import Criterion
from hw5.objective import noise_pattern, standardise
from hw5.projector import optimize_para, project
from hw5.search import begin_search
from hw5.checking.fakes import LAYERS, WIDTH, fixed_draw
from tests.tolerances import assert_close

ADAM = Projection(num_steps=12, num_mean=0, num_seeds=2, learning_rate=0.1)
LBFGS = replace(ADAM, optimiser="lbfgs", learning_rate=None, num_steps=6)
BOTH = pytest.mark.parametrize("settings", [ADAM, LBFGS], ids=["adam", "lbfgs"])
CRITERION = Criterion(LossWeights(pixel=1, norm="l2", perceptual=0, penalty=0.01))


@pytest.fixture
def run(generator, picture):
    """Project the picture with some settings, from seed 0."""

    def start(settings, **options):
        options = {"criterion": CRITERION, "rng": seeding.make(0)} | options
        return project(generator, picture, settings=settings, **options)

    return start


def stop_after(count):
    """A `should_stop` that says no `count` times."""
    answers = iter([False] * count)
    return lambda: next(answers, True)


def timeless(history):
    return [replace(record, seconds=0.0) for record in history]


@BOTH
def test_every_step_is_reported_once_and_in_order(settings, run):
    seen = []
    result = run(settings, on_step=seen.append)
    assert [record.step for record in seen] == list(range(settings.num_steps))
    assert tuple(seen) == result.history
    assert result.stopped == "steps"


@BOTH
def test_a_record_tells_terms_that_sum_to_its_loss(settings, run):
    for record in run(settings).history:
        assert set(record.terms) == {"pixel", "penalty"}
        assert sum(record.terms.values()) == pytest.approx(record.loss)
        assert record.loss == min(record.losses)


@BOTH
def test_best_losses_never_rise_and_time_never_runs_back(settings, run):
    history = run(settings).history
    for before, now in pairwise(history):
        assert all(b >= n for b, n in zip(before.best_losses, now.best_losses, strict=True))
        assert before.seconds <= now.seconds
        assert before.evaluations < now.evaluations


@BOTH
def test_a_record_shows_the_pictures_that_gave_its_losses(settings, run, picture):
    def check(record):
        pictures = record.pictures()
        assert pictures.shape == (2, 3, 8, 8)
        error = (pictures - picture).square().mean(dim=(1, 2, 3))
        expected = torch.tensor(record.losses)[error.argmin()] - record.terms["penalty"]
        assert error.min().item() == pytest.approx(expected.item(), rel=1e-5)

    run(settings, on_step=check)


@BOTH
def test_writing_on_a_records_pictures_does_not_disturb_the_search(settings, run):
    def scribble(record):
        record.pictures().fill_(9)
        assert record.pictures().max() < 9

    spoiled = run(settings, on_step=scribble)
    assert timeless(spoiled.history) == timeless(run(settings).history)


def test_the_history_keeps_no_pictures(run):
    assert all(record.pictures is None for record in run(ADAM).history)


def test_records_cannot_be_changed(run):
    with pytest.raises(FrozenInstanceError):
        run(ADAM).history[0].step = 5


@BOTH
def test_the_same_seed_gives_the_same_search(settings, run):
    assert timeless(run(settings).history) == timeless(run(settings).history)


@BOTH
def test_a_cancelled_search_returns_its_best_so_far(settings, run):
    result = run(settings, should_stop=stop_after(3))
    assert result.stopped == "cancelled"
    assert len(result.history) == 3
    assert result.loss == result.history[-1].best


@BOTH
def test_a_search_cancelled_before_its_first_step_returns_its_start(settings, run, generator):
    result = run(settings, should_stop=lambda: True)
    assert_close(result.code, result.start, "exact")
    assert_close(result.image, render(generator, result.start, "w+").detach(), "float64")
    assert result.history == ()


@BOTH
def test_a_plateau_ends_the_search(settings, run):
    settings = replace(settings, num_steps=2000, patience=5, min_improvement=0.01)
    result = run(settings)
    assert result.stopped == "plateau"
    assert len(result.history) < 200
    before, now = result.history[-6].best_losses, result.history[-1].best_losses
    assert all(n > 0.99 * b for b, n in zip(before, now, strict=True))


def test_one_seed_that_still_improves_keeps_the_search_going(run):
    at_rest = torch.zeros(2, LAYERS, WIDTH).double()
    at_rest[1] = 20
    settings = replace(ADAM, num_steps=30, patience=5, min_improvement=0.01, ramp_up=0.0)
    assert run(settings, start=at_rest[1:]).stopped == "steps"
    assert run(settings, start=at_rest).stopped == "steps"


@pytest.mark.parametrize("noise", ["fixed", "optimised"])
@pytest.mark.parametrize("pause", [1, 4])
@BOTH
def test_a_resumed_search_equals_an_uninterrupted_one(settings, pause, noise, run):
    settings = replace(settings, noise=noise, noise_penalty=0.1)
    whole = run(settings)
    part = run(settings, should_stop=stop_after(pause))
    rest = run(settings, resume=part.state)
    assert timeless(rest.history) == timeless(whole.history)
    assert (rest.loss, rest.seed, rest.evaluations) == (whole.loss, whole.seed, whole.evaluations)
    for name in ("image", "code", "delta", "start"):
        assert_close(getattr(rest, name), getattr(whole, name), "exact", name)
    assert_close(rest.noise["grain"], whole.noise["grain"], "exact")


@BOTH
def test_the_state_survives_a_file_without_code_in_it(settings, run):
    part = run(settings, should_stop=stop_after(4))
    file = io.BytesIO()
    torch.save(part.state, file)
    file.seek(0)
    state = torch.load(file, weights_only=True)
    assert run(settings, resume=state).loss == run(settings).loss


@BOTH
def test_a_state_can_be_resumed_twice(settings, run):
    part = run(settings, should_stop=stop_after(4))
    first, second = (run(settings, resume=part.state) for _ in range(2))
    assert timeless(first.history) == timeless(second.history)


@BOTH
def test_a_state_taken_on_the_way_does_not_follow_the_search(settings, generator, picture):
    start = fixed_draw(51, 2, LAYERS, WIDTH)
    search = begin_search(generator, picture, CRITERION, start, settings)
    optimize_para(search, should_stop=stop_after(3))
    state = search.state()
    optimize_para(search)
    again = begin_search(generator, picture, CRITERION, start, settings, resume=state)
    optimize_para(again)
    assert timeless(again.history) == timeless(search.history)


def test_a_resumed_search_keeps_the_noise_it_was_given(run):
    grain = {"grain": fixed_draw(50, 1, 1, 8, 8)}
    part = run(ADAM, noise=grain, should_stop=stop_after(4))
    rest = run(ADAM, resume=part.state)
    assert timeless(rest.history) == timeless(run(ADAM, noise=grain).history)
    assert_close(rest.noise["grain"], grain["grain"], "exact")


def test_a_search_goes_on_beyond_its_steps(run):
    settings = replace(ADAM, ramp_up=0.0, ramp_down=0.0)
    more = replace(settings, num_steps=20)
    longer = run(more, resume=run(settings).state)
    assert timeless(longer.history) == timeless(run(more).history)


def test_the_time_of_a_resumed_search_does_not_count_the_pause(run):
    part = run(ADAM, should_stop=stop_after(6))
    rest = run(ADAM, resume=part.state)
    assert rest.history[6].seconds > part.seconds
    assert rest.history[:6] == part.history


@pytest.mark.parametrize(
    "change", [{"optimiser": "lbfgs"}, {"space": "w"}, {"noise": "optimised"}], ids=str
)
def test_resuming_another_kind_of_search_is_refused(change, run):
    part = run(ADAM, should_stop=stop_after(2))
    with pytest.raises(InputError, match=next(iter(change))):
        run(replace(ADAM, **change), resume=part.state)


def test_resuming_with_a_second_start_is_refused(run):
    part = run(ADAM, should_stop=stop_after(2))
    with pytest.raises(InputError, match="start"):
        run(ADAM, resume=part.state, start=part.start)


def test_a_result_shares_no_memory_with_the_search(run):
    result = run(ADAM)
    copies = {name: getattr(result, name).clone() for name in ("image", "code", "delta", "start")}
    resumed = run(replace(ADAM, num_steps=20), resume=result.state)
    resumed.image.fill_(7)
    for name, copy in copies.items():
        assert_close(getattr(result, name), copy, "exact", name)


def test_searching_leaves_the_generators_noise_alone(run, generator):
    before = generator.grain.clone()
    run(replace(ADAM, noise="optimised"))
    assert_close(generator.grain, before, "exact")


def test_fixed_noise_is_returned_as_the_generator_has_it(run, generator):
    assert_close(run(ADAM).noise["grain"], generator.grain[None, None], "exact")


def test_noise_of_an_earlier_result_can_be_rendered_with(run, generator):
    grain = {"grain": fixed_draw(50, 1, 1, 8, 8)}
    result = run(ADAM, noise=grain)
    assert_close(result.noise["grain"], grain["grain"], "exact")
    expected = render(generator, result.code, "w+", noise=grain).detach()
    assert_close(result.image, expected, "float64")


@BOTH
def test_optimised_noise_lowers_the_loss(settings, run):
    free = replace(settings, noise="optimised", noise_penalty=0.0, num_steps=40)
    assert run(free).loss < run(replace(settings, num_steps=40)).loss


def test_optimised_noise_stays_standardised(run):
    grain = run(replace(ADAM, noise="optimised", noise_penalty=1.0)).noise["grain"]
    assert grain.shape == (1, 1, 8, 8)
    assert grain.mean().abs() < 1e-9
    assert abs(grain.square().mean() - 1) < 1e-9


def test_the_noise_penalty_makes_noise_more_like_noise(run):
    settings = replace(ADAM, noise="optimised", num_steps=100)
    patterns = [
        noise_pattern(run(replace(settings, noise_penalty=weight)).noise).item()
        for weight in (0.0, 100.0)
    ]
    assert patterns[1] < 0.1 * patterns[0]


def test_optimised_noise_needs_a_generator_with_noise(only_z, picture, rng):
    settings = replace(ADAM, space="z", noise="optimised")
    with pytest.raises(InputError, match="noise"):
        project(only_z, picture, criterion=CRITERION, settings=settings, rng=rng)


def test_noise_pattern_of_known_maps():
    checks = torch.tensor([[1.0, -1.0], [-1.0, 1.0]]).repeat(4, 4)[None, None]
    stripes = torch.tensor([1.0, -1.0]).repeat(8, 4)[None, None]
    assert noise_pattern({"a": checks}).item() == 2  # neighbours multiply to -1 in both directions
    assert noise_pattern({"a": torch.cat([stripes, checks])}).tolist() == [2, 2]
    blocks = checks.repeat_interleave(2, 2).repeat_interleave(2, 3)  # 16 x 16: half of them agree
    assert noise_pattern({"a": blocks}).item() == 2 * 2**4  # seen at the next scale, twice as high


def test_noise_pattern_of_white_noise_is_small(rng):
    white = torch.randn(1, 1, 256, 256, generator=rng)
    smooth = white.cumsum(-1)
    assert noise_pattern({"a": standardise(white)}) < 0.1
    assert noise_pattern({"a": standardise(smooth)}) > 0.5


def test_settings_and_records_are_plain_numbers_for_json(run):
    result = run(ADAM)
    assert asdict(result.settings)["num_steps"] == 12
    for value in result.history[-1].plain().values():
        assert isinstance(value, (int, float, tuple, dict))
    assert math.isfinite(result.seconds)
