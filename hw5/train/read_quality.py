"""How well the world's reader reads, segments and recognises on the test split, for its card.

Offers `measure_reader` and `weak`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import add

import torch

from hw5.metrics.readings import score_readings
from hw5.metrics.segmentation import iou
from hw5.models.second_look import Ruler
from hw5.models.world_reader import WorldReader
from hw5.world import dataset
from hw5.world.dataset import split_factors
from hw5.world.factors import PARTS

# Figure below which the card calls a factor or a part weak. IoU is the stricter ruler: a rim of one
# pixel around a part of ten costs a third of it.
ENOUGH = {"reads": 0.9, "IoU": 0.85}
_BATCH = 100


@torch.no_grad()
def measure_reader(
    reader: WorldReader | Ruler, *, count: int = 10_000, compiled: bool = False
) -> dict[str, float]:
    """Figure of every factor ("reads yaw"), IoU of every part and their mean, on test pictures."""
    reader.eval()
    where = next(reader.parameters()).device
    stored = dataset.pictures("test", count, compiled=compiled, with_segmentation=True)
    numbers, overlaps = [], []
    for start in range(0, count, _BATCH):
        rows = torch.from_numpy(stored[start : start + _BATCH].copy())
        read, parts = reader.read_and_segment((rows[:, :3].float() / 127.5 - 1.0).to(where))
        numbers.append(read.cpu())
        overlaps.append(iou(parts.cpu(), rows[:, 3].long(), len(PARTS)))
    figures = score_readings(torch.cat(numbers), split_factors("test", count))
    overlap = reduce(add, overlaps)
    shares = dict(zip(PARTS, overlap.per_class.tolist(), strict=True))
    return {
        **{f"reads {name}": value for name, value in figures.items()},
        **{f"IoU {name}": value for name, value in shares.items()},
        "mean IoU": overlap.mean,
        "pictures_judged": float(count),
    }


def weak(figures: Mapping[str, float]) -> list[str]:
    """Names of the figures, of factors, parts and their mean, that are below `ENOUGH`."""
    bars = {name: bar for name in figures for kind, bar in ENOUGH.items() if kind in name.split()}
    return [name for name, bar in bars.items() if figures[name] < bar]
