"""Is it still the same cat? Cosine similarity of embeddings, and how well it tells cats apart.

Offers `cosine_similarity`, `pair_scores` (all pairs of a labelled set, sorted into same and
different), and two figures of such scores: `roc_auc` and `equal_error_rate`; and `views`, cats seen
again in another pose and light, to train and to judge with. Embeddings are rows (N, D) of any
network; a similarity alone means nothing until the two figures say that the network recognises
anybody.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from hw5.kit.checks import InputError, check_finite, check_number, check_shape
from hw5.shapes import PerPicture
from hw5.world.factors import FACTORS, Factors, sample

# What may change without making it another cat: pose, face, clothes, light and surroundings.
PASSING = frozenset(
    {
        "yaw", "pitch", "roll", "zoom", "position_x", "position_y",
        "eye_openness", "pupil_width", "mouth",
        "glasses", "glasses_hue", "bow_tie", "bow_tie_hue", "hat", "hat_hue",
        "light_azimuth", "light_height", "light_warmth",
        "background", "background_hue", "background_saturation", "background_brightness",
    }
)  # fmt: skip


class PairScores(NamedTuple):
    """Similarities of pairs; every unordered pair of two pictures once."""

    same: Tensor  # (P,) of one identity
    different: Tensor  # (Q,) of two


def views(count: int, num_views: int, *, rng: torch.Generator) -> Factors:
    """Portraits of `count` cats, each seen `num_views` times; cat k fills `num_views` rows in turn.

    The views of a cat share what belongs to it (build, age, coat, eyes, whiskers) and differ in all
    of `PASSING`. Every single view follows the law of the portraits, as the two groups of factors
    are drawn independently there.
    """
    check_number("count", count, low=1, whole=True)
    check_number("num_views", num_views, low=1, whole=True)
    cats = sample(count, rng=rng).table.repeat_interleave(num_views, dim=0)
    occasions = sample(count * num_views, rng=rng).table
    passing = torch.tensor([factor.name in PASSING for factor in FACTORS], device=cats.device)
    return Factors(torch.where(passing, occasions, cats))


def cosine_similarity(a: Tensor, b: Tensor) -> PerPicture:
    """Cosine of the angle between corresponding rows, (N,) in [-1, 1]; 1 for one direction.

    Args:
        a: embeddings (N, D).
        b: embeddings (N, D).

    Raises:
        InputError: shapes differ, or a row without direction: all zeros, NaN or infinite.
    """
    _check_embeddings("a", a)
    _check_embeddings("b", b)
    check_shape("b", b, tuple(a.shape), hint="a and b are compared row by row")
    return functional.cosine_similarity(a, b, dim=1)


def pair_scores(embeddings: Tensor, identities: Tensor) -> PairScores:
    """Cosine similarities of all pairs of a set, N (N - 1) / 2 of them.

    Args:
        embeddings: (N, D).
        identities: (N,) whole numbers; equal for pictures of the same cat.

    Raises:
        InputError: as for `cosine_similarity`, or not one identity a row.
    """
    _check_embeddings("embeddings", embeddings)
    check_shape("identities", identities, (len(embeddings),), hint="one number a picture")
    rows = functional.normalize(embeddings, dim=1)
    first, second = torch.triu_indices(len(rows), len(rows), offset=1, device=rows.device)
    scores = (rows @ rows.T)[first, second]
    alike = identities[first] == identities[second]
    return PairScores(scores[alike], scores[~alike])


def roc_auc(same: Tensor, different: Tensor) -> float:
    """Probability that a same pair scores above a different pair, ties counting half.

    The area under the ROC curve, by ranks (Mann and Whitney 1947): 1 separates all pairs, 0.5 is
    guessing.

    Args:
        same: (P,) scores, higher for more alike.
        different: (Q,) scores.

    Raises:
        InputError: no scores, or scores that are not finite.
    """
    _check_scores("same", same)
    _check_scores("different", different)
    ordered = different.cpu().double().sort().values
    below = torch.searchsorted(ordered, same.cpu().double(), right=False)
    not_above = torch.searchsorted(ordered, same.cpu().double(), right=True)
    return float((below + not_above).double().mean() / (2 * len(different)))


def equal_error_rate(same: Tensor, different: Tensor) -> float:
    """Share of wrong answers at the threshold that errs as often on same as on different pairs.

    Between the thresholds that the scores allow, the ROC curve is a straight line, as it is for the
    area: choosing at random between two thresholds reaches every point on it. 0 separates all
    pairs, 0.5 is guessing. Args and Raises as for `roc_auc`.
    """
    _check_scores("same", same)
    _check_scores("different", different)
    same, different = (each.cpu().double().sort().values for each in (same, different))
    thresholds = torch.cat([same, different]).unique()  # a pair is called same from there upwards
    missed = torch.searchsorted(same, thresholds) / len(same)
    fooled = 1 - torch.searchsorted(different, thresholds) / len(different)
    missed = torch.cat([missed, missed.new_ones(1)])  # above all scores: every same pair is missed
    fooled = torch.cat([fooled, fooled.new_zeros(1)])
    lead = missed - fooled  # rises from -1 to 1
    after = int((lead >= 0).nonzero()[0])
    share = -lead[after - 1] / (lead[after] - lead[after - 1])
    return float(missed[after - 1] + share * (missed[after] - missed[after - 1]))


def _check_embeddings(name: str, embeddings: Tensor) -> None:
    check_shape(name, embeddings, ("N", "D"), hint="one row a picture")
    check_finite(name, embeddings)
    zeros = int((embeddings == 0).all(dim=1).sum())
    if zeros:
        raise InputError.about(name, expected="rows with a direction", got=f"{zeros} of zeros")


def _check_scores(name: str, scores: Tensor) -> None:
    check_shape(name, scores, ("P",))
    check_finite(name, scores)
    if len(scores) == 0:
        raise InputError.about(name, expected="at least one score", got="none")
