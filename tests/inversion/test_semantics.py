"""Boundaries and precision-recall, with codes whose meaning is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hw5.inversion import semantics
from hw5.inversion.semantics import find_boundary, precision_recall, signed_distance
from hw5.kit import seeding
from hw5.kit.checks import InputError


@pytest.fixture(scope="module")
def samples():
    """Codes whose first entry, 3 and up or down, is the score."""
    codes = torch.randn(4_000, 1, 8, generator=seeding.make(0))
    codes[..., 0] += 3.0
    return codes, codes[:, 0, 0]


@pytest.fixture(scope="module")
def boundary(samples):
    return find_boundary(*samples, rng=seeding.make(1))


def test_the_normal_points_where_the_factor_grows(boundary):
    assert boundary.normal.norm().item() == pytest.approx(1.0, abs=1e-5)
    assert boundary.normal[0] > 0.98
    assert boundary.accuracy > 0.95


def test_the_plane_lies_between_the_ends_and_not_through_the_origin(boundary):
    middle = torch.tensor([[3.0, 0, 0, 0, 0, 0, 0, 0]])
    assert abs(signed_distance(boundary, middle).item()) < 0.4


def test_moving_all_layers_along_the_normal_moves_the_distance_as_far(boundary):
    codes = torch.randn(5, 7, 8, generator=seeding.make(2))
    moved = signed_distance(boundary, codes + 2.5 * boundary.normal)
    torch.testing.assert_close(moved - signed_distance(boundary, codes), torch.full((5,), 2.5))


def test_labels_without_meaning_give_an_accuracy_of_guessing(samples):
    codes, _ = samples
    found = find_boundary(
        codes, torch.rand(len(codes), generator=seeding.make(3)), extremes=0.3, rng=seeding.make(1)
    )
    assert abs(found.accuracy - 0.5) < 0.1


@pytest.fixture(scope="module")
def rare():
    """Codes of which 6 % are on, along the first entry; a reader is swayed by the second one."""
    codes = torch.randn(2_000, 16, generator=seeding.make(5))
    return codes, (codes[:, 0] > 1.55).float() + 0.1 * codes[:, 1]


def test_what_is_on_or_off_and_rare_is_told_by_a_threshold_and_not_by_ends(rare):
    by_ends = find_boundary(*rare, extremes=0.1, rng=seeding.make(1))
    by_side = find_boundary(*rare, threshold=0.5, rng=seeding.make(1))
    assert by_side.normal[0] > 0.95 and abs(by_side.normal[1]) < 0.15
    assert by_ends.normal[1] > 0.3  # what sways the reader, among those that are all off
    unseen = torch.randn(4_000, 16, generator=seeding.make(6))
    sorted_ = [
        precision_recall(signed_distance(plane, unseen), unseen[:, 0] > 1.55).average_precision
        for plane in (by_ends, by_side)
    ]
    assert sorted_[1] > 0.9 > sorted_[0]


def test_the_rare_kind_weighs_as_much_as_the_many(rare):
    codes, _ = rare
    plane = find_boundary(*rare, threshold=0.5, rng=seeding.make(1))
    is_on = codes[:, 0] > 1.55
    found = signed_distance(plane, codes) > 0
    assert found[is_on].float().mean() > 0.9  # unweighed, half of them would be given up


class SaysOff:
    """A machine that calls everything off."""

    def __init__(self, **options):
        self.coef_, self.intercept_ = np.ones((1, 16)), np.zeros(1)

    def fit(self, points, labels):
        pass

    def predict(self, points):
        return np.zeros(len(points))


def test_calling_everything_off_is_an_accuracy_of_guessing(rare, monkeypatch):
    monkeypatch.setattr(semantics, "LinearSVC", SaysOff)
    assert find_boundary(*rare, threshold=0.5, rng=seeding.make(1)).accuracy == 0.5  # not 0.94


def test_precision_and_recall_of_a_small_case_by_hand():
    distances = torch.tensor([0.9, 0.8, 0.7, 0.6])
    truth = torch.tensor([True, False, True, False])
    found = precision_recall(distances, truth)
    # Thresholds from below: all four, the first three, two, one, none.
    assert found.precision == pytest.approx([1 / 2, 2 / 3, 1 / 2, 1, 1])
    assert found.recall == pytest.approx([1, 1, 1 / 2, 1 / 2, 0])
    assert found.average_precision == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)


def test_guessing_scores_the_share_of_positives():
    rng = seeding.make(4)
    truth = torch.rand(20_000, generator=rng) < 0.2
    found = precision_recall(torch.rand(20_000, generator=rng), truth)
    assert found.average_precision == pytest.approx(0.2, abs=0.02)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c, s, b: find_boundary(c, s, threshold=1e3, rng=seeding.make(0)), "each side"),
        (lambda c, s, b: find_boundary(c, s[:5], rng=seeding.make(0)), "scores"),
        (lambda c, s, b: find_boundary(c[:100], s[:100], rng=seeding.make(0)), "at least 10"),
        (lambda c, s, b: find_boundary(c, s * torch.nan, rng=seeding.make(0)), "scores"),
        (lambda c, s, b: signed_distance(b, c[..., :5]), "codes"),
        (lambda c, s, b: precision_recall(s, torch.ones(len(s), dtype=torch.bool)), "truth"),
    ],
)
def test_bad_input_gets_one_clear_line(call, message, samples, boundary):
    with pytest.raises(InputError, match=message):
        call(*samples, boundary)
