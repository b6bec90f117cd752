"""Image smoothing by L0 gradient minimisation, the lecture's classic of editing by optimisation.

Xu, Lu, Xu and Jia, "Image Smoothing via L0 Gradient Minimization", SIGGRAPH Asia 2011: among all
pictures S near the input I, one with few places where anything changes (section 2),

    min_S  sum_p |S_p - I_p|^2 + lambda * C(S),   C(S) = number of p with a non-zero gradient.

A prior about pictures in general, "mostly flat", with no network. It knows edges, not cats.

Offers `smooth_l0`, its settings `Smoothing`, and `count_edges`, which is C. Read first: pixels.py.

Counting has no gradient, so the paper splits the problem in two (section 3, algorithm 1): auxiliary
gradients (h, v) are counted, and tied to those of S by a weight beta that grows. For fixed S the
best (h, v) is a threshold; for fixed (h, v) the best S solves a linear system that is diagonal in
the Fourier domain. Borders wrap around, as the Fourier transform has it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.fft import fftfreq, irfft2, rfft2, rfftfreq

from hw5.kit.checks import check_images, check_number
from hw5.shapes import Images, PerPicture


@dataclass(frozen=True)
class Smoothing:
    """Settings of the paper, for pictures in [0, 1]; ours are converted at the door."""

    # lambda, the price of one place that changes, in squared grey levels; paper (0.001 to 0.1)
    strength: float = 0.02
    # kappa, the factor by which beta grows; paper (1.05 to 8: smaller is slower and closer)
    growth: float = 2.0
    # beta at the end; paper. It starts at 2 * lambda.
    last_beta: float = 1e5

    def __post_init__(self) -> None:
        """Refuse settings that cannot be meant."""
        check_number("strength", self.strength, low=1e-12)
        check_number("growth", self.growth, low=1.01)
        check_number("last_beta", self.last_beta, low=1e-12)


DEFAULTS = Smoothing()


def smooth_l0(images: Images, settings: Smoothing = DEFAULTS) -> Images:
    """Flat patches with sharp borders, (N, 3, H, W); slightly beyond [-1, 1] may occur.

    Args:
        images: (N, 3, H, W) in [-1, 1].
        settings: see `Smoothing`.

    Raises:
        InputError: not pictures.
    """
    check_images("images", images)
    original = smooth = (images + 1) / 2  # the paper's range, in which lambda is stated
    beta = 2 * settings.strength
    while beta < settings.last_beta:
        kept = keep_strong(gradients(smooth), settings.strength / beta)
        smooth = fit_gradients(original, kept, beta)
        beta *= settings.growth
    return 2 * smooth - 1


def gradients(images: Tensor) -> Tensor:
    """Differences to the right and the lower neighbour, (N, 2, C, H, W); borders wrap around."""
    right, below = images.roll(-1, dims=-1), images.roll(-1, dims=-2)
    return torch.stack([right - images, below - images], dim=1)


def keep_strong(edges: Tensor, threshold: float) -> Tensor:
    """Gradients whose squared length exceeds `threshold`, zero elsewhere: the best (h, v).

    The length is taken over both directions and all channels: a place changes as a whole.

    Args:
        edges: (N, 2, C, H, W), from `gradients`.
        threshold: lambda / beta.
    """
    length = edges.square().sum(dim=(1, 2), keepdim=True)  # (N, 1, 1, H, W)
    return torch.where(length > threshold, edges, 0)


def fit_gradients(images: Tensor, edges: Tensor, beta: float) -> Tensor:
    """The S that minimises |S - images|^2 + beta * |gradients(S) - edges|^2, exactly.

    A difference to the neighbour multiplies frequency k by exp(2 pi i k / n) - 1, so that the
    normal equations (1 + beta D^T D) S = images + beta D^T edges are solved by a division.

    Args:
        images: (N, C, H, W).
        edges: (N, 2, C, H, W).
        beta: at least 0.
    """
    height, width = images.shape[-2:]
    like = {"dtype": images.dtype, "device": images.device}
    right = torch.exp(2j * math.pi * rfftfreq(width, **like)) - 1  # (W // 2 + 1,)
    below = torch.exp(2j * math.pi * fftfreq(height, **like))[:, None] - 1  # (H, 1)
    pulled = right.conj() * rfft2(edges[:, 0]) + below.conj() * rfft2(edges[:, 1])
    weight = 1 + beta * (right.abs().square() + below.abs().square())
    return irfft2((rfft2(images) + beta * pulled) / weight, s=(height, width))


def count_edges(images: Images, *, tolerance: float = 1 / 255) -> PerPicture:
    """C: the share of places with a gradient, (N,) in [0, 1].

    Args:
        images: (N, 3, H, W) in [-1, 1].
        tolerance: gradients up to this length count as none; half a grey level by default,
            since beta stops before the small ones are quite gone.
    """
    length = gradients(images).square().sum(dim=(1, 2)).sqrt()  # (N, H, W)
    return (length > tolerance).to(images.dtype).mean(dim=(1, 2))
