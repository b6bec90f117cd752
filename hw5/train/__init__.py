"""Training of every shipped weight: `python -m hw5 train NAME`. Resumable, on any device.

Offers `train` and `renew_stale`. Start with recipes.py. Needs nothing beyond torch, torchvision,
numpy and safetensors, and nothing that a student writes.
"""

from __future__ import annotations

from pathlib import Path

from hw5.kit.checks import check_choice


def train(
    name: str, *, hours: float, device: str, seed: int, folder: Path = Path("runs/train")
) -> int:
    """Train the weight called `name`, or go on where it stopped; ship it with its card.

    Raises:
        InputError: an unknown name, or a weight it is trained on that is missing.
    """
    from hw5.train.recipes import RECIPES, Job

    check_choice("train", name, tuple(RECIPES))
    RECIPES[name].run(Job(hours=hours, device=device, seed=seed, folder=folder / name))
    return 0


def renew_stale(*, hours: float, device: str) -> int:
    """Train again, in order, whatever was trained on a weight that has changed since."""
    from hw5.train.cards import stale
    from hw5.train.recipes import RECIPES

    names = set(stale())
    for name, recipe in RECIPES.items():
        if names & {name, *recipe.also}:
            train(name, hours=hours, device=device, seed=0)
    return 0
