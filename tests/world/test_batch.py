"""Gathering work into rows: everything wanted is there, nothing else, and no row mixes pictures."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch

from hw5.world.batch import chunks, pack, take


@pytest.fixture
def wanted(rng):
    mask = torch.rand(5, 40, generator=rng) < torch.tensor([0.5, 0.0, 1.0, 0.1, 0.9])[:, None]
    mask[3, 7] = True
    return mask


def pairs(rows):
    """Picture and unit of everything that the rows hold."""
    who = rows.picture[:, None].expand_as(rows.unit)
    return set(zip(who.flatten().tolist(), rows.unit.flatten().tolist(), strict=True))


@pytest.mark.parametrize("length", [1, 7, 64])
def test_rows_hold_exactly_what_is_wanted(wanted, length):
    rows = pack(wanted, length)
    assert pairs(rows) == {tuple(index) for index in wanted.nonzero().tolist()}
    assert rows.unit.shape[1] == length
    assert len(rows.picture) == sum(-(-int(n) // length) for n in wanted.sum(1))


def test_nothing_wanted_gives_no_rows():
    rows = pack(torch.zeros(3, 8, dtype=torch.bool), 4)
    assert rows.unit.shape == (0, 4)
    assert list(chunks(rows, 2, full=True)) == []


@pytest.mark.parametrize("full", [False, True])
def test_chunks_lose_nothing_and_full_ones_have_one_size(wanted, full):
    rows = pack(wanted, 7)
    parts = list(chunks(rows, 4, full=full))
    assert set().union(*map(pairs, parts)) == pairs(rows)
    sizes = [len(part.picture) for part in parts]
    assert all(size == 4 for size in (sizes if full else sizes[:-1]))
    assert full or sum(sizes) == len(rows.picture)


@dataclass(frozen=True)
class Inner:
    values: torch.Tensor
    colour: tuple[torch.Tensor, torch.Tensor]
    names: tuple[str, ...]


def test_take_reaches_into_dataclasses_and_tuples():
    numbers = torch.arange(4.0)[:, None]
    taken = take(
        (Inner(numbers, (numbers + 10, numbers + 20), ("hat",)), 0.5), torch.tensor([2, 0])
    )
    inner, plain = taken
    assert inner.values.flatten().tolist() == [2, 0]
    assert [c.flatten().tolist() for c in inner.colour] == [[12, 10], [22, 20]]
    assert inner.names == ("hat",) and plain == 0.5
