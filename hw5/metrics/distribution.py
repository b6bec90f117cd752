"""How near two sets of pictures are: FID and KID on pooled features.

Offers `Embedder` and `embed` (pictures to features), `Statistics` (mean and covariance that add up
batch by batch), `fid`, `kid`, `frechet_distance` and `FidRuler`, which remembers its reference set
in a file. Our FID is torchmetrics' figure on EfficientNet-Lite0 features: compare it with our own
figures only, never with papers' Inception FID. Variety and copies are in neighbours.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from hw5.kit.checks import InputError, check_finite, check_images, check_shape
from hw5.kit.files import atomic_write
from hw5.models.features import FeatureNetwork
from hw5.shapes import Images

EMBED_SIZE = 128  # pixels: 4 x 4 positions before pooling; 96 px (3 x 3) is 1.9 times faster
BATCH = 64


class Embedder(nn.Module):
    """Pictures (N, 3, H, W) in [-1, 1] to pooled features (N, D) of a feature network.

    Pictures are clamped and rounded to 256 levels first, as files are, so that a rendered set and
    the same set read back from PNG score alike; then enlarged (or shrunk, antialiased) bilinearly
    to `size`: at 64 px the last feature map would be 2 x 2 and mostly border.

    Args:
        features: any feature network of hw5.models.features.
        layer: which layer to average over space; the deepest one by default.
        size: side in pixels at which the network sees every picture.
    """

    def __init__(
        self, features: FeatureNetwork, *, layer: str | None = None, size: int = EMBED_SIZE
    ) -> None:
        super().__init__()
        self.features = features
        self.layer = features.layer_names[-1] if layer is None else layer
        self.size = size
        self.name = f"{type(features).__name__}/{self.layer}/{size}px"
        self.num_features = self._count_features()  # torchmetrics asks a feature module for it

    @torch.no_grad()
    def forward(self, images: Images) -> Tensor:
        """Embed one batch; (N, D)."""
        levels = ((images.clamp(-1, 1) + 1) * 127.5).round() / 127.5 - 1
        resized = functional.interpolate(
            levels, (self.size, self.size), mode="bilinear", antialias=True
        )
        return self.features(resized, [self.layer])[self.layer].mean(dim=(2, 3))

    def _count_features(self) -> int:
        like = next(self.features.parameters(), torch.zeros(()))
        return self(torch.zeros(1, 3, self.size, self.size).to(like)).shape[1]


class KernelDistance(NamedTuple):
    """KID over random subsets."""

    mean: float
    std: float


@dataclass(frozen=True, eq=False)
class Statistics:
    """What FID needs to know of a set: mean (D,), scatter (D, D) and count, in float64.

    The scatter is the sum of outer products of deviations from the mean; sets add up with `+`
    (Chan et al. 1979), so a stream needs no more memory than one batch.
    """

    mean: Tensor
    scatter: Tensor
    count: int

    @classmethod
    def of(cls, features: Tensor) -> Statistics:
        """Statistics of features (N, D).

        Raises:
            InputError: wrong shape or values that are not finite.
        """
        check_shape("features", features, ("N", "D"))
        check_finite("features", features)
        wide = features.cpu().double()  # float64 is not on every accelerator
        mean = wide.mean(dim=0)
        deviations = wide - mean
        return cls(mean, deviations.T @ deviations, len(features))

    @property
    def covariance(self) -> Tensor:
        """Unbiased covariance, (D, D)."""
        return self.scatter / (self.count - 1)

    def __add__(self, other: Statistics) -> Statistics:
        """Statistics of both sets taken together."""
        count = self.count + other.count
        step = other.mean - self.mean
        mean = self.mean + step * (other.count / count)
        between = torch.outer(step, step) * (self.count * other.count / count)
        return Statistics(mean, self.scatter + other.scatter + between, count)


def embed(
    embedder: Embedder,
    images: Images | Iterable[Images],
    *,
    on_step: Callable[[int], None] | None = None,
) -> Tensor:
    """Features of many pictures, (N, D) float32 on the CPU.

    Args:
        embedder: what turns pictures into features.
        images: one tensor (N, 3, H, W) in [-1, 1], or batches of them, made as they are asked for.
        on_step: called with the number of pictures of each batch done.

    Raises:
        InputError: not pictures in [-1, 1], or none at all.
    """
    rows = []
    for batch in _batches(images):
        rows.append(embedder(batch).float().cpu())
        if on_step is not None:
            on_step(len(batch))
    if not rows:
        raise InputError("images: expected at least one picture, got none.")
    return torch.cat(rows)


def fid(features_a: Tensor, features_b: Tensor) -> float:
    """Frechet distance between two sets of features (N, D) and (M, D), by torchmetrics.

    Heusel et al. 2017, eq. 6. Depends on the number of pictures: compare figures of equal N only.
    10,000 is our standard.

    Raises:
        InputError: widths differ, fewer than two rows, or values that are not finite.
    """
    return FidRuler(Statistics.of(features_a)).score(features_b)


def frechet_distance(a: Statistics, b: Statistics) -> float:
    """The same figure from two statistics in plain torch, without torchmetrics.

    |mean_a - mean_b|^2 + Tr(A + B - 2 (A^1/2 B A^1/2)^1/2), Dowson and Landau 1982, eq. 4. For
    training machines; `FidRuler` gives the figures to report.
    """
    values, vectors = torch.linalg.eigh(a.covariance)
    root = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    overlap = torch.linalg.eigvalsh(root @ b.covariance @ root).clamp(min=0).sqrt().sum()
    traces = a.covariance.trace() + b.covariance.trace()
    return float((a.mean - b.mean).square().sum() + traces - 2 * overlap)


def kid(
    features_a: Tensor,
    features_b: Tensor,
    *,
    subset_size: int = 1000,
    subsets: int = 100,
    rng: torch.Generator,
) -> KernelDistance:
    """Kernel distance: squared MMD with a cubic kernel, torchmetrics' arithmetic.

    Binkowski et al. 2018, section 4. Unlike FID it does not shrink with the number of pictures, and
    is around 0 for equal distributions.

    Args:
        features_a: (N, D).
        features_b: (M, D).
        subset_size: rows drawn from each set; 1000 in the paper.
        subsets: how many draws are averaged; 100 in torchmetrics.
        rng: draws the subsets.

    Raises:
        InputError: widths differ or a set is smaller than `subset_size`.
    """
    from torchmetrics.image.kid import poly_mmd

    check_shape("features_a", features_a, ("N", "D"))
    check_shape("features_b", features_b, ("M", features_a.shape[1]))
    smallest = min(len(features_a), len(features_b))
    if not 1 < subset_size <= smallest:
        raise InputError(f"subset_size: expected 2 to {smallest} (rows given), got {subset_size}.")

    def draw(features: Tensor) -> Tensor:
        rows = torch.randperm(len(features), generator=rng, device=rng.device)[:subset_size]
        return features[rows.to(features.device)].cpu().double()

    scores = torch.stack([poly_mmd(draw(features_a), draw(features_b)) for _ in range(subsets)])
    return KernelDistance(float(scores.mean()), float(scores.std(unbiased=False)))


class FidRuler:
    """FID against one fixed reference set, whose statistics stand for its pictures.

    Args:
        reference: statistics of the reference set.
        name: what the features are (`Embedder.name`); rulers of other features must not be mixed.
    """

    def __init__(self, reference: Statistics, *, name: str = "features") -> None:
        if reference.count < 2:
            raise InputError(f"reference: expected at least 2 pictures, got {reference.count}.")
        self.reference = reference
        self.name = name

    def score(self, features: Tensor) -> float:
        """FID of features (N, D) against the reference; the end of the sum is torchmetrics' own.

        Raises:
            InputError: another width than the reference, fewer than two rows, or not finite.
        """
        from torchmetrics.image.fid import FrechetInceptionDistance

        width = len(self.reference.mean)
        check_shape("features", features, ("N", width), hint="embed with the ruler's network")
        check_finite("features", features)
        if len(features) < 2:
            raise InputError(f"features: expected at least 2 rows, got {len(features)}.")
        metric = FrechetInceptionDistance(feature=_Given(width), normalize=True)
        count, mean = self.reference.count, self.reference.mean
        metric.real_features_sum = mean * count
        metric.real_features_cov_sum = self.reference.scatter + count * torch.outer(mean, mean)
        metric.real_features_num_samples = torch.tensor(count)
        metric.update(features.to(mean.device).double(), real=False)
        return float(metric.compute())

    def save(self, path: str | Path) -> None:
        """Write mean, covariance, count and name to an npz file."""
        with atomic_write(path) as temporary, temporary.open("wb") as file:
            np.savez(
                file,
                mean=self.reference.mean.cpu().numpy(),
                covariance=self.reference.covariance.cpu().numpy(),
                count=np.int64(self.reference.count),
                name=np.str_(self.name),
            )

    @classmethod
    def load(cls, path: str | Path, *, name: str) -> FidRuler:
        """Read what `save` wrote.

        Raises:
            InputError: the file is missing, damaged, or was made with other features than `name`.
        """
        try:
            with np.load(path, allow_pickle=False) as stored:
                found = str(stored["name"])
                mean, covariance = (torch.from_numpy(stored[k]) for k in ("mean", "covariance"))
                count = int(stored["count"])
        except Exception as error:  # numpy raises half a dozen kinds for damaged files
            raise InputError(
                f"{path}: expected statistics saved by FidRuler.save, got {error!r}. "
                "Hint: delete the file; it is made again when it is missing."
            ) from error
        if found != name:
            raise InputError(
                f"{path}: expected statistics of {name}, got {found}. Hint: delete the file."
            )
        return cls(Statistics(mean, covariance * (count - 1), count), name=name)


class _Given(nn.Module):
    """Stands where torchmetrics expects a network: the features are already made."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.num_features = width

    def forward(self, features: Tensor) -> Tensor:
        return features


def _batches(images: Images | Iterable[Images]) -> Iterable[Images]:
    """Pieces of at most `BATCH` pictures, each checked."""
    for group in [images] if isinstance(images, Tensor) else images:
        check_images("images", group.clamp(-1, 1) if _overshoots(group) else group)
        yield from group.split(BATCH)


def _overshoots(images: Images) -> bool:
    """Whether a generator without tanh left [-1, 1] by a little, which is not a wrong range."""
    return images.is_floating_point() and 1 < images.abs().amax() <= 2
