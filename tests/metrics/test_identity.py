"""Identity figures against all pairs counted one by one, scipy, torchmetrics and closed forms."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
import torch
from scipy.optimize import brentq
from torchmetrics.functional.classification import binary_auroc, binary_roc

from hw5.kit.checks import InputError
from hw5.metrics.identity import cosine_similarity, equal_error_rate, pair_scores, roc_auc

FIGURES = [roc_auc, equal_error_rate]


def normal_scores(mean, count=2001):
    """Quantiles of a normal law with deviation 1: a sample without chance."""
    shares = (torch.arange(count, dtype=torch.float64) + 0.5) / count
    return mean + torch.special.ndtri(shares)


def tied(rng, count, *, up=0):
    """Scores in tenths, so that many are equal."""
    return (torch.randint(10, (count,), generator=rng) + up) / 10


def as_labels(same, different):
    scores = torch.cat([same, different])
    return (scores - scores.min()) / (scores.max() - scores.min()), torch.cat(
        [torch.ones(len(same)), torch.zeros(len(different))]
    ).long()


def test_cosine_of_known_angles():
    a = torch.tensor([[1.0, 0.0], [1.0, 0.0], [2.0, 0.0], [3.0, 0.0]])
    b = torch.tensor([[5.0, 0.0], [0.0, 2.0], [-1.0, 0.0], [1.0, 1.0]])
    expected = torch.tensor([1.0, 0.0, -1.0, math.sqrt(0.5)])
    torch.testing.assert_close(cosine_similarity(a, b), expected)


def test_pairs_are_those_of_two_loops(rng):
    rows, identities = torch.randn(9, 4, generator=rng), torch.tensor([0, 1, 0, 2, 1, 0, 3, 3, 4])
    vectors = rows.numpy()
    same, different = [], []
    for i in range(9):
        for j in range(i):
            lengths = np.linalg.norm(vectors[i]) * np.linalg.norm(vectors[j])
            score = vectors[i] @ vectors[j] / lengths
            (same if identities[i] == identities[j] else different).append(float(score))
    found = pair_scores(rows, identities)
    assert sorted(found.same.tolist()) == pytest.approx(sorted(same), abs=1e-6)
    assert sorted(found.different.tolist()) == pytest.approx(sorted(different), abs=1e-6)


def test_the_area_is_the_share_of_pairs_in_order_with_ties_as_halves(rng):
    same, different = tied(rng, 40, up=3), tied(rng, 55)
    wins = (same[:, None] > different).sum() + (same[:, None] == different).sum() / 2
    assert roc_auc(same, different) == pytest.approx(wins.item() / (40 * 55), rel=1e-9)
    assert (same[:, None] == different).sum() > 50


def test_the_area_is_torchmetrics(rng):
    same, different = torch.randn(60, generator=rng) + 1, torch.randn(80, generator=rng)
    expected = binary_auroc(*as_labels(same, different)).item()
    assert roc_auc(same, different) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("apart", [0.0, 0.5, 1.0, 3.0])
def test_normal_scores_have_closed_forms(apart):
    # Two normals of deviation 1: AUC = Phi(d / sqrt 2), EER = Phi(-d / 2).
    same, different = normal_scores(apart), normal_scores(0.0)
    normal = NormalDist()
    assert roc_auc(same, different) == pytest.approx(normal.cdf(apart / math.sqrt(2)), abs=1e-3)
    assert equal_error_rate(same, different) == pytest.approx(normal.cdf(-apart / 2), abs=1e-3)


def test_the_equal_error_rate_is_where_torchmetrics_curve_meets_the_diagonal(rng):
    same, different = tied(rng, 37, up=2), tied(rng, 61)
    wrong, right, _ = (part.numpy() for part in binary_roc(*as_labels(same, different)))
    expected = brentq(lambda x: 1 - x - np.interp(x, wrong, right), 0, 1)
    assert equal_error_rate(same, different) == pytest.approx(expected, abs=1e-6)


def test_separated_swapped_and_equal_scores():
    low, high = torch.tensor([0.1, 0.2, 0.3]), torch.tensor([0.5, 0.6])
    assert (roc_auc(high, low), equal_error_rate(high, low)) == (1.0, 0.0)
    assert (roc_auc(low, high), equal_error_rate(low, high)) == (0.0, 1.0)
    ties = torch.ones(7)
    assert (roc_auc(ties, ties), equal_error_rate(ties, ties)) == (0.5, 0.5)


@pytest.mark.parametrize("figure", FIGURES)
def test_only_the_order_of_scores_counts(figure, rng):
    same, different = torch.randn(30, generator=rng) + 1, torch.randn(40, generator=rng)
    assert figure(same.exp(), different.exp()) == pytest.approx(figure(same, different))


@pytest.mark.parametrize("figure", FIGURES)
@pytest.mark.parametrize("bad", [torch.zeros(0), torch.zeros(2, 2), torch.tensor([0.5, torch.nan])])
def test_unfit_scores_are_refused(figure, bad):
    with pytest.raises(InputError, match="same"):
        figure(bad, torch.zeros(3))
    with pytest.raises(InputError, match="different"):
        figure(torch.zeros(3), bad)


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (torch.ones(2, 3), torch.ones(3, 3), "b: expected"),
        (torch.ones(2, 3), torch.ones(2, 4), "b: expected"),
        (torch.ones(3), torch.ones(3), "a: expected"),
        (torch.zeros(2, 3), torch.ones(2, 3), "direction"),
        (torch.ones(2, 3), torch.full((2, 3), torch.nan), "finite"),
    ],
)
def test_unfit_embeddings_are_refused(a, b, message):
    with pytest.raises(InputError, match=message):
        cosine_similarity(a, b)


def test_identities_belong_to_rows():
    with pytest.raises(InputError, match="identities"):
        pair_scores(torch.ones(3, 2), torch.zeros(2).long())
