"""IoU against torchmetrics and constructed overlaps."""

from __future__ import annotations

import pytest
import torch
from torchmetrics.classification import MulticlassJaccardIndex

from hw5 import world
from hw5.kit.checks import InputError
from hw5.metrics.segmentation import iou


def labels(rng, *shape, classes=4):
    return torch.randint(classes, shape, generator=rng)


def test_half_overlapping_squares_have_a_third():
    truth, found = torch.zeros(1, 4, 8).long(), torch.zeros(1, 4, 8).long()
    truth[0, :, 0:4] = 1
    found[0, :, 2:6] = 1  # 8 pixels shared, 24 in either
    overlap = iou(found, truth, 2)
    assert overlap.per_class.tolist() == pytest.approx([8 / 24, 8 / 24])
    found[0, :, 2:8] = 1  # 8 shared, 32 in either; of the background none
    overlap = iou(found, truth, 2)
    assert overlap.per_class.tolist() == pytest.approx([0, 8 / 32])


@pytest.mark.parametrize("average", ["macro", None])
def test_labels_score_as_torchmetrics_says(average, rng):
    truth, found = labels(rng, 5, 9, 7, classes=6), labels(rng, 5, 9, 7, classes=6)
    expected = MulticlassJaccardIndex(6, average=average)(found, truth).double()
    overlap = iou(found, truth, 6)
    got = torch.tensor(overlap.mean) if average else overlap.per_class
    torch.testing.assert_close(got.double(), expected, rtol=1e-6, atol=0)


def test_logits_score_as_torchmetrics_says(rng):
    truth, logits = labels(rng, 3, 8, 8), torch.randn(3, 4, 8, 8, generator=rng)
    expected = MulticlassJaccardIndex(4, average="macro")(logits, truth).item()
    assert iou(logits, truth, 4).mean == pytest.approx(expected, rel=1e-6)


def test_batches_add_up_to_the_set_and_are_not_averaged(rng):
    batches = [(labels(rng, n, 6, 6), labels(rng, n, 6, 6, classes=k)) for n, k in ((1, 4), (7, 2))]
    metric = MulticlassJaccardIndex(4, average="macro")
    for found, truth in batches:
        metric.update(found, truth)
    first, second = (iou(found, truth, 4) for found, truth in batches)
    assert (first + second).mean == pytest.approx(metric.compute().item(), rel=1e-6)
    assert (first + second).mean != pytest.approx((first.mean + second.mean) / 2, rel=1e-3)


def test_a_class_that_is_nowhere_has_no_iou_and_an_invented_one_has_zero():
    truth = torch.zeros(1, 4, 4).long()
    found = truth.clone()
    found[0, 0, 0] = 2
    overlap = iou(found, truth, 4)
    assert overlap.per_class.isnan().tolist() == [False, True, False, True]
    assert overlap.mean == pytest.approx((15 / 16 + 0) / 2)
    assert overlap.mean == pytest.approx(
        MulticlassJaccardIndex(4, average="macro")(found, truth).item()
    )


def test_a_rendered_segmentation_agrees_with_itself_as_bytes_and_as_scores(rng):
    truth = world.render(world.sample(2, rng=rng), 32).segmentation
    parts = len(world.PARTS)
    scores = torch.nn.functional.one_hot(truth.long(), parts).movedim(-1, 1).float()
    assert iou(truth, truth, parts).mean == iou(scores, truth, parts).mean == 1
    assert iou(truth.flip(-1), truth, parts).mean < 0.9


def test_masks_of_true_and_false_are_labels_of_two_classes(rng):
    truth, found = labels(rng, 2, 5, 5, classes=2), labels(rng, 2, 5, 5, classes=2)
    assert iou(found.bool(), truth.to(torch.uint8), 2).mean == iou(found, truth, 2).mean


@pytest.mark.parametrize(
    ("answer", "truth", "message"),
    [
        (torch.zeros(1, 4, 4).long(), torch.zeros(1, 4, 5).long(), "labels"),
        (torch.zeros(1, 2, 4, 4), torch.zeros(1, 4, 4).long(), "logits"),
        (torch.zeros(1, 4, 4), torch.zeros(1, 4, 4).long(), "whole numbers"),
        (torch.full((1, 3, 4, 4), torch.nan), torch.zeros(1, 4, 4).long(), "finite"),
        (torch.full((1, 4, 4), 3), torch.zeros(1, 4, 4).long(), "from 0 to 2, got 3"),
        (torch.zeros(1, 4, 4).long(), torch.full((1, 4, 4), 255), "truth.*255"),
        (torch.zeros(1, 4, 4).long(), torch.full((1, 4, 4), -1), "truth.*-1"),
        (torch.zeros(1, 4, 4).long(), torch.zeros(1, 4, 4), "truth"),
        (torch.zeros(0, 4, 4).long(), torch.zeros(0, 4, 4).long(), "at least one"),
    ],
)
def test_unfit_segmentations_are_refused(answer, truth, message):
    with pytest.raises(InputError, match=message):
        iou(answer, truth, 3)


def test_overlaps_of_other_classes_do_not_add_up():
    truth = torch.zeros(1, 4, 4).long()
    with pytest.raises(InputError, match="classes"):
        iou(truth, truth, 3) + iou(truth, truth, 4)
