"""Pivotal tuning: the regulariser against closed forms, the stop test, and no trace left behind."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch

from hw5 import latents
from hw5.inversion import pti as module
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


def test_the_loss_is_the_weighted_sum_of_squares_and_the_ruler(generator, target, codes):
    settings = PivotalTuning(
        num_steps=3, learning_rate=0.01, pixel=2.5, lpips=0.75, stop_share=0, alpha=1.0
    )
    found = invert(generator, target, settings, pivot=codes[0])
    squares = (found.image - target).square().mean(dim=(1, 2, 3))
    torch.testing.assert_close(found.loss, 2.5 * squares + 0.75 * ruler(found.image, target))


def test_pixels_and_ruler_are_both_descended(generator, target, codes):
    def left(**weights):
        settings = PivotalTuning(
            num_steps=15, learning_rate=0.01, stop_share=0, locality=0, **weights
        )
        image = invert(generator, target, settings, pivot=codes[0]).image
        return float((image - target).square().mean()), float(ruler(image, target).mean())

    by_pixels, by_ruler = left(pixel=1.0, lpips=0.0), left(pixel=0.0, lpips=1.0)
    assert by_pixels[0] < by_ruler[0] and by_ruler[1] < by_pixels[1]


def test_the_regulariser_is_given_what_the_settings_say(generator, target, codes, monkeypatch):
    seen, locality = [], module.locality_loss

    def spy(*networks_and_codes, **options):
        seen.append((networks_and_codes, options))
        return locality(*networks_and_codes, **options)

    monkeypatch.setattr(module, "locality_loss", spy)
    settings = replace(SHORT, num_steps=1, alpha=2.5, locality_truncation=0.25,
                       locality_pixel=4.0, locality_lpips=0.5)  # fmt: skip
    drawn = []
    draw = module.sample_codes
    monkeypatch.setattr(
        module, "sample_codes", lambda *a, **k: drawn.append(draw(*a, **k)) or drawn[-1]
    )
    invert(generator, target, settings, pivot=codes[0])
    (tuned_, shipped, pivot, random), options = seen[0]
    assert tuned_ is generator and shipped is not generator
    assert torch.equal(pivot, codes[0]) and options["alpha"] == 2.5
    mean = latents.mean_code(generator, "w+", rng=seeding.make(0))
    torch.testing.assert_close(random, mean + 0.25 * (drawn[0] - mean))
    one, other = random_pictures(2, seed=3), random_pictures(2, seed=4)
    squares = (one - other).square().mean(dim=(1, 2, 3))
    torch.testing.assert_close(
        options["distance"](one, other), 4.0 * squares + 0.5 * ruler(one, other)
    )


def test_the_numbers_are_the_published_ones_but_for_those_in_our_units():
    usual = PivotalTuning()
    published = {
        "num_steps": 350, "learning_rate": 3e-4, "pivot_steps": 450, "pivot_rate": 5e-3,
        "pivot_mean": 600, "lpips": 1.0, "locality": 1.0, "locality_lpips": 0.1,
        "locality_truncation": 0.5,
    }  # fmt: skip
    assert {name: getattr(usual, name) for name in published} == published
    assert (usual.pixel, usual.locality_pixel) == pytest.approx((30 * 1.0, 30 * 0.1))
    assert usual.alpha == pytest.approx(30 * (10 / 18) ** 0.5, abs=0.5)


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
    settings = PivotalTuning(
        num_steps=200, learning_rate=0.01, stop_share=0.9, locality=0, pixel=1.0
    )
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
    from hw5.checking.fakes import OnlyZ

    with pytest.raises(InputError, match="space"):
        invert(OnlyZ(), target)
