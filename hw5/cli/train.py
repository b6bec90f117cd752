"""`hw5 train`: train a shipped weight again, and whatever was trained on it.

Offers `train`. The scripts are in hw5/train/, one per weight.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro


def train(
    name: tyro.conf.Positional[str | None] = None,
    *,
    hours: float = 3.0,
    device: str = "auto",
    seed: int = 0,
    compiled: Annotated[bool, tyro.conf.arg(help_behavior_hint="(default: compiled)")] = True,
    curve: bool = False,
    stale: bool = False,
    pictures: Path | None = None,
    go_on: bool = False,
    ship_anyway: bool = False,
) -> int:
    """Train a shipped weight: resumable, with a log, a grid of samples and a card beside it.

    For example:
      python -m hw5 train stylegan2 --hours 3 --device auto
      python -m hw5 train stylegan2 --hours 1 --go-on
      python -m hw5 train --stale
      python -m hw5 train encoder --pictures ~/photos/cats --hours 1

    Args:
        name: which weight (an unknown name lists them)
        hours: time to spend in this run; as long as its folder under runs/train is there, a later
            run goes on where this one stopped, and finishes first what was cut short
        device: auto (an accelerator if there is one), cpu, or a name that torch knows
        seed: of weights and data, when training starts anew
        compiled: do without compiled renderer and networks, which are faster and are used where a
            C++ compiler is installed
        curve: measure FID of a run's snapshots instead of training, and note it in the card
        stale: list every weight that was trained on one that has changed since, and renew them in
            order
        pictures: a folder of your own pictures to train an encoder on; the weight then stays in
            runs/train
        go_on: begin a new run as the shipped weight, in place of a random one: what you get on a
            fresh clone to train a network further
        ship_anyway: put the outcome in the place of the shipped weight though its FID, or an
            encoder's LPIPS, is no better; without, it then stays in the run's folder
    """
    from hw5 import train as training

    return training.asked(
        name, hours=hours, device=device, seed=seed, compiled=compiled, curve=curve, stale=stale,
        pictures=pictures, go_on=go_on, ship_anyway=ship_anyway,
    )  # fmt: skip
