"""What becomes of a trained weight: it is shipped, or stays in its run if a better one is there."""

from __future__ import annotations

import hashlib

import pytest

from hw5 import train, zoo
from hw5.kit.checks import InputError
from hw5.train import cards, jobs, quality, recipes
from hw5.train.jobs import Job, origin, ship, target_of
from tests.train import tiny

NAME, OTHER = "stylegan2", "stylegan2-discriminator"
CURVE = {"pictures_compared": 100, "warm": [[8, 50.0]], "duel": [[16, 40.0]]}


@pytest.fixture(autouse=True)
def small_zoo(tmp_path, monkeypatch):
    """A data folder of our own with the tiny networks; the generator's FID is 10."""
    data = tmp_path / "data"
    for function in (zoo.load, zoo.names, zoo.describe, zoo.card, zoo.amend_card, zoo.save):
        bound = {**(function.__kwdefaults__ or {}), "data": data}
        monkeypatch.setattr(function, "__kwdefaults__", bound)
    for name, (kind, _, config) in tiny.NETWORKS.items():
        card = {"command": "none", "metrics": {"fid": 10.0} if name == NAME else {}}
        if name == NAME:
            card |= {"curve": CURVE, "history": "long", "trained_on": source("world-features")}
        zoo.save(name, tiny.build(name), kind=kind, config=config, card=card)
    return data


@pytest.fixture
def job(tmp_path):
    return Job(0.0, "cpu", 0, tmp_path / "run")


def source(name):
    return {name: cards.digest_of(name)}


def ship_both(job, fid, seed=1):
    """What a recipe does at its end; the paths of the two files."""
    figures = {} if fid is None else {"fid": fid}
    kind, _, config = tiny.NETWORKS[NAME]
    made = tiny.build(NAME, seed)
    first = ship(NAME, made, kind, config, job, "cats", figures, "none", ("world-features",))
    kind, _, config = tiny.NETWORKS[OTHER]
    judge = tiny.build(OTHER, seed)
    second = ship(OTHER, judge, kind, config, job, "judge", {}, "none", (), first)
    return first, second


@pytest.mark.parametrize("fid", [10.0, 11.0])
def test_a_generator_that_is_no_better_stays_in_its_run_with_its_card(job, fid, capsys):
    before = cards.digest_of(NAME)
    path, judge = ship_both(job, fid)
    assert cards.digest_of(NAME) == before and zoo.card(NAME)["metrics"] == {"fid": 10.0}
    assert path == job.folder / f"{NAME}.safetensors"
    assert zoo.card(path)["metrics"] == {"fid": fid}
    line, *places = capsys.readouterr().err.splitlines()
    assert places == [f"wrote {path}", f"wrote {judge}"]
    assert f"fid {fid:.4g}" in line and str(path) in line and "--ship-anyway" in line


@pytest.mark.parametrize(("fid", "anyway"), [(9.9, False), (99.0, True), (None, False)])
def test_a_better_one_ships_and_so_does_one_without_a_figure_or_by_wish(
    job, small_zoo, fid, anyway
):
    path, _ = ship_both(Job(0.0, "cpu", 0, job.folder, ship_anyway=anyway), fid)
    assert path == small_zoo / "weights" / f"{NAME}.safetensors"
    assert zoo.card(NAME)["metrics"].get("fid") == fid


def test_a_generator_ships_where_none_is(job, small_zoo):
    assert target_of("stylegan2-new", {"fid": 1e9}, job) == "stylegan2-new"


def test_a_stale_weight_makes_room_for_any(job):
    kind, _, config = tiny.NETWORKS["world-features"]
    changed = tiny.build("world-features", seed=5)
    zoo.save("world-features", changed, kind=kind, config=config, card={"command": "none"})
    assert cards.stale() == [NAME]
    assert target_of(NAME, {"fid": 1e9}, job) == NAME


