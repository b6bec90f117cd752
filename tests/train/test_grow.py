"""A generator grown to twice the size: it begins as the small one, and only then learns."""

from __future__ import annotations

import itertools
from functools import partial

import pytest
import torch

from hw5 import train, zoo
from hw5.models.dcgan import DCGANDiscriminator
from hw5.models.multiscale import MultiscaleDiscriminator
from hw5.models.stylegan2 import StyleGAN2
from hw5.models.stylegan2_ops import fir_filter, upsample
from hw5.train import cards, grow, loop, quality, recipes
from hw5.train.adversarial import AdversarialSettings
from hw5.train.batches import same_window
from hw5.train.distil import DistilSettings
from hw5.train.enlarger import EnlargerSettings
from hw5.train.grow import GrowthPlan, enlarge
from hw5.train.jobs import Job
from hw5.world import dataset
from tests.train.clock import Clock

CATS = 4
CHANNELS = {"4": 8, "8": 8, "16": 8, "32": 8, "64": 4}
SMALL = {"image_size": 64, "num_mapping_layers": 1, "channels": CHANNELS}
LARGE = {**SMALL, "image_size": 128, "channels": {**CHANNELS, "128": 4}}
SECONDS = 1 / 3600
PLAN = GrowthPlan(
    name="little-128",
    start="little",
    config=LARGE,
    judge="little-discriminator",
    pictures=CATS,
    enlarger=EnlargerSettings(batch=2),
    distil=DistilSettings(batch=2),
    adversarial=AdversarialSettings(batch=2, head_start=2, window=64),
)


@pytest.fixture
def small():
    torch.manual_seed(0)
    network = StyleGAN2(**SMALL)
    network.mapping.w_avg += 0.3
    return network


def test_a_grown_generator_begins_with_the_small_ones_pictures_enlarged(small, rng):
    large = enlarge(small, LARGE)
    z = torch.randn(3, small.z_dim, generator=rng)
    for truncation in (1.0, 0.5):
        expected = upsample(small(z, truncation=truncation), fir_filter())
        assert torch.allclose(large(z, truncation=truncation), expected, atol=1e-6)


def test_what_is_new_can_learn(small, rng):
    large = enlarge(small, LARGE).requires_grad_(True)
    large(torch.randn(2, small.z_dim, generator=rng)).square().mean().backward()
    assert large.synthesis.block(128).torgb.weight.grad.abs().max() > 0


def test_a_generator_grows_on_top_of_its_own_blocks_only(small):
    other = {**LARGE, "channels": {**LARGE["channels"], "16": 6}}
    with pytest.raises(RuntimeError, match="b16"):
        enlarge(small, other)
    with pytest.raises(RuntimeError, match="no place"):
        enlarge(enlarge(small, LARGE), SMALL)


def test_one_window_is_the_same_place_of_every_picture(rng):
    rows, columns = torch.meshgrid(torch.arange(9.0), torch.arange(9.0), indexing="ij")
    places = torch.stack([rows, columns, rows]).expand(2, 3, 9, 9)
    corners = set()
    for _ in range(200):
        one, two = same_window(4, rng, places, places + 100)
        assert one.shape == (2, 3, 4, 4)
        assert torch.equal(two, one + 100)
        corners.add((one[0, 0, 0, 0].item(), one[0, 1, 0, 0].item()))
    assert len(corners) == 36  # every corner that leaves room for the window


def test_without_a_window_everything_is_seen(rng):
    whole = torch.zeros(1, 3, 8, 8)
    assert same_window(None, rng, whole)[0] is whole
    assert same_window(8, rng, whole)[0] is whole


def test_the_last_phase_begins_where_the_one_before_ended_with_the_time_that_is_left(
    small, tmp_path, monkeypatch
):
    class Seen(Exception):
        """The last phase begins."""

    def last_phase(players, pictures, folder):
        raise Seen(*players)

    taught = enlarge(small, LARGE)
    torch.nn.init.ones_(taught.synthesis.block(128).torgb.weight)
    known = DCGANDiscriminator()
    networks = {"little": small, "judge": known, "world-features": torch.nn.Identity()}
    monkeypatch.setattr(zoo, "load", lambda name, device: networks[name])
    monkeypatch.setattr(grow, "Pictures", lambda *_, **__: None)
    monkeypatch.setattr(grow, "train_enlarger", lambda *_, **__: (torch.nn.Identity(), {}))
    monkeypatch.setattr(grow, "distil", lambda *_, **__: (taught, {}))
    monkeypatch.setattr(grow, "Duel", lambda *players, **_: players)
    monkeypatch.setattr(grow, "train_adversarial", last_phase)
    shares = {"enlarger_share": 0.1, "distil_share": 0.15}
    plan = GrowthPlan("large", "little", LARGE, "judge", CATS, **shares)
    with pytest.raises(Seen) as seen:
        grow.train_grown(plan, Job(2.0, "cpu", 0, tmp_path))
    generator, judge, _, settings = seen.value.args
    assert settings.hours == pytest.approx(1.5)
    assert torch.equal(judge.reduced.conv1[0].weight, known.conv1[0].weight)
    for player in (generator, judge):
        assert all(weight.requires_grad for weight in player.parameters())
    for key, value in taught.state_dict().items():
        assert torch.equal(generator.state_dict()[key], value)


@pytest.mark.slow
def test_the_recipe_ships_the_grown_generator_with_its_origin(small, tmp_path, monkeypatch):
    monkeypatch.setenv("HW5_CACHE", str(tmp_path / "cache"))
    dataset.pictures("train", CATS, size=128, with_segmentation=True)
    monkeypatch.setattr(loop, "time", Clock())
    figures = itertools.count()  # each better than the one before
    monkeypatch.setattr(quality, "measure", lambda *_, **__: {"fid": 9.0 - next(figures)})
    data = tmp_path / "data"
    features = zoo.load("world-features")
    config = {"num_outputs": features.num_outputs, "num_classes": features.num_classes}
    kept = zoo.card("world-features")
    for function in (zoo.load, zoo.names, zoo.describe, zoo.card, zoo.save):
        bound = {**(function.__kwdefaults__ or {}), "data": data}
        monkeypatch.setattr(function, "__kwdefaults__", bound)
    zoo.save("world-features", features, kind="world-features", config=config, card=kept)
    zoo.save("little", small, kind="stylegan2", config=SMALL, card={"command": "none"})
    judge = DCGANDiscriminator()
    zoo.save(
        "little-discriminator", judge, kind="dcgan-discriminator", config={}, card={"command": ""}
    )
    name = PLAN.name
    made = recipes.Recipe(partial(grow.train_grown, PLAN), also=(f"{name}-discriminator",))
    monkeypatch.setitem(recipes.RECIPES, name, made)
    options = {"hours": 3 * SECONDS, "device": "cpu", "seed": 0, "compiled": False}
    train.train(name, folder=tmp_path / "runs", **options)
    card, grown = zoo.card(name), zoo.load(name)
    assert set(card["trained_on"]) == {"world-features", "little", "little-discriminator"}
    assert card["trained_on"]["little"] == cards.digest_of("little")
    assert "4 portraits at 128 px" in card["data"]
    assert grown.image_size == 128
    other = zoo.load(f"{name}-discriminator")
    assert isinstance(other, MultiscaleDiscriminator) and other.image_size == 128
    train.train(name, folder=tmp_path / "runs", **options)
    later = zoo.card(name)["metrics"]
    assert later["distil_pictures"] == card["metrics"]["distil_pictures"]
    assert later["duel_pictures"] > card["metrics"]["duel_pictures"]
