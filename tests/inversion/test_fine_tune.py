"""Fine-tuning of code and weights: lower loss than the code alone can reach, and no trace left."""

from __future__ import annotations

import pytest
import torch

from hw5 import latents
from hw5.config import LossWeights
from hw5.inversion.fine_tune import FineTuning, fine_tune, weight_distance
from hw5.inversion.tuned import tuned
from hw5.kit.checks import InputError
from hw5.losses import Criterion
from tests.inversion.small import bits, is_untouched, random_pictures, tiny_generator

SHORT = FineTuning(num_steps=8, learning_rate=0.01, leash=1.0)


@pytest.fixture
def generator():
    return tiny_generator()


@pytest.fixture
def criterion():
    return Criterion(LossWeights(pixel=1.0, norm="l2", perceptual=0.0))


@pytest.fixture
def start(generator, rng):
    return latents.sample_codes(generator, "w+", 2, rng=rng)


@pytest.fixture
def target():
    return random_pictures(2)


def test_weights_that_are_all_off_by_one_are_one_away():
    shipped = {"a": torch.randn(3, 2), "b": torch.randn(5)}
    moved = {name: value - 1 for name, value in shipped.items()}
    assert float(weight_distance(shipped, shipped)) == 0
    torch.testing.assert_close(weight_distance(moved, shipped), torch.tensor(1.0))


def test_the_leash_averages_weights_not_tensors_whatever_their_order():
    shipped = {"a": torch.tensor([3.0]), "b": torch.tensor([4.0, 0.0])}
    now = {"b": torch.tensor([4.0, 2.0]), "a": torch.tensor([4.0])}
    torch.testing.assert_close(weight_distance(now, shipped), torch.tensor((1 + 4) / 3))


def test_tuning_lowers_the_loss_of_every_picture(generator, criterion, start, target):
    found = fine_tune(generator, target, criterion=criterion, start=start, settings=SHORT)
    before = criterion(latents.render(generator, start, "w+"), target).total
    assert (found.loss < before).all()


def test_the_generator_comes_back_untouched(generator, criterion, start, target):
    before = bits(generator)
    fine_tune(generator, target, criterion=criterion, start=start, settings=SHORT)
    assert is_untouched(generator, before)


def test_an_on_step_that_raises_leaves_the_generator_untouched(generator, criterion, start, target):
    def breaks(step):
        if step.step == 3:
            raise KeyboardInterrupt

    before = bits(generator)
    with pytest.raises(KeyboardInterrupt):
        fine_tune(
            generator, target, criterion=criterion, start=start, settings=SHORT, on_step=breaks
        )
    assert is_untouched(generator, before)


def test_the_difference_applied_again_gives_the_picture_that_was_scored(
    generator, criterion, start, target
):
    found = fine_tune(generator, target, criterion=criterion, start=start, settings=SHORT)
    with tuned(generator, found.tuned):
        assert torch.equal(latents.render(generator, found.code, "w+"), found.image)


def test_the_loss_belongs_to_the_picture_and_the_rounded_difference(
    generator, criterion, start, target
):
    found = fine_tune(generator, target, criterion=criterion, start=start, settings=SHORT)
    shipped = bits(generator)
    with tuned(generator, found.tuned):
        leash = SHORT.leash * weight_distance(bits(generator), shipped)
    fit = criterion(found.image, target).total
    torch.testing.assert_close(found.loss, fit + leash, rtol=1e-12, atol=0)


def test_a_short_leash_keeps_the_weights_nearer(generator, criterion, start, target):
    def moved(leash):
        settings = FineTuning(num_steps=10, learning_rate=0.01, leash=leash)
        found = fine_tune(generator, target, criterion=criterion, start=start, settings=settings)
        return sum(float(change.double().square().sum()) for change in found.tuned.values())

    assert moved(100.0) < 0.7 * moved(0.0)


def test_without_a_code_rate_the_code_stays(generator, criterion, start, target):
    settings = FineTuning(num_steps=3, code_rate=0)
    found = fine_tune(generator, target, criterion=criterion, start=start, settings=settings)
    assert torch.equal(found.code, start) and found.tuned


def test_only_the_chosen_parameters_are_tuned(generator, criterion, start, target):
    settings = FineTuning(num_steps=3, parameters=("synthesis.b16",))
    found = fine_tune(generator, target, criterion=criterion, start=start, settings=settings)
    assert found.tuned and all(name.startswith("synthesis.b16") for name in found.tuned)


def test_a_cancelled_tuning_returns_the_start_as_it_renders(generator, criterion, start, target):
    found = fine_tune(generator, target, criterion=criterion, start=start, should_stop=lambda: True)
    assert found.stopped == "cancelled" and found.tuned == {}
    assert torch.equal(found.image, latents.render(generator, start, "w+"))


def test_as_many_codes_as_pictures_are_wanted(generator, criterion, start, target):
    with pytest.raises(InputError, match="1 codes, one per target"):
        fine_tune(generator, target[:1], criterion=criterion, start=start)
