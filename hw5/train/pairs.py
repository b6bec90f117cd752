"""Latent codes that know their cat: the bridge from a Gaussian z to the factors of the world.

Every picture of the world is a known function of a point in the unit cube (world/laws.py), and a
cube is a Gaussian seen through its quantiles. A fixed rotation hides the axes: `codes_of` gives
each training cat a z that is exactly standard normal over the whole set, and so a generator can
first be shown its pictures pair by pair (generative latent optimisation with known codes, after
Bojanowski et al. 2018) before a discriminator judges it. `styles_of` does the same for w, where a
style-based generator can be taught apart from its mapping network. Read next: regress.py.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

from hw5.world.dataset import SPLITS
from hw5.world.factors import COAT_KIND_SHARES, FACTORS, NUM_DRAWS, Factors, from_uniforms
from hw5.world.laws import Choice
from hw5.world.targets import targets

RAREST = 0.35  # least spread a target is divided by: a rarely worn hat's hue must not fill w
_HUE = next(i for i, factor in enumerate(FACTORS) if factor.name == "background_hue")
_PLAIN = [i for i in range(NUM_DRAWS - 1) if i != _HUE]
NUM_COORDINATES = len(_PLAIN) + 2 + len(COAT_KIND_SHARES)
_FLIPS = torch.tensor([-1.0 if factor.flips else 1.0 for factor in FACTORS] + [1.0])


def rotation(dim: int) -> Tensor:
    """Fixed random orthogonal matrix `(dim, dim)` that mixes the factors' axes into all of z."""
    rng = torch.Generator().manual_seed(dim)
    q, r = torch.linalg.qr(torch.randn(dim, dim, generator=rng, dtype=torch.float64))
    return (q * torch.sign(torch.diagonal(r))).float()


def scores(split: str, numbers: Tensor) -> Tensor:
    """Standard normal scores `(N, NUM_DRAWS)` of the cats of a split by their numbers `(N,)`."""
    rng, draws = torch.Generator(), torch.empty(len(numbers), NUM_DRAWS)
    for row, number in enumerate(numbers.tolist()):
        rng.manual_seed(SPLITS[split] + number)
        draws[row] = torch.rand(NUM_DRAWS, generator=rng)
    return torch.special.ndtri(draws.double().clamp(1e-6, 1 - 1e-6)).float()


def codes_of(score: Tensor, dim: int, *, mirrored: Tensor, rng: torch.Generator) -> Tensor:
    """Codes z `(N, dim)` of cats with the given scores, the spare dimensions drawn afresh.

    The spare part is scaled so that every z has the norm sqrt(dim): StyleGAN2 normalises its input,
    and a cat must not change with it. `mirrored` `(N,)` marks cats to be seen in the mirror.
    """
    signs = torch.where(mirrored[:, None].bool(), _FLIPS, torch.ones(()))
    known = coordinates(score * signs, rng)
    spare = torch.randn(len(score), dim - NUM_COORDINATES, generator=rng)
    room = (dim - known.square().sum(1, keepdim=True)).clamp(min=1.0).sqrt()
    spare = spare * room / spare.norm(dim=1, keepdim=True)
    return torch.cat([known, spare], dim=1) @ rotation(dim)


def coordinates(score: Tensor, rng: torch.Generator) -> Tensor:
    """Standard normal numbers `(N, NUM_COORDINATES)` from which a cat can be read off smoothly.

    Most are the scores themselves. A hue that goes round is the angle of two of them, and the kind
    of coat the largest of six: as bands of a single number, both would be hard to learn.
    """
    angle = 2 * torch.pi * torch.special.ndtr(score[:, _HUE])
    radius = (-2 * torch.rand(len(score), generator=rng).clamp(min=1e-6).log()).sqrt()
    round_trip = torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1)
    kind = Choice(COAT_KIND_SHARES).quantile(torch.special.ndtr(score[:, -1])).long()
    return torch.cat([score[:, _PLAIN], round_trip, _race(kind, rng)], dim=1)


def _race(kind: Tensor, rng: torch.Generator, candidates: int = 128) -> Tensor:
    """Normal draws `(N, 6)`, one for each kind of coat, such that the wanted kind comes first."""
    draws = torch.randn(len(kind), candidates, len(COAT_KIND_SHARES), generator=rng)
    lead = draws + _handicaps()
    wanted = lead.gather(2, kind[:, None, None].expand(-1, candidates, 1))[..., 0]
    margin = wanted - lead.amax(2)  # 0 where it is first, below 0 elsewhere
    first = (margin >= 0).float().argmax(1)
    chosen = torch.where((margin >= 0).any(1), first, margin.argmax(1))
    return draws[torch.arange(len(kind)), chosen]


@cache
def _handicaps() -> Tensor:
    """Head starts `(6,)` with which the largest of six normal draws is each kind by its share."""
    draws = torch.randn(200_000, len(COAT_KIND_SHARES), generator=torch.Generator().manual_seed(0))
    shares, bias = torch.tensor(COAT_KIND_SHARES), torch.zeros(len(COAT_KIND_SHARES))
    for _ in range(60):
        found = F.one_hot((draws + bias).argmax(1), len(bias)).float().mean(0)
        bias = bias + 0.5 * (shares / found).log()
    return bias


def factors_of(score: Tensor, mirrored: Tensor) -> Factors:
    """The cats with these scores, those of the mirror image where `mirrored` `(N,)` says so."""
    factors = from_uniforms(torch.special.ndtr(score.double()).float())
    return Factors(torch.where(mirrored[:, None].bool(), factors.mirrored().table, factors.table))


@cache
def _target_statistics() -> tuple[Tensor, Tensor]:
    """Mean and standard deviation `(T,)` of the reader's targets over the portraits."""
    rng = torch.Generator().manual_seed(0)
    found = targets(factors_of(torch.randn(20_000, NUM_DRAWS, generator=rng), torch.zeros(20_000)))
    return found.mean(0), found.std(0).clamp(min=RAREST)


def styles_of(factors: Factors, dim: int) -> Tensor:
    """Codes w `(N, dim)` of cats: their standardised targets, turned into all of w.

    The entries have about unit variance, as the normalised z of a mapping network has; targets that
    hardly vary (the hue of a rarely worn hat) get less, so that the coat outweighs them.
    """
    mean, std = _target_statistics()
    standard = (targets(factors) - mean) / std
    basis = rotation(dim)[: standard.shape[1]]
    return standard @ basis * (dim / standard.shape[1]) ** 0.5


def visible(difference: Tensor) -> Tensor:
    """A difference of two w `(N, dim)`, turned so that its size says how much of a cat differs.

    In w every target has unit variance, the hue of a rarely worn hat as much as the coat's. Here
    the targets are back in their own units (weights about one, none below a half), and what lies
    outside them counts fully: a synthesis network has never seen anything there.
    """
    _, std = _target_statistics()
    weight = torch.ones(difference.shape[1])
    weight[: len(std)] = (std / std.square().mean().sqrt()).clamp(min=0.5)
    return difference @ rotation(difference.shape[1]).T.to(difference) * weight.to(difference)
