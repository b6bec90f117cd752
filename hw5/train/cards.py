"""Cards of trained weights, and which weights are stale.

A card is the JSON beside a weight: command, data, seed, time, device, metrics, and the digests of
the weights it was trained on. Offers `make_card`, `digest_of`, `stale` and `of_earlier_renderers`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from hw5 import zoo
from hw5.kit.devices import name_of
from hw5.world.dataset import renderer_digest


def digest_of(name: str) -> str:
    """SHA-256 of a shipped weight as the manifest lists it."""
    return zoo.describe(name).sha256


def make_card(
    *,
    what: str,
    command: str,
    data: str,
    seed: int,
    device: torch.device,
    metrics: Mapping[str, float],
    trained_on: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Everything a reader needs to judge a weight and to make it again."""
    return {
        "what": what,
        "licence": "CC0-1.0",
        "command": command,
        "data": data,
        "renderer": renderer_digest(),
        "seed": seed,
        "device": f"{device.type} ({name_of(device)})",
        "torch": torch.__version__,
        "metrics": {name: float(f"{value:.5g}") for name, value in metrics.items()},
        "trained_on": {name: digest_of(name) for name in trained_on},
    }


def stale() -> list[str]:
    """Shipped weights that were trained on a weight that has changed since, in manifest order."""
    found = []
    for name in zoo.names():
        entry = zoo.describe(name)
        if not entry.file:
            continue
        sources = zoo.card(name).get("trained_on", {})
        if any(other in found or digest_of(other) != digest for other, digest in sources.items()):
            found.append(name)
    return found


def of_earlier_renderers() -> list[str]:
    """Shipped weights whose pictures another state of the world's source drew, in manifest order.

    They are not stale for it: a changed line of the source need not change a picture anyone sees.
    """
    today, bundled = renderer_digest(), (name for name in zoo.names() if zoo.describe(name).file)
    return [name for name in bundled if zoo.card(name).get("renderer") != today]
