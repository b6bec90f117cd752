"""Speed, measured as ratios within one run on one machine: bare times do not travel.

Offers `BENCHES`, a table of measurements, and `run`. Each measurement is a function that returns
flat names with numbers; the units are part of the names. Read next: timing.py, then the others.
"""

from __future__ import annotations

from collections.abc import Callable

from hw5.bench.browser import measure_browser
from hw5.bench.cost import measure_cost
from hw5.bench.generator import measure_generators
from hw5.bench.inversion import measure_inversion
from hw5.bench.perceptual import measure_perceptual
from hw5.bench.projection import measure_projection
from hw5.bench.quality import measure_fid, measure_triplets
from hw5.bench.reader import measure_reader
from hw5.bench.rendering import measure_compiled, measure_rendering
from hw5.bench.scribble import measure_scribble
from hw5.bench.slider import measure_slider
from hw5.kit.checks import check_choice

BENCHES: dict[str, Callable[[], dict[str, float]]] = {
    "render": measure_rendering,
    "generator": measure_generators,
    "slider": measure_slider,
    "projection": measure_projection,
    "compiled": measure_compiled,
    "cost": measure_cost,
    "triplets": measure_triplets,
    "perceptual": measure_perceptual,
    "scribble": measure_scribble,
    "reader": measure_reader,
    "fid": measure_fid,
    "inversion": measure_inversion,
    "browser": measure_browser,
}
# Minutes, where the others take seconds; or a browser.
ONLY_WHEN_NAMED = (
    "compiled", "cost", "triplets", "perceptual", "scribble", "reader", "fid", "inversion",
    "browser",
)  # fmt: skip


def run(name: str) -> dict[str, float]:
    """Run one measurement; its names begin with `name` and a dot.

    Raises:
        InputError: no such measurement.
    """
    check_choice("bench", name, tuple(BENCHES))
    return {f"{name}.{key}": value for key, value in BENCHES[name]().items()}
