"""Whole training runs on a handful of pictures: they learn, go on where they stopped, and ship."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from functools import partial

import pytest
import torch

from hw5 import train, zoo
from hw5.kit.checks import InputError
from hw5.metrics import ruler
from hw5.models.dcgan import DCGAN, DCGANDiscriminator
from hw5.models.stylegan2 import StyleGAN2
from hw5.models.world_reader import WorldReader
from hw5.train import cards, loop, quality, recipes
from hw5.train.adversarial import AdversarialSettings
from hw5.train.batches import Pictures
from hw5.train.read_factors import train_features
from hw5.train.regress import RegressSettings, known_cats, regress, stage_size
from hw5.train.supervised import Supervision
from hw5.world import dataset
from hw5.world.factors import NUM_DRAWS
from hw5.world.targets import NUM_TARGETS
from tests.train.clock import Clock

LEAN = {"4": 16, "8": 16, "16": 8, "32": 8, "64": 8}
SMALL = {"num_mapping_layers": 1, "mapping_lr_multiplier": 0.1, "channels": LEAN}
SECONDS = 1 / 3600
OPTIONS = {"hours": 2 * SECONDS, "device": "cpu", "seed": 0, "compiled": False}


@pytest.fixture(scope="module", autouse=True)
def few_pictures(tmp_path_factory):
    """A training set of 48 cats, rendered once, in a folder of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HW5_CACHE", str(tmp_path_factory.mktemp("cache")))
        dataset.pictures("train", 48, with_segmentation=True)
        yield


@pytest.fixture(autouse=True)
def even_clock(monkeypatch):
    monkeypatch.setattr(loop, "time", Clock())


@pytest.fixture
def pictures():
    return Pictures("train", 48, device=torch.device("cpu"), compiled=False)


@pytest.fixture
def features():
    return zoo.load("world-features")


@pytest.fixture
def own_zoo(tmp_path, monkeypatch):
    """Ship into a copy of the data folder that holds the feature network only."""
    data = tmp_path / "data"
    network = zoo.load("world-features")
    config = {"num_outputs": network.num_outputs, "num_classes": network.num_classes}
    card = zoo.card("world-features")
    zoo.save("world-features", network, kind="world-features", config=config, card=card, data=data)
    for function in (zoo.load, zoo.names, zoo.describe, zoo.card, zoo.amend_card, zoo.save):
        bound = {**(function.__kwdefaults__ or {}), "data": data}
        monkeypatch.setattr(function, "__kwdefaults__", bound)
    return data


@pytest.mark.slow
def test_the_pixel_distance_falls_and_the_mapping_network_is_left_alone(
    pictures, features, tmp_path
):
    torch.manual_seed(0)
    network = StyleGAN2(**SMALL)
    score = pictures.scores[:32]
    target = pictures.pictures[:32, :3].float() / 127.5 - 1
    before = (known_cats(network, score) - target).abs().mean()
    mapping = {key: value.clone() for key, value in network.mapping.state_dict().items()}
    settings = RegressSettings(hours=5 * SECONDS, stages=((16, 0.3), (64, 0.7)))
    average, figures = regress(network, features, pictures, tmp_path, settings)
    after = (known_cats(average, score) - target).abs().mean()
    assert after < 0.7 * before
    assert figures["pictures"] > 0
    for key, value in average.mapping.state_dict().items():
        assert torch.equal(value, mapping[key]), key


@pytest.mark.slow
def test_a_warm_start_that_is_done_is_not_begun_anew(pictures, features, tmp_path):
    settings = RegressSettings(hours=SECONDS)
    _, first = regress(DCGAN(), features, pictures, tmp_path, settings)
    again, second = regress(DCGAN(), features, pictures, tmp_path, settings)
    assert second["pictures"] == first["pictures"]
    third, longer = regress(
        DCGAN(), features, pictures, tmp_path, replace(settings, hours=3 * SECONDS)
    )
    assert longer["pictures"] > first["pictures"]
    changed = [
        not torch.equal(a, b) for a, b in zip(again.parameters(), third.parameters(), strict=True)
    ]
    assert any(changed)


def test_small_pictures_come_first():
    stages = ((16, 0.2), (32, 0.3), (64, 0.5))
    assert [stage_size(stages, p) for p in (0.0, 0.19, 0.21, 0.49, 0.51, 1.0, 1.1)] == [
        16, 16, 32, 32, 64, 64, 64,
    ]  # fmt: skip


