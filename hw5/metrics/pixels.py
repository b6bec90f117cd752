"""Pixel rulers: how far a picture is from its target, one value per picture.

Offers `mse`, `psnr` and `ssim`, all (N,). They see brightness and edges, not meaning: a cat shifted
by one pixel scores badly although nobody would notice. perceptual.py is the ruler for that.
"""

from __future__ import annotations

import torch
from torchmetrics.functional.image import (
    peak_signal_noise_ratio,
    structural_similarity_index_measure,
)

from hw5.kit.checks import InputError, check_finite, check_images, check_shape
from hw5.shapes import Images, PerPicture

DATA_RANGE = (-1.0, 1.0)  # torchmetrics clamps to it and uses its width, 2, as the peak
OVERSHOOT = 2.0  # a generator without tanh leaves [-1, 1] a little; beyond this the range is wrong
SSIM_WINDOW = 11  # pixels; Wang et al. 2004, section III-B


def mse(output: Images, target: Images) -> PerPicture:
    """Mean squared difference over channels and pixels, (N,), in units of the [-1, 1] range.

    Args:
        output: (N, 3, H, W); what lies a little outside [-1, 1] is clamped, as saving it would.
        target: (N, 3, H, W) in [-1, 1].

    Raises:
        InputError: shapes differ, values are not finite, or the range is not [-1, 1].
    """
    output = _checked(output, target)
    return (output - target).square().mean(dim=(1, 2, 3))


def psnr(output: Images, target: Images) -> PerPicture:
    """Peak signal-to-noise ratio in dB, (N,): 10 log10(2^2 / mse). Infinite for equal pictures.

    Args and Raises as for `mse`. About 20 dB is a recognisable cat, 30 dB a close copy.
    """
    output = _checked(output, target)
    return peak_signal_noise_ratio(
        output, target, data_range=DATA_RANGE, dim=(1, 2, 3), reduction="none"
    )


def ssim(output: Images, target: Images) -> PerPicture:
    """Structural similarity, (N,), 1 for equal pictures (Wang et al. 2004, eq. 13).

    Gaussian window of 11 pixels, sigma 1.5, mean over channels and pixels.

    Args:
        output: (N, 3, H, W), H and W at least 11.
        target: (N, 3, H, W) in [-1, 1].

    Raises:
        InputError: as for `mse`, or the pictures are smaller than the window.
    """
    output = _checked(output, target)
    if min(output.shape[-2:]) < SSIM_WINDOW:
        raise InputError.about(
            "output",
            expected=f"at least {SSIM_WINDOW} pixels a side",
            got=tuple(output.shape[-2:]),
            hint="compare before shrinking, or use psnr",
        )
    return structural_similarity_index_measure(
        output, target, data_range=DATA_RANGE, reduction="none"
    )


def _checked(output: Images, target: Images) -> Images:
    """`output` clamped to [-1, 1], after both pictures passed the door."""
    check_images("target", target)
    check_shape("output", output, tuple(target.shape), hint="output and target must match")
    check_finite("output", output)
    if not output.is_floating_point() or output.abs().amax() > OVERSHOOT:
        low, high = torch.aminmax(output)
        raise InputError.about(
            "output",
            expected="float values in [-1, 1]",
            got=f"{output.dtype} in [{low:g}, {high:g}]",
            hint="bytes are converted by kit.images.from_uint8",
        )
    return output.clamp(*DATA_RANGE)
