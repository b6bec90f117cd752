"""Gathering the work that matters: rows of samples of one picture each, and their numbers.

Most samples of a picture need no work (nothing is there). `pack` gathers the others into rows of
one length, so that they are computed densely; `take` gathers the per-picture numbers of each row.
Knows nothing of cats. Read next: canvas.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor

ROW = 1024  # samples that are computed side by side, all of one picture
MANY_ROWS = 1024  # rows at a time where nothing says how many a cache holds

Batch = TypeVar("Batch")


class Rows(NamedTuple):
    """Rows of units of work: the picture `(R,)` of each row, and its units `(R, K)`."""

    picture: Tensor
    unit: Tensor


def pack(wanted: Tensor, length: int) -> Rows:
    """Gather the wanted units of `(N, C)` bool into rows of `length`, each of one picture.

    The last row of a picture repeats its last unit to be full.
    """
    unit = wanted.nonzero(as_tuple=True)[1]  # ordered by picture
    count = wanted.sum(1)
    num_rows = (count + length - 1) // length
    first_unit, first_row = count.cumsum(0) - count, num_rows.cumsum(0) - num_rows
    pictures = torch.arange(len(wanted), device=wanted.device)
    picture = torch.repeat_interleave(pictures, num_rows)  # (R,)
    row_of_picture = torch.arange(len(picture), device=wanted.device) - first_row[picture]
    start = first_unit[picture] + row_of_picture * length
    last = (first_unit + count)[picture] - 1
    place = start[:, None] + torch.arange(length, device=wanted.device)
    return Rows(picture, unit[torch.minimum(place, last[:, None])])


def chunks(rows: Rows, size: int, *, full: bool) -> Iterator[Rows]:
    """At most `size` rows at a time; with `full`, exactly so many, the last row repeated."""
    count, device = len(rows.picture), rows.picture.device
    for start in range(0, count, size):
        end = start + size if full else min(start + size, count)
        index = torch.arange(start, end, device=device).clamp(max=count - 1)
        yield Rows(rows.picture[index], rows.unit[index])


def take(batch: Batch, index: Tensor) -> Batch:
    """Rows `index` of every tensor in a dataclass or tuple of tensors `(N, ...)`."""
    if isinstance(batch, Tensor):
        return batch[index]
    if isinstance(batch, tuple):
        return tuple(take(part, index) for part in batch)
    if is_dataclass(batch):
        return type(batch)(*(take(getattr(batch, f.name), index) for f in fields(batch)))
    return batch
