"""A recipe that is killed half-way goes on from its checkpoint, and its weight ships."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from hw5 import zoo
from hw5.train.adversarial import Duel
from hw5.train.jobs import kept_figures
from tests.train.killed_run import KILLED_AT, NAME, run

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows kills otherwise")
def test_a_killed_recipe_goes_on_from_its_checkpoint_and_ships(folder, monkeypatch):
    words = [sys.executable, "-m", "tests.train.killed_run", str(folder)]
    killed = subprocess.run(words, cwd=ROOT, env=os.environ, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert NAME not in zoo.names()
    place = folder / "runs" / NAME
    seen = torch.load(place / "duel" / "checkpoint.pt", weights_only=True)["seen"]
    assert 0 < seen < KILLED_AT

    rounds, plain = [], Duel.round
    monkeypatch.setattr(
        Duel, "round", lambda duel, *rest: rounds.append(rest[1]) or plain(duel, *rest)
    )
    run(folder, monkeypatch)
    assert rounds[0] == seen
    figures = zoo.card(NAME)["metrics"]
    assert figures["duel_pictures"] > KILLED_AT
    assert figures["warm_pictures"] == kept_figures(place / "warm")["warm_pictures"]
    assert zoo.load(NAME).z_dim == 100
