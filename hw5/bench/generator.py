"""How much of this machine's convolution speed the generators reach, and how fast they load.

Offers `measure_generators`, `load_seconds`, `peak_flops` and `count_flops`. The peak is measured,
not looked up: the best of a few plain 3x3 convolutions, in the same precision and with the same
threads.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch.utils.flop_counter import FlopCounterMode

from hw5 import latents, zoo
from hw5.bench.timing import median_seconds
from hw5.kit import seeding
from hw5.models.generator import Generator

FOLDER = Path(__file__).resolve().parents[2]  # that holds the package
GENERATORS = ("dcgan", "stylegan2")
BATCHES = (1, 16)
# Channels and side of the convolutions that race for the peak.
PEAK_SHAPES = ((64, 64), (128, 32), (256, 16), (256, 32))
PEAK_BATCH = 8


def measure_generators() -> dict[str, float]:
    """How fast each bundled generator loads, and for each batch size its share of the peak."""
    found = {f"{name}_load_seconds": load_seconds(name) for name in GENERATORS}
    peak = peak_flops()
    found["peak_gigaflops"] = peak / 1e9
    for name in GENERATORS:
        network = zoo.load(name)
        for batch in BATCHES:
            work = forward_pass(network, batch)
            seconds = median_seconds(work)
            found[f"{name}_batch{batch}_share_of_peak"] = count_flops(work) / seconds / peak
            found[f"{name}_batch{batch}_pictures_per_second"] = batch / seconds
    return found


def load_seconds(name: str) -> float:
    """Seconds of the first `zoo.load` in a fresh process, its imports not counted."""
    code = (
        "import time\nfrom hw5 import zoo\nbegin = time.perf_counter()\n"
        f"zoo.load({name!r})\nprint(time.perf_counter() - begin)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=FOLDER, capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def forward_pass(network: Generator, batch: int) -> Callable[[], object]:
    """A function that renders `batch` pictures from the generator's last space."""
    space = network.spaces[-1]
    codes = latents.sample_noise(network, space, batch, rng=seeding.make(0))

    @torch.no_grad()
    def work() -> object:
        return latents.render(network, codes, space)

    return work


def count_flops(work: Callable[[], object]) -> float:
    """Multiplications and additions in matrix products and convolutions of one call."""
    with FlopCounterMode(display=False) as counter:
        work()
    return float(counter.get_total_flops())


def peak_flops() -> float:
    """The most operations a second that a plain convolution reaches here."""
    best = 0.0
    for channels, side in PEAK_SHAPES:
        images = torch.randn(PEAK_BATCH, channels, side, side)
        weight = torch.randn(channels, channels, 3, 3)

        def work(images: torch.Tensor = images, weight: torch.Tensor = weight) -> object:
            return F.conv2d(images, weight, padding=1)

        best = max(best, count_flops(work) / median_seconds(work, seconds=0.5))
    return best
