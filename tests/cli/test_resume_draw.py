"""Ctrl-C keeps a drawing's best and its state, and `draw --resume` goes on from there.

What project and draw share, damaged states and real signals among it, is in test_resume.py.
"""

from __future__ import annotations

import shutil

import pytest
import torch

from hw5 import zoo
from hw5.cli import resuming
from hw5.kit import runs, strokes
from tests.cli.conftest import TINY_STYLEGAN, timeless

STEPS = 12
QUICK = ["--num-steps", STEPS, "--num-mean", 4, "--perceptual", 0]
WORDS = [*QUICK, "--num-typical", 16]
pytestmark = [pytest.mark.usefixtures("usual_ctrl_c"), pytest.mark.needs()]


@pytest.fixture(autouse=True)
def sketch(tmp_path):
    dot = strokes.Stroke(((0.5, 0.5),), (20, 200, 20), 0.4)
    strokes.save_sketch(tmp_path / "dot.json", strokes.Sketch((dot,)))


@pytest.fixture
def stopped(stopping, tiny):
    """Run a drawing on which Ctrl-C is pressed after some steps; what it answered."""

    def begin(*words: object, **when: int):
        return stopping("draw", "dot.json", "--generator", tiny, *WORDS, *words, **when)

    return begin


@pytest.fixture
def projected(run, tiny):
    """A run to start from, r."""
    run("project", "chelsea", "--generator", tiny, *QUICK, "--noise", "optimised", "--out", "r")
    return "r"


def same(folder, other):
    """Two runs hold the same, but for what a clock says."""
    one, two = runs.load_run(folder), runs.load_run(other)
    assert timeless(one.record) == timeless(two.record)
    assert set(one.arrays) == set(two.arrays) and set(one.images) == set(two.images)
    for name, array in (one.arrays | one.images).items():
        assert torch.equal((two.arrays | two.images)[name], array), name


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--optimiser", "lbfgs", "--num-seeds", 2],
        ["--num-mean", 0, "--num-seeds", 2, "--seed", 3],
        ["--start", "r", "--keep", 2],
        ["--start", "r", "--noise", "optimised"],
    ],
    ids=str,
)
@pytest.mark.filterwarnings("error")
def test_a_stopped_drawing_ends_as_an_uninterrupted_one(
    run, stopped, tiny, tmp_path, projected, words
):
    run("draw", "dot.json", "--generator", tiny, *WORDS, *words, "--out", "whole")
    assert stopped(*words, "--out", "part").status == 130
    assert stopped("--resume", "part", *words, after=8).status == 130  # once more
    answer = run("draw", "--resume", "part")
    assert answer.status == 0 and "usual distances from the mean cat" in answer.out
    assert f"draw: {STEPS - 8} steps" in answer.err  # and not all of them once more
    same(tmp_path / "part", tmp_path / "whole")
    assert not (tmp_path / "part" / resuming.STATE).exists()  # there is nothing to go on with


def test_the_line_of_a_stopped_drawing_says_how_to_go_on(stopped, tmp_path):
    answer = stopped("--out", "my runs/d")
    bar, line = answer.err.splitlines()
    assert bar.startswith(f"draw: 5 of {STEPS} steps")
    assert line.startswith(f"hw5: stopped after 5 of {STEPS} steps, the best so far is in")
    assert line.endswith("python -m hw5 draw --resume 'my runs/d'")
    kept = runs.load_run(tmp_path / "my runs/d")
    assert kept.record["stopped"] == "cancelled" and set(kept.images) == {"sketch", "result"}


def test_a_resumed_drawing_needs_neither_its_sketch_nor_the_run_it_started_from(
    run, stopped, tmp_path, projected
):
    stopped("--start", projected, "--out", "d")
    (tmp_path / "dot.json").unlink()
    shutil.rmtree(tmp_path / projected)
    assert run("draw", "--resume", "d").status == 0
    assert runs.load_run(tmp_path / "d").record["sketch"] == "dot.json"


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["--num-steps", 300], "--num-steps"),  # the default, but not what the search began with
        (["--keep", 3], "--keep"),
        (["--num-typical", 10_000], "--num-typical"),
        (["--penalty", 1], "--penalty"),
        (["--start", "elsewhere"], "--start"),
        (["--generator", "dcgan"], "--generator"),
        (["./other.json"], "sketch"),
    ],
    ids=str,
)
def test_a_changed_setting_of_a_drawing_is_refused(run, stopped, projected, words, name):
    stopped("--start", projected, "--out", "d")
    answer = run("draw", *words, "--resume", "d")
    assert answer.status == 2
    assert answer.err.startswith(f"hw5: error: {name}: expected ")
    assert answer.err.count("\n") == 1 and "as in d, or nothing" in answer.err


def test_the_same_settings_of_a_drawing_may_be_said_again(run, stopped, tiny, projected):
    stopped("--start", projected, "--out", "d")
    words = ["./dot.json", "--generator", tiny, "--start", "./r", "--space", "w+", "--seed", 0]
    assert run("draw", *words, *WORDS, "--resume", "d").status == 0


def test_each_command_goes_on_with_its_own_searches_and_names_the_other(run, stopping, tiny):
    words = ["--generator", tiny, *QUICK]
    stopping("draw", "dot.json", *words, "--num-typical", 16, "--out", "d")
    stopping("project", "chelsea", *words, "--out", "p")
    for command, folder, other in (("project", "d", "draw"), ("draw", "p", "project")):
        answer = run(command, "--resume", folder)
        assert answer.status == 2 and answer.err.count("\n") == 1
        assert f"one of {other}. Hint: python -m hw5 {other} --resume {folder}" in answer.err


def test_a_second_ctrl_c_keeps_nothing_of_a_drawing(stopped, tmp_path):
    before = sorted(tmp_path.iterdir())
    answer = stopped("--out", "d", times=2)
    assert answer.status == 130 and answer.err.endswith("hw5: stopped\n")
    assert sorted(tmp_path.iterdir()) == before


def test_a_drawing_is_not_gone_on_with_by_a_generator_that_has_changed(
    run, stopping, tiny, tmp_path
):
    network = zoo.load(tiny)
    other = tmp_path / "mine.safetensors"
    zoo.save(other, network, kind="stylegan2", config=TINY_STYLEGAN, card={})
    run("project", "chelsea", "--generator", other, *QUICK, "--out", "r")
    stopping("draw", "dot.json", *WORDS, "--start", "r", "--out", "d")
    with torch.no_grad():
        for value in network.synthesis.parameters():
            value.mul_(-1)
    zoo.save(other, network, kind="stylegan2", config=TINY_STYLEGAN, card={})
    answer = run("draw", "--resume", "d")
    assert answer.status == 2 and "a network has changed" in answer.err