@pytest.mark.parametrize("fid", [9.0, 11.0])
def test_a_discriminator_follows_its_generator(job, fid):
    first, second = ship_both(job, fid)
    assert first.parent == second.parent
    digest = hashlib.sha256(first.read_bytes()).hexdigest()
    assert zoo.card(second)["trained_on"] == {NAME: digest}
    assert zoo.card(second)["command"] == zoo.card(first)["command"]


def test_what_stayed_in_a_run_goes_once_a_better_one_ships(job):
    path, _ = ship_both(job, 11.0)
    ship_both(job, 9.0)
    assert not path.exists() and not path.with_suffix(".json").exists()


def test_a_card_takes_over_curve_and_history_of_the_weight_that_it_went_on_from(job):
    digest = cards.digest_of(NAME)
    on = Job(0.0, "cpu", 0, job.folder, go_on=True)
    for name in (NAME, OTHER):
        origin(name, on)
    (job.folder / "checkpoint.pt").write_bytes(b"")
    ship_both(on, 9.0)
    card = zoo.card(NAME)
    assert card["curve"] == CURVE and card["history"] == "long"
    assert card["went_on_from"]["sha256"] == digest
    assert set(card["went_on_from"]) == {"sha256", "command", "metrics"}


def test_an_older_run_does_not_become_one_that_goes_on(job):
    (job.folder / "duel").mkdir(parents=True)
    (job.folder / "duel" / "checkpoint.pt").write_bytes(b"")
    with pytest.raises(InputError, match=r"--go-on: expected a run of the shipped weight"):
        origin(NAME, Job(0.0, "cpu", 0, job.folder, go_on=True))


def test_a_run_that_goes_on_may_be_taken_up_without_the_option(job):
    before = origin(NAME, Job(0.0, "cpu", 0, job.folder, go_on=True))
    (job.folder / "checkpoint.pt").write_bytes(b"")
    assert origin(NAME, job) == before


def test_a_note_without_a_run_is_forgotten(job):
    origin(NAME, Job(0.0, "cpu", 0, job.folder, go_on=True))
    assert origin(NAME, job) == {}
    assert jobs.begun(NAME, lambda: "fresh", job) == "fresh"


def test_a_curve_without_snapshots_is_refused_before_anything_is_rendered(tmp_path, monkeypatch):
    monkeypatch.setattr(quality, "features_of_split", None)
    with pytest.raises(InputError, match=r"expected a run's snapshots, got none"):
        train.measure_curve(NAME, folder=tmp_path / "runs")
    assert zoo.card(NAME)["curve"] == CURVE


@pytest.fixture
def measured(monkeypatch, job):
    """A run with a snapshot of its duel; how many pictures each curve is measured with."""
    counts = []

    def curve(folder, generator, draw, *, count):
        counts.append(count)
        return [(32, 30.0)] if folder.name == "duel" else []

    monkeypatch.setattr(quality, "curve", curve)
    (job.folder / "duel").mkdir(parents=True)
    (job.folder / "duel" / "weights-00000032.safetensors").write_bytes(b"")
    return counts


def test_the_curve_goes_on_where_that_of_the_shipped_weight_ended(job, measured):
    origin(NAME, Job(0.0, "cpu", 0, job.folder, go_on=True))
    (job.folder / "duel" / "checkpoint.pt").write_bytes(b"")
    recipes.measure_curve(recipes.STYLEGAN2, job)
    assert zoo.card(NAME)["curve"] == {**CURVE, "duel": [[16, 40.0], [16 + 32, 30.0]]}
    assert set(measured) == {CURVE["pictures_compared"]}


def test_the_curve_of_a_weight_that_stayed_in_its_run_goes_into_the_card_there(job, measured):
    path, _ = ship_both(job, 11.0)
    recipes.measure_curve(recipes.STYLEGAN2, job, count=7)
    assert zoo.card(path)["curve"]["duel"] == [[32, 30.0]]
    assert zoo.card(NAME)["curve"] == CURVE
