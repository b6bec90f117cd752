"""How far the ruler for edits can be trusted: its noise floor, factor by factor.

Offers `measure_reader`. Protocol: rendered pairs of cats that differ in some factors, all known
(metrics/what_changed.py). Slow, so only run when named.
"""

from __future__ import annotations

from hw5 import zoo
from hw5.kit import seeding
from hw5.metrics.what_changed import noise_floor, probe_pairs
from hw5.world.factors import FACTORS

NUM_PAIRS = 200


def measure_reader() -> dict[str, float]:
    """Floor of each factor in its unit, and the share of its true changes that is read."""
    reader = zoo.load("world-reader")
    known = noise_floor(reader.read, probe_pairs(NUM_PAIRS, rng=seeding.make(0)))
    found = {"factors_told": float(len(FACTORS) - len(known.unread))}
    for column, factor in enumerate(FACTORS):
        unit = factor.unit.replace(" ", "_")
        found[f"{factor.name}_floor_{unit}"] = float(known.floors[column])
        found[f"{factor.name}_explained"] = float(known.explained[column])
    return found
