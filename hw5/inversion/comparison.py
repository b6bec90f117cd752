"""The table of the in-domain talk on our world: every method on the same held-out pictures.

Zhu et al. 2020 (In-domain GAN inversion, arXiv 2004.00049), table 1: seconds, FID, SWD and MSE.
Here the truth is known, so two columns say what no photograph can: how far the factors read from
the reconstruction are from those that were rendered, and whether it is still the same cat.
Offers `Shard` (a method's answer for a few pictures), `judge`, `Reference`, `PUBLISHED` and
`PUBLISHED_EDITS`. The commands are hw5/cli/compare.py and semantics.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from hw5.inversion.inverted import Inverted
from hw5.kit import seeding
from hw5.kit.checks import InputError, check_shape
from hw5.metrics import distribution, pixels
from hw5.metrics.identity import cosine_similarity
from hw5.metrics.perceptual import LpipsMetric
from hw5.metrics.sliced import swd
from hw5.models.features import FeatureNetwork
from hw5.shapes import Images
from hw5.world.factors import Factors
from hw5.world.targets import targets

if TYPE_CHECKING:
    from hw5.models.second_look import Ruler

BATCH = 50  # pictures judged at a time


class Published(NamedTuple):
    """A row of the talk's table; FID, SWD and MSE on its own features, scales and pictures."""

    seconds: float
    face: tuple[float, float, float]  # FID, SWD, MSE on FFHQ faces, 256 px
    tower: tuple[float, float, float]  # on LSUN towers


# From the talk "In-Domain GAN Inversion"; the same as table 1 of the paper. Only orders travel.
PUBLISHED = {
    "conventional": Published(0.008, (88.48, 100.5, 0.507), (73.02, 69.19, 0.455)),
    "image2stylegan": Published(290.0, (58.04, 29.19, 0.026), (69.16, 55.35, 0.068)),
    "encoder": Published(0.017, (52.85, 13.02, 0.062), (46.81, 27.13, 0.071)),
    "in-domain": Published(8.0, (42.64, 13.44, 0.030), (44.77, 26.44, 0.052)),
}


class PublishedEdits(NamedTuple):
    """What editing inverted codes does to pictures: FID and SWD of each kind of edit."""

    interpolation: tuple[float, float]
    manipulation: tuple[float, float]


# From the same talk, table 2 of the paper: method -> pictures -> figures. Less is better; of FFHQ
# faces and LSUN towers at 256 px, so only orders travel.
PUBLISHED_EDITS = {
    "image2stylegan": {
        "face": PublishedEdits((112.09, 38.20), (83.69, 28.48)),
        "tower": PublishedEdits((121.38, 67.75), (113.0, 52.91)),
    },
    "in-domain": {
        "face": PublishedEdits((91.18, 33.91), (76.43, 17.99)),
        "tower": PublishedEdits((57.22, 28.24), (57.92, 31.50)),
    },
}


@dataclass(frozen=True, eq=False)
class Shard:
    """What a method made of some pictures of the test split."""

    first: int  # number of the first picture
    image: Images  # (N, 3, H, W)
    code: Tensor  # w+ (N, L, d)
    seconds: float  # for all N

    @classmethod
    def of(cls, first: int, found: Inverted) -> Shard:
        """Keep of an inversion what the table needs."""
        return cls(first, found.image, found.code, found.seconds)


@dataclass(frozen=True, eq=False)
class Judges:
    """The networks that look at reconstructions; no method was trained against the reader."""

    lpips: LpipsMetric
    reader: Ruler


def judge(
    shards: Sequence[Shard], truth: Reference, cats: Factors, judges: Judges
) -> dict[str, float]:
    """One row of the table.

    Args:
        shards: a method's answers, which together cover the pictures in order.
        truth: the pictures that were inverted.
        cats: what was rendered to make them.
        judges: see `Judges`.

    Returns:
        seconds (a picture), fid and swd (of the reconstructions against `truth`), mse, psnr, ssim,
        lpips, factor_error (mean squared error of the reader's numbers beyond those it makes on the
        pictures themselves), identity (mean cosine similarity to the pictures themselves).

    Raises:
        InputError: the shards do not cover the pictures.
    """
    made = torch.cat([shard.image for shard in sorted(shards, key=lambda shard: shard.first)])
    check_shape("shards", made, tuple(truth.pictures.shape), hint="run the missing pictures first")
    made = made.clamp(-1, 1)
    row = {"seconds": sum(shard.seconds for shard in shards) / len(made)}
    return row | truth.distances(made) | _pairwise(made, truth.pictures, cats, judges)


class Reference:
    """Pictures that others are held against, embedded once."""

    def __init__(self, pictures: Images, features: FeatureNetwork) -> None:
        """Look at the pictures (N, 3, H, W) in [-1, 1] through the network of FID."""
        self.pictures = pictures
        self._embedder = distribution.Embedder(features)
        self._seen = self._embed(pictures)

    def distances(self, made: Images) -> dict[str, float]:
        """FID and SWD of as many other pictures."""
        return {
            "fid": distribution.fid(self._embed(made), self._seen),
            "swd": swd(made, self.pictures, rng=seeding.make(0)).mean,
        }

    def _embed(self, pictures: Images) -> Tensor:
        return distribution.embed(self._embedder, pictures.split(BATCH))


@torch.no_grad()
def _pairwise(made: Images, truth: Images, cats: Factors, judges: Judges) -> dict[str, float]:
    """Means over the pictures of what compares one with one."""
    rulers = {"mse": pixels.mse, "psnr": pixels.psnr, "ssim": pixels.ssim, "lpips": judges.lpips}
    sums: dict[str, float] = {}
    for start in range(0, len(made), BATCH):
        rows = slice(start, start + BATCH)
        one, other = made[rows], truth[rows]
        found = {name: float(ruler(one, other).sum()) for name, ruler in rulers.items()}
        wanted = targets(cats.select(rows)).to(one)
        errors = [(judges.reader.read(each) - wanted).square().mean(1) for each in (one, other)]
        found["factor_error"] = float((errors[0] - errors[1]).sum())
        who = [judges.reader.embed(each) for each in (one, other)]
        found["identity"] = float(cosine_similarity(*who).sum())
        sums = {name: sums.get(name, 0.0) + value for name, value in found.items()}
    return {name: value / len(made) for name, value in sums.items()}


def as_text(rows: Mapping[str, Mapping[str, float]], count: int) -> str:
    """The table as text, the published figures under each row that has them.

    Raises:
        InputError: no row.
    """
    if not rows:
        raise InputError("table: expected at least one method, got none.")
    columns = list(next(iter(rows.values())))
    lines = [f"{count} pictures of the test split", f"{'method':<24}" + _cells(columns)]
    for name, row in rows.items():
        lines.append(f"{name:<24}" + _cells([f"{row[column]:.3g}" for column in columns]))
        if name in PUBLISHED:
            known = PUBLISHED[name]
            for what, (fid, swd_, mse) in (("face", known.face), ("tower", known.tower)):
                row_ = {"seconds": known.seconds, "fid": fid, "swd": swd_, "mse": mse}
                cells = [f"{row_[column]:g}" if column in row_ else "" for column in columns]
                lines.append(f"{'  published, ' + what:<24}" + _cells(cells))
    return "\n".join(line.rstrip() for line in lines)


def _cells(words: Sequence[str]) -> str:
    return "".join(f"{word:>13}" for word in words)
