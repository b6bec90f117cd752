"""Heads of the offline LPIPS, calibrated on pictures whose order of likeness is known.

Zhang et al. 2018 (section 3) fit theirs to people's judgements of patches. The world knows which of
two pictures is nearer to a third (metrics/triplets.py), and so gives the judgements here. Offers
`calibrate` and `hold_out`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from hw5.kit import seeding
from hw5.metrics.perceptual import LpipsMetric
from hw5.metrics.triplets import Triplets, make_triplets, ordered_triplets


@dataclass(frozen=True)
class LpipsSettings:
    """Numbers of the calibration; found by trying a few."""

    triplets: int = 200  # of each kind; as many again judge the result
    steps: int = 1_500
    rate: float = 0.02  # Adam's learning rate of the logarithms
    temperature: float = 0.3  # of log(far / near): how clear an order is clear enough
    prior: float = 0.02  # weight of the pull towards equal weights, in squared logarithms
    seed: int = 0


def calibrate(
    metric: LpipsMetric,
    settings: LpipsSettings,
    *,
    on_step: Callable[[float], None] = lambda loss: None,
) -> dict[str, float]:
    """Train `metric.heads` in place; return the shares ordered before and after, held out.

    A triplet costs softplus(-log(far / near) / temperature): a logistic choice (Bradley and Terry
    1952) that does not depend on the ruler's scale. The mean of the weights stays 1.
    """
    judged = hold_out(settings)
    before = _shares(metric, judged)
    cases = make_triplets(settings.triplets, rng=seeding.make(settings.seed))
    near, far = _contributions(metric, cases)
    logs = torch.zeros(near.shape[1], requires_grad=True)
    optimiser = torch.optim.Adam([logs], settings.rate)
    for _ in range(settings.steps):
        weights = logs.exp() / logs.exp().mean()
        ratio = torch.log(far @ weights) - torch.log(near @ weights)
        wrong = functional.softplus(-ratio / settings.temperature).mean()
        loss = wrong + settings.prior * (logs - logs.mean()).square().mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        on_step(loss.item())
    weights = (logs.exp() / logs.exp().mean()).detach()
    with torch.no_grad():
        for head, part in zip(metric.heads, weights.split(metric.heads.widths), strict=True):
            head.weight.copy_(part)
    after = _shares(metric, judged)
    return {
        **{f"ordered_{kind}": share for kind, share in after.items()},
        **{f"uncalibrated_{kind}": share for kind, share in before.items()},
    }


def hold_out(settings: LpipsSettings) -> Mapping[str, Triplets]:
    """Triplets of other cats than those of the calibration."""
    return make_triplets(settings.triplets, rng=seeding.make(settings.seed + 1))


@torch.no_grad()
def _contributions(metric: LpipsMetric, cases: Mapping[str, Triplets]) -> tuple[Tensor, Tensor]:
    """What each channel adds to the near and to the far distance of every triplet, on the CPU."""
    near, far, where = [], [], _place(metric)
    for batch in cases.values():
        parts = (side.split(50) for side in (batch.anchor, batch.near, batch.far))
        for anchor, close, distant in zip(*parts, strict=True):
            anchor, close, distant = (side.to(where) for side in (anchor, close, distant))
            near.append(metric.contributions(close, anchor).cpu())
            far.append(metric.contributions(distant, anchor).cpu())
    return torch.cat(near), torch.cat(far)


def _shares(metric: LpipsMetric, cases: Mapping[str, Triplets]) -> dict[str, float]:
    where = _place(metric)

    def distance(output: Tensor, target: Tensor) -> Tensor:
        return metric(output.to(where), target.to(where)).cpu()

    with torch.no_grad():
        found = ordered_triplets(distance, cases)
    return {kind: share.value for kind, share in found.items()}


def _place(metric: LpipsMetric) -> torch.device:
    return next(metric.parameters()).device
