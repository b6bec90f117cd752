"""How long a slider waits: from code to the bytes of a picture, and from event to bytes.

Offers `measure_slider`. Read next: browser.py, which measures the rest of the way.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable

import torch

from hw5 import latents, ui, zoo
from hw5.bench.timing import percentile, times
from hw5.kit import images, seeding
from hw5.models.generator import Generator

TARGET_MS = 30  # a hand feels more than this as lag
SHARE = 0.95
CALLS = 200
PATIENCE = 10.0  # seconds to wait for a picture


def measure_slider() -> dict[str, float]:
    """95th percentile in ms, and against its target.

    "png" and "jpeg": code -> picture -> bytes. "widget": value of a slider -> bytes in the image of
    its panel, with the thread between them.
    """
    network = zoo.load("stylegan2")
    space = network.spaces[-1]
    codes = latents.sample_noise(network, space, CALLS, rng=seeding.make(0))
    found = {}
    for kind, encode in (("png", images.to_png), ("jpeg", images.to_jpeg)):
        rest = iter(range(10**9))

        @torch.no_grad()
        def work(rest: object = rest, encode: object = encode) -> object:
            code = codes[next(rest) % CALLS]
            return encode(latents.render(network, code[None], space))

        slow = 1000 * percentile(times(work, seconds=1, at_least=CALLS), SHARE)
        found |= {f"{kind}_p95_ms": slow, f"{kind}_p95_over_target": slow / TARGET_MS}
    slow = 1000 * percentile(times(slider_event(network), seconds=1, at_least=CALLS), SHARE)
    return found | {"widget_p95_ms": slow, "widget_p95_over_target": slow / TARGET_MS}


def slider_event(network: Generator) -> Callable[[], bool]:
    """A function that moves a slider and waits for its picture; False if none came."""
    panel = ui.sampler(network)
    has_come, seeds = threading.Event(), itertools.cycle(range(1, 1000))
    panel.pane.image.observe(lambda _: has_come.set(), "value")

    def move() -> bool:
        has_come.clear()
        panel.seed.value = next(seeds)
        return has_come.wait(PATIENCE)

    return move
