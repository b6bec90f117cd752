"""Part 1. How far is one picture from another?

Offers `pixel_loss`, `PerceptualLoss`, `StyleLoss`, `lpips_loss`, `latent_penalty`, and `Criterion`,
which adds them up with the weights of config.py. loss_parts.py holds given parts. Read next:
latents.py.

Every loss returns one number per picture, shape (N,), never a mean over the batch: several searches
then share a batch without touching each other, and the best can be kept.

A mask says which pixels count. Two rules make that exact:
- the average is taken over the pixels that count, so a scribble's area does not change its weight;
- feature networks see neighbouring pixels, so outside the mask the target is first replaced by the
  output's own pixels. What lies there, black canvas or a photograph, can then not leak in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from hw5.config import NORMS, LossWeights
from hw5.kit.checks import check_choice
from hw5.loss_parts import check_pair, require, see_through, shrink_mask, weights_by_depth
from hw5.shapes import Codes, Images, Mask, PerPicture

if TYPE_CHECKING:
    from hw5.models.features import FeatureNetwork


def masked_mean(values: Tensor, mask: Mask | None = None) -> PerPicture:
    """Task 1.1 (about 3 lines, 10 minutes). Mean of `values` over what the mask lets count.

    mean_n = sum(mask * values) / sum(mask), sums over channels, rows and columns of picture n.
    Without a mask, the plain mean. With an empty mask, 0: nothing is asked, nothing is wrong.

    Hint: a mask has one channel and perhaps one picture; `expand_as` repeats it without copying.
    Use `torch.where` for the values, since 0 * nan is nan. Expected: values (1, 2, 3, 4) with
    mask (1, 0, 0, 1) give 2.5, not 5 / 4.

    Args:
        values: (N, C, H, W), any range.
        mask: (N or 1, 1, H, W), weights in [0, 1]; a fraction counts as a share of a pixel.
    """
    if mask is None:
        return values.flatten(1).mean(dim=1)
    # BEGIN SOLUTION task_1_1
    weight = mask.expand_as(values)
    kept = torch.where(weight > 0, weight * values, 0)
    area = weight.flatten(1).sum(dim=1)  # (N,)
    return kept.flatten(1).sum(dim=1) / torch.where(area > 0, area, 1)
    # END SOLUTION


def pixel_loss(
    output: Images, target: Images, mask: Mask | None = None, *, norm: str = "l1"
) -> PerPicture:
    """Task 1.2 (about 3 lines, 10 minutes). Mean difference of two pictures, pixel by pixel.

    norm "l1": mean |output - target| (starter). norm "l2": mean (output - target)^2 (the student
    report). Both over the pixels that count, and per channel.

    Hint: use `masked_mean`. Expected: 2 (l1) and 4 (l2) between a white and a black picture, 0
    between equal ones; about 0.4 (l1) between two different cats.

    Args:
        output: (N, 3, H, W) in [-1, 1], or slightly beyond: generators do not clip.
        target: (N or 1, 3, H, W) in [-1, 1].
        mask: (N or 1, 1, H, W) in {0, 1}.
        norm: "l1" or "l2".

    Raises:
        InputError: shapes that do not fit, or an unknown norm.
    """
    check_pair(output, target, mask)
    check_choice("norm", norm, NORMS)
    # BEGIN SOLUTION task_1_2
    difference = output - target
    size = difference.abs() if norm == "l1" else difference.square()
    return masked_mean(size, mask)
    # END SOLUTION


def feature_distance(ours: Tensor, theirs: Tensor, mask: Tensor | None = None) -> PerPicture:
    """Task 1.3 (about 3 lines, 5 minutes). Mean squared difference of one layer's features.

    The content loss of Gatys et al. 2016, eq. 1, with the mean in place of half the sum, so that
    large and small layers weigh the same.

    Hint: a line of `pixel_loss` again. Expected: 1 between features of 0 and features of 1.

    Args:
        ours: (N, C, H, W), any range.
        theirs: (N or 1, C, H, W).
        mask: (N or 1, 1, H, W), the share of each cell that counts, in [0, 1].
    """
    # BEGIN SOLUTION task_1_3
    difference = ours - theirs
    squared = difference.square()
    return masked_mean(squared, mask)
    # END SOLUTION


def gram_matrix(features: Tensor, mask: Tensor | None = None) -> Tensor:
    """Task 1.4 (about 5 lines, 15 minutes). Which channels fire together, wherever they do.

    G_ij = sum_p m_p F_ip F_jp / sum_p m_p over the H*W positions p: Gatys et al. 2016, eq. 3,
    divided by the number of positions, so that G does not grow with the picture. Without a mask
    every m_p is 1. With an empty mask G is 0.

    Hint: flatten the positions, then `a @ b.mT` multiplies matrices in a batch. Expected: G is
    symmetric, and its diagonal holds the mean square of each channel.

    Args:
        features: (N, C, H, W), any range.
        mask: (N or 1, 1, H, W), the share of each cell that counts, in [0, 1].

    Returns:
        (N, C, C).
    """
    if mask is None:
        mask = torch.ones_like(features[:, :1])
    # BEGIN SOLUTION task_1_4
    flat = features.flatten(2)  # (N, C, H*W)
    weight = mask.flatten(2)  # (N or 1, 1, H*W)
    area = weight.sum(dim=2, keepdim=True)  # (N or 1, 1, 1)
    return (weight * flat) @ flat.mT / torch.where(area > 0, area, 1)
    # END SOLUTION


def style_distance(ours: Tensor, theirs: Tensor, mask: Tensor | None = None) -> PerPicture:
    """Task 1.5 (about 3 lines, 5 minutes). Difference of the Gram matrices of one layer's features.

    Gatys et al. 2016, eq. 4: sum_ij (G_ij - A_ij)^2 / (4 C^2), G ours and A theirs.

    Hint: the sum over C * C entries divided by C^2 is a mean. Expected: shuffling the positions of
    both pictures' features changes nothing; that is what makes it style.

    Args:
        ours: (N, C, H, W), any range.
        theirs: (N or 1, C, H, W).
        mask: (N or 1, 1, H, W), the share of each cell that counts, in [0, 1].
    """
    # BEGIN SOLUTION task_1_5
    difference = gram_matrix(ours, mask) - gram_matrix(theirs, mask)
    squared = difference.square()  # (N, C, C)
    return squared.mean(dim=(1, 2)) / 4
    # END SOLUTION


class PerceptualLoss:
    """Weighted sum of `feature_distance` over layers of a frozen network.

    Attributes:
        weights: layer name -> weight, shallowest layer first, as the network orders them. (Sorting
            names as text would put conv_10 before conv_5.)
    """

    distance = staticmethod(feature_distance)

    def __init__(
        self, features: FeatureNetwork, layers: Mapping[str, float] | Sequence[str] = ()
    ) -> None:
        """Choose layers of `features`.

        Args:
            features: network with `layer_names`, called as features(images, layers); it takes
                images in [-1, 1] and normalises them itself.
            layers: names with weights; or names alone, which share a weight of 1 equally, so that
                an ablation compares layers and not their number; empty means all layers.

        Raises:
            InputError: a layer that the network does not have, or twice the same.
        """
        self.features = features
        self.weights = weights_by_depth(features, layers)
        self._known: tuple[Tensor, int | None, dict[str, Tensor]] | None = None

    def __call__(self, output: Images, target: Images, mask: Mask | None = None) -> PerPicture:
        """Task 1.6 (about 6 lines, 20 minutes). Sum over layers of weight * distance.

        Hint: `self.extract` gives a dict of features for `output`, `self.extract_target` the same
        for the target; `self.distance` compares one layer; `shrink_mask` fits the mask to a layer.
        Loop over `self.weights.items()`. Expected: 0 for equal pictures; and whatever the target
        shows outside the mask, the same loss.

        Args:
            output: (N, 3, H, W) in [-1, 1], or slightly beyond.
            target: (N or 1, 3, H, W) in [-1, 1]; no gradient reaches it.
            mask: (N or 1, 1, H, W) in {0, 1}.

        Raises:
            InputError: shapes that do not fit.
        """
        check_pair(output, target, mask)
        # BEGIN SOLUTION task_1_6
        ours, theirs = self.extract(output), self.extract_target(output, target, mask)
        total = output.new_zeros(len(output))
        for layer, weight in self.weights.items():
            counts = shrink_mask(mask, ours[layer])
            total = total + weight * self.distance(ours[layer], theirs[layer], counts)
        return total
        # END SOLUTION

    def extract(self, images: Images) -> dict[str, Tensor]:
        """Features of the chosen layers, name -> (N, C, h, w)."""
        return self.features(images, tuple(self.weights))

    def extract_target(
        self, output: Images, target: Images, mask: Mask | None
    ) -> dict[str, Tensor]:
        """Features of the target; behind a mask, of the target seen through it, output around it.

        A search asks for the same target a thousand times: without a mask it is computed once.
        With a mask the gradient also flows through the output's pixels around it, so that value and
        gradient belong together, as a line search requires.
        """
        if mask is not None:
            return self.extract(see_through(mask, target, output))
        known = self._known
        # A tensor of inference_mode keeps no count of its changes: nothing can be remembered of it.
        version = None if target.is_inference() else target._version
        if known is None or version is None or known[0] is not target or known[1] != version:
            with torch.no_grad():
                self._known = known = (target, version, self.extract(target))
        return known[2]


class StyleLoss(PerceptualLoss):
    """Weighted sum of `style_distance` over layers: colours and textures, not where they are."""

    distance = staticmethod(style_distance)


def lpips_loss(
    output: Images, target: Images, mask: Mask | None = None, *, lpips: Callable[..., Tensor]
) -> PerPicture:
    """Task 1.7 (about 6 lines, 15 minutes). Learned perceptual distance, Zhang et al. 2018.

    `lpips` answers with one number per picture, (N, 1, 1, 1), or with a map, (N, 1, H, W). Behind
    a mask, compare with the target seen through it (`see_through`). A map is averaged over the
    mask. A single number is an average over the whole picture, nearly all of it equal by
    construction: divide it by the mask's share of the picture.

    Hint: `distance.shape[-1] > 1` tells a map. An empty mask gives 0: there is nothing to see.

    Args:
        output: (N, 3, H, W) in [-1, 1], or slightly beyond.
        target: (N or 1, 3, H, W) in [-1, 1].
        mask: (N or 1, 1, H, W) in {0, 1}.
        lpips: the `lpips` package's loss, or anything called like it, lpips(output, target).

    Raises:
        InputError: shapes that do not fit.
    """
    check_pair(output, target, mask)
    if mask is None:
        return masked_mean(lpips(output, target.expand_as(output)))
    # BEGIN SOLUTION task_1_7
    distance = lpips(output, see_through(mask, target, output))
    if distance.shape[-1] > 1:
        return masked_mean(distance, mask)
    share = mask.flatten(1).mean(dim=1)  # (N or 1,)
    return distance.flatten() / torch.where(share > 0, share, 1)
    # END SOLUTION


def latent_penalty(delta: Codes) -> PerPicture:
    """Task 1.8 (about 3 lines, 5 minutes). Mean squared entry of `delta`: how far from the start.

    The L2 regulariser of the student report, as a mean: the same weight then means the same in z,
    w and w+, whatever their widths.

    Hint: average over everything but the batch. Expected: 1 if every entry is 1 or -1.

    Args:
        delta: z (N, d), w (N, 1, d) or w+ (N, L, d), what was added to the start.
    """
    # BEGIN SOLUTION task_1_8
    squared = delta.square()
    per_picture = squared.flatten(1)  # (N, L * d)
    return per_picture.mean(dim=1)
    # END SOLUTION


class Loss(NamedTuple):
    """A criterion's answer."""

    total: PerPicture  # sum of the terms
    terms: dict[str, PerPicture]  # name -> weighted term; switched-off terms are absent


