"""Whole recipes of the encoders on a handful of pictures: they ship, go on, take own folders."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import partial

import pytest
import torch

from hw5 import train, zoo
from hw5.cli import main
from hw5.kit import images
from hw5.kit.checks import InputError
from hw5.train import cards, encoder_recipes, encoders, loop, own_pictures, recipes
from hw5.train.own_pictures import as_images, read_folder, run_name
from tests.train import tiny
from tests.train.clock import Clock

OPTIONS = {"hours": 0.6 / 3600, "device": "cpu", "seed": 0, "compiled": False}
NAMES = ("encoder-conventional", "encoder", "encoder-offsets")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """A folder for rendered pictures that all tests share."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def small_world(cache, tmp_path, monkeypatch):
    """A few pictures at 16 px, tiny plans, a fake clock, no LPIPS, and a data folder of our own."""
    monkeypatch.setenv("HW5_CACHE", str(cache))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(loop, "time", Clock())
    monkeypatch.setattr(encoders, "precision", lambda device: torch.float32)
    figures = itertools.count()  # each better than the one before
    monkeypatch.setattr(encoders, "_lpips", lambda found, images: 0.5 - 0.01 * next(figures))
    data = tmp_path / "data"
    for function in (zoo.load, zoo.names, zoo.describe, zoo.card, zoo.amend_card, zoo.save):
        bound = {**(function.__kwdefaults__ or {}), "data": data}
        monkeypatch.setattr(function, "__kwdefaults__", bound)
    for name in tiny.NETWORKS:
        ship(name)
    for plan in encoder_recipes.PLANS:
        small = replace(
            plan, config={**plan.config, **tiny.ENCODER}, pictures=12, compared=4,
            settings=replace(plan.settings, batch=4),
        )  # fmt: skip
        run = partial(encoder_recipes.train_an_encoder, small)
        monkeypatch.setitem(recipes.RECIPES, plan.name, recipes.Recipe(run, goes_on=True))
    return data


def ship(name, seed=0):
    kind, _, config = tiny.NETWORKS[name]
    zoo.save(name, tiny.build(name, seed), kind=kind, config=config, card={"command": "none"})


@pytest.fixture
def album(tmp_path):
    """Twelve pictures, one in a folder inside, beside what is none or cannot be read."""
    folder = tmp_path / "my cats"
    for i in range(12):
        sub = folder / "old" if i == 0 else folder
        picture = torch.rand(1, 3, 20 + i, 30, generator=torch.Generator().manual_seed(i)) * 2 - 1
        sub.mkdir(parents=True, exist_ok=True)
        images.save(sub / f"cat{i:02}.png", picture)
    (folder / "text.png").write_text("no picture at all")
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "notes.txt").write_text("not meant to be a picture")
    (folder / "._cat01.png").write_text("what some systems add")
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_an_encoder_goes_on_from_the_shipped_one(name, tmp_path):
    train.train(name, **OPTIONS)
    digest, before = cards.digest_of(name), zoo.load(name).state_dict()
    train.train(name, **{**OPTIONS, "hours": 0.0}, folder=tmp_path / "new", go_on=True)
    for key, value in zoo.load(name).state_dict().items():
        assert torch.equal(value, before[key]), key
    assert zoo.card(name)["went_on_from"]["sha256"] == digest


def test_what_is_trained_in_minutes_does_not_go_on(tmp_path):
    with pytest.raises(InputError, match=r"--go-on.*stylegan2"):
        train.train("lpips-heads", **OPTIONS, go_on=True)


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_ships_an_encoder_with_a_card_and_goes_on(name, tmp_path):
    train.train(name, **OPTIONS)
    card, encoder = zoo.card(name), zoo.load(name)
    needs = {"encoder": list(tiny.NETWORKS), "encoder-offsets": ["world-features", "stylegan2"]}
    expected = {other: cards.digest_of(other) for other in needs.get(name, ["stylegan2"])}
    assert card["trained_on"] == expected
    assert card["command"].startswith(f"python -m hw5 train {name} --hours")
    figures = card["metrics"]
    assert figures["test_pictures"] == 4 and figures["test_lpips"] == 0.5
    assert figures["test_mse"] > 0 and figures["test_psnr"] > 0
    codes = encoder(torch.zeros(2, 3, 16, 16))
    assert codes.shape == (2, encoder.num_layers, encoder.w_dim)
    assert torch.equal(codes[:, 0], codes[:, 1]) == (name == "encoder-conventional")
    assert list((tmp_path / "runs/train" / name).glob("samples-*.png"))

    train.train(name, **OPTIONS)
    assert zoo.card(name)["metrics"]["pictures"] > figures["pictures"]
    assert cards.stale() == []


def test_an_encoder_that_is_further_from_its_pictures_stays_in_its_run(tmp_path, monkeypatch):
    train.train("encoder", **OPTIONS)
    monkeypatch.setattr(encoders, "_lpips", lambda found, images: 0.6)
    train.train("encoder", **OPTIONS)
    assert zoo.card("encoder")["metrics"]["test_lpips"] == 0.5
    aside = tmp_path / "runs/train/encoder/encoder.safetensors"
    assert zoo.card(aside)["metrics"]["test_lpips"] == 0.6


@pytest.mark.parametrize("go_on", [False, True])
def test_the_average_of_an_encoder_that_goes_on_is_held_from_the_start(
    go_on, tmp_path, monkeypatch
):
    train.train("encoder", **OPTIONS)
    averages = []
    monkeypatch.setattr(
        encoder_recipes, "train_encoder", lambda lesson, *_, **__: averages.append(lesson.average)
    )
    with pytest.raises(TypeError):  # the training that was asked for gives nothing
        train.train("encoder", **OPTIONS, folder=tmp_path / "new", go_on=go_on)
    assert averages[0].trained == go_on


