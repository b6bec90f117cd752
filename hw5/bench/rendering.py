"""How fast the world renders, without compiling anything.

Offers `measure_rendering`.
"""

from __future__ import annotations

from hw5 import world
from hw5.bench.timing import median_seconds
from hw5.kit import seeding

BATCH = 16
SIZE = 64  # pixels
TARGET_SINGLE = 0.2  # seconds that one picture in a notebook may take


def measure_rendering() -> dict[str, float]:
    """One picture against its target, and a batch against as many single pictures."""
    cats = world.sample(BATCH, rng=seeding.make(0))
    one = cats.select([0])
    single = median_seconds(lambda: world.render(one, SIZE), at_least=3)
    batch = median_seconds(lambda: world.render(cats, SIZE), at_least=3)
    return {
        "single_seconds": single,
        "single_over_target": single / TARGET_SINGLE,
        "batch_pictures_per_second": BATCH / batch,
        "batch_speedup": single * BATCH / batch,
    }
