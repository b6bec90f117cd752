"""Pixel rulers against closed forms and scikit-image."""

from __future__ import annotations

import math

import pytest
import torch
from skimage.metrics import structural_similarity

from hw5.kit.checks import InputError
from hw5.metrics.pixels import mse, psnr, ssim

RULERS = [mse, psnr, ssim]


def test_mse_of_a_constant_offset_is_its_square(pictures):
    expected = torch.full((3,), 0.04)
    torch.testing.assert_close(mse(pictures * 0.5 + 0.2, pictures * 0.5), expected)


def test_psnr_of_a_constant_offset_has_a_closed_form(pictures):
    expected = torch.full((3,), 10 * math.log10(4 / 0.04))
    torch.testing.assert_close(psnr(pictures * 0.5 + 0.2, pictures * 0.5), expected)


def test_psnr_of_black_against_white_is_zero_decibels():
    white = torch.ones(1, 3, 16, 16)
    torch.testing.assert_close(psnr(-white, white), torch.zeros(1))


def test_psnr_of_equal_pictures_is_infinite(pictures):
    assert psnr(pictures, pictures).isposinf().all()


def test_ssim_of_equal_pictures_is_one(pictures):
    torch.testing.assert_close(ssim(pictures, pictures), torch.ones(3))


def test_ssim_agrees_with_scikit_image(rng):
    # The two pad edges differently; a constant frame wider than the window makes that irrelevant.
    a, b = torch.zeros(1, 3, 40, 40), torch.zeros(1, 3, 40, 40)
    a[..., 10:30, 10:30] = torch.rand(3, 20, 20, generator=rng) * 2 - 1
    b[..., 10:30, 10:30] = torch.rand(3, 20, 20, generator=rng) * 2 - 1
    _, whole = structural_similarity(
        a[0].numpy(), b[0].numpy(), data_range=2, channel_axis=0, gaussian_weights=True,
        sigma=1.5, use_sample_covariance=False, full=True,
    )  # fmt: skip
    assert ssim(a, b).item() == pytest.approx(whole.mean(), abs=1e-4)


@pytest.mark.parametrize("ruler", RULERS)
def test_every_picture_is_scored_on_its_own(ruler, pictures):
    spoiled = pictures.clone()
    spoiled[1] = -spoiled[1]
    scores = ruler(spoiled, pictures)
    assert scores.shape == (3,)
    torch.testing.assert_close(scores[1:2], ruler(spoiled[1:2], pictures[1:2]))
    torch.testing.assert_close(scores[[0, 2]], ruler(pictures, pictures)[[0, 2]])


@pytest.mark.parametrize("ruler", RULERS)
def test_a_small_overshoot_counts_as_clamped(ruler, pictures):
    target = pictures.sign()
    torch.testing.assert_close(ruler(target * 1.3, target), ruler(target, target))


@pytest.mark.parametrize("ruler", RULERS)
def test_the_inputs_are_left_alone(ruler, pictures):
    output = pictures * 1.5
    before = output.clone()
    ruler(output, pictures)
    assert torch.equal(output, before)


@pytest.mark.parametrize("ruler", RULERS)
@pytest.mark.parametrize(
    ("output", "target"),
    [
        (torch.zeros(1, 3, 16, 16), torch.zeros(2, 3, 16, 16)),
        (torch.zeros(1, 3, 16, 16), torch.zeros(1, 3, 32, 32)),
        (torch.zeros(3, 16, 16), torch.zeros(3, 16, 16)),
        (torch.zeros(1, 3, 16, 16), torch.full((1, 3, 16, 16), 200.0)),
        (torch.full((1, 3, 16, 16), 200.0), torch.zeros(1, 3, 16, 16)),
        (torch.zeros(1, 3, 16, 16, dtype=torch.uint8), torch.zeros(1, 3, 16, 16)),
        (torch.full((1, 3, 16, 16), torch.nan), torch.zeros(1, 3, 16, 16)),
    ],
)
def test_unfit_pictures_are_refused(ruler, output, target):
    with pytest.raises(InputError):
        ruler(output, target)


def test_ssim_refuses_pictures_smaller_than_its_window():
    with pytest.raises(InputError, match="11"):
        ssim(torch.zeros(1, 3, 8, 8), torch.zeros(1, 3, 8, 8))
