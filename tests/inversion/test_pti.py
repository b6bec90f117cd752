"""Pivotal tuning: the regulariser against closed forms, the stop test, and no trace left behind."""

from __future__ import annotations

import copy

import pytest
import torch

from hw5 import latents
from hw5.inversion.pti import PivotalTuning, locality_loss, pivotal_tuning
from hw5.inversion.tuned import tuned
from hw5.kit import seeding
from hw5.kit.checks import InputError
from tests.inversion.small import bits, is_untouched, random_pictures, ruler, tiny_generator

SHORT = PivotalTuning(num_steps=5, learning_rate=0.01, pivot_steps=4, pivot_mean=8, alpha=1.0)


@pytest.fixture
def generator():
    return tiny_generator()


@pytest.fixture
def codes(generator, rng):
    """Two pivots and two other codes."""
    return latents.sample_codes(generator, "w+", 4, rng=rng).split(2)


@pytest.fixture
def target():
    return random_pictures(2)


def invert(generator, target, settings=SHORT, **more):
    return pivotal_tuning(
        generator, target, lpips=ruler, settings=settings, rng=seeding.make(0), **more
    )


def test_a_generator_that_was_not_tuned_has_no_locality_loss(generator, codes):
    same = copy.deepcopy(generator)
    found = locality_loss(generator, same, *codes, alpha=30.0, distance=ruler)
    assert torch.equal(found, torch.zeros(2, dtype=torch.float64))


def test_the_neighbour_lies_alpha_away_over_all_layers_together(generator, codes, monkeypatch):
    seen = []

    def spy(network, code, space):
        seen.append(code)
        return latents.render(network, code, space)

    monkeypatch.setattr("hw5.inversion.pti.render", spy)
    pivot, random = codes
    locality_loss(generator, generator, pivot, random, alpha=2.5, distance=ruler)
    away = (seen[0] - pivot).flatten(1)
    torch.testing.assert_close(away.norm(dim=1), torch.full((2,), 2.5, dtype=torch.float64))
    wanted = torch.nn.functional.cosine_similarity(away, (random - pivot).flatten(1))
    torch.testing.assert_close(wanted, torch.ones(2, dtype=torch.float64))


def test_the_gradient_of_the_regulariser_is_that_of_finite_differences(generator, codes):
    shipped = copy.deepcopy(generator)
    weight = generator.get_parameter("synthesis.b8.conv1.weight")
    weight.data += 0.1  # at the shipped weights the gradient is 0

    def loss():
        return locality_loss(generator, shipped, *codes, alpha=1.0, distance=ruler).sum()

    weight.requires_grad_()
    (slope,) = torch.autograd.grad(loss(), weight)
    direction = torch.randn(weight.shape, generator=torch.Generator().manual_seed(3)).double()
    values = []
    for side in (1e-6, -1e-6):
        weight.data += side * direction
        values.append(float(loss().detach()))
        weight.data -= side * direction
    assert float((slope * direction).sum()) == pytest.approx(
        (values[0] - values[1]) / 2e-6, rel=1e-4
    )


def test_no_gradient_goes_through_the_shipped_generator(generator, codes):
    shipped = copy.deepcopy(generator).requires_grad_()
    found = locality_loss(generator, shipped, *codes, alpha=1.0, distance=ruler)
    assert not found.requires_grad


def test_tuning_brings_every_picture_nearer_than_its_pivot(generator, target, codes):
    found = invert(generator, target, pivot=codes[0])
    before = latents.render(generator, codes[0], "w+")
    assert (ruler(found.image, target) < ruler(before, target)).all()


def test_the_pivot_itself_is_not_moved(generator, target, codes):
    assert torch.equal(invert(generator, target, pivot=codes[0]).code, codes[0])


def test_a_pivot_in_w_is_the_same_for_all_layers(generator, target, codes):
    found = invert(generator, target, pivot=codes[0][:, :1])
    assert torch.equal(found.code, latents.broadcast_layers(codes[0][:, :1], generator.num_layers))


def test_pivots_are_found_for_each_picture_by_itself(generator, target):
    stop_at_once = PivotalTuning(
        num_steps=1, pivot_steps=4, pivot_mean=8, stop_share=1.0, locality=0
    )
    both = invert(generator, target, stop_at_once).code
    alone = invert(generator, target[1:], stop_at_once).code
    torch.testing.assert_close(both[1:], alone, rtol=1e-9, atol=1e-12)
    assert not torch.allclose(both[0], both[1])


def test_steps_of_the_pivot_and_of_the_tuning_are_counted_on(generator, target):
    seen = []
    found = invert(generator, target, on_step=seen.append)
    assert [step.step for step in seen] == list(range(4 + 5))
    assert [step.evaluations for step in seen] == list(range(1, 10))
    assert all(len(step.losses) == 2 and step.image.shape == target.shape for step in seen)
    assert found.evaluations == 10 and found.history[0].image is None


def test_the_generator_comes_back_untouched(generator, target):
    before = bits(generator)
    invert(generator, target)
    assert is_untouched(generator, before)


def test_an_on_step_that_raises_leaves_the_generator_untouched(generator, target, codes):
    def breaks(step):
        if step.step == 2:
            raise KeyboardInterrupt

    before = bits(generator)
    with pytest.raises(KeyboardInterrupt):
        invert(generator, target, pivot=codes[0], on_step=breaks)
    assert is_untouched(generator, before)


def test_the_difference_applied_again_gives_the_picture_that_was_scored(generator, target, codes):
    found = invert(generator, target, pivot=codes[0])
    with tuned(generator, found.tuned):
        assert torch.equal(latents.render(generator, found.code, "w+"), found.image)


def test_tuning_stops_before_the_update_when_every_picture_is_near_enough(generator, target, codes):
    settings = PivotalTuning(num_steps=50, stop_share=1.0)
    found = invert(generator, target, settings, pivot=codes[0])
    assert found.stopped == "threshold" and len(found.history) == 1 and found.tuned == {}


def test_the_threshold_is_a_share_of_each_pivots_distance(generator, target, codes):
    settings = PivotalTuning(num_steps=200, learning_rate=0.01, stop_share=0.9, locality=0)
    found = invert(generator, target, settings, pivot=codes[0])
    first = ruler(latents.render(generator, codes[0], "w+"), target)
    shares = ruler(found.image, target) / first
    assert found.stopped == "threshold" and 0.8 < float(shares.max()) <= 0.901


def test_the_regulariser_holds_other_pictures(generator, target, codes):
    def drift(locality):
        settings = PivotalTuning(
            num_steps=20, learning_rate=0.01, stop_share=0, locality=locality, alpha=1.0,
            locality_pixel=1.0, locality_lpips=1.0,
        )  # fmt: skip
        found = invert(generator, target, settings, pivot=codes[0])
        before = latents.render(generator, codes[1], "w+")
        with tuned(generator, found.tuned):
            return float((latents.render(generator, codes[1], "w+") - before).square().mean())

    assert drift(10.0) < 0.7 * drift(0.0)


def test_a_generator_without_w_is_refused(target):
    from tests.assignment.fakes import OnlyZ

    with pytest.raises(InputError, match="space"):
        invert(OnlyZ(), target)
