"""How far the ruler for edits can be trusted. Slow, so only run when named.

Offers `measure_reader`, its noise floor, factor by factor (protocol: rendered pairs of cats that
differ in some factors, all known; metrics/what_changed.py), and `measure_world_reader`, the figures
of its card measured anew.
"""

from __future__ import annotations

from hw5.metrics.ruler import measure_floor, open_ruler
from hw5.train import read_quality, recognise
from hw5.world.factors import FACTORS


def measure_reader() -> dict[str, float]:
    """Floor of each factor in its unit, and the share of its true changes that is read."""
    known = measure_floor(open_ruler())
    found = {"factors_told": float(len(FACTORS) - len(known.unread))}
    for column, factor in enumerate(FACTORS):
        unit = factor.unit.replace(" ", "_")
        found[f"{factor.name}_floor_{unit}"] = float(known.floors[column])
        found[f"{factor.name}_explained"] = float(known.explained[column])
    return found


def measure_world_reader() -> dict[str, float]:
    """R2 or share right of each factor, IoU of each part, ROC-AUC of identity, on unseen cats."""
    reader = open_ruler()
    judged = read_quality.measure_reader(reader, compiled=True)
    recognised = recognise.recognition(reader.reader, recognise.IdentitySettings())
    return {name.replace(" ", "_"): value for name, value in (judged | recognised).items()}
