"""`models` and `fetch` as a person sees them: what is printed, and the status."""

from __future__ import annotations

import pytest

from hw5 import zoo
from hw5.cli import models
from hw5.zoo.fetching import Fetched
from hw5.zoo.inventory import stock


@pytest.fixture
def bare(tmp_path, monkeypatch):
    """A machine without any published file."""
    for variable in ("TORCH_HOME", "HW5_CACHE", "HW5_WEIGHTS"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
    return tmp_path


def test_models_lists_every_network_of_the_table(run, bare):
    answer = run("models")
    assert answer.status == 0
    for name in zoo.names():
        assert f" {name} " in answer.out


def test_models_says_what_is_here_and_what_is_missing(run, bare):
    lines = run("models").out.splitlines()
    states = {words[1]: words[0] for line in lines if len(words := line.split()) > 2}
    assert states["stylegan2"] == states["efficientnet-lite0"] == "here"
    assert states["vgg19"] == "missing" and states["clip-vit-b-32"] == "later"


@pytest.mark.parametrize("columns", [72, 110, 140])
def test_the_list_is_as_wide_as_it_may_be(columns):
    lines = list(models.table([stock(zoo.describe(name)) for name in zoo.names()], columns))
    assert max(map(len, lines)) <= columns


def test_models_tells_everything_about_one(run, bare):
    answer = run("models", "ffhq-1024")
    entry = zoo.describe("ffhq-1024")
    for fact in (entry.url, entry.licence, entry.origin, entry.sha256, "382 MB", "meanwhile"):
        assert fact in answer.out


def test_the_list_says_whose_digest_nobody_publishes(run, bare):
    text = " ".join(run("models").out.split())
    listed = [zoo.describe(name) for name in zoo.names()]
    unknown = [entry for entry in listed if entry.published and not entry.sha256]
    assert text.count("digest recorded at first use") == len(unknown) > 3


def test_models_says_where_a_digest_is_recorded_at_first_use(run, bare):
    assert "recorded, and checked ever after" in run("models", "afhq-cat-512").out


def test_an_unknown_name_is_one_line(run):
    answer = run("models", "vgg91")
    assert answer.status == 2 and "did you mean 'vgg19'" in answer.err


def test_fetch_tells_where_the_file_is_its_digest_and_its_licence(run, bare, monkeypatch):
    done = Fetched(bare / "vgg19.pth", "ab" * 32, "of the table")
    monkeypatch.setattr("hw5.zoo.fetching.fetch", lambda *_, **__: done)
    answer = run("fetch", "vgg19")
    assert answer.status == 0
    assert str(done.path) in answer.out and "abababababab... of the table" in answer.out
    assert "BSD-3-Clause" in answer.out


def test_a_failed_fetch_has_status_2_and_writes_nothing(run, bare):
    answer = run("fetch", "vgg19", "--mirror", "http://127.0.0.1:9/")
    assert answer.status == 2 and answer.err.count("\n") == 1
    assert "does not answer" in answer.err and "--file" in answer.err
    assert not [path for path in bare.rglob("*") if path.is_file() and path.suffix != ".lock"]


@pytest.mark.parametrize(
    "words",
    [[], ["vgg19", "vgg16", "--file", "x.pth"], ["vgg19", "vgg16", "--mirror", "https://x"]],
)
def test_fetch_asks_for_names_that_fit_its_options(run, words):
    answer = run("fetch", *words)
    assert answer.status == 2 and "fetch: expected" in answer.err


def test_a_file_is_taken_from_this_machine(run, bare):
    (bare / "page.pth").write_text("<html>Quota exceeded</html>")
    answer = run("fetch", "vgg19", "--file", bare / "page.pth")
    assert answer.status == 2 and "it is a web page" in answer.err
