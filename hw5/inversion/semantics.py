"""Do the found codes mean what the pictures show? Boundaries of a factor, and how codes fall by it.

A code can give back every pixel and still lie where no edit works. Zhu et al. 2020 (In-domain GAN
inversion, arXiv 2004.00049, section 4.2) therefore search a boundary for an attribute on *samples*
of the generator, as InterFaceGAN does (Shen et al. 2020, arXiv 1907.10786, section 3.1), and ask on
which side of it the *inverted* codes of real pictures fall. The real pictures' attributes are known
here. Offers `find_boundary`, `signed_distance` and `precision_recall`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.metrics import average_precision_score, precision_recall_curve
from sklearn.svm import LinearSVC
from torch import Tensor

from hw5.kit.checks import InputError, check_finite, check_number, check_shape
from hw5.shapes import Codes

EXTREMES = 0.02  # share of the samples taken from each end; InterFaceGAN's code (its help: 0.2)
HELD_OUT = 0.3  # share of those that judge the boundary; InterFaceGAN
LEAST = 10  # codes of each kind, below which there is no boundary to learn
# Price of a code on the wrong side. Ends lie apart, and InterFaceGAN's 1 leaves each on its side.
# Of all codes some must lie wrong, and at 1 the plane follows those.
END_PRICE, ALL_PRICE = 1.0, 0.01


@dataclass(frozen=True, eq=False)
class Boundary:
    """A hyperplane in w: codes with `w @ normal + bias > 0` have more of the factor."""

    normal: Tensor  # (d,), of length 1
    bias: float  # InterFaceGAN drops it, which is wrong in w, whose mean is not 0
    accuracy: float  # on codes that it has not seen, both kinds weighing alike


@dataclass(frozen=True, eq=False)
class PrecisionRecall:
    """What is right among the codes called positive, and what is found of those that are."""

    precision: np.ndarray  # rises, with jumps, from the share of positives to 1
    recall: np.ndarray  # falls from 1 to 0
    average_precision: float  # area under the steps; the share of positives for guessing


def find_boundary(
    codes: Codes,
    scores: Tensor,
    *,
    extremes: float = EXTREMES,
    threshold: float | None = None,
    rng: torch.Generator,
) -> Boundary:
    """Hyperplane between the codes of the highest and the lowest scores, by a linear SVM.

    Ends suit what goes by degrees. Of what is on or off and rare, such as glasses, one end would
    hold mostly codes without it, called codes with it: then give a threshold.

    Args:
        codes: w of samples, (N, d) or (N, 1, d).
        scores: (N,), how much of the factor each sample shows, as a reader sees it.
        extremes: share of the samples taken from each end, 0 to 0.5.
        threshold: take all samples instead, those above it against the others, and let the rare
            ones count as much as the many.
        rng: chooses which of them judge the boundary.

    Raises:
        InputError: shapes do not fit, values are not finite, or fewer than 10 codes of a kind.
    """
    flat = _flat("codes", codes)
    check_shape("scores", scores, (len(flat),), hint="one number a code")
    check_finite("scores", scores)
    check_number("extremes", extremes, low=0, high=0.5)
    ends = threshold is None
    chosen, labels = _ends(scores, extremes) if ends else _sides(scores, threshold)
    shuffled = torch.randperm(len(labels), generator=rng)
    points, labels = flat[chosen].cpu()[shuffled].numpy(), labels[shuffled].numpy()
    cut = round(HELD_OUT * len(points))
    price, weigh = (END_PRICE, None) if ends else (ALL_PRICE, "balanced")
    machine = LinearSVC(C=price, class_weight=weigh, random_state=0, max_iter=10_000)
    machine.fit(points[cut:], labels[cut:])
    right = machine.predict(points[:cut]) == labels[:cut]
    kinds = [labels[:cut] >= 0] if ends else [labels[:cut] == kind for kind in (0, 1)]
    length = float(np.linalg.norm(machine.coef_))
    return Boundary(
        normal=torch.from_numpy(machine.coef_[0] / length).to(codes),
        bias=float(machine.intercept_[0]) / length,
        accuracy=float(np.mean([right[kind].mean() for kind in kinds if kind.any()])),
    )


def _ends(scores: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """The lowest and the highest scores: which, and 0 and 1 for them."""
    each = round(share * len(scores))
    if each < LEAST:
        expected = f"at least {LEAST} codes an end, {round(LEAST / max(share, 1e-3))} in all"
        raise InputError.about("codes", expected=expected, got=f"{len(scores)}")
    order = scores.argsort()
    return torch.cat([order[:each], order[-each:]]), (torch.arange(2 * each) >= each).long()


def _sides(scores: Tensor, threshold: float) -> tuple[Tensor, Tensor]:
    """All scores, and 1 for those above the threshold."""
    above = (scores > threshold).long().cpu()
    count = int(above.sum())
    if min(count, len(above) - count) < LEAST:
        expected = f"at least {LEAST} codes on each side of {threshold:g}"
        got, hint = f"{count} of {len(above)} above", "take more samples"
        raise InputError.about("scores", expected=expected, got=got, hint=hint)
    return torch.arange(len(above)), above


def signed_distance(boundary: Boundary, codes: Codes) -> Tensor:
    """Distance of codes to a boundary, (N,), positive on its side; of w+ that of the mean layer.

    Args:
        boundary: as `find_boundary` gives it.
        codes: w (N, d) or (N, 1, d), or w+ (N, L, d). Moving all layers alike by t along the normal
            changes the distance by t.

    Raises:
        InputError: another width than the boundary's, or values that are not finite.
    """
    flat = _flat("codes", codes)
    check_shape("codes", flat, ("N", len(boundary.normal)))
    return flat @ boundary.normal.to(flat) + boundary.bias


def precision_recall(distances: Tensor, truth: Tensor) -> PrecisionRecall:
    """Precision and recall of calling codes positive from a distance upwards, at every threshold.

    Args:
        distances: (N,), as `signed_distance` gives them.
        truth: (N,) bool, whether the picture that was inverted has the attribute.

    Raises:
        InputError: shapes differ, or all pictures are alike.
    """
    check_shape("distances", distances, ("N",))
    check_finite("distances", distances)
    check_shape("truth", truth, tuple(distances.shape))
    if bool(truth.all()) or not bool(truth.any()):
        raise InputError.about(
            "truth", expected="pictures with and without it", got="only one kind",
            hint="take more pictures",
        )  # fmt: skip
    known, scores = truth.cpu().numpy(), distances.cpu().numpy()
    precision, recall, _ = precision_recall_curve(known, scores)
    return PrecisionRecall(precision, recall, float(average_precision_score(known, scores)))


def _flat(name: str, codes: Codes) -> Tensor:
    """Codes as (N, d): of several layers the mean."""
    check_finite(name, codes)
    flat = codes.mean(dim=1) if codes.dim() == 3 else codes
    check_shape(name, flat, ("N", "d"))
    return flat
