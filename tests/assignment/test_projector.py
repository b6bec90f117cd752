"""The search against closed forms: steps by hand, optima by linear algebra, budgets by counting."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from hw5.checking.fakes import LAYERS, WIDTH, fixed_draw, least_squares, per_picture
from hw5.config import LossWeights, Projection
from hw5.kit import seeding
from hw5.kit.checks import InputError
from hw5.latents import render, sample_noise
from hw5.losses import Criterion
from hw5.objective import Objective
from hw5.projector import adam_step, lbfgs_closure, project, ramped_rate
from hw5.search import adam
from tests.tolerances import assert_close

PLAIN = Projection(space="w+", num_steps=30, num_mean=0, ramp_up=0.0, ramp_down=0.0)
ADAM = replace(PLAIN, learning_rate=0.05)
LBFGS = replace(PLAIN, optimiser="lbfgs")
BOTH = pytest.mark.parametrize("settings", [ADAM, LBFGS], ids=["adam", "lbfgs"])


def excess(generator, target, result, **options):
    """Loss above the lowest possible one."""
    best = least_squares(generator, target, result.start, **options)
    with torch.no_grad():
        return result.loss - (generator.synthesize(best) - target).square().mean().item()


class TestRamp:
    settings = Projection(num_steps=100, learning_rate=2.0)

    def test_rises_stays_and_falls(self):
        rates = [ramped_rate(step, self.settings) for step in range(100)]
        assert rates[0] == pytest.approx(0.2)
        assert rates[5:75] == [2.0] * 70
        assert all(a < b for a, b in pairwise(rates[:6]))
        assert all(a > b for a, b in pairwise(rates[75:]))

    def test_falls_along_half_a_cosine(self):
        middle = replace(self.settings, num_steps=101, ramp_up=0.0, ramp_down=1.0)
        assert ramped_rate(50, middle) == pytest.approx(1.0)

    def test_no_step_stands_still(self):
        for settings in (self.settings, replace(self.settings, num_steps=1)):
            assert all(ramped_rate(step, settings) > 0 for step in range(settings.num_steps))

    def test_ramps_of_0_are_left_out(self):
        flat = replace(self.settings, ramp_up=0.0, ramp_down=0.0)
        assert {ramped_rate(step, flat) for step in range(100)} == {2.0}

    def test_the_line_search_is_not_disturbed(self):
        assert ramped_rate(0, replace(self.settings, optimiser="lbfgs")) == 2.0


@pytest.fixture
def objective(generator, picture, squared_error):
    start = fixed_draw(30, 2, LAYERS, WIDTH)
    return Objective(generator, picture, squared_error, start, ADAM)


def test_adams_first_step_moves_every_number_by_the_learning_rate(objective):
    adam_step(adam(objective.variables, ADAM), objective, 0.125)
    assert (objective.delta.abs() - 0.125).abs().max() < 1e-4


def test_adams_step_goes_downhill(objective):
    before = objective()
    adam_step(adam(objective.variables, ADAM), objective, 0.01)
    assert (objective() < before).all()


def test_one_step_of_adam_is_one_evaluation_of_every_seed(objective, generator):
    adam_step(adam(objective.variables, ADAM), objective, 0.1)
    assert generator.rendered == objective.evaluations == 2


def test_adam_forgets_the_gradients_of_the_step_before(objective):
    optimiser = adam(objective.variables, ADAM)
    adam_step(optimiser, objective, 0.0)
    first = objective.delta.grad.clone()
    adam_step(optimiser, objective, 0.0)  # a rate of 0 stays at the same point
    assert_close(objective.delta.grad, first, "exact", "zero_grad?")


def test_each_seed_gets_its_own_gradient(generator, picture, squared_error):
    start = fixed_draw(30, 2, LAYERS, WIDTH)
    gradients = []
    for codes in (start, start[:1], start[1:]):
        objective = Objective(generator, picture, squared_error, codes, ADAM)
        adam_step(adam(objective.variables, ADAM), objective, 0.1)
        gradients.append(objective.delta.grad)
    assert_close(gradients[0], torch.cat(gradients[1:]), "float64", "sum, not mean, over the seeds")


def test_the_closure_gives_loss_and_fresh_gradient(objective):
    closure = lbfgs_closure(adam(objective.variables, ADAM), objective)
    first, again = closure(), None
    gradient = objective.delta.grad.clone()
    again = closure()
    assert first.shape == ()
    assert_close(again, first, "exact")
    assert_close(objective.delta.grad, gradient, "exact", "zero_grad?")


def test_the_closure_does_not_move_the_variables(objective):
    lbfgs_closure(adam(objective.variables, ADAM), objective)()
    assert_close(objective.delta, torch.zeros_like(objective.delta), "exact")


@BOTH
def test_the_networks_weights_get_no_gradient(settings, generator, picture, squared_error, rng):
    project(generator, picture, criterion=squared_error, settings=settings, rng=rng)
    assert all(parameter.grad is None for parameter in generator.parameters())


def test_lbfgs_finds_the_least_squares_code(generator, picture, squared_error, rng):
    result = project(generator, picture, criterion=squared_error, settings=LBFGS, rng=rng)
    assert excess(generator, picture, result) < 1e-9
    best = least_squares(generator, picture, result.start)
    assert (result.code - best).abs().max() < 1e-2


def test_adam_finds_the_least_squares_code(generator, picture, squared_error, rng):
    settings = Projection(num_steps=400, num_mean=0, learning_rate=0.1)
    result = project(generator, picture, criterion=squared_error, settings=settings, rng=rng)
    assert excess(generator, picture, result) < 1e-6


@pytest.mark.parametrize("optimiser", ["adam", "lbfgs"])
def test_the_penalty_leads_to_the_ridge_solution(generator, picture, optimiser, rng):
    criterion = Criterion(LossWeights(pixel=1, norm="l2", perceptual=0, penalty=0.05))
    settings = Projection(optimiser=optimiser, num_steps=300, num_mean=0)
    result = project(generator, picture, criterion=criterion, settings=settings, rng=rng)
    best = least_squares(generator, picture, result.start, penalty=0.05)
    assert (result.code - best).abs().max() < 2e-3


def test_a_mask_leads_to_the_masked_least_squares_code(generator, picture, squared_error, rng):
    mask = torch.zeros(1, 1, 8, 8).double()
    mask[..., :6] = 1
    spoiled = torch.where(mask > 0, picture, -picture)
    settings = replace(LBFGS, num_steps=60)
    result = project(
        generator, spoiled, criterion=squared_error, settings=settings, mask=mask, rng=rng
    )
    best = least_squares(generator, picture, result.start, mask=mask)
    assert (result.code - best).abs().max() < 1e-2


@pytest.mark.parametrize("space", ["z", "w", "w+"])
@BOTH
def test_a_generated_picture_is_found_again(settings, space, generator, squared_error, rng):
    settings = replace(settings, space=space, num_steps=200)
    code = sample_noise(generator, space, 1, rng=rng)
    target = render(generator, code, space).detach().clamp(-1, 1)
    result = project(generator, target, criterion=squared_error, settings=settings, rng=rng)
    assert result.code.shape == code.shape
    assert result.loss < 0.02 * result.history[0].loss


@BOTH
def test_a_generator_with_z_only_can_be_searched(settings, only_z, squared_error, rng):
    target = only_z(fixed_draw(40, 1, WIDTH)).detach()
    settings = replace(settings, space="z", num_steps=100)
    result = project(only_z, target, criterion=squared_error, settings=settings, rng=rng)
    assert result.loss < 0.02 * result.history[0].loss
    assert result.noise == {}


@pytest.mark.parametrize("noise", ["fixed", "optimised"])
@pytest.mark.parametrize("seeds", [1, 3])
@BOTH
def test_what_is_returned_is_what_was_scored(
    settings, seeds, noise, generator, picture, squared_error, rng
):
    settings = replace(settings, num_seeds=seeds, noise=noise, noise_penalty=0.0)
    result = project(generator, picture, criterion=squared_error, settings=settings, rng=rng)
    assert_close(result.start + result.delta, result.code, "exact")
    again = render(generator, result.code, "w+", noise=result.noise)
    assert_close(again.detach(), result.image, "float64", "image of another code or noise")
    assert squared_error(result.image, picture).total.item() == pytest.approx(result.loss, rel=1e-9)


@BOTH
def test_the_loss_is_the_lowest_of_all_evaluations(
    settings, generator, picture, squared_error, rng
):
    seen = []

    def listening(output, target, mask, delta):
        answer = squared_error(output, target, mask, delta)
        seen.append(answer.total.min().item())
        return answer

    settings = replace(settings, num_seeds=2, learning_rate=1.5)  # overshoots
    result = project(generator, picture, criterion=listening, settings=settings, rng=rng)
    assert result.loss == min(seen) == result.history[-1].best


def test_the_best_is_kept_when_the_search_diverges(generator, picture, squared_error, rng):
    settings = replace(ADAM, learning_rate=50.0)
    optimum = least_squares(generator, picture, fixed_draw(35, 1, LAYERS, WIDTH))
    result = project(
        generator, picture, criterion=squared_error, settings=settings, start=optimum, rng=rng
    )
    assert result.loss == result.history[0].loss < result.history[-1].loss / 10
    assert_close(result.delta, torch.zeros_like(result.delta), "exact", "detach shares memory?")


@BOTH
def test_a_seed_does_not_depend_on_its_companions(settings, generator, picture, squared_error, rng):
    start = fixed_draw(31, 3, LAYERS, WIDTH)
    settings = replace(settings, num_steps=4)  # before all of them reach the optimum
    run = {"criterion": squared_error, "settings": settings, "rng": rng}
    together = project(generator, picture, start=start, **run)
    alone = [project(generator, picture, start=start[i : i + 1], **run) for i in range(3)]
    best = per_picture(*together.history[-1].best_losses)
    assert_close(best, per_picture(*(result.loss for result in alone)), "float64")


@BOTH
def test_the_best_seed_is_returned(settings, generator, picture, squared_error, rng):
    start = fixed_draw(32, 3, LAYERS, WIDTH) * torch.tensor([9.0, 0.1, 9.0]).view(3, 1, 1)
    settings = replace(settings, num_steps=2)
    result = project(
        generator, picture, criterion=squared_error, settings=settings, start=start, rng=rng
    )
    assert result.seed == 1
    assert_close(result.start, start[1:2], "exact")


@BOTH
def test_evaluations_are_the_pictures_that_were_rendered(
    settings, generator, picture, squared_error, rng
):
    settings = replace(settings, num_seeds=2, num_steps=8)
    result = project(generator, picture, criterion=squared_error, settings=settings, rng=rng)
    assert result.evaluations == generator.rendered == result.history[-1].evaluations
    assert result.evaluations >= 16


@BOTH
def test_the_budget_of_evaluations_ends_the_search(
    settings, generator, picture, squared_error, rng
):
    settings = replace(settings, num_steps=1000, max_evaluations=9)
    result = project(generator, picture, criterion=squared_error, settings=settings, rng=rng)
    assert result.stopped == "evaluations"
    longest_step = 1 if settings.optimiser == "adam" else settings.line_search_evaluations + 2
    assert 9 <= result.evaluations < 9 + longest_step


def test_a_step_of_lbfgs_does_not_score_its_starting_point_twice(
    generator, picture, squared_error, rng
):
    seen = []

    def listening(output, target, mask, delta):
        seen.append(delta.detach().clone())
        return squared_error(output, target, mask, delta)

    project(generator, picture, criterion=listening, settings=replace(LBFGS, num_steps=8), rng=rng)
    assert not any(torch.equal(a, b) for a, b in pairwise(seen))


def test_lbfgs_ends_when_it_finds_no_way_down(generator, picture, squared_error, rng):
    settings = replace(LBFGS, num_steps=1000)
    result = project(generator, picture, criterion=squared_error, settings=settings, rng=rng)
    assert result.stopped == "plateau"
    assert len(result.history) < 100


def test_a_search_can_start_anywhere(generator, picture, squared_error, rng):
    start = fixed_draw(33, 1, LAYERS, WIDTH)
    settings = replace(ADAM, num_steps=1)
    result = project(
        generator, picture, criterion=squared_error, settings=settings, start=start, rng=rng
    )
    assert_close(result.code, start, "exact", "delta starts at zero")


def test_the_start_is_averaged_as_asked(generator, picture, squared_error):
    settings = replace(ADAM, num_steps=1, num_mean=10)
    result = project(
        generator, picture, criterion=squared_error, settings=settings, rng=seeding.make(3)
    )
    expected = sample_noise(generator, "w+", 1, num_mean=10, rng=seeding.make(3))
    assert_close(result.start, expected, "exact")


def test_a_loss_that_is_no_number_names_the_learning_rate(generator, picture, rng):
    def broken(output, target, mask, delta):
        loss = Criterion(LossWeights(perceptual=0))(output, target, mask, delta)
        return loss._replace(total=loss.total * math.nan)

    with pytest.raises(InputError, match="learning_rate"):
        project(generator, picture, criterion=broken, settings=ADAM, rng=rng)


@BOTH
def test_one_broken_seed_does_not_stop_the_others(settings, generator, picture, squared_error, rng):
    start = fixed_draw(34, 2, LAYERS, WIDTH)
    start[0] = math.inf
    result = project(
        generator, picture, criterion=squared_error, settings=settings, start=start, rng=rng
    )
    assert result.seed == 1
    assert math.isfinite(result.loss)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"target": torch.zeros(1, 3, 9, 9)}, "target"),
        ({"target": torch.zeros(2, 3, 8, 8)}, "target"),
        ({"target": 255 * torch.ones(1, 3, 8, 8)}, "target"),
        ({"mask": torch.ones(1, 3, 8, 8)}, "mask"),
        ({"mask": torch.ones(1, 1, 8, 8, device="meta")}, "mask"),
        ({"start": torch.zeros(1, 1, WIDTH)}, "start"),
        ({"settings": replace(ADAM, space="w")}, "start"),
    ],
)
def test_arguments_that_do_not_fit_are_named(change, named, generator, squared_error, rng):
    arguments = {
        "target": torch.zeros(1, 3, 8, 8), "settings": ADAM, "start": torch.zeros(1, LAYERS, WIDTH)
    } | change  # fmt: skip
    target = arguments.pop("target")
    with pytest.raises(InputError, match=named):
        project(generator, target, criterion=squared_error, rng=rng, **arguments)


def test_a_space_that_the_generator_lacks_is_refused(only_z, picture, squared_error, rng):
    with pytest.raises(InputError, match="space"):
        project(only_z, picture, criterion=squared_error, settings=ADAM, rng=rng)
