"""Checkpoints of others through hw5's commands and the zoo, and what `convert` writes."""

import json

import pytest
import torch

from hw5 import checkpoints, cli, zoo
from hw5.kit import runs
from tests.checkpoints import ada_files
from tests.tolerances import assert_close

CHANNELS = (4, 4, 4, 4)  # 32 pixels


@pytest.fixture
def pickled(tmp_path, monkeypatch):
    """A plain and a conditional pickle, in the folder where the commands run."""
    monkeypatch.chdir(tmp_path)
    judge = ada_files.discriminator("orig", classes=10, channels=CHANNELS)
    networks = {"G_ema": ada_files.generator("resnet", channels=CHANNELS, layers=2)}
    ada_files.dump(tmp_path / "plain.pkl", ada_files.snapshot(**networks, D=judge))
    networks = {"G_ema": ada_files.generator(classes=10, channels=CHANNELS, layers=2)}
    ada_files.dump(tmp_path / "classes.pkl", ada_files.snapshot(**networks, D=judge))
    return tmp_path


def run(*words: str) -> int:
    return cli.main([str(word) for word in words])


@pytest.mark.parametrize("generator", ["plain.pkl", "classes.pkl#3", "plain.safetensors"])
def test_project_takes_the_file_as_its_generator(pickled, generator, capsys):
    assert run("convert", "plain.pkl", "plain.safetensors") == 0
    options = ("--generator", generator, "--num-steps", "2", "--space", "w+", "--out", "found")
    assert run("project", "chelsea", *options) == 0
    found = runs.load_run(pickled / "found")
    assert found.arrays["code"].shape == (1, 8, 5)
    assert found.images["result"].shape == (1, 3, 32, 32)


@pytest.mark.parametrize(
    "words",
    [
        ("sample", "--count", "2", "--out", "s.png"),
        ("sample", "--space", "z", "--truncation", "0.5", "--count", "2", "--out", "s.png"),
        ("interpolate", "1", "2", "--out", "film"),
    ],
)
def test_other_commands_take_it_too(pickled, words):
    assert run(*words, "--generator", "classes.pkl#9") == 0


@pytest.mark.parametrize("name", ["out.safetensors", "out.json"])
def test_neither_a_converted_network_nor_its_card_replaces_a_file_unasked(pickled, name, capsys):
    (pickled / name).write_text("mine")
    assert run("convert", "plain.pkl", "out.safetensors") == 2
    assert f"{name}: expected a new file" in capsys.readouterr().err
    assert (pickled / name).read_text() == "mine"
    assert run("convert", "plain.pkl", "out.safetensors", "--overwrite") == 0


def test_a_class_is_asked_for_in_one_line(pickled, capsys):
    assert run("sample", "--generator", "classes.pkl", "--out", "s.png") == 2
    said = capsys.readouterr().err
    assert "classes.pkl: label: expected a class, 0 to 9" in said
    assert said.count("\n") == 1
    assert not (pickled / "s.png").exists()


@pytest.mark.parametrize("name", ["plain.pkl", "classes.pkl#3"])
def test_converted_networks_draw_the_same_pictures(pickled, name):
    path, label = checkpoints.door._split(name)
    written = checkpoints.convert(path, "out.safetensors", label=label)
    z = torch.randn(2, 6, generator=torch.Generator().manual_seed(0))
    assert_close(zoo.load(written)(z), zoo.load(name)(z), "exact")


def test_classes_draw_different_pictures(pickled):
    z = torch.randn(2, 6, generator=torch.Generator().manual_seed(0))
    first, second = (zoo.load(f"classes.pkl#{label}")(z) for label in (0, 1))
    assert (first - second).abs().max() > 0.1


def test_a_converted_discriminator_gives_the_same_logits(pickled):
    checkpoints.convert("plain.pkl", "judge.safetensors", network="D", label=2)
    ours = checkpoints.modules.build(checkpoints.read("plain.pkl").networks["D"])
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert_close(zoo.load("judge.safetensors")(images), ours(images, label=2), "exact")


def test_weights_of_any_size_survive_the_conversion(pickled):
    network = ada_files.generator(channels=CHANNELS, layers=2)
    network.synthesis.b8.conv0.weight.data[0, 0, 0, 0] = 123456.789  # beyond float16
    ada_files.dump(pickled / "wide.pkl", ada_files.snapshot(G_ema=network))
    ours = zoo.load(checkpoints.convert("wide.pkl", "wide.safetensors"))
    assert_close(ours.synthesis.b8.conv0.weight, network.synthesis.b8.conv0.weight, "exact")


def test_the_card_says_where_a_network_comes_from(pickled, capsys):
    assert run("convert", "classes.pkl", "cat.safetensors", "--label", "3") == 0
    card = zoo.card("cat.safetensors")
    assert card["label"] == 3
    assert card["source_sha256"] == checkpoints.read("classes.pkl").sha256
    assert "research" in card["licence"]
    assert "research" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("missing.pkl", "out.safetensors"), "no such file"),
        (("plain.pkl", "out.pkl"), "ends in .safetensors"),
        (("plain.pkl", "out.safetensors", "--network", "G"), "network"),
        (("plain.pkl", "out.safetensors", "--label", "3"), "no classes"),
        (("classes.pkl", "out.safetensors", "--label", "10"), "0 to 9"),
        (("plain.pkl", "plain.pkl/out.safetensors"), "out.safetensors"),
    ],
)
def test_what_cannot_be_converted_gets_one_line_and_leaves_nothing(pickled, capsys, words, said):
    before = sorted(pickled.iterdir())
    assert run("convert", *words) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert sorted(pickled.iterdir()) == before


def test_a_file_that_is_there_is_replaced_only_when_asked(pickled, capsys):
    (pickled / "out.safetensors").write_text("precious")
    assert run("convert", "plain.pkl", "out.safetensors") == 2
    assert (pickled / "out.safetensors").read_text() == "precious"
    assert run("convert", "plain.pkl", "out.safetensors", "--overwrite") == 0
    assert json.loads((pickled / "out.json").read_text())["label"] is None


def test_a_full_disk_leaves_nothing_behind(pickled, monkeypatch, capsys):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    before = sorted(pickled.iterdir())
    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    assert run("convert", "plain.pkl", "out.safetensors") == 2
    assert "No space left" in capsys.readouterr().err
    assert sorted(pickled.iterdir()) == before


@pytest.mark.parametrize(
    ("name", "foreign"),
    [("a.pkl", True), ("a.pkl#3", True), ("dir/a.PT", True), ("a.ckpt", True), ("a.pth", True),
     ("stylegan2", False), ("a.safetensors", False), ("a.pkl#x", False), ("pkl", False)],
)  # fmt: skip
def test_checkpoints_of_others_are_known_by_their_names(name, foreign):
    assert checkpoints.is_foreign(name) == foreign
