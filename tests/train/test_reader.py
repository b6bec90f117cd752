"""Training of the world's reader: its losses, its rough pictures, and whose cat it is."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from hw5.kit import seeding
from hw5.metrics.identity import PASSING, views
from hw5.models.world_reader import WorldReader
from hw5.train.read_factors import dice_loss, roughen, target_weights
from hw5.train.read_quality import weak
from hw5.train.recognise import IdentitySettings, contrastive_loss, train_identity
from hw5.world.factors import FACTORS
from hw5.world.targets import NUM_TARGETS


def test_dice_of_a_sure_and_right_answer_is_zero_and_of_a_wrong_one_is_one():
    labels = torch.tensor([[[0, 1], [1, 0]]])
    sure = 100.0 * F.one_hot(labels, 2).movedim(-1, 1).float()
    assert dice_loss(sure, labels) == pytest.approx(0.0, abs=1e-6)
    assert dice_loss(-sure, labels) == pytest.approx(1.0, abs=1e-6)


def test_dice_of_a_guess_in_closed_form():
    labels = torch.zeros(1, 4, 4, dtype=torch.long)
    labels[0, 0, 0] = 1  # 15 pixels of one class, 1 of the other, each guessed with a half
    each = [2 * 7.5 / (8 + 15), 2 * 0.5 / (8 + 1)]
    expected = 1 - sum(each) / 2
    assert dice_loss(torch.zeros(1, 2, 4, 4), labels) == pytest.approx(expected, abs=1e-6)


def test_classes_that_are_nowhere_cost_nothing():
    labels = torch.zeros(1, 4, 4, dtype=torch.long)
    logits = torch.tensor([50.0, 0.0, 0.0])[None, :, None, None].expand(1, 3, 4, 4)
    assert dice_loss(logits, labels) == pytest.approx(0.0, abs=1e-6)


def test_roughening_leaves_flat_pictures_nearly_flat_and_most_pictures_alone():
    flat = torch.full((400, 3, 16, 16), 0.3)
    rough = roughen(flat, rng=seeding.make(0))
    assert (rough - flat).abs().max() < 0.03 * 6
    untouched = (rough == flat).flatten(1).all(1).float().mean()
    assert 0.5 < untouched < 0.7


def test_roughening_makes_edges_softer_and_never_sharper():
    edges = torch.zeros(200, 3, 16, 16)
    edges[..., 8:] = 1.0
    step = roughen(edges, rng=seeding.make(0))[:, :, :, 7:9].diff(dim=3).mean(dim=(1, 2, 3))
    assert step.max() < 1.02
    assert step.min() < 0.6


def test_weights_make_the_variance_of_every_common_target_one():
    weights = target_weights(500)
    assert weights.shape == (NUM_TARGETS,)
    assert (weights[:5] > 1).all()  # pose hardly fills its range
    assert weights.max() <= 1 / 0.03 + 1e-3


def test_contrastive_loss_of_equal_views_in_closed_form():
    a = torch.eye(4)
    n, heat = 4, 0.5
    expected = math.log(math.exp(1 / heat) + (n - 1)) - 1 / heat
    assert contrastive_loss(a, a, temperature=heat).item() == pytest.approx(expected, rel=1e-5)


def test_contrastive_loss_prefers_the_right_pairs():
    rng = seeding.make(0)
    a = F.normalize(torch.randn(8, 5, generator=rng), dim=1)
    right = contrastive_loss(a, a, temperature=0.1)
    assert right < contrastive_loss(a, a.roll(1, 0), temperature=0.1)


def test_views_of_a_cat_share_what_is_the_cat_and_nothing_else():
    table = views(50, 3, rng=seeding.make(0)).table.reshape(50, 3, -1)
    for column, factor in enumerate(FACTORS):
        spread = table[:, :, column].std(dim=1).max()
        if factor.name in PASSING:
            assert spread > 0, factor.name
        else:
            assert spread == 0, factor.name


@pytest.mark.slow
def test_cats_are_told_apart_after_a_few_steps():
    torch.manual_seed(0)
    reader = WorldReader(NUM_TARGETS)
    settings = IdentitySettings(cats=24, steps=0, judged=12)
    before = train_identity(reader, settings, compiled=False)
    settings = IdentitySettings(cats=24, steps=50, batch=24, judged=12)
    after = train_identity(reader, settings, compiled=False)
    assert math.isnan(before["contrastive"])
    assert after["contrastive"] < math.log(24)
    assert after["identity_roc_auc"] > max(0.6, before["identity_roc_auc"])


def test_weak_factors_are_named():
    figures = {"reads yaw": 0.95, "reads age": 0.5, "IoU whiskers": 0.3, "mean": 0.1}
    assert weak(figures) == ["reads age", "IoU whiskers"]


def test_overlaps_have_a_bar_of_their_own():
    figures = {"reads yaw": 0.886, "IoU nose": 0.882, "mean IoU": 0.886, "IoU mouth": 0.84}
    assert weak(figures) == ["reads yaw", "IoU mouth"]
    assert weak({"mean IoU": 0.84}) == ["mean IoU"]