@pytest.mark.slow
def test_the_feature_network_learns_to_read(tmp_path):
    settings = Supervision(hours=0.0, pictures=48, batch=16)
    untrained, _ = train_features(tmp_path / "a", settings, device="cpu", compiled=False)
    settings = replace(settings, hours=1.5 * SECONDS)
    trained, figures = train_features(tmp_path / "b", settings, device="cpu", compiled=False)
    batch = Pictures("train", 48, device=torch.device("cpu"), compiled=False).batch(
        32, rng=torch.Generator().manual_seed(0)
    )
    hits = [
        (net.segment(batch.images).argmax(1) == batch.parts).float().mean()
        for net in (untrained, trained)
    ]
    assert hits[1] > hits[0] + 0.2
    assert figures["pictures"] >= 16


@pytest.mark.slow
def test_the_recipe_of_the_reader_ships_it_and_names_what_is_weak(own_zoo, tmp_path, monkeypatch):
    few = {"Supervision": {"pictures": 48, "batch": 8}, "measure_reader": {"count": 100}}
    few["IdentitySettings"] = {"cats": 8, "steps": 2, "judged": 4}
    for name, numbers in few.items():
        monkeypatch.setattr(recipes, name, partial(getattr(recipes, name), **numbers))
    options = {"hours": SECONDS, "device": "cpu", "seed": 0, "compiled": False}
    train.train("world-reader", folder=tmp_path / "runs", **options)
    card, reader = zoo.card("world-reader"), zoo.load("world-reader")
    assert {"reads yaw", "IoU head", "mean IoU", "identity_roc_auc"} <= set(card["metrics"])
    assert "reads yaw" in card["weak"]  # a second of training teaches nobody to read
    assert "reads yaw, both alike" not in card["metrics"]
    images = torch.zeros(2, 3, 64, 64)
    assert reader.embed(images).norm(dim=1).tolist() == pytest.approx([1.0, 1.0])


@pytest.mark.slow
def test_the_recipe_ships_it_and_names_the_reader_it_belongs_to(own_zoo, tmp_path, monkeypatch):
    monkeypatch.setenv("HW5_CACHE", str(tmp_path / "cache"))
    torch.manual_seed(0)
    config = {"num_outputs": NUM_TARGETS}
    zoo.save("world-reader", WorldReader(**config), kind="world-reader", config=config, card={})
    few = partial(recipes.SecondLookSettings, pictures=32, looks=1, steps=2, batch=8)
    monkeypatch.setattr(recipes, "SecondLookSettings", few)
    monkeypatch.setattr(recipes, "measure_reader", partial(recipes.measure_reader, count=20))
    monkeypatch.setattr(recipes, "measure_floor", partial(recipes.measure_floor, count=40))
    train.train("second-look", folder=tmp_path / "runs", **OPTIONS)
    card = zoo.card("second-look")
    assert card["trained_on"] == {"world-reader": cards.digest_of("world-reader")}
    assert {"missed", "reads yaw", "IoU head", "mean IoU"} <= set(card["metrics"])
    assert "reads muzzle_length" in card["weak"]
    monkeypatch.setattr(ruler, "measure_floor", None)
    assert "yaw" in ruler.known_floor().unread  # from the card, of a reader that was taught nothing


@pytest.fixture(params=["stylegan2", "dcgan"])
def recipe(request, own_zoo, monkeypatch):
    """A recipe of two players, small and quick; every generator is better than the one before."""
    name = request.param
    plan = {"stylegan2": recipes.STYLEGAN2, "dcgan": recipes.DCGAN_PLAN}[name]
    plan = replace(
        plan,
        config=SMALL if name == "stylegan2" else {},
        regress=RegressSettings(pictures=48),
        adversarial=AdversarialSettings(batch=4, head_start=8),
    )
    both = (partial(recipes.train_gan, plan), partial(recipes.measure_curve, plan))
    monkeypatch.setitem(recipes.RECIPES, name, recipes.Recipe(*both, goes_on=True))
    figures = itertools.count()
    monkeypatch.setattr(recipes, "fit_mapping", lambda *_, **__: 0.5)
    monkeypatch.setattr(quality, "measure", lambda *_, **__: {"fid": 9.0 - next(figures)})
    return plan


@pytest.mark.slow
def test_a_recipe_ships_both_players_with_cards_and_goes_on(recipe, tmp_path, monkeypatch):
    name, other = recipe.name, f"{recipe.name}-discriminator"
    train.train(name, folder=tmp_path / "runs", **OPTIONS)
    card = zoo.card(name)
    assert card["metrics"]["fid"] == 9.0
    assert card["trained_on"] == {"world-features": cards.digest_of("world-features")}
    assert zoo.card(other)["trained_on"][name] == cards.digest_of(name)
    assert card["command"].startswith(f"python -m hw5 train {name} --hours")
    assert cards.stale() == []
    generator, judge = zoo.load(name), zoo.load(other)
    z = torch.randn(4, generator.z_dim, generator=torch.Generator().manual_seed(0))
    assert len(judge(generator(z))) == 4

    train.train(name, folder=tmp_path / "runs", **OPTIONS)
    later = zoo.card(name)["metrics"]
    assert later["warm_pictures"] == card["metrics"]["warm_pictures"]
    assert later["duel_pictures"] > card["metrics"]["duel_pictures"]
    assert cards.stale() == []
    begins_as_the_shipped_players_elsewhere((name, other), tmp_path / "elsewhere")
    gives_a_curve(recipe, tmp_path / "runs" / name, monkeypatch)


