"""Sliced Wasserstein distance against closed forms, scipy, and the authors' definition in numpy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import ndimage, stats
from torch.utils._python_dispatch import TorchDispatchMode

from hw5.kit.checks import InputError
from hw5.metrics import sliced
from hw5.metrics.sliced import laplacian_pyramid, sliced_wasserstein, swd

BINOMIAL = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1])[None, None] / 256


def smooth(count, rng, *, size=32):
    """Random pictures without fine detail."""
    coarse = torch.rand(count, 3, 4, 4, generator=rng) * 1.8 - 0.9
    return torch.nn.functional.interpolate(coarse, (size, size), mode="bicubic").clamp(-1, 1)


def enlarged(images):
    """OpenCV's pyrUp as its manual defines it, by scipy."""
    spaced = np.zeros((*images.shape[:2], 2 * images.shape[2], 2 * images.shape[3]))
    spaced[:, :, ::2, ::2] = images
    return ndimage.convolve(spaced, 4 * BINOMIAL, mode="mirror")


def test_a_shifted_cloud_is_as_far_as_the_shift_is_long_on_average_over_directions(rng):
    # |shift| * E|cos| of the angle to a random direction, Gamma(D/2) / (sqrt(pi) Gamma((D+1)/2)).
    cloud = torch.randn(300, 6, generator=rng)
    shift = torch.tensor([1.0, -2.0, 0.0, 2.0, 0.0, 4.0])  # length 5
    expected = 5 * math.gamma(3) / (math.sqrt(math.pi) * math.gamma(3.5))
    found = sliced_wasserstein(cloud, cloud + shift, projections=8000, rng=rng)
    assert found == pytest.approx(expected, rel=0.02)


def test_in_one_dimension_it_is_scipys_wasserstein_distance(rng):
    a, b = torch.randn(200, 1, generator=rng), torch.rand(200, 1, generator=rng) * 3
    expected = stats.wasserstein_distance(a[:, 0].numpy(), b[:, 0].numpy())
    assert sliced_wasserstein(a, b, projections=3, rng=rng) == pytest.approx(expected, rel=1e-5)


def test_a_widened_gaussian_has_a_closed_form(rng):
    # Along any direction N(0, 1) is carried to N(0, 9) by tripling: 2 E|x| = 2 sqrt(2 / pi).
    a, b = torch.randn(2, 20_000, 5, generator=rng)
    found = sliced_wasserstein(a, 3 * b, projections=32, rng=rng)
    assert found == pytest.approx(2 * math.sqrt(2 / math.pi), rel=0.02)


def test_blocks_of_directions_change_nothing(rng, monkeypatch):
    a, b = torch.randn(2, 50, 4, generator=rng)

    def measure():
        return sliced_wasserstein(a, b, projections=9, rng=torch.Generator().manual_seed(0))

    whole = measure()
    monkeypatch.setattr(sliced, "BLOCK", 100)
    assert measure() == pytest.approx(whole, rel=1e-6)


def test_the_pyramid_adds_up_to_the_picture(rng):
    images = torch.rand(2, 3, 32, 48, generator=rng) * 2 - 1
    fine, middle, coarse = (level.double().numpy() for level in laplacian_pyramid(images, 3))
    assert coarse.shape == (2, 3, 8, 12)
    again = fine + enlarged(middle + enlarged(coarse))
    np.testing.assert_allclose(again, images.numpy(), atol=1e-6)


def test_the_coarse_level_is_pyrdown(rng):
    images = torch.rand(1, 3, 16, 16, generator=rng) * 2 - 1
    blurred = ndimage.convolve(images.double().numpy(), BINOMIAL, mode="mirror")
    coarse = laplacian_pyramid(images, 2)[1]
    np.testing.assert_allclose(coarse.numpy(), blurred[:, :, ::2, ::2], atol=1e-6)


def test_pictures_of_one_patch_score_as_the_definition_says(rng):
    # With 7 x 7 pixels there is one place to cut, so nothing but the directions is random.
    a, b = torch.rand(200, 3, 7, 7, generator=rng) * 2 - 1, smooth(200, rng, size=7)
    rows = []
    for images in (a, b):
        levels = np.round((images.numpy() + 1) * 127.5)
        levels = levels - levels.mean((0, 2, 3), keepdims=True)
        rows.append((levels / levels.std((0, 2, 3), keepdims=True)).reshape(200, -1))
    directions = np.random.default_rng(0).normal(size=(147, 4000))
    directions /= np.linalg.norm(directions, axis=0)
    gaps = np.sort(rows[0] @ directions, axis=0) - np.sort(rows[1] @ directions, axis=0)
    found = swd(a, b, patches_per_image=1, projections=4000, rng=rng)
    assert found.mean == pytest.approx(1e3 * np.abs(gaps).mean(), rel=0.03)


def test_a_set_is_at_zero_from_itself(pictures, rng):
    assert swd(pictures, pictures, rng=rng) == (0.0, (0.0, 0.0))


