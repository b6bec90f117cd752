"""Do the parts lie where they should? Intersection over union of segmentations, class by class.

Offers `iou`, which counts pixels of one batch, and `Overlap`, its answer: overlaps of batches add
up with `+`, and the sum gives IoU per class and its mean over the whole set.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from hw5.kit.checks import InputError, check_finite, check_number, check_shape


@dataclass(frozen=True, eq=False)
class Overlap:
    """Pixels of each class, counted over one or many batches.

    A class counts as present if it is in the truth or in the answer: inventing a part costs as much
    as missing one. Classes in neither have no IoU and are left out of the mean, as in torchmetrics.
    """

    both: Tensor  # (C,) int64, pixels that are of the class in answer and truth
    either: Tensor  # (C,) int64, in at least one of them

    @property
    def per_class(self) -> Tensor:
        """IoU of each class, (C,) float64 in [0, 1]; NaN where the class is nowhere."""
        return self.both.cpu().double() / self.either.cpu()

    @property
    def mean(self) -> float:
        """IoU averaged over the classes present."""
        return float(self.per_class.nanmean())

    def __add__(self, other: Overlap) -> Overlap:
        """Counts of both batches: the IoU of the set, which is not the mean of the batches'."""
        check_shape("other", other.both, tuple(self.both.shape), hint="the same number of classes")
        return Overlap(self.both + other.both, self.either + other.either)


def iou(logits_or_labels: Tensor, truth: Tensor, num_classes: int) -> Overlap:
    """Intersection over union of each class over all pixels of a batch (Everingham et al. 2010).

    Args:
        logits_or_labels: scores (N, C, H, W), floating, of which the largest wins, or labels
            (N, H, W), whole numbers from 0 to C - 1.
        truth: labels (N, H, W), such as the `segmentation` of a rendered picture.
        num_classes: C.

    Raises:
        InputError: shapes differ, scores are not finite, or a label is not from 0 to C - 1.
    """
    check_number("num_classes", num_classes, low=1, whole=True)
    truth = _checked_labels("truth", truth, num_classes)
    if logits_or_labels.is_floating_point():
        count, height, width = truth.shape
        wanted = (count, num_classes, height, width)
        check_shape("logits", logits_or_labels, wanted, hint="labels must be whole numbers")
        check_finite("logits", logits_or_labels)
        found = logits_or_labels.argmax(dim=1)  # (N, H, W)
    else:
        found = _checked_labels("labels", logits_or_labels, num_classes)
        check_shape("labels", found, tuple(truth.shape))
    both = torch.bincount(truth[truth == found], minlength=num_classes)
    each = [torch.bincount(labels.flatten(), minlength=num_classes) for labels in (truth, found)]
    return Overlap(both, each[0] + each[1] - both)


def _checked_labels(name: str, labels: Tensor, num_classes: int) -> Tensor:
    """Labels as int64, after they passed the door."""
    check_shape(name, labels, ("N", "H", "W"), hint="one whole number a pixel")
    if labels.is_floating_point() or labels.numel() == 0:
        got = f"{labels.dtype} {tuple(labels.shape)}"
        raise InputError.about(name, expected="whole numbers, at least one", got=got)
    low, high = (int(edge) for edge in torch.aminmax(labels))
    if low < 0 or high >= num_classes:
        expected = f"labels from 0 to {num_classes - 1}"
        raise InputError.about(name, expected=expected, got=f"{low} to {high}")
    return labels.long()
