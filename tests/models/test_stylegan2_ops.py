"""StyleGAN2's arithmetic against scipy, explicit loops and closed forms."""

import math

import numpy as np
import pytest
import scipy.signal
import torch
from torch.nn import functional as F

from hw5.models import stylegan2_ops as ops
from tests.models import reference
from tests.tolerances import assert_close

TAPS = np.array([1.0, 3.0, 3.0, 1.0]) / 8


def randn(*shape: int, rng: torch.Generator) -> torch.Tensor:
    return torch.randn(shape, generator=rng, dtype=torch.float64)


@pytest.fixture
def fir() -> torch.Tensor:
    return ops.fir_filter().double()


def test_the_filter_is_the_outer_product_of_its_taps(fir):
    assert_close(fir, torch.from_numpy(np.outer(TAPS, TAPS)), "float64")


def test_upsampling_agrees_with_scipy_along_each_axis(rng, fir):
    x = randn(2, 3, 6, 5, rng=rng)
    full = scipy.signal.upfirdn(2 * TAPS, x.numpy(), up=2, axis=2)[:, :, 1:13]
    full = scipy.signal.upfirdn(2 * TAPS, full, up=2, axis=3)[:, :, :, 1:11]
    assert_close(ops.upsample(x, fir), torch.from_numpy(full), "float64")


def test_downsampling_agrees_with_scipy_along_each_axis(rng, fir):
    x = randn(2, 3, 8, 6, rng=rng)
    full = scipy.signal.upfirdn(TAPS, x.numpy(), axis=2)[:, :, 2:10:2]
    full = scipy.signal.upfirdn(TAPS, full, axis=3)[:, :, :, 2:8:2]
    assert_close(ops.downsample(x, fir), torch.from_numpy(full), "float64")


def test_upsampling_keeps_a_flat_picture_flat_away_from_the_border(fir):
    x = torch.full((1, 1, 8, 8), 0.7, dtype=torch.float64)
    inside = ops.upsample(x, fir)[:, :, 2:-2, 2:-2]
    assert_close(inside, 0.7, "float32")


def test_an_asymmetric_filter_is_convolved_not_correlated(rng):
    taps = np.array([1.0, 2.0, 4.0, 8.0]) / 15
    x = randn(1, 1, 8, 8, rng=rng)
    full = scipy.signal.upfirdn(taps, scipy.signal.upfirdn(taps, x.numpy(), axis=2), axis=3)
    got = ops.downsample(x, ops.fir_filter((1, 2, 4, 8)).double())
    assert_close(got, torch.from_numpy(full[:, :, 2:10:2, 2:10:2]), "float32")


def test_a_convolution_that_enlarges_is_zero_insertion_filter_and_flipped_kernel(rng, fir):
    x, weight = randn(1, 3, 5, 5, rng=rng), randn(2, 3, 3, 3, rng=rng)
    filtered = 4 * reference.blur(reference.insert_zeros(x[0].numpy()), 3, 2)
    naive = reference.correlate(filtered, weight.numpy()[:, :, ::-1, ::-1])
    assert_close(ops.conv_up(x, weight, fir)[0], torch.from_numpy(naive), "float64")


@pytest.mark.parametrize("size", [1, 3])
def test_modulated_convolution_is_one_convolution_per_picture(rng, size):
    x, style = randn(3, 4, 6, 6, rng=rng), randn(3, 4, rng=rng)
    weight, bias = randn(5, 4, size, size, rng=rng), randn(5, rng=rng)
    rows = []
    for picture, gains in zip(x, style, strict=True):
        kernel = weight * gains[None, :, None, None]
        kernel = kernel / kernel.square().sum(dim=(1, 2, 3), keepdim=True).add(1e-8).sqrt()
        rows.append(F.conv2d(picture[None], kernel, bias, padding=size // 2) * 1.5)
    got = ops.modulated_conv(x, weight, style, bias, gain=1.5)
    assert_close(got, torch.cat(rows), "float64")


def test_demodulated_kernels_have_unit_norm(rng):
    weight, style = randn(5, 4, 3, 3, rng=rng), randn(2, 4, rng=rng)
    factor = ops.demodulation(weight, style)  # (N, O)
    kernels = weight * style[:, None, :, None, None] * factor[:, :, None, None, None]
    norms = kernels.square().sum(dim=(2, 3, 4)).sqrt()
    assert_close(norms, 1.0, "float32")


def test_scaling_a_style_changes_nothing_after_demodulation(rng):
    x, style = randn(2, 4, 6, 6, rng=rng), randn(2, 4, rng=rng)
    weight, bias = randn(5, 4, 3, 3, rng=rng), torch.zeros(5, dtype=torch.float64)
    once = ops.modulated_conv(x, weight, style, bias)
    assert_close(ops.modulated_conv(x, weight, 7 * style, bias), once, "float32")


def test_modulated_convolution_has_correct_first_and_second_gradients(rng, fir):
    weight, bias = randn(2, 2, 3, 3, rng=rng), randn(2, rng=rng)
    inputs = [
        t.requires_grad_() for t in (randn(1, 2, 3, 3, rng=rng), weight, randn(1, 2, rng=rng))
    ]

    def convolve(x: torch.Tensor, weight: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
        return ops.modulated_conv(x, weight, style, bias, fir=fir)

    assert torch.autograd.gradcheck(convolve, inputs)
    assert torch.autograd.gradgradcheck(convolve, inputs)


def test_normalised_codes_have_mean_square_one(rng):
    z = 5 * randn(4, 16, rng=rng)
    squares = ops.normalize_2nd_moment(z).square().mean(dim=1)
    assert_close(squares, 1.0, "float32")


def test_a_fully_connected_layer_scales_its_stored_weight_and_bias(rng):
    layer = ops.FullyConnected(3, 2, activation="lrelu", lr_multiplier=0.01, bias_init=1).double()
    x = randn(4, 3, rng=rng)
    rows = (0.01 / math.sqrt(3)) * (x @ layer.weight.T) + 0.01
    expected = math.sqrt(2) * torch.where(rows > 0, rows, 0.2 * rows)
    assert_close(layer(x), expected, "float64")


def test_slow_layers_start_with_the_same_function_scale():
    torch.manual_seed(0)
    layer = ops.FullyConnected(64, 4096, lr_multiplier=0.01)
    assert layer.weight.std().item() == pytest.approx(100, rel=0.02)
    assert layer(torch.ones(1, 64)).std().item() == pytest.approx(1, rel=0.05)


@pytest.mark.parametrize("size", [1, 3])
def test_a_convolution_that_shrinks_filters_before_it_drops_pixels(rng, size):
    layer = ops.Conv(3, 2, size, activation="lrelu", down=True).double()
    x = randn(1, 3, 8, 8, rng=rng)
    state = {f"c.{k}": v.detach().numpy() for k, v in layer.state_dict().items()}
    expected = reference.biased(
        reference.plain_conv(x[0].numpy(), state, "c", down=True), state, "c"
    )
    assert_close(layer(x, gain=0.5)[0], torch.from_numpy(0.5 * expected), "float64")


def test_the_clamp_limits_the_magnitude_times_the_gain(rng):
    layer = ops.Conv(3, 2, 1, clamp=0.1).double()
    assert layer(10 * randn(1, 3, 4, 4, rng=rng), gain=0.5).abs().max().item() == 0.05