def test_encoders_are_renewed_after_what_they_are_trained_on(monkeypatch):
    for name in NAMES:
        train.train(name, **{**OPTIONS, "hours": 0.0})
    ran = []
    for name, recipe in list(recipes.RECIPES.items()):
        note = replace(recipe, run=lambda job, name=name: ran.append(name))
        monkeypatch.setitem(recipes.RECIPES, name, note)
    ship("stylegan2-discriminator", seed=1)
    train.renew_stale(hours=1.0, device="cpu")
    assert ran == ["encoder"]
    ship("stylegan2", seed=1)
    ran.clear()
    train.renew_stale(hours=1.0, device="cpu")
    assert ran == list(NAMES)
    order = list(recipes.RECIPES)
    assert max(map(order.index, ("stylegan2", "world-features"))) < min(map(order.index, NAMES))


def test_training_on_a_folder_leaves_the_shipped_weight_alone(album, capsys):
    assert main(["train", "encoder", "--pictures", str(album), "--hours", "0.0001",
                 "--device", "cpu"]) == 0  # fmt: skip
    said = capsys.readouterr().err
    assert "skipped" in said and "text.png" in said and "empty.jpg" in said
    assert "notes.txt" not in said and "._cat01" not in said
    assert "encoder" not in zoo.names()
    (path,) = album.parent.glob("runs/train/encoder-on-my cats-*/encoder.safetensors")
    assert zoo.load(path)(torch.zeros(1, 3, 16, 16)).shape == (1, 6, 5)
    card = zoo.card(path)
    assert "11 pictures of one's own" in card["data"] and "2 files" in card["data"]
    assert card["command"].endswith(f"--pictures '{album}'")


def test_pictures_of_any_shape_are_cut_square_and_one_in_ten_is_held_out(album):
    steps = []
    own = read_folder(album, 16, on_step=lambda done, count: steps.append((done, count)))
    assert own.taught.shape == (11, 3, 16, 16) and own.held_out.shape == (1, 3, 16, 16)
    assert own.taught.dtype == torch.uint8
    assert len(own.skipped) == 2 and steps[-1] == (14, 14)
    held = as_images(own.held_out)
    assert all(not torch.equal(held[0], picture) for picture in as_images(own.taught))


def test_drawn_pictures_are_those_of_the_folder_or_their_mirror_images(album):
    own = read_folder(album, 16)
    drawn = own.draw(40, torch.Generator().manual_seed(0))
    known = as_images(own.taught)
    plain = (drawn[:, None] == known).flatten(2).all(2).any(1)
    mirrored = (drawn[:, None].flip(4) == known).flatten(2).all(2).any(1)
    assert (plain | mirrored).all() and plain.any() and mirrored.any()


def test_few_pictures_are_all_taught_and_all_measured():
    taught, held_out = own_pictures.split(torch.zeros(9, 3, 2, 2))
    assert len(taught) == len(held_out) == 9
    taught, held_out = own_pictures.split(torch.zeros(8_000, 3, 1, 1))
    assert len(taught) == 7_500 and len(held_out) == 500


@pytest.mark.parametrize(("count", "split"), [(9, "train"), (10, "test")])
def test_figures_on_pictures_that_were_taught_are_not_called_test(
    tmp_path, monkeypatch, count, split
):
    for i in range(count):
        images.save(tmp_path / f"{i}.png", torch.zeros(1, 3, 8, 8))
    material = encoder_recipes.own_material(tmp_path, 8, torch.device("cpu"))
    assert material.split == split
    monkeypatch.setattr(encoders, "_lpips", lambda found, images: 0.5)
    generator = tiny.build("stylegan2")
    encoder = encoders.fresh_encoder(generator, tiny.ENCODER).eval()
    shown = torch.zeros(1, 3, 16, 16)
    figures = encoders.measure(encoder, generator, shown, split=material.split)
    names = {"mse", "psnr", "pictures", "lpips"}
    assert set(figures) == {f"{split}_{name}" for name in names}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: None, "no such folder"),
        (lambda folder: folder.write_text("x"), "a file"),
        (lambda folder: folder.mkdir(), "a folder with none"),
        (lambda folder: [folder.mkdir(), (folder / "a.png").write_text("x")], "a.png"),
        (lambda folder: [folder.mkdir(), (folder / ".a.png").write_text("x")], "with none"),
    ],
)
def test_folders_without_pictures_are_refused_in_one_line(make, message, tmp_path, capsys):
    folder = tmp_path / "album"
    make(folder)
    assert main(["train", "encoder", "--pictures", str(folder), "--hours", "0"]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert lines[-1].startswith("hw5: error:") and message in lines[-1]


def test_only_encoders_that_learn_from_pictures_take_a_folder(album):
    for name in ("encoder-conventional", "stylegan2"):
        with pytest.raises(InputError, match="one of encoder, encoder-offsets"):
            train.train(name, pictures=album, **OPTIONS)


def test_two_folders_of_one_name_have_runs_of_their_own(tmp_path):
    names = {run_name("encoder", tmp_path / part / "cats") for part in ("a", "b")}
    assert len(names) == 2 and run_name("encoder", None) == "encoder"


def test_a_generator_without_layers_is_refused(monkeypatch):
    with pytest.raises(InputError, match="expected a StyleGAN2, got Linear"):
        encoder_recipes.check_generator(torch.nn.Linear(1, 1))