class Criterion:
    """The sum of losses that a search minimises, weighted by `LossWeights`."""

    def __init__(
        self,
        weights: LossWeights,
        features: FeatureNetwork | None = None,
        lpips: Callable[..., Tensor] | None = None,
    ) -> None:
        """Gather what the positive weights need.

        Args:
            weights: which terms, how strong; see config.py.
            features: network for the perceptual and style terms.
            lpips: loss object for the LPIPS term; see `lpips_loss`.

        Raises:
            InputError: a positive weight whose network was not given, or an unknown layer.
        """
        self.weights = weights
        self.lpips = require("lpips", lpips, weights.lpips)
        if weights.perceptual or weights.style:
            require("features", features, weights.perceptual or weights.style)
            layers = weights.layers
            if weights.layer_weights:
                layers = dict(zip(layers, weights.layer_weights, strict=True))
            self.perceptual = PerceptualLoss(features, layers)
            self.style = StyleLoss(features, layers)

    def __call__(
        self,
        output: Images,
        target: Images,
        mask: Mask | None = None,
        delta: Codes | None = None,
    ) -> Loss:
        """Task 1.9 (about 12 lines, 15 minutes). Total and named, weighted terms.

        Names: "pixel", "perceptual", "style", "lpips", "penalty". A term whose weight is 0 is
        neither computed nor listed; "penalty" is only there when `delta` is given.

        Hint: fill a dict, then `sum(terms.values())`. Expected: the total equals the sum of the
        terms, and doubling a weight doubles its term.

        Args:
            output: (N, 3, H, W) in [-1, 1], or slightly beyond.
            target: (N or 1, 3, H, W) in [-1, 1].
            mask: (N or 1, 1, H, W) in {0, 1}.
            delta: what was added to the start code; see `latent_penalty`.
        """
        # BEGIN SOLUTION task_1_9
        weights, terms = self.weights, {}
        if weights.pixel:
            terms["pixel"] = weights.pixel * pixel_loss(output, target, mask, norm=weights.norm)
        if weights.perceptual:
            terms["perceptual"] = weights.perceptual * self.perceptual(output, target, mask)
        if weights.style:
            terms["style"] = weights.style * self.style(output, target, mask)
        if weights.lpips:
            terms["lpips"] = weights.lpips * lpips_loss(output, target, mask, lpips=self.lpips)
        if weights.penalty and delta is not None:
            terms["penalty"] = weights.penalty * latent_penalty(delta)
        return Loss(total=sum(terms.values()), terms=terms)
        # END SOLUTION
