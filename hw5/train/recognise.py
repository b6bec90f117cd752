"""Teach the world's reader whose cat it is, the stand-in for a face recogniser such as ArcFace.

Only the small `identity` network on the reader's summary is trained, on cats seen twice, by the
contrastive loss of SimCLR (Chen et al. 2020, arXiv 2002.05709, eq. 1). Offers `train_identity` and
`recognition`, which judges it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from hw5 import world
from hw5.kit import seeding
from hw5.metrics.identity import equal_error_rate, pair_scores, roc_auc, views
from hw5.models.world_reader import WorldReader
from hw5.train.batches import tell

_BATCH = 32  # pictures rendered at a time; the compiled renderer is compiled for it


@dataclass(frozen=True)
class IdentitySettings:
    """Numbers of the run; found by trying a few."""

    cats: int = 1_536  # seen twice each
    steps: int = 3_000
    batch: int = 512  # cats; all others of the batch are the wrong answers
    rate: float = 1e-3  # Adam's learning rate
    temperature: float = 0.1  # SimCLR: 0.1 with long training
    judged: int = 300  # cats of other seeds, seen four times each, that judge the result
    seed: int = 0


def train_identity(
    reader: WorldReader, settings: IdentitySettings, *, compiled: bool = True
) -> dict[str, float]:
    """Train `reader.identity` in place; return the figures on cats it has not seen."""
    torch.manual_seed(settings.seed)
    reader.eval()
    seen = summaries(reader, settings.cats, 2, seed=settings.seed, compiled=compiled)
    first, second = seen[0::2], seen[1::2]  # (cats, head_width) each
    optimiser = torch.optim.Adam(reader.identity.parameters(), lr=settings.rate, weight_decay=1e-4)
    rng, loss = seeding.make(settings.seed), torch.tensor(torch.nan)
    for _ in range(settings.steps):
        chosen = torch.randint(settings.cats, (settings.batch,), generator=rng).unique()
        pair = [F.normalize(reader.identity(side[chosen]), dim=1) for side in (first, second)]
        loss = contrastive_loss(*pair, temperature=settings.temperature)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
    return {"contrastive": loss.item(), **recognition(reader, settings, compiled=compiled)}


def contrastive_loss(a: Tensor, b: Tensor, *, temperature: float) -> Tensor:
    """Cross-entropy of finding the other view of each cat among all of the batch, both ways.

    Args:
        a: unit vectors (N, D), one view of N cats.
        b: unit vectors (N, D), the other.
        temperature: divides the cosine similarities.
    """
    likeness = a @ b.T / temperature
    right = torch.arange(len(a), device=a.device)
    return (F.cross_entropy(likeness, right) + F.cross_entropy(likeness.T, right)) / 2


@torch.no_grad()
def recognition(
    reader: WorldReader, settings: IdentitySettings, *, compiled: bool = True
) -> dict[str, float]:
    """ROC-AUC and equal error rate over all pairs of pictures of unseen cats."""
    seen = summaries(reader, settings.judged, 4, seed=settings.seed + 1, compiled=compiled)
    cats = torch.arange(settings.judged).repeat_interleave(4)
    scores = pair_scores(F.normalize(reader.identity(seen), dim=1).cpu(), cats)
    return {
        "identity_roc_auc": roc_auc(scores.same, scores.different),
        "identity_equal_error_rate": equal_error_rate(scores.same, scores.different),
    }


@torch.no_grad()
def summaries(
    reader: WorldReader, cats: int, num_views: int, *, seed: int, compiled: bool
) -> Tensor:
    """What the reader makes of rendered views, (cats * num_views, head_width)."""
    where = next(reader.parameters()).device
    table = views(cats, num_views, rng=seeding.make(seed))
    rows = []
    for start in range(0, len(table), _BATCH):
        batch = table.select(slice(start, start + _BATCH))
        full = compiled and len(batch) == _BATCH
        picture = world.render(batch.to(where), reader.image_size, compiled=full)
        rows.append(reader.summary(picture.image))
        tell(min(start + _BATCH, len(table)), len(table))
    return torch.cat(rows)
