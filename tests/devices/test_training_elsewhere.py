"""Training runs on another device, ships what it ships on the CPU, and moves between the two.

The device is hw5/testing/elsewhere.py; a clock that counts looks makes all runs equally long. The
recipes at full width are marked `gpu`: they run where one is, or is pretended (conftest.py).
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from functools import partial

import pytest
import safetensors.torch
import torch
from torch import Tensor

from hw5 import train, zoo
from hw5.kit import devices
from hw5.kit.checks import InputError
from hw5.metrics.perceptual import lpips_metric
from hw5.metrics.triplets import Triplets
from hw5.models.lpips_heads import Taps
from hw5.models.stylegan2 import StyleGAN2
from hw5.models.world_reader import WorldReader
from hw5.testing.elsewhere import ELSEWHERE, elsewhere
from hw5.train import (
    adversarial,
    calibrate_lpips,
    distil,
    encoder_recipes,
    encoders,
    enlarger,
    grow,
    loop,
    quality,
    recipes,
    regress,
    supervised,
)
from hw5.train.adversarial import AdversarialSettings
from hw5.train.distil import DistilSettings
from hw5.train.enlarger import EnlargerSettings
from hw5.train.grow import GrowthPlan
from hw5.train.regress import RegressSettings
from hw5.world.targets import NUM_TARGETS
from tests.train import tiny
from tests.train.clock import Clock

CATS = 4
HOURS = 0.3 / 3600  # of the clock that counts looks: a handful of steps
CPU = torch.device("cpu")
LEAN = {"num_mapping_layers": 1, "channels": {"4": 8, "8": 8, "16": 8, "32": 8, "64": 4}}
GROWN = {**LEAN, "image_size": 128, "channels": {**LEAN["channels"], "128": 4}}
PAIRS = RegressSettings(pictures=CATS, batch=4)
DUEL = AdversarialSettings(batch=4, head_start=4)
PLANS = (
    replace(recipes.STYLEGAN2, config=LEAN, regress=PAIRS, adversarial=DUEL),
    replace(
        recipes.DCGAN_PLAN,
        config={"conv_dim": 4},
        judge_config={"conv_dim": 4},
        regress=PAIRS,
        adversarial=DUEL,
    ),
)
GROWTH = GrowthPlan(
    name="stylegan2-128",
    start="stylegan2",
    config=GROWN,
    judge="stylegan2-discriminator",
    pictures=CATS,
    enlarger=EnlargerSettings(batch=2),
    distil=DistilSettings(batch=2),
    adversarial=replace(DUEL, window=64),
)
WHOLE = ("world-features", "world-reader", "second-look", "lpips-heads", "stylegan2", GROWTH.name)
ENCODERS = tuple(plan.name for plan in encoder_recipes.PLANS)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def few_pictures(cache, monkeypatch):
    """A handful of cats and steps, and no measuring at the end."""
    monkeypatch.setenv("HW5_CACHE", str(cache))
    for module, name, numbers in (
        (recipes, "Supervision", {"pictures": CATS, "batch": 4}),
        (recipes, "measure_reader", {"count": CATS}),
        (recipes, "measure_floor", {"count": 40}),  # fewer leave no percentile
        (recipes, "SecondLookSettings", {"pictures": CATS, "looks": 1, "steps": 2, "batch": 8}),
        (recipes, "IdentitySettings", {"cats": 4, "steps": 2, "judged": 2}),
        (recipes, "MappingSettings", {"steps": 2}),
        (calibrate_lpips, "LpipsSettings", {"triplets": 2, "steps": 2}),
    ):
        monkeypatch.setattr(module, name, partial(getattr(module, name), **numbers))
    monkeypatch.setattr(quality, "measure", lambda *_, **__: {"fid": 1.0})
    monkeypatch.setattr(encoders, "_lpips", lambda found, images: 0.5)
    for module in (adversarial, distil, encoders, enlarger, regress, supervised):
        monkeypatch.setattr(module, "precision", lambda device: torch.float32)
    for plan in PLANS:
        made = recipes.Recipe(partial(recipes.train_gan, plan))
        monkeypatch.setitem(recipes.RECIPES, plan.name, made)
    grown = recipes.Recipe(partial(grow.train_grown, GROWTH))
    monkeypatch.setitem(recipes.RECIPES, GROWTH.name, grown)
    for plan in encoder_recipes.PLANS:
        settings = replace(plan.settings, batch=4)
        config = {**plan.config, **tiny.ENCODER}
        small = replace(plan, config=config, pictures=CATS, compared=CATS, settings=settings)
        made = recipes.Recipe(partial(encoder_recipes.train_an_encoder, small))
        monkeypatch.setitem(recipes.RECIPES, plan.name, made)


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    """Run a recipe on a device, in a zoo and a run folder of its own; what it shipped."""

    def run(name: str, device: torch.device, zoo_of: str) -> dict[str, Tensor]:
        data = tmp_path / zoo_of
        for function in (zoo.load, zoo.names, zoo.describe, zoo.card, zoo.amend_card, zoo.save):
            bound = {**(function.__kwdefaults__ or {}), "data": data}
            monkeypatch.setattr(function, "__kwdefaults__", bound)
        if not data.exists():
            for other, (kind, _, config) in tiny.NETWORKS.items():
                zoo.save(other, tiny.build(other), kind=kind, config=config, card={"command": "x"})
        if name == "second-look":
            torch.manual_seed(0)
            config = {"num_outputs": NUM_TARGETS}
            zoo.save(
                "world-reader", WorldReader(**config), kind="world-reader", config=config, card={}
            )
        if name == GROWTH.name:
            torch.manual_seed(0)
            zoo.save("stylegan2", StyleGAN2(**LEAN), kind="stylegan2", config=LEAN, card={})
            kind, config = "dcgan-discriminator", {"conv_dim": 4}
            zoo.save(GROWTH.judge, zoo.BUILDERS[kind](**config), kind=kind, config=config, card={})
        monkeypatch.setattr(loop, "time", Clock())
        # whether a handful of steps made it better is not the question here
        options = {"hours": HOURS, "device": str(device), "seed": 0, "compiled": False,
                   "ship_anyway": True}  # fmt: skip
        with elsewhere() if device == ELSEWHERE and not is_there() else nullcontext():
            train.train(name, folder=tmp_path / zoo_of / "runs", **options)
        return safetensors.torch.load_file(data / "weights" / f"{name}.safetensors")

    return run


def is_there() -> bool:
    """Does the pretended device work already?"""
    try:
        devices.pick(str(ELSEWHERE))
    except InputError:
        return False
    return True


@pytest.mark.parametrize("name", ["dcgan", *ENCODERS])
def test_a_recipe_ships_there_what_it_ships_here(name, recipe):
    here, there = recipe(name, CPU, "here"), recipe(name, ELSEWHERE, "there")
    assert here.keys() == there.keys()
    for key, value in here.items():
        assert torch.equal(value, there[key]), key


@pytest.mark.parametrize("name", ["dcgan", "encoder"])
@pytest.mark.parametrize("places", [(CPU, ELSEWHERE), (ELSEWHERE, CPU)], ids=["there", "here"])
def test_a_run_that_began_in_one_place_goes_on_in_the_other(name, places, recipe):
    first = recipe(name, places[0], "zoo")
    seen = seen_by(name)
    second = recipe(name, places[1], "zoo")
    assert seen_by(name) > seen
    assert any(not torch.equal(value, second[key]) for key, value in first.items())
    assert all(bool(value.isfinite().all()) for value in second.values())


def seen_by(name: str) -> float:
    """Pictures behind the shipped weight."""
    figures = zoo.card(name)["metrics"]
    return figures.get("duel_pictures", figures.get("pictures"))


def test_heads_of_lpips_are_calibrated_there_as_here():
    torch.manual_seed(0)
    features = tiny.build("world-features")
    taps = Taps("WorldFeatures", ("conv1_2", "conv2_2"))
    cats = torch.rand(3, 3, 3, 16, 16) * 2 - 1
    cases = {"noise": Triplets(*cats)}
    found = []
    for context in (nullcontext(CPU), elsewhere()):
        with context as device:
            metric = lpips_metric("offline", features=features, taps=taps).to(device)
            shares = calibrate_lpips._shares(metric, cases)
            found.append((shares, calibrate_lpips._contributions(metric, cases)))
            metric.cpu()
    (shares, (near, far)), (shares_there, (near_there, far_there)) = found
    assert shares == shares_there
    assert torch.equal(near, near_there) and torch.equal(far, far_there)


@pytest.mark.gpu
@pytest.mark.parametrize("name", WHOLE)
def test_a_recipe_runs_there_at_full_width(name, place, recipe):
    with place() as device:
        found = recipe(name, device, "there")
    assert all(bool(value.isfinite().all()) for value in found.values())
