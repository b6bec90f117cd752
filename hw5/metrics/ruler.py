"""The ruler for edits, ready to measure: the world's reader, its second look, how far they go.

Offers `open_ruler`, `known_floor`, which the card of the ruler holds, and `measure_floor` with
`as_facts`, by which it came there. Read next: what_changed.py, which measures with it.
"""

from __future__ import annotations

import math

import torch

from hw5 import zoo
from hw5.kit import seeding
from hw5.metrics.what_changed import NoiseFloor, noise_floor, probe_pairs
from hw5.models.second_look import Ruler
from hw5.world.factors import FACTORS

READER, SECOND_LOOK = "world-reader", "second-look"
FLOOR = "noise_floor"  # the card's entry: factor -> floor (null: infinite), explained, power
PROBES = 200  # rendered pairs that a floor is measured on
DIGITS = 5  # of a card's figures


def open_ruler(device: torch.device | str = "cpu") -> Ruler:
    """The bundled reader and its second look, on `device`, in evaluation mode.

    Raises:
        InputError: a missing or damaged weight.
    """
    where = torch.device(device)
    return Ruler(zoo.load(READER, where), zoo.load(SECOND_LOOK, where)).eval()


def known_floor(device: torch.device | str = "cpu") -> NoiseFloor:
    """How far the bundled ruler can be trusted, from its card; measured where that is silent.

    It belongs to the weights, as the card does: training writes another one for others.

    Raises:
        InputError: a missing or damaged card or weight.
    """
    facts = zoo.card(SECOND_LOOK).get(FLOOR, {})
    if set(facts) != {factor.name for factor in FACTORS}:
        return measure_floor(open_ruler(device))
    rows = [[math.inf if x is None else x for x in facts[factor.name]] for factor in FACTORS]
    return NoiseFloor(*torch.tensor(rows, device=torch.device(device)).T)


def measure_floor(ruler: Ruler, *, count: int = PROBES) -> NoiseFloor:
    """The noise floor of a ruler on `count` rendered pairs; of 200 it takes 20 s of one core."""
    place = next(ruler.parameters()).device
    return noise_floor(ruler.read, probe_pairs(count, rng=seeding.make(0)).to(place))


def as_facts(known: NoiseFloor) -> dict[str, list[float | None]]:
    """A noise floor as a card holds it."""
    columns = (known.floors, known.explained, known.power)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return {
        factor.name: [float(f"{x:.{DIGITS}g}") if math.isfinite(x) else None for x in row]
        for factor, row in zip(FACTORS, rows, strict=True)
    }
