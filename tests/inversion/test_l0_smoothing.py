"""L0 smoothing: its linear system against a dense solver, its energy, what it flattens."""

from __future__ import annotations

import pytest
import torch

from hw5.inversion.l0_smoothing import (
    Smoothing,
    count_edges,
    fit_gradients,
    gradients,
    keep_strong,
    smooth_l0,
)
from hw5.kit.checks import InputError
from hw5.checking.fakes import fixed_draw
from tests.tolerances import assert_close


@pytest.fixture
def noisy_step():
    """Dark left, bright right, with noise of about two grey levels."""
    picture = torch.full((1, 3, 12, 16), -0.6, dtype=torch.float64)
    picture[..., 8:] = 0.6
    return picture + 0.015 * fixed_draw(40, 1, 3, 12, 16)


def energy(smooth, picture, strength):
    """The objective of the paper, in units of pictures in [0, 1]."""
    changed = count_edges(smooth) * smooth[0, 0].numel()
    return float(((smooth - picture) / 2).square().sum() + strength * changed.sum())


def dense_differences(height, width):
    """Matrix of both differences of a one-channel picture, rows of pixels one after the other."""
    rows = []
    for step in ((0, 1), (1, 0)):
        for y in range(height):
            for x in range(width):
                row = torch.zeros(height, width, dtype=torch.float64)
                row[(y + step[0]) % height, (x + step[1]) % width] += 1
                row[y, x] -= 1
                rows.append(row.flatten())
    return torch.stack(rows)


@pytest.mark.parametrize(("height", "width"), [(4, 6), (5, 3)])
def test_the_fourier_solution_agrees_with_a_dense_linear_solve(height, width):
    picture, edges = fixed_draw(41, 1, 1, height, width), fixed_draw(42, 1, 2, 1, height, width)
    matrix, beta = dense_differences(height, width), 3.7
    normal = torch.eye(height * width, dtype=torch.float64) + beta * matrix.T @ matrix
    expected = torch.linalg.solve(normal, picture.flatten() + beta * matrix.T @ edges.flatten())
    assert_close(fit_gradients(picture, edges, beta).flatten(), expected, "float64")


def test_gradients_agree_with_the_dense_differences():
    picture = fixed_draw(43, 1, 1, 4, 5)
    expected = dense_differences(4, 5) @ picture.flatten()
    assert_close(gradients(picture).flatten(), expected, "float64")


def test_a_place_is_kept_or_dropped_with_all_its_channels_and_directions():
    edges = torch.zeros(1, 2, 3, 1, 2)
    edges[0, :, :, 0, 0] = 0.5  # squared length 6 * 0.25 = 1.5
    edges[0, 0, 0, 0, 1] = 1.0  # squared length 1
    kept = keep_strong(edges, 1.2)
    assert torch.equal(kept[..., 0], edges[..., 0])
    assert not kept[..., 1].any()


def test_the_number_of_edges_falls_as_the_price_rises():
    picture = 0.2 * torch.tanh(fixed_draw(44, 1, 3, 16, 16))
    shares = [
        float(count_edges(smooth_l0(picture, Smoothing(strength=strength))))
        for strength in (1e-4, 1e-2, 2e-2)
    ]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 0.9
    assert shares[-1] < 0.1


def test_noise_goes_and_the_step_stays(noisy_step):
    smooth = smooth_l0(noisy_step, Smoothing(strength=0.01))
    left, right = smooth[..., :8], smooth[..., 8:]
    assert left[:, 0].std() < 1e-3
    assert right[:, 0].std() < 1e-3
    assert float(right.mean() - left.mean()) > 1.1


def test_the_papers_energy_is_lower_than_that_of_the_input_and_of_one_colour(noisy_step):
    strength = 0.01
    reached = energy(smooth_l0(noisy_step, Smoothing(strength=strength)), noisy_step, strength)
    flat = noisy_step.mean(dim=(-1, -2), keepdim=True).expand_as(noisy_step)
    assert reached < energy(noisy_step, noisy_step, strength)
    assert reached < energy(flat, noisy_step, strength)


def test_a_picture_of_one_colour_stays_as_it_is():
    picture = (
        torch.tensor([0.3, -0.2, 0.9], dtype=torch.float64).view(1, 3, 1, 1).repeat(1, 1, 8, 8)
    )
    assert_close(smooth_l0(picture), picture, "float64")


def test_the_mean_colour_does_not_change(noisy_step):
    # frequency 0 of a difference is 0, so the linear system hands the mean through
    smooth = smooth_l0(noisy_step)
    assert_close(smooth.mean(dim=(-1, -2)), noisy_step.mean(dim=(-1, -2)), "float64")


def test_pictures_do_not_influence_each_other(noisy_step):
    other = torch.tanh(fixed_draw(45, 1, 3, 12, 16))
    both = smooth_l0(torch.cat([noisy_step, other]))
    assert_close(both[:1], smooth_l0(noisy_step), "float64")


@pytest.mark.parametrize("wrong", [{"strength": 0}, {"growth": 1}, {"last_beta": -1}])
def test_settings_that_cannot_be_meant_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        Smoothing(**wrong)


def test_bytes_are_refused():
    with pytest.raises(InputError, match="images"):
        smooth_l0(torch.zeros(1, 3, 8, 8, dtype=torch.uint8))
