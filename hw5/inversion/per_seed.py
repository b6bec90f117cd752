"""What each seed of a search found, where `search.Projected` holds the best one.

Offers `of_seed`. The ladder compares starts with it, the ablation settings that shared a batch.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from hw5.search import Projected


def of_seed(found: Projected, seed: int) -> Projected:
    """The outcome of one seed of a search, best or not."""
    parts = found.state["objectives"]
    best = {name: torch.cat([part["best"][name] for part in parts]) for name in parts[0]["best"]}
    kept = {name: value[seed : seed + 1].clone() for name, value in best.items()}
    start = torch.cat([part["start"] for part in parts])[seed : seed + 1]
    searched = {k.removeprefix("noise "): v for k, v in kept.items() if k.startswith("noise ")}
    return replace(
        found, image=kept["image"], code=start + kept["delta"], delta=kept["delta"],
        start=start.clone(), noise={**found.noise, **searched}, loss=float(kept["loss"]), seed=seed,
    )  # fmt: skip
