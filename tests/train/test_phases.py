"""The two phases of a generator's run: once the second has begun, the hours are the second's."""

from __future__ import annotations

from functools import partial

import pytest
from torch import nn

from hw5 import zoo
from hw5.train import grow, jobs, recipes
from hw5.train.jobs import Job
from tests.train.test_grow import PLAN as GROWTH
from tests.train.test_grow import SMALL, StyleGAN2

HOURS = 5.0
RUNS = {
    "warm": (
        recipes,
        partial(recipes.train_gan, recipes.DCGAN_PLAN),
        recipes.DCGAN_PLAN.warm_share,
    ),
    "growth": (
        grow,
        partial(grow.train_grown, GROWTH),
        GROWTH.enlarger_share + GROWTH.distil_share,
    ),
}


class Begun(Exception):
    """The second phase begins, with these settings."""


@pytest.fixture(params=sorted(RUNS))
def run(request, tmp_path, monkeypatch):
    """A run with phases that only say that they were asked; its job, and the folder's name."""
    module, train, share = RUNS[request.param]
    job, asked = Job(HOURS, "cpu", 0, tmp_path), []

    def first_phase(*_, **__):
        asked.append(request.param)
        return {"loss": 1.0}

    def second_phase(*players, **__):
        raise Begun(players[3].hours)

    networks = {"little": StyleGAN2(**SMALL)}
    monkeypatch.setattr(zoo, "load", lambda name, device=None: networks.get(name, nn.Identity()))
    monkeypatch.setattr(module, "Pictures", lambda *_, **__: None)
    monkeypatch.setattr(grow, "sharpen", first_phase)
    monkeypatch.setattr(recipes, "warm_start", first_phase)
    monkeypatch.setattr(grow, "enlarge_judge", lambda *_: nn.Identity())
    monkeypatch.setattr(module, "Duel", second_phase)
    return partial(train, job), tmp_path, share, asked


def test_a_new_run_shares_its_hours_between_the_phases(run):
    train, _, share, asked = run
    with pytest.raises(Begun) as begun:
        train()
    assert len(asked) == 1
    assert begun.value.args[0] == pytest.approx((1 - share) * HOURS)


def test_a_run_in_its_second_phase_spends_all_hours_there(run):
    train, folder, _, asked = run
    (folder / "duel").mkdir()
    (folder / "duel" / "checkpoint.pt").write_bytes(b"")
    with pytest.raises(Begun) as begun:
        train()
    assert asked == []
    assert begun.value.args[0] == HOURS


def test_the_figures_of_a_phase_are_kept(tmp_path):
    assert jobs.kept_figures(tmp_path / "warm") == {}
    assert jobs.keep_figures(tmp_path / "warm", "warm", {"loss": 1.0}) == {"warm_loss": 1.0}
    assert jobs.kept_figures(tmp_path / "warm") == {"warm_loss": 1.0}
