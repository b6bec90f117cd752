"""`hw5 compare` with methods whose answers are known: what it prints, keeps and picks up again."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache, partial

import pytest
import torch

from hw5 import zoo
from hw5.cli import inverting, methods
from hw5.cli.inverting import Inverting
from hw5.cli.methods import Method
from hw5.inversion.comparison import Reference
from hw5.inversion.inverted import Inverted
from hw5.latents import render
from hw5.metrics import perceptual


class Copier:
    """A method that gives back what it sees, darker by `shade`, and remembers being called."""

    def __init__(self, shade):
        self.shade, self.calls, self.weights = shade, [], 1

    def __call__(self, images, first, on_step):
        if first == self.shade == 4:
            raise KeyboardInterrupt
        self.calls.append(first)
        on_step()
        code, loss = torch.zeros(len(images), 10, 128), torch.zeros(len(images))
        made = images * (1 - self.shade)
        return Inverted("copier", made, code, "w+", loss, seconds=1.0, evaluations=1)


@pytest.fixture(scope="module")
def opened():
    """The judges' networks, opened once for all tests."""
    return cache(zoo.load), cache(perceptual.lpips_metric)


@pytest.fixture
def copiers(monkeypatch, opened):
    """The command with two copiers in place of its methods, on plain grey."""
    found = {"encoder": Copier(0.0), "ours": Copier(0.1)}

    def available(settings):
        return {k: Method((v.weights,), 3, lambda v=v: v) for k, v in found.items()}

    monkeypatch.setattr(methods, "available", available)
    monkeypatch.setattr(zoo, "load", opened[0])
    monkeypatch.setattr(perceptual, "lpips_metric", opened[1])
    # FID of 1,280 features takes seconds; test_comparison.py has it
    monkeypatch.setattr(Reference, "_embed", lambda self, pictures: pictures)
    monkeypatch.setattr(Reference, "distances", lambda self, made: {"fid": 0.0, "swd": 0.0})
    monkeypatch.setattr(
        inverting, "held_out", lambda asked: torch.full((asked.count, 3, 64, 64), 0.5)
    )
    return found


def rows(folder):
    return json.loads((folder / "c" / "table.json").read_text())["rows"]


def test_the_table_has_a_row_for_each_method_and_the_published_ones(run, tmp_path, copiers):
    answer = run("compare", "--count", 8, "--batch", 4, "--out", "c")
    assert answer.status == 0
    assert [line.split()[0] for line in answer.out.splitlines()] == [
        "8", "method", "encoder", "published,", "published,", "ours",
    ]  # fmt: skip
    found = rows(tmp_path)
    assert found["encoder"]["mse"] == 0
    assert found["ours"]["mse"] == pytest.approx(0.05**2, rel=1e-4)
    assert found["ours"]["seconds"] == 0.25
    assert (tmp_path / "c" / "table.txt").read_text() == answer.out


def test_what_is_done_is_not_done_again_and_more_pictures_add_to_it(run, copiers):
    run("compare", "ours", "--count", 8, "--batch", 4, "--out", "c")
    run("compare", "ours", "--count", 12, "--batch", 4, "--out", "c")
    assert copiers["ours"].calls == [0, 4, 8]


def test_an_interrupted_comparison_goes_on_where_it_was(run, copiers):
    copiers["ours"].shade = 4
    assert run("compare", "ours", "--count", 8, "--batch", 4, "--out", "c").status == 130
    copiers["ours"].shade = 0.2
    assert run("compare", "ours", "--count", 8, "--batch", 4, "--out", "c").status == 0
    assert copiers["ours"].calls == [0, 4]


def test_counts_that_are_no_multiples_of_a_batch_can_be_raised_and_lowered(run, tmp_path, copiers):
    for count in (10, 12, 5):
        answer = run("compare", "ours", "--count", count, "--batch", 4, "--out", "c")
        assert answer.status == 0, answer.err
    assert copiers["ours"].calls == [0, 4, 8, 8]  # the two of the last batch became four
    assert rows(tmp_path)["ours"]["seconds"] == pytest.approx(0.25)  # of a batch of four: a second


def test_a_network_that_was_trained_anew_inverts_anew(run, copiers):
    for weights in (1, 2, 1):
        copiers["ours"].weights = weights
        run("compare", "ours", "--count", 4, "--batch", 4, "--out", "c")
    assert copiers["ours"].calls == [0, 0]  # the first one's codes are still there


def test_the_table_keeps_the_methods_of_earlier_calls_of_the_same_networks(run, tmp_path, copiers):
    words = ["--count", 4, "--batch", 4, "--out", "c"]
    run("compare", "ours", *words)
    run("compare", "encoder", *words)
    assert list(rows(tmp_path)) == ["encoder", "ours"]
    assert copiers["ours"].calls == [0]
    copiers["ours"].weights = 2
    run("compare", "encoder", *words)
    assert list(rows(tmp_path)) == ["encoder"]


