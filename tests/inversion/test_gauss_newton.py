"""Gauss-Newton against least squares, which it solves in one step, and on a curved generator."""

from __future__ import annotations

import math

import pytest
import torch

from hw5 import latents
from hw5.checking.fakes import (
    LAYERS,
    SIZE,
    WIDTH,
    LinearGenerator,
    OnlyZ,
    SmallFeatures,
    fixed_draw,
    least_squares,
    per_picture,
)
from hw5.config import LossWeights
from hw5.inversion import gauss_newton as module
from hw5.inversion.gauss_newton import GaussNewton, gauss_newton, residuals
from hw5.kit.checks import InputError
from hw5.losses import Criterion
from tests.inversion.small import random_pictures, tiny_generator

PIXELS = LossWeights(pixel=1.0, norm="l2", perceptual=0.0)
ONE_STEP = GaussNewton(num_steps=1, inner_steps=60, damping=0)


@pytest.fixture
def pictures():
    return torch.tanh(0.4 * fixed_draw(20, 2, 3, SIZE, SIZE))


@pytest.fixture
def start():
    return fixed_draw(30, 2, LAYERS, WIDTH)


def test_the_squares_sum_to_the_criterion(pictures):
    weights = LossWeights(pixel=2.0, norm="l2", perceptual=0.3)
    criterion = Criterion(weights, features=SmallFeatures())
    output = torch.tanh(fixed_draw(21, 2, 3, SIZE, SIZE))
    found = residuals(criterion, output, pictures)
    torch.testing.assert_close(found.square().sum(dim=1), criterion(output, pictures).total)


def test_a_criterion_that_is_no_sum_of_squares_is_refused(pictures):
    with pytest.raises(InputError, match="sums of squares"):
        residuals(Criterion(LossWeights(perceptual=0)), pictures, pictures)


def test_one_step_solves_a_linear_generator_exactly(pictures, start):
    generator = LinearGenerator()
    found = gauss_newton(
        generator, pictures, criterion=Criterion(PIXELS), start=start, settings=ONE_STEP
    )
    for row in range(2):
        one = slice(row, row + 1)
        wanted = least_squares(generator, pictures[one], start[one])
        torch.testing.assert_close(found.code[one], wanted, rtol=1e-6, atol=1e-6)


def test_endless_damping_goes_down_the_slope(pictures, start):
    generator = LinearGenerator()
    settings = GaussNewton(num_steps=1, inner_steps=3, damping=1e5)
    found = gauss_newton(
        generator, pictures, criterion=Criterion(PIXELS), start=start, settings=settings
    )
    code = start.clone().requires_grad_()
    loss = residuals(Criterion(PIXELS), generator.synthesize(code), pictures).square().sum()
    (slope,) = torch.autograd.grad(loss, code)
    cosine = torch.nn.functional.cosine_similarity(
        (found.code - start).flatten(1), -slope.flatten(1)
    )
    torch.testing.assert_close(cosine, per_picture(1, 1), rtol=1e-6, atol=0)


def test_good_steps_ease_the_damping(pictures, start):
    """A linear model keeps its promise, so every step is good: damping and error fade away."""
    generator, criterion = LinearGenerator(), Criterion(PIXELS)
    best = [least_squares(generator, pictures[i : i + 1], start[i : i + 1]) for i in range(2)]
    wanted = criterion(generator.synthesize(torch.cat(best)), pictures).total

    def excess(ease):
        settings = GaussNewton(num_steps=5, inner_steps=15, damping=10.0, ease=ease)
        found = gauss_newton(
            generator, pictures, criterion=criterion, start=start, settings=settings
        )
        return found.loss - wanted

    assert (excess(0.25) < 0.3 * excess(1.0)).all()


def test_pictures_of_a_batch_do_not_influence_each_other(rng):
    generator, target = tiny_generator(), random_pictures(2)
    start = latents.sample_codes(generator, "w+", 2, rng=rng)
    settings = GaussNewton(num_steps=2, inner_steps=3)
    both = gauss_newton(
        generator, target, criterion=Criterion(PIXELS), start=start, settings=settings
    )
    alone = gauss_newton(
        generator, target[1:], criterion=Criterion(PIXELS), start=start[1:], settings=settings
    )
    torch.testing.assert_close(both.code[1:], alone.code, rtol=1e-6, atol=1e-9)


def test_the_loss_never_rises_and_belongs_to_image_and_code(rng):
    generator, target = tiny_generator(), random_pictures(2)
    start = latents.sample_codes(generator, "w+", 2, rng=rng)
    criterion = Criterion(PIXELS)
    settings = GaussNewton(num_steps=3, inner_steps=5)
    found = gauss_newton(generator, target, criterion=criterion, start=start, settings=settings)
    first = criterion(latents.render(generator, start, "w+"), target).total
    assert (found.loss < 0.8 * first).all()
    image = latents.render(generator, found.code, "w+")
    torch.testing.assert_close(found.image, image, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(found.loss, criterion(image, target).total)


def test_a_picture_that_is_met_exactly_stays_where_it_is(start):
    generator = LinearGenerator()
    target = generator.synthesize(start).detach()
    assert target.abs().max() <= 1
    found = gauss_newton(generator, target, criterion=Criterion(PIXELS), start=start)
    assert torch.equal(found.code, start) and torch.equal(found.loss, per_picture(0, 0))


def test_a_step_that_raises_the_loss_is_refused_for_that_picture_alone(pictures):
    """Where tanh is nearly flat, the linear model sends the code far beyond the goal."""
    generator, criterion = OnlyZ(), Criterion(PIXELS)
    start = 12 * fixed_draw(31, 2, WIDTH)
    settings = GaussNewton(num_steps=1, inner_steps=20, damping=0)
    found = gauss_newton(
        generator, pictures, criterion=criterion, start=start, space="z", settings=settings
    )
    first = criterion(generator(start), pictures).total.detach()
    tried = per_picture(*found.history[0].losses)
    assert (tried > first).tolist() == [False, True], "one good and one bad step are wanted"
    assert torch.equal(found.code[1], start[1]) and not torch.equal(found.code[0], start[0])
    torch.testing.assert_close(found.loss, torch.minimum(tried, first))


def test_a_cancelled_search_returns_its_start(pictures, start):
    found = gauss_newton(
        LinearGenerator(), pictures, criterion=Criterion(PIXELS), start=start,
        should_stop=lambda: True,
    )  # fmt: skip
    assert found.stopped == "cancelled" and torch.equal(found.code, start)


def test_the_products_inside_a_step_are_counted_as_what_they_cost(pictures, start, monkeypatch):
    products, linearise = [], module._linearise

    def counted(rendered, code):
        slope, product = linearise(rendered, code)

        def counting(direction):
            products.append(1)
            return product(direction)

        return slope, counting

    monkeypatch.setattr(module, "_linearise", counted)
    seen, settings = [], GaussNewton(num_steps=3, inner_steps=4)
    found = gauss_newton(
        LinearGenerator(), pictures, criterion=Criterion(PIXELS), start=start, settings=settings,
        on_step=lambda step: seen.append((step.evaluations, len(products))),
    )  # fmt: skip
    # the start; a slope and a picture tried for each step; 2.5 for each product
    assert seen == [(1 + 2 * n + math.ceil(2.5 * p), p) for n, (_, p) in enumerate(seen, 1)]
    assert found.evaluations == seen[-1][0] == 40
