"""Pixels without a generator: they obey, and nothing else."""

from __future__ import annotations

import pytest
import torch

from hw5.config import LossWeights
from hw5.inversion.pixels import Pixels, optimise_pixels, score_pixels
from hw5.kit.checks import InputError
from hw5.losses import Criterion, Loss
from hw5.checking.fakes import SIZE, SmallFeatures, fixed_draw
from tests.inversion.small import agrees_with_finite_differences
from tests.tolerances import assert_close


@pytest.fixture
def pictures():
    return torch.tanh(0.4 * fixed_draw(20, 2, 3, SIZE, SIZE))


@pytest.fixture
def start():
    return torch.tanh(0.4 * fixed_draw(21, 2, 3, SIZE, SIZE))


@pytest.fixture
def left_half():
    mask = torch.zeros(1, 1, SIZE, SIZE, dtype=torch.float64)
    mask[..., : SIZE // 2] = 1
    return mask


def squared_error(penalty=0.0):
    return Criterion(LossWeights(pixel=1.0, norm="l2", perceptual=0.0, penalty=penalty))


def test_without_a_generator_every_picture_is_reached(pictures):
    found = optimise_pixels(pictures, criterion=squared_error(), settings=Pixels(num_steps=600))
    assert_close(found.image, pictures, "float16")


def test_pixels_outside_the_mask_do_not_move_at_all(pictures, start, left_half):
    found = optimise_pixels(
        pictures,
        criterion=squared_error(),
        start=start,
        mask=left_half,
        settings=Pixels(num_steps=5),
    )
    assert torch.equal(found.image[..., SIZE // 2 :], start[..., SIZE // 2 :])
    assert (found.image != start)[..., : SIZE // 2].all()


def test_the_penalty_stops_on_the_way_between_input_and_constraint(pictures, start):
    found = optimise_pixels(
        pictures,
        criterion=squared_error(penalty=3.0),
        start=start,
        settings=Pixels(num_steps=600),
    )
    # (s + d - t)^2 + 3 d^2 is lowest at d = (t - s) / 4
    assert_close(found.image, start + (pictures - start) / 4, "float16")


def test_the_gradient_of_the_objective_agrees_with_finite_differences(pictures, start, left_half):
    weights = LossWeights(pixel=0.5, norm="l2", perceptual=2.0, penalty=0.1)
    criterion = Criterion(weights, features=SmallFeatures())

    def loss(delta):
        return score_pixels(start[:1], delta, pictures[:1], criterion, left_half).loss

    assert agrees_with_finite_differences(loss, start[:1] - pictures[:1])


def test_no_pixel_leaves_the_range(pictures):
    brighter = lambda image, *_: Loss(-image.mean(dim=(1, 2, 3)), {})  # noqa: E731
    found = optimise_pixels(pictures, criterion=brighter, settings=Pixels(num_steps=70))
    assert_close(found.image, 1.0, "float64")


def test_the_picture_is_its_own_code(pictures):
    found = optimise_pixels(pictures, criterion=squared_error(), settings=Pixels(num_steps=2))
    assert found.space == "pixels"
    assert torch.equal(found.code, found.image)


def test_the_input_picture_is_left_as_it_was(pictures, start):
    kept = start.clone()
    optimise_pixels(pictures, criterion=squared_error(), start=start, settings=Pixels(num_steps=2))
    assert torch.equal(start, kept)


def test_a_start_of_another_size_is_refused(pictures, start):
    with pytest.raises(InputError, match="start"):
        optimise_pixels(pictures, criterion=squared_error(), start=start[..., 1:])