@pytest.mark.parametrize("spoil", [
    lambda path: path.write_bytes(path.read_bytes()[:-100]),
    lambda path: path.write_bytes(b""),
    lambda path: path.write_text("<html>"),
    lambda path: torch.save([1], path),
    lambda path: torch.save({"first": 0}, path),
])  # fmt: skip
def test_a_damaged_part_is_made_again_and_named(run, tmp_path, copiers, spoil):
    words = ["compare", "ours", "--count", 8, "--batch", 4, "--out", "c"]
    run(*words)
    (path,) = (tmp_path / "c").glob("ours-*/00004-4.pt")
    spoil(path)
    answer = run(*words)
    assert answer.status == 0 and "00004-4.pt: damaged" in answer.err
    assert copiers["ours"].calls == [0, 4, 4]


def test_the_bar_counts_steps_reported_or_not(run, copiers):
    answer = run("compare", "ours", "--count", 8, "--batch", 4, "--out", "c")
    assert "ours: 6 steps" in answer.err  # one of three was reported, twice


def test_networks_are_opened_only_for_what_is_missing(run, copiers, monkeypatch):
    words = ["compare", "ours", "--count", 4, "--batch", 4, "--out", "c"]
    run(*words)
    closed = {"ours": Method((1,), 3, None)}
    monkeypatch.setattr(methods, "available", lambda settings: closed)
    assert run(*words).status == 0


@pytest.mark.parametrize("out", ["file", "file/below"])
def test_a_file_in_the_place_of_the_folder_is_refused_before_anything_is_inverted(
    run, tmp_path, copiers, out
):
    (tmp_path / "file").write_text("x")
    answer = run("compare", "ours", "--count", 4, "--out", out)
    assert answer.status == 2 and "a folder" in answer.err
    assert copiers["ours"].calls == []


def keys(**settings):
    return {name: method.key() for name, method in methods.available(Inverting(**settings)).items()}


def test_keys_name_the_networks_and_settings_that_a_method_uses(tmp_path):
    usual = keys()
    assert keys(count=3, batch=2) == usual
    assert {name for name, key in keys(steps=7).items() if key != usual[name]} == {"image2stylegan"}
    (tmp_path / "mine.safetensors").write_bytes(b"anything")
    own = keys(encoder=tmp_path / "mine.safetensors")
    assert {n for n, key in own.items() if key != usual[n]} == {"encoder", "in-domain", "ours"}
    (tmp_path / "mine.safetensors").write_bytes(b"something else")
    assert keys(encoder=tmp_path / "mine.safetensors")["ours"] != own["ours"]


@pytest.mark.parametrize(
    ("weight", "users"),
    [
        ("encoder", {"encoder", "in-domain", "ours"}),
        ("world-features", {"image2stylegan", "in-domain", "ours"}),
        ("stylegan2", set(keys())),
        ("world-reader", set()),  # these only judge
        ("second-look", set()),
    ],
)
def test_a_shipped_weight_that_changes_changes_the_keys_of_its_users(monkeypatch, weight, users):
    usual, describe = keys(), zoo.describe

    def changed(name, **more):
        entry = describe(name, **more)
        return replace(entry, sha256="0" * 64) if name == weight else entry

    monkeypatch.setattr(zoo, "describe", changed)
    assert {name for name, key in keys().items() if key != usual[name]} == users


def test_another_renderer_changes_every_key(monkeypatch):
    usual = keys()
    monkeypatch.setattr("hw5.world.dataset.renderer_digest", lambda: "another")
    assert not set(keys().values()) & set(usual.values())


def test_an_encoder_of_ones_own_is_used_by_the_methods_that_start_from_it(tmp_path):
    path = tmp_path / "mine.safetensors"
    network = zoo.load("encoder-conventional")
    zoo.save(path, network, kind="encoder", config={"released": 0}, card={})
    known = methods.available(Inverting(encoder=path))
    picture = torch.zeros(1, 3, 64, 64)
    mine, plain = (
        known[name].open()(picture, 0, lambda step: None).code
        for name in ("encoder", "conventional")
    )
    assert torch.equal(mine, plain)
    opened = {name: known[name].open() for name in ("in-domain", "ours")}
    mine = render(zoo.load("stylegan2"), mine, "w+")
    for invert in opened.values():
        seen = []
        with pytest.raises(KeyboardInterrupt):
            invert(picture, 0, partial(stop_at_once, seen))
        torch.testing.assert_close(seen[0].image, mine, atol=1e-4, rtol=0)


def stop_at_once(seen, step):
    seen.append(step)
    raise KeyboardInterrupt


def test_a_generator_given_for_an_encoder_is_refused_before_other_methods_run(run, tmp_path, tiny):
    answer = run(
        "compare", "conventional", "encoder", "--count", 1, "--out", "c", "--encoder", tiny
    )
    assert answer.status == 2 and "expected an encoder" in answer.err
    assert not (tmp_path / "c").exists()


def test_an_unknown_method_gets_one_line(run, copiers):
    answer = run("compare", "theirs")
    assert answer.status == 2
    assert "encoder" in answer.err
    assert len(answer.err.splitlines()) == 1
