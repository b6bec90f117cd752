"""How fast the world renders: as notebooks call it, and compiled as training sets are made.

Offers `measure_rendering` and, slow because it compiles first, `measure_compiled`.
"""

from __future__ import annotations

import time

from hw5 import world
from hw5.bench.timing import median_seconds
from hw5.kit import seeding

BATCH = 16
SIZE = 64  # pixels
COMPILED_BATCH = 32  # as dataset.py renders training sets
TARGET_SPEED = 100  # pictures/s compiled on two cores
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


def measure_compiled() -> dict[str, float]:
    """Pictures per second of the compiled renderer, against its target, and what compiling cost."""
    cats = world.sample(COMPILED_BATCH, rng=seeding.make(0))

    def work() -> object:
        return world.render(cats, SIZE, compiled=True)

    begin = time.perf_counter()
    work()
    first = time.perf_counter() - begin
    each = median_seconds(work, seconds=5, at_least=5)
    speed = COMPILED_BATCH / each
    return {
        "compile_seconds": first - each,
        "pictures_per_second": speed,
        "speed_over_target": speed / TARGET_SPEED,
    }
