"""Precision, recall and copies on constructed sets whose answer is known."""

from __future__ import annotations

import pytest
import torch

from hw5.kit.checks import InputError
from hw5.metrics import neighbours
from hw5.metrics.neighbours import near_copies, nearest, precision_recall, spread


def cluster(centre, count, rng, *, radius=0.1):
    return torch.tensor(centre) + radius * torch.randn(count, 2, generator=rng)


@pytest.fixture(params=[7, 1024])
def block(request, monkeypatch):
    """Both one block and many."""
    monkeypatch.setattr(neighbours, "BLOCK", request.param)


@pytest.mark.usefixtures("block")
def test_a_set_against_itself_has_full_precision_and_recall(rng):
    rows = torch.randn(50, 4, generator=rng)
    assert precision_recall(rows, rows) == (1.0, 1.0)


@pytest.mark.usefixtures("block")
def test_far_clusters_share_nothing(rng):
    result = precision_recall(cluster((0.0, 0.0), 30, rng), cluster((50.0, 0.0), 30, rng))
    assert result == (0.0, 0.0)


@pytest.mark.usefixtures("block")
def test_a_generator_that_knows_one_of_two_modes_has_half_recall(rng):
    left, right = cluster((0.0, 0.0), 30, rng), cluster((50.0, 0.0), 30, rng)
    result = precision_recall(torch.cat([left, right]), left.clone())
    assert result.precision == 1.0 and result.recall == 0.5


@pytest.mark.usefixtures("block")
def test_a_generator_that_invents_a_mode_has_half_precision(rng):
    left, right = cluster((0.0, 0.0), 30, rng), cluster((50.0, 0.0), 30, rng)
    result = precision_recall(left.clone(), torch.cat([left, right]))
    assert result.precision == 0.5 and result.recall == 1.0


def test_the_radius_reaches_to_the_kth_other_member():
    line = torch.tensor([[0.0], [1.0], [2.0], [3.0]])
    # Radii for k = 1 are all 1, so 3.9 is inside the last ball and 4.1 in none.
    for place, expected in ((3.9, 0.25), (4.1, 0.0)):
        queries = torch.tensor([[place], [100.0], [200.0], [300.0]])
        assert precision_recall(line, queries, k=1).precision == expected
    # For k = 2 the last radius is 2.
    queries = torch.tensor([[4.9], [100.0], [200.0], [300.0]])
    assert precision_recall(line, queries, k=2).precision == 0.25


def test_precision_survives_features_far_from_the_origin(rng):
    rows = torch.randn(60, 8, generator=rng)
    other = torch.randn(60, 8, generator=rng)
    here = precision_recall(rows.double(), other.double())
    assert precision_recall(rows + 1000, other + 1000) == here


@pytest.mark.parametrize(("k", "count"), [(3, 3), (0, 5)])
def test_too_few_rows_for_k_are_refused(k, count, rng):
    with pytest.raises(InputError, match="k"):
        precision_recall(torch.randn(count, 2, generator=rng), torch.zeros(9, 2), k=k)


def test_sets_of_different_widths_are_refused():
    with pytest.raises(InputError, match="generated"):
        precision_recall(torch.zeros(9, 3), torch.zeros(9, 4))


def test_spread_is_the_root_mean_square_distance_of_pairs(rng):
    rows = torch.randn(30, 5, generator=rng) * 3
    # pdist has every pair once: the definition, without the covariance.
    expected = torch.pdist(rows).square().mean().sqrt().item()
    assert spread(rows) == pytest.approx(expected, rel=1e-5)


@pytest.mark.usefixtures("block")
def test_nearest_agrees_with_cdist(rng):
    queries, references = torch.randn(40, 6, generator=rng), torch.randn(55, 6, generator=rng)
    expected = torch.cdist(queries.double(), references.double()).min(dim=1)
    found = nearest(queries, references)
    assert torch.equal(found.indices, expected.indices)
    torch.testing.assert_close(found.distances, expected.values, rtol=1e-6, atol=1e-6)


@pytest.mark.usefixtures("block")
def test_skipping_self_finds_the_twin(rng):
    rows = torch.randn(20, 3, generator=rng)
    rows[13] = rows[4]
    found = nearest(rows, rows, skip_self=True)
    assert found.indices[13] == 4 and found.indices[4] == 13
    alone = [i for i in range(20) if i not in (4, 13)]
    assert found.distances[4] == 0 and (found.distances[alone] > 0).all()


def test_planted_copies_are_counted_with_their_sources(rng):
    train, test = torch.randn(200, 8, generator=rng), torch.randn(100, 8, generator=rng)
    generated = torch.randn(50, 8, generator=rng)
    generated[7] = train[31] + 0.02
    generated[9] = train[5]
    found = near_copies(generated, train, test)
    assert found.count == 2 and found.share == 0.04
    assert found.indices.tolist() == [9, 7] and found.sources.tolist() == [5, 31]


def test_the_threshold_is_half_the_typical_distance_of_test_to_train():
    train = torch.tensor([[0.0], [100.0]])
    test = torch.tensor([[1.0], [98.0], [103.0], [0.1], [10.0]])  # nearest: 1 2 3 0.1 10
    found = near_copies(torch.tensor([[0.9], [1.1]]), train, test)
    assert found.threshold == pytest.approx(1.0)
    assert found.count == 1 and found.floor == pytest.approx(0.2)


def test_broken_features_are_refused():
    with pytest.raises(InputError, match="finite"):
        nearest(torch.full((2, 2), torch.nan), torch.zeros(2, 2))
