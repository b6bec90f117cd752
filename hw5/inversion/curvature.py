"""How strongly a loss bends along each direction of w+, averaged over a generator's pictures.

Some directions of a code change the whole picture, most change next to nothing: for the shipped
generator they fall to a thousandth over the first 256 of 1,280 directions. A search that
knows them takes about half as many steps. They depend on generator and criterion only, so they are
measured once and used for every picture. Offers `measure_curvature` and `Curvature`. Read next:
fastest.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from hw5.inversion.gauss_newton import residuals
from hw5.kit.checks import check_choice, check_number
from hw5.latents import render, sample_codes
from hw5.losses import Criterion
from hw5.models.stylegan2_frozen import freeze
from hw5.shapes import Codes

if TYPE_CHECKING:
    from hw5.models.generator import Generator


NUM_PROBES, RANK = 4096, 512


@dataclass(frozen=True, eq=False)
class Curvature:
    """The largest eigenvalues of the mean Gauss-Newton matrix 2 J'J, with their directions."""

    basis: Tensor  # (L * d, K), orthonormal columns
    values: Tensor  # (K,), falling; curvature elsewhere counts as 0

    def to(self, device: torch.device) -> Curvature:
        """The same on `device`."""
        return Curvature(self.basis.to(device), self.values.to(device))

    def descent(self, gradient: Codes, damping: float) -> Codes:
        """(2 J'J + damping * largest value)^-1 times gradient (N, L, d), shape kept.

        Where the curvature is far below the damping this is plain gradient descent.
        """
        floor = damping * self.values[0]
        flat = gradient.flatten(1)  # (N, L * d)
        along = flat @ self.basis  # (N, K)
        bent = along * (self.values / (self.values + floor))
        return ((flat - bent @ self.basis.T) / floor).view_as(gradient)


def measure_curvature(
    generator: Generator,
    criterion: Criterion,
    *,
    num_probes: int = NUM_PROBES,
    rank: int = RANK,
    batch_size: int = 16,
    spread: float = 0.8,
    rng: torch.Generator,
) -> Curvature:
    """Average 2 J'J over random codes, from one backward pass per probe.

    If u is standard normal, the mean of J'u u'J is J'J: nothing as large as J is ever needed.

    Args:
        generator: with w+; see models/generator.py.
        criterion: see `gauss_newton.residuals`.
        num_probes: random vectors, each with a code of its own. 4,096 take a minute. Half as many
            cost a search one evaluation in thirty-four; 10,000 save one.
        rank: eigenvalues kept, at most the number of entries of a code. The 512th is a
            five-thousandth of the first.
        batch_size: probes side by side; changes nothing but the time.
        spread: codes lie at this share of their distance from the mean.
        rng: source of codes and probes.

    Raises:
        InputError: a generator without w+, a criterion that is no sum of squares, a bad number.
    """
    check_choice("space", "w+", generator.spaces)
    for name, value in (("num_probes", num_probes), ("rank", rank), ("batch_size", batch_size)):
        check_number(name, value, low=1, whole=True)
    codes = sample_codes(generator, "w+", num_probes, rng=rng)  # (P, L, d)
    mean = codes.mean(dim=0, keepdim=True)
    generator, total = freeze(generator), 0
    for some in (mean + spread * (codes - mean)).split(batch_size):
        some.requires_grad_()
        image = render(generator, some, "w+")
        vector = residuals(criterion, image, torch.zeros_like(image))  # (n, R)
        probes = torch.randn(vector.shape, generator=rng, device=rng.device, dtype=vector.dtype)
        (pulled,) = torch.autograd.grad((vector * probes.to(vector.device)).sum(), some)
        flat = pulled.flatten(1)  # (n, L * d), the rows J'u
        total = total + flat.T @ flat
    values, basis = torch.linalg.eigh(2 * total / num_probes)  # rising
    return Curvature(basis.flip(1)[:, :rank].contiguous(), values.flip(0)[:rank].clamp(min=0))
