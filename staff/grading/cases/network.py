"""The linear generator's arithmetic outside the jail, and the best code that it has for a target.

Offers `render`, `lowest`, `share_left`, `usual_distance`. The parent computes with these what a
student's search has reached from the code that came back: a loss that a jail reports is never
believed. Read next: judge.py.
"""

from __future__ import annotations

import numpy as np

from staff.grading.cases.case import Arrays
from staff.grading.cases.draws import LAYERS, SIZE, WIDTH


def render(x: Arrays, w_plus: np.ndarray, grain: np.ndarray | None = None) -> np.ndarray:
    """Pictures (N, 3, H, W) of w+ (N, L, d), as `fakes.LinearGenerator` makes them."""
    flat = np.einsum("lpd,nld->np", x["matrix"], w_plus) + x["base"]
    grain = x["grain"] if grain is None else grain
    return flat.reshape(-1, 3, SIZE, SIZE) + 0.05 * grain


def weighted_square(
    x: Arrays, code: np.ndarray, goals: list[tuple[np.ndarray, np.ndarray, float]]
) -> float:
    """Sum over goals (picture, mask, weight) of weight * mean squared difference in the mask."""
    image = render(x, code)
    return sum(
        weight * float((mask * (image - picture) ** 2).sum() / (3 * mask.sum()))
        for picture, mask, weight in goals
    )


def lowest(x: Arrays, goals: list[tuple[np.ndarray, np.ndarray, float]]) -> float:
    """The lowest `weighted_square` that any w+ reaches, by least squares."""
    matrix = x["matrix"].transpose(1, 0, 2).reshape(-1, LAYERS * WIDTH)
    zero = render(x, np.zeros((1, LAYERS, WIDTH)))
    rows, wanted = [], []
    for picture, mask, weight in goals:
        scale = np.sqrt(weight * np.broadcast_to(mask, zero.shape) / (3 * mask.sum())).reshape(-1)
        rows.append(scale[:, None] * matrix)
        wanted.append(scale * (picture - zero).reshape(-1))
    best, *_ = np.linalg.lstsq(np.concatenate(rows), np.concatenate(wanted), rcond=None)
    return weighted_square(x, best.reshape(1, LAYERS, WIDTH), goals)


def share_left(
    x: Arrays,
    code: np.ndarray,
    start: np.ndarray,
    goals: list[tuple[np.ndarray, np.ndarray, float]],
) -> float:
    """How much of the loss that could be saved is left: 0 at the lowest point, 1 at the start."""
    floor = lowest(x, goals)
    now, before = (weighted_square(x, at, goals) - floor for at in (code, start))
    return max(now, 0.0) / before


def usual_distance(x: Arrays) -> float:
    """Root mean square distance of random w from their mean, per entry, for w = M z + centre."""
    return float(np.sqrt((x["mapping"] ** 2).sum() / WIDTH))