def begins_as_the_shipped_players_elsewhere(names, folder):
    """On a clone without that run, the shipped players are where a new one begins."""
    before = zoo.card(names[0])["metrics"]
    digests = {each: cards.digest_of(each) for each in names}
    shipped = {each: zoo.load(each).state_dict() for each in names}
    none = {**OPTIONS, "hours": 0.0, "go_on": True}
    train.train(names[0], folder=folder, **none)
    for each in names:
        for key, value in zoo.load(each).state_dict().items():
            assert torch.equal(value, shipped[each][key]), key
        assert zoo.card(each)["went_on_from"]["sha256"] == digests[each]
    assert zoo.card(names[0])["went_on_from"]["metrics"] == before
    assert zoo.card(names[0])["command"].endswith("--go-on")
    train.train(names[0], folder=folder, **none)  # what it began from is not forgotten
    assert zoo.card(names[0])["went_on_from"]["sha256"] == digests[names[0]]
    assert cards.stale() == []


def gives_a_curve(plan, folder, monkeypatch):
    """The snapshots of a run are measured into the card, which makes no weight stale."""
    monkeypatch.setattr(quality, "features_of_split", lambda *_, **__: torch.randn(300, 1280))
    monkeypatch.setattr(recipes.quality, "curve", partial(quality.curve, most=2))
    monkeypatch.setattr(
        quality, "_embed", lambda batches, _: torch.cat([b.flatten(1)[:, :1280] for b in batches])
    )
    recipes.measure_curve(plan, recipes.Job(0.0, "cpu", 0, folder), count=100)
    curve = zoo.card(plan.name)["curve"]
    assert curve["warm"][-1][0] < curve["duel"][-1][0]
    assert all(fid > 0 for _, fid in curve["warm"] + curve["duel"])
    assert cards.stale() == []


def test_what_was_trained_on_a_changed_weight_is_listed_and_renewed(own_zoo, monkeypatch, capsys):
    features = zoo.load("world-features")
    config = {"num_outputs": features.num_outputs, "num_classes": features.num_classes}
    for name, network, kind in (
        ("dcgan", DCGAN(), "dcgan"),
        ("dcgan-discriminator", DCGANDiscriminator(), "dcgan-discriminator"),
    ):
        source = "world-features" if name == "dcgan" else "dcgan"
        card = {"trained_on": {source: cards.digest_of(source)}, "command": "none"}
        zoo.save(name, network, kind=kind, config={}, card=card)
    assert cards.stale() == []
    with torch.no_grad():
        features.readout.bias += 1.0
    card = zoo.card("world-features")
    zoo.save("world-features", features, kind="world-features", config=config, card=card)
    assert cards.stale() == ["dcgan", "dcgan-discriminator"]
    ran, said = [], []
    for name in recipes.RECIPES:
        note = lambda job, name=name: (ran.append(name), said.append(capsys.readouterr().out))  # noqa: E731
        monkeypatch.setitem(recipes.RECIPES, name, replace(recipes.RECIPES[name], run=note))
    train.renew_stale(hours=1.0, device="cpu")
    assert ran == ["dcgan"]
    first, second, about_renderers = said[0].splitlines()  # before it was trained
    assert first.startswith("stale") and second == "dcgan"
    assert about_renderers.endswith("world-features dcgan dcgan-discriminator")


def test_where_nothing_is_stale_that_is_said(own_zoo, monkeypatch, capsys):
    monkeypatch.setattr(cards, "of_earlier_renderers", list)
    train.renew_stale(hours=1.0, device="cpu")
    assert capsys.readouterr().out == "nothing is stale\n"


def test_unknown_curves_are_refused():
    with pytest.raises(InputError, match="stylegan2"):
        train.measure_curve("world-features")


def test_cards_are_json_a_person_can_read():
    for name in zoo.names():
        if zoo.describe(name).file:
            assert json.dumps(zoo.card(name))
            assert {"command", "data", "seed", "device", "metrics"} <= set(zoo.card(name)), name


def test_scores_of_the_training_set_belong_to_its_pictures(pictures):
    assert pictures.scores.shape == (48, NUM_DRAWS)
