"""The loop: what is best, what is a copy, what is reported, when it stops, what it refuses."""

from __future__ import annotations

import pytest
import torch

from hw5.inversion.descent import Descent, Scored, as_variable, check_request, descend
from hw5.kit.checks import InputError
from hw5.checking.fakes import SIZE, LinearGenerator, OnlyZ, fixed_draw
from tests.tolerances import assert_close

GOAL = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)


def search(score, variables, *, num_steps=3, learning_rate=0.1, **options):
    settings = Descent(num_steps=num_steps, learning_rate=learning_rate)
    return descend(score, variables, settings, method="test", space="w+", **options)


def quadratic(goal):
    """Picture n is one number; its loss the squared distance to goal n."""
    x = as_variable(torch.zeros_like(goal))

    def score():
        return Scored(image=x.view(-1, 1, 1, 1), code=x, loss=(x - goal).square())

    return x, score


def scripted(*losses):
    """Pictures whose losses are dictated, step by step; step k shows pictures full of k."""
    x = as_variable(torch.zeros(len(losses[0])))
    script = iter(enumerate(losses))

    def score():
        number, row = next(script)
        shown = torch.full((len(row), 1, 1, 1), float(number))
        return Scored(image=shown, code=shown.flatten(1), loss=torch.tensor(row) + 0 * x)

    return x, score


def test_it_finds_the_minimum_of_every_picture():
    x, score = quadratic(GOAL)
    assert_close(search(score, [x], num_steps=400).code, GOAL, "float16")


def test_code_image_and_loss_belong_to_one_evaluation():
    x, score = quadratic(GOAL)
    found = search(score, [x], num_steps=7)
    assert torch.equal(found.image.flatten(), found.code)
    assert torch.equal(found.loss, (found.code - GOAL).square())


def test_each_picture_keeps_its_own_best():
    x, score = scripted([3.0, 1.0], [2.0, 5.0], [4.0, 2.0])
    found = search(score, [x])
    assert found.loss.tolist() == [2.0, 1.0]
    assert found.image.flatten().tolist() == [1.0, 0.0]
    assert found.code.flatten().tolist() == [1.0, 0.0]


def test_the_best_is_a_copy_of_what_the_search_moves_on():
    x, score = quadratic(GOAL)
    found = search(score, [x], num_steps=1)
    assert found.code.tolist() == [0.0, 0.0, 0.0]
    assert x.tolist() != [0.0, 0.0, 0.0]


def test_a_tie_keeps_the_earlier_picture():
    x, score = scripted([1.0], [1.0])
    assert search(score, [x], num_steps=2).image.item() == 0


def test_nan_is_never_best():
    nan = float("nan")
    x, score = scripted([nan, 4.0], [3.0, nan], [nan, 5.0])
    found = search(score, [x])
    assert found.loss.tolist() == [3.0, 4.0]


def test_a_batch_without_a_finite_loss_is_refused():
    x, score = scripted([1.0], [float("nan")], [1.0])
    with pytest.raises(InputError, match=r"finite loss at step 1.*try 0\.01"):
        search(score, [x])


def test_pictures_do_not_influence_each_other():
    x, score = quadratic(GOAL)
    alone, score_alone = quadratic(GOAL[1:2])
    together = search(score, [x], num_steps=20)
    assert torch.equal(together.code[1:2], search(score_alone, [alone], num_steps=20).code)


def test_adams_first_step_moves_every_number_by_the_learning_rate():
    x, score = quadratic(GOAL)
    search(score, [x], num_steps=1, learning_rate=0.03)
    assert_close(x.detach(), 0.03 * GOAL.sign(), "float32")


def test_variables_are_restrained_after_every_step():
    x, score = quadratic(GOAL)
    found = search(score, [x], num_steps=100, restrain=lambda: x.clamp_(-0.7, 0.7))
    assert_close(found.code, torch.tensor([0.7, -0.7, 0.5], dtype=torch.float64), "float16")


def test_every_step_is_reported_with_its_losses_and_evaluations():
    x, score = scripted([3.0], [2.0], [4.0])
    seen = []
    found = search(score, [x], on_step=seen.append)
    assert [s.losses for s in seen] == [(3.0,), (2.0,), (4.0,)]
    assert [(s.step, s.evaluations) for s in seen] == [(0, 1), (1, 2), (2, 3)]
    assert found.history == tuple(seen)
    assert (found.stopped, found.evaluations) == ("steps", 3)


def test_a_reported_picture_is_a_copy_and_is_not_kept_in_the_history():
    x, score = quadratic(GOAL)
    seen = []
    found = search(score, [x], on_step=seen.append)
    assert seen[0].image.flatten().tolist() == [0.0, 0.0, 0.0]
    assert all(step.image is None for step in found.history)


def test_a_search_stopped_on_its_way_gives_the_best_so_far():
    x, score = scripted([3.0], [2.0], [1.0])
    answers = iter([False, False, True])
    found = search(score, [x], should_stop=lambda: next(answers))
    assert (found.stopped, found.loss.item(), len(found.history)) == ("cancelled", 2.0, 2)


def test_a_search_stopped_before_its_first_step_scores_its_start():
    x, score = quadratic(GOAL)
    found = search(score, [x], should_stop=lambda: True)
    assert (found.stopped, found.evaluations, found.history) == ("cancelled", 1, ())
    assert torch.equal(found.loss, GOAL.square())


def test_a_second_part_counts_on_and_forgets_the_first_ones_best():
    x, score = scripted([1.0], [5.0], [4.0])
    first = search(score, [x], num_steps=1)
    second = search(score, [x], num_steps=2, before=first)
    assert [s.step for s in second.history] == [0, 1, 2]
    assert (second.evaluations, second.loss.item()) == (3, 4.0)


def test_the_networks_weights_get_no_gradient():
    generator = LinearGenerator()
    code = as_variable(fixed_draw(30, 2, 3, 5))

    def score():
        image = generator.synthesize(code)
        return Scored(image, code, image.square().mean(dim=(1, 2, 3)))

    search(score, [code])
    assert all(parameter.grad is None for parameter in generator.parameters())


@pytest.mark.parametrize("wrong", [{"num_steps": 0}, {"num_steps": 1.5}, {"learning_rate": 0}])
def test_settings_that_cannot_be_meant_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        Descent(**wrong)


def target(count=2, size=SIZE):
    return torch.zeros(count, 3, size, size, dtype=torch.float64)


@pytest.mark.parametrize(
    ("name", "request_of"),
    [
        ("space", lambda: (OnlyZ(), target(), {})),
        ("target", lambda: (LinearGenerator(), target(size=9), {})),
        ("target", lambda: (LinearGenerator(), target() + torch.nan, {})),
        ("mask", lambda: (LinearGenerator(), target(), {"mask": target()})),
        ("start", lambda: (LinearGenerator(), target(), {"start": fixed_draw(0, 2, 1, 5)})),
        ("start", lambda: (LinearGenerator(), target(), {"start": fixed_draw(0, 1, 3, 5)})),
    ],
)
def test_what_does_not_fit_is_refused_by_name(name, request_of):
    generator, pictures, options = request_of()
    with pytest.raises(InputError, match=f"^{name}: "):
        check_request(generator, pictures, **options)
