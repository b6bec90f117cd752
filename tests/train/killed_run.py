"""A whole recipe on a few pictures that kills its own process half-way through the second phase.

    python -m tests.train.killed_run FOLDER

FOLDER is the one that test_killed_run.py has prepared.
"""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch

from hw5 import train, zoo
from hw5.train import loop, quality, recipes
from hw5.train.adversarial import AdversarialSettings, Duel
from hw5.train.regress import RegressSettings
from tests.train.clock import Clock

NAME, PICTURES, BATCH = "dcgan", 8, 2
KILLED_AT = 50  # pictures of the second phase; a checkpoint is written every 16 or so
SECONDS = 6.0  # of the clock that a look moves by a fiftieth of one


def use_zoo(data: Path, patch: pytest.MonkeyPatch) -> None:
    """Let the zoo read and write in the folder `data`."""
    for function in (zoo.load, zoo.names, zoo.describe, zoo.card, zoo.amend_card, zoo.save):
        bound = {**(function.__kwdefaults__ or {}), "data": data}
        patch.setattr(function, "__kwdefaults__", bound)


def run(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Train a small DCGAN by its recipe, or go on with it."""
    use_zoo(folder / "data", patch)
    patch.setattr(loop, "time", Clock())
    often = {**loop.Run.__init__.__kwdefaults__, "save_every": 0.5}
    patch.setattr(loop.Run.__init__, "__kwdefaults__", often)
    patch.setattr(quality, "measure", lambda *_, **__: {})
    plan = replace(
        recipes.DCGAN_PLAN,
        config={"conv_dim": 2},
        regress=RegressSettings(pictures=PICTURES, batch=BATCH),
        adversarial=AdversarialSettings(batch=BATCH, head_start=BATCH, perceptual=0.0),
    )
    recipe = recipes.Recipe(partial(recipes.train_gan, plan))
    patch.setitem(recipes.RECIPES, NAME, recipe)
    options = {"device": "cpu", "seed": 0, "compiled": False, "folder": folder / "runs"}
    train.train(NAME, hours=SECONDS / 3600, **options)


def or_die(round_of: object) -> object:
    """A round of the duel that kills the process once it has seen enough."""

    def round_or_die(duel: Duel, pictures: object, seen: int, rng: object) -> object:
        if seen >= KILLED_AT:
            os.kill(os.getpid(), signal.SIGKILL)
        return round_of(duel, pictures, seen, rng)

    return round_or_die


if __name__ == "__main__":
    torch.set_num_threads(1)
    patches = pytest.MonkeyPatch()
    patches.setattr(Duel, "round", or_die(Duel.round))
    run(Path(sys.argv[1]), patches)
