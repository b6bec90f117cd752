"""`hw5 semantics` on the shipped networks, with a method whose codes are the samples themselves.

And what it keeps in its folder, for a second call or after a kill.
"""

from __future__ import annotations

import json

import pytest
import torch

from hw5.cli import inverting, methods, semantics, semantics_page
from hw5.cli.methods import Method
from hw5.defaults import open_generator
from hw5.inversion import semantic_analysis
from hw5.inversion.comparison import PUBLISHED_EDITS
from hw5.inversion.inverted import Inverted
from hw5.kit import seeding
from hw5.kit.checks import InputError
from hw5.latents import render, sample_noise
from hw5.models.stylegan2 import StyleGAN2

COUNT = 24


@pytest.fixture
def echo(monkeypatch):
    """Held-out "pictures" that are samples, and a method that knows their codes."""
    generator = open_generator("stylegan2")
    codes = sample_noise(generator, "w+", COUNT, rng=seeding.make(1))
    with torch.no_grad():
        pictures = render(generator, codes, "w+").clamp(-1, 1)

    def method(images, first, on_step):
        part = codes[first : first + len(images)]
        return Inverted("echo", images, part, "w+", torch.zeros(len(images)), 1.0, 1)

    def cut(images, first, on_step):
        raise InputError("the power went")

    known = {"ours": Method(("echo",), 1, lambda: method), "encoder": Method((), 1, lambda: cut)}
    monkeypatch.setattr(methods, "available", lambda settings: known)
    monkeypatch.setattr(inverting, "held_out", lambda asked: pictures[: asked.count])
    return known


@pytest.mark.slow
def test_codes_that_are_the_samples_can_be_pushed_and_the_page_says_so(run, tmp_path, echo):
    answer = run(
        "semantics", "ours", "--count", COUNT, "--batch", COUNT, "--samples", 400, "--out", "s"
    )
    assert answer.status == 0, answer.err
    found = json.loads((tmp_path / "s" / "semantics.json").read_text())
    pushed = found["methods"]["ours"]["push"]
    assert pushed["yaw"]["flipped"] > 0.8
    assert pushed["coat_brightness"]["moved"] > 1
    assert pushed["yaw"]["identity"] < 0.999
    page = (tmp_path / "s" / "semantics.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 4
    assert "Looks right" in page and "://" not in page.replace("http://www.w3.org", "")
    assert "pushed across yaw" in answer.out


NAMES = [each.factor for each in semantic_analysis.ATTRIBUTES]
CURVE = {"average_precision": 0.9, "recall": [0, 1], "precision": [1, 0.5]}


class Ready:
    """A judge that has its figures ready."""

    def accuracies(self):
        return dict.fromkeys(NAMES, 0.9)

    def on_pictures(self):
        return dict.fromkeys(NAMES, CURVE | {"guessing": 0.5})

    def on_codes(self, shards):
        push = dict.fromkeys(NAMES, dict.fromkeys(semantics_page.FIGURES, 1.0))
        walk = {"fid": 1.0, "swd": 1.0}
        return {"sorts": dict.fromkeys(NAMES, CURVE), "walk": walk, "push": push}


def test_a_method_that_breaks_off_leaves_the_figures_of_those_before_it(
    run, tmp_path, echo, monkeypatch
):
    monkeypatch.setattr(semantics.Judge, "open", lambda *_: Ready())
    assert run("semantics", "ours", "encoder", "--count", 4, "--out", "s").status != 0
    found = json.loads((tmp_path / "s" / "semantics.json").read_text())
    assert list(found["methods"]) == ["ours"]
    assert (tmp_path / "s" / "semantics.html").exists()
    echo["encoder"] = Method((), 1, echo["ours"].open)
    assert run("semantics", "encoder", "--count", 4, "--out", "s").status == 0
    found = json.loads((tmp_path / "s" / "semantics.json").read_text())
    assert list(found["methods"]) == ["ours", "encoder"]  # that of the call before is still there


def test_published_edits_stand_below_the_methods_they_are_of(tmp_path):
    push = dict.fromkeys(semantics_page.FIGURES, 0.5)
    pushes = {name: push | {"fid": float(k), "swd": 2.0} for k, name in enumerate(NAMES)}
    row = {"sorts": dict.fromkeys(NAMES, CURVE), "walk": {"fid": 9.0, "swd": 8.0}, "push": pushes}
    judge = Ready()
    found = {"count": 4, "samples": 100, "boundaries": judge.accuracies()}
    found |= {"pictures": judge.on_pictures(), "methods": {"in-domain": row, "ours": row}}
    text = semantics_page.as_text(found).split("\n\n")[1].splitlines()
    cells = [line[20:].split() for line in text[2:]]
    assert [line[:20].strip() for line in text[2:]] == [
        "in-domain", "published, face", "published, tower", "ours",
    ]  # fmt: skip
    assert cells[0] == cells[3] == ["9.0", "8.0", "1.5", "2.0"]  # pushed: the mean of 0 to 3
    assert cells[1] == ["91.18", "33.91", "76.43", "17.99"]
    page = semantics_page.write(tmp_path / "page.html", found).read_text(encoding="utf-8")
    assert "57.92" in page and "Pictures halfway between two codes" in page


def test_the_talk_says_in_domain_codes_edit_better_than_those_of_image2stylegan():
    for what in ("face", "tower"):
        worse, better = (PUBLISHED_EDITS[n][what] for n in ("image2stylegan", "in-domain"))
        for one, other in zip((*worse[0], *worse[1]), (*better[0], *better[1]), strict=True):
            assert one > other


class Glance(torch.nn.Module):
    """A reader that sees how bright a picture is."""

    def read(self, images):
        return images.mean(dim=(1, 2, 3))[:, None]


def small(seed):
    torch.manual_seed(seed)
    return StyleGAN2(image_size=16, z_dim=4, w_dim=4, channel_base=64, channel_max=4).eval()


@pytest.fixture
def drawings(monkeypatch):
    """How many samples were drawn, drawing by drawing."""
    counts, draw = [], semantic_analysis.draw_samples

    def counted(generator, reader, count, **options):
        counts.append(count)
        return draw(generator, reader, count, **options)

    monkeypatch.setattr(semantic_analysis, "draw_samples", counted)
    return counts


def test_samples_are_drawn_once_and_are_the_same_ever_after(tmp_path, drawings):
    first, second = (semantics.kept_samples(small(0), Glance(), 6, tmp_path) for _ in range(2))
    assert drawings == [6]
    assert torch.equal(first.codes, second.codes) and torch.equal(first.numbers, second.numbers)


def test_damaged_samples_are_drawn_again_and_that_is_said(tmp_path, drawings, capsys):
    first = semantics.kept_samples(small(0), Glance(), 6, tmp_path)
    (path,) = tmp_path.glob("samples-*.pt")
    path.write_bytes(path.read_bytes()[:-50])
    again = semantics.kept_samples(small(0), Glance(), 6, tmp_path)
    assert drawings == [6, 6] and torch.equal(first.codes, again.codes)
    assert f"{path}: damaged" in capsys.readouterr().err


def test_samples_of_another_generator_or_of_another_number_are_drawn_anew(tmp_path, drawings):
    for seed, count in ((0, 6), (1, 6), (1, 7)):
        semantics.kept_samples(small(seed), Glance(), count, tmp_path)
    assert drawings == [6, 6, 7]
