"""How long a slider waits: from code to the bytes of a picture.

Offers `measure_slider`.
"""

from __future__ import annotations

import torch

from hw5 import latents, zoo
from hw5.bench.timing import percentile, times
from hw5.kit import images, seeding

TARGET_MS = 30  # a hand feels more than this as lag
SHARE = 0.95
CALLS = 200


def measure_slider() -> dict[str, float]:
    """95th percentile in ms of code -> picture -> bytes, PNG and JPEG, and against its target."""
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
    return found