def test_both_orders_score_alike(rng):
    a, b = smooth(6, rng), torch.rand(6, 3, 32, 32, generator=rng) * 2 - 1
    first, second = (swd(*pair, rng=torch.Generator().manual_seed(0)) for pair in ((a, b), (b, a)))
    assert first.mean > 100 and first.per_level == pytest.approx(second.per_level)


def test_the_mean_is_over_the_levels(rng):
    found = swd(smooth(4, rng), torch.rand(4, 3, 32, 32, generator=rng), levels=2, rng=rng)
    assert found.mean == pytest.approx(sum(found.per_level) / 2)


def test_fine_noise_shows_on_the_fine_level_and_large_shapes_on_the_coarse(rng):
    plain = smooth(16, rng)
    noisy = plain + 0.05 * torch.randn(plain.shape, generator=rng)
    fine, coarse = swd(plain, noisy, levels=2, projections=64, rng=rng).per_level
    assert fine > 5 * coarse
    # Sides that grow bright together: the same edges and texture, another large shape.
    ramp = torch.linspace(-0.6, 0.6, 32).expand(16, 3, 32, 32)
    texture = 0.2 * torch.randn(plain.shape, generator=rng)
    fine, coarse = swd(texture, texture + ramp, levels=2, projections=64, rng=rng).per_level
    assert coarse > 3 * fine


def test_a_shared_tint_or_loss_of_contrast_is_not_seen(rng):
    # The normalisation takes it out; only rounding to 256 levels is left.
    images = smooth(8, rng)
    tinted = images * 0.5 + torch.tensor([0.3, 0.0, -0.2])[:, None, None]
    assert swd(images, tinted, levels=1, rng=rng).mean < 15
    assert swd(images, images.sign(), levels=1, rng=rng).mean > 50


@pytest.mark.parametrize("corner", [(0, 0), (0, -1), (-1, 0), (-1, -1)])
def test_patches_reach_every_corner(corner, rng):
    a = torch.rand(20, 3, 8, 9, generator=rng) * 2 - 1
    b = a.clone()
    b[:, :, corner[0], corner[1]] = 1
    assert swd(a, b, rng=rng).mean > 1


def test_flat_pictures_differ_from_textured_ones_and_not_from_each_other(rng):
    flat, texture = torch.full((4, 3, 16, 16), 0.31), torch.rand(4, 3, 16, 16, generator=rng)
    assert swd(flat, -flat, rng=rng).mean == pytest.approx(0, abs=1)
    assert 100 < swd(flat, texture, rng=rng).mean < 2000


class Largest(TorchDispatchMode):
    """Numbers in the largest tensor that any operation made."""

    numel = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        made = function(*args, **(kwargs or {}))
        if isinstance(made, torch.Tensor) and not made._is_view():
            self.numel = max(self.numel, made.numel())
        return made


def test_memory_grows_with_the_patches_of_one_level_only(rng, monkeypatch):
    monkeypatch.setattr(sliced, "BLOCK", 1000)
    images = torch.rand(6, 3, 32, 32, generator=rng) * 2 - 1
    with Largest() as largest:
        swd(images, images.flip(0), patches_per_image=32, projections=256, rng=rng)
    patches, directions = 6 * 32 * 147, 256 * 147
    assert largest.numel == max(patches, directions)  # all projections at once: 6 * 32 * 256


@pytest.mark.parametrize(("size", "levels"), [((64, 64), 3), ((16, 16), 1), ((24, 48), 1)])
def test_levels_go_down_to_16_pixels(size, levels, rng):
    images = torch.zeros(1, 3, *size)
    assert len(swd(images, images, rng=rng).per_level) == levels


def test_what_a_generator_overshoots_counts_as_clamped(pictures, rng):
    target = pictures.sign()
    assert swd(target * 2.5, target, rng=rng).mean == 0


@pytest.mark.parametrize(
    ("a", "b", "options"),
    [
        (torch.zeros(2, 3, 32, 32), torch.zeros(3, 3, 32, 32), {}),
        (torch.zeros(2, 3, 32, 32), torch.zeros(2, 3, 16, 16), {}),
        (torch.zeros(3, 32, 32), torch.zeros(3, 32, 32), {}),
        (torch.zeros(2, 3, 32, 32), torch.full((2, 3, 32, 32), 200.0), {}),
        (torch.full((2, 3, 32, 32), torch.nan), torch.zeros(2, 3, 32, 32), {}),
        (torch.zeros(2, 3, 5, 32), torch.zeros(2, 3, 5, 32), {}),
        (torch.zeros(2, 3, 30, 30), torch.zeros(2, 3, 30, 30), {"levels": 3}),
        (torch.zeros(2, 3, 16, 16), torch.zeros(2, 3, 16, 16), {"levels": 3}),
        (torch.zeros(2, 3, 16, 16), torch.zeros(2, 3, 16, 16), {"levels": 0}),
        (torch.zeros(2, 3, 16, 16), torch.zeros(2, 3, 16, 16), {"projections": 0}),
        (torch.zeros(2, 3, 16, 16), torch.zeros(2, 3, 16, 16), {"patches_per_image": 0}),
    ],
)
def test_unfit_sets_are_refused(a, b, options, rng):
    with pytest.raises(InputError):
        swd(a, b, rng=rng, **options)
