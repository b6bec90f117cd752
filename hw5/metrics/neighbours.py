"""Who lies next to whom among picture features: variety, copies, duplicates.

Offers `precision_recall` (does the generator make only cats, and all the cats?), `spread`,
`nearest` and `near_copies` (has it memorised training pictures?). All take pooled features (N, D)
as `distribution.embed` returns them and work block by block, so 10,000 against 10,000 fit into
memory. Read distribution.py first.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from hw5.kit.checks import InputError, check_finite, check_shape

BLOCK = 1024  # rows at a time: 1024 x 10,000 float32 distances are 40 MB


class PrecisionRecall(NamedTuple):
    """Shares in [0, 1]; read them together, either alone is easy to win."""

    precision: float  # share of generated pictures that lie among the real ones: quality
    recall: float  # share of real pictures that lie among the generated ones: variety


class Nearest(NamedTuple):
    """The closest reference of each query."""

    distances: Tensor  # (N,) Euclidean
    indices: Tensor  # (N,) rows of the reference


class NearCopies(NamedTuple):
    """Generated pictures suspiciously close to a training picture."""

    count: int
    indices: Tensor  # (count,) rows of the generated set, closest first
    sources: Tensor  # (count,) the training row that each one resembles
    threshold: float  # distance below which a picture counts as a copy
    floor: float  # share of unseen test pictures below the threshold: what honesty scores
    share: float  # count as a share of the generated set; compare with `floor`


def precision_recall(reference: Tensor, generated: Tensor, *, k: int = 3) -> PrecisionRecall:
    """Improved precision and recall (Kynkaanniemi et al. 2019, eq. 1 and 2).

    Each set's manifold is the union of balls around its members that reach to the k-th nearest
    other member.

    Args:
        reference: features of real pictures, (N, D).
        generated: features of generated pictures, (M, D); take M = N, the figures depend on both.
        k: neighbours that set the radius; 3 in the paper.

    Raises:
        InputError: widths differ, values are not finite, or a set has no k-th other member.
    """
    _check_features("reference", reference)
    _check_features("generated", generated, like=reference)
    for name, features in (("reference", reference), ("generated", generated)):
        if not 0 < k < len(features):
            raise InputError(
                f"{name}: expected more than k = {k} rows (and k above 0), got {len(features)}."
            )
    return PrecisionRecall(
        precision=_share_inside(generated, reference, k),
        recall=_share_inside(reference, generated, k),
    )


def spread(features: Tensor) -> float:
    """Typical distance between two pictures of a set: sqrt of the mean squared pairwise distance.

    A generator that loses variety shows it here first, at the price of one pass: for independent
    pairs the mean squared distance is twice the trace of the covariance.
    """
    _check_features("features", features)
    return float((2 * features.cpu().double().var(dim=0).sum()).sqrt())


def nearest(queries: Tensor, references: Tensor, *, skip_self: bool = False) -> Nearest:
    """Find the closest reference row of every query row.

    Args:
        queries: (N, D).
        references: (M, D).
        skip_self: `references` is the same set as `queries`: row i may not choose row i.

    Raises:
        InputError: widths differ, values are not finite, or `skip_self` with sets of other sizes.
    """
    _check_features("references", references)
    _check_features("queries", queries, like=references)
    if skip_self and (len(queries) != len(references) or len(queries) < 2):
        raise InputError(
            f"skip_self: expected one set of at least 2 rows given twice, "
            f"got {len(queries)} queries and {len(references)} references."
        )
    chosen = []
    for start, block in _squared_distances(queries, references):
        if skip_self:
            rows = torch.arange(len(block), device=block.device)
            block[rows, rows + start] = torch.inf
        chosen.append(block.argmin(dim=1))
    indices = torch.cat(chosen)
    # The fast distances lose digits for near copies, which are the point here: measure the winners
    # again.
    distances = torch.linalg.vector_norm((queries - references[indices]).cpu().double(), dim=1)
    return Nearest(distances, indices.cpu())


def near_copies(
    generated: Tensor, train: Tensor, test: Tensor, *, closeness: float = 0.5
) -> NearCopies:
    """Count generated pictures that lie closer to a training picture than chance allows.

    The yardstick is the median distance of an unseen test picture to its nearest training picture.
    Mirrored copies are counted by giving the features of the mirrored generated pictures,
    `embed(embedder, images.flip(-1))`.

    Args:
        generated: (N, D) features.
        train: (M, D) features of the pictures the generator was trained on.
        test: (K, D) features of pictures from the same world that it never saw.
        closeness: a copy lies within this fraction of the yardstick; 0.5 is ours.

    Raises:
        InputError: widths differ or values are not finite.
    """
    honest = nearest(test, train).distances
    found = nearest(generated, train)
    threshold = closeness * honest.median()
    order = found.distances.argsort()
    indices = order[found.distances[order] < threshold]
    return NearCopies(
        count=len(indices),
        indices=indices,
        sources=found.indices[indices],
        threshold=float(threshold),
        floor=float((honest < threshold).double().mean()),
        share=len(indices) / len(generated),
    )


def _share_inside(queries: Tensor, members: Tensor, k: int) -> float:
    """Share of `queries` that lie inside the ball of at least one member."""
    # Index 0 is the member itself, so index k is its k-th nearest other member.
    radii = torch.cat(
        [
            block.topk(k + 1, dim=1, largest=False).values[:, k]
            for _, block in _squared_distances(members, members)
        ]
    )
    inside = [(block <= radii).any(dim=1) for _, block in _squared_distances(queries, members)]
    return float(torch.cat(inside).cpu().double().mean())


def _squared_distances(rows: Tensor, columns: Tensor) -> Iterator[tuple[int, Tensor]]:
    """Yield (first row, squared distances (block, M)) for `BLOCK` rows at a time."""
    # |a - b|^2 = |a|^2 + |b|^2 - 2ab cancels badly far from the origin: move the origin into the
    # cloud.
    centre = columns.mean(dim=0)
    columns = columns - centre
    lengths = columns.square().sum(dim=1)
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK] - centre
        squared = block.square().sum(dim=1, keepdim=True) + lengths - 2 * block @ columns.T
        yield start, squared.clamp_(min=0)


def _check_features(name: str, features: Tensor, *, like: Tensor | None = None) -> None:
    """Refuse anything but finite features (N, D), D as in `like`."""
    width = "D" if like is None else like.shape[1]
    check_shape(name, features, ("N", width), hint="pooled features, one row a picture")
    check_finite(name, features)
