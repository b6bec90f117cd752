"""Speed, measured as ratios within one run on one machine: bare times do not travel.

Offers `BENCHES`, a table of measurements, and `run`. Each measurement is a function that returns
flat names with numbers; the units are part of the names. Read next: timing.py, then the others.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from hw5.bench.browser import measure_browser
from hw5.bench.cost import measure_cost
from hw5.bench.fastest import measure_fastest
from hw5.bench.generator import measure_generators
from hw5.bench.inversion import measure_inversion
from hw5.bench.official import measure_official
from hw5.bench.perceptual import measure_perceptual
from hw5.bench.projection import measure_projection
from hw5.bench.quality import measure_fid, measure_triplets
from hw5.bench.reader import measure_reader, measure_world_reader
from hw5.bench.rendering import measure_compiled, measure_rendering
from hw5.bench.scribble import measure_scribble
from hw5.bench.slider import measure_slider
from hw5.defaults import CPU
from hw5.kit.checks import InputError, check_choice

BENCHES: dict[str, Callable[..., dict[str, float]]] = {
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
    "world-reader": measure_world_reader,
    "fid": measure_fid,
    "fastest": measure_fastest,
    "inversion": measure_inversion,
    "browser": measure_browser,
    "official": measure_official,
}
ON_ANY_DEVICE = ("official",)  # take a device; the others measure what the CPU does
# Minutes, where the others take seconds; or a browser.
ONLY_WHEN_NAMED = (
    "compiled", "cost", "triplets", "perceptual", "scribble", "reader", "world-reader", "fid",
    "fastest", "inversion", "browser", "official",
)  # fmt: skip


def run(name: str, device: torch.device = CPU) -> dict[str, float]:
    """Run one measurement; its names begin with `name` and a dot.

    Raises:
        InputError: no such measurement, or not one for this device.
    """
    check_choice("bench", name, tuple(BENCHES))
    if device.type != "cpu" and name not in ON_ANY_DEVICE:
        expected = f"cpu for bench {name}; {', '.join(ON_ANY_DEVICE)} runs on any device"
        raise InputError.about("--device", expected=expected, got=str(device))
    found = BENCHES[name](device) if name in ON_ANY_DEVICE else BENCHES[name]()
    return {f"{name}.{key}": value for key, value in found.items()}
