"""Ctrl-C keeps a search's best and its state, and `project --resume` goes on from there."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from hw5 import projector, search, zoo
from hw5.cli import resuming
from hw5.kit import images, runs
from tests.cli.conftest import TINY_STYLEGAN, timeless
from tests.tolerances import assert_close

ROOT = Path(__file__).resolve().parents[2]
STEPS = 12
WORDS = ["--num-steps", STEPS, "--num-mean", 4, "--perceptual", 0]
pytestmark = pytest.mark.usefixtures("usual_ctrl_c")
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="a process sent Ctrl-C is killed there")


@pytest.fixture
def stopped(stopping, tiny):
    """Run a projection on which Ctrl-C is pressed after some steps; what it answered."""

    def begin(*words: object, **when: int):
        return stopping("project", "chelsea", "--generator", tiny, *WORDS, *words, **when)

    return begin


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--optimiser", "lbfgs", "--num-seeds", 2],
        ["--noise", "optimised", "--num-seeds", 2, "--seed", 3],
    ],
    ids=str,
)
@pytest.mark.filterwarnings("error")
def test_a_stopped_search_ends_as_an_uninterrupted_one(run, stopped, tiny, tmp_path, words):
    words = [*map(str, words)]
    run("project", "chelsea", "--generator", tiny, *WORDS, *words, "--out", "whole")
    assert stopped(*words, "--out", "part").status == 130
    answer = run("project", "--resume", "part")
    assert answer.status == 0
    assert f"project: {STEPS - 5} steps" in answer.err  # and not all of them once more
    whole, part = (runs.load_run(tmp_path / name) for name in ("whole", "part"))
    assert timeless(part.record) == timeless(whole.record)
    for name, array in whole.arrays.items():
        assert torch.equal(part.arrays[name], array), name
    assert not (tmp_path / "part" / resuming.STATE).exists()  # there is nothing to go on with


@pytest.mark.parametrize("words", [["--optimiser", "lbfgs"], []], ids=str)
def test_a_search_is_stopped_and_resumed_as_often_as_one_likes(run, stopped, tmp_path, words):
    stopped(*words, "--out", "r", after=3)
    first = runs.load_run(tmp_path / "r").record
    again = stopped("--resume", "r", *words, after=7)
    assert again.status == 130 and f"after 7 of {STEPS} steps" in again.err
    assert runs.load_run(tmp_path / "r").record["evaluations"] > first["evaluations"]
    assert run("project", "--resume", "r").status == 0


def test_the_line_of_a_stopped_search_says_how_to_go_on(run, stopped, tmp_path):
    answer = stopped("--out", "my runs/r")
    bar, line = answer.err.splitlines()
    assert bar.startswith(f"project: 5 of {STEPS} steps")
    assert line.startswith(f"hw5: stopped after 5 of {STEPS} steps, the best so far is in")
    assert "MB of state" in line
    assert line.endswith("python -m hw5 project --resume 'my runs/r'")
    kept = runs.load_run(tmp_path / "my runs/r")
    assert kept.record["stopped"] == "cancelled" and set(kept.images) == {"target", "result"}


def test_a_resumed_search_may_be_kept_elsewhere(run, stopped, tmp_path):
    stopped("--out", "r")
    before = (tmp_path / "r/record.json").read_bytes()
    assert run("project", "--resume", "r", "--out", "s").status == 0
    assert (tmp_path / "r/record.json").read_bytes() == before
    assert runs.load_run(tmp_path / "s").record["stopped"] == "steps"
    assert "expected a new folder" in run("project", "--resume", "r", "--out", "s").err


def test_a_resumed_search_needs_neither_its_picture_nor_its_mask(run, stopped, tiny, tmp_path):
    images.save(tmp_path / "cat.png", torch.zeros(1, 3, 16, 16))
    images.save(tmp_path / "mask.png", torch.ones(1, 3, 16, 16))
    stopped("--box", 0, 0, 90, "--mask", "mask.png", "--out", "r")
    (tmp_path / "mask.png").unlink()
    assert run("project", "--resume", "r").status == 0
    assert runs.load_run(tmp_path / "r").record["mask"] == "mask.png"


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["--num-steps", 1000], "--num-steps"),  # the default, but not what the search began with
        (["--space", "w"], "--space"),
        (["--learning_rate=0.5"], "--learning-rate"),
        (["--pixel", 3], "--pixel"),
        (["--layers", "conv_1_1"], "--layers"),
        (["--box", 0, 0, 64], "--box"),
        (["--mask", "m.png"], "--mask"),
        (["--seed", 1], "--seed"),
        (["--generator", "stylegan2"], "--generator"),
        (["cat.png"], "picture"),
    ],
    ids=str,
)
def test_a_changed_setting_is_refused(run, stopped, tmp_path, words, name):
    stopped("--out", "r")
    before = (tmp_path / "r/record.json").read_bytes()
    answer = run("project", *words, "--resume", "r")
    assert answer.status == 2
    assert answer.err.startswith(f"hw5: error: {name}: expected ")
    assert answer.err.count("\n") == 1 and "as in r, or nothing" in answer.err
    assert (tmp_path / "r/record.json").read_bytes() == before


def test_the_same_settings_may_be_said_again(run, stopped, tiny):
    stopped("--out", "r")
    words = ["--generator", tiny, *WORDS, "--space", "w+", "--device", "cpu", "--seed", 0]
    assert run("project", "chelsea", *words, "--resume", "r").status == 0


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    "damage",
    [
        Path.unlink,
        flip,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-100]),
        lambda path: path.write_text("<html>Quota exceeded</html>"),
    ],
    ids=["missing", "one bit", "empty", "cut off", "a page"],
)
def test_a_missing_or_damaged_state_is_refused(run, stopped, tmp_path, damage):
    stopped("--out", "r")
    damage(tmp_path / "r" / resuming.STATE)
    answer = run("project", "--resume", "r")
    assert answer.status == 2 and answer.err.count("\n") == 1
    assert resuming.STATE in answer.err and "expected the state of" in answer.err


def test_only_a_stopped_search_goes_on(run, tiny, tmp_path):
    run("project", "chelsea", "--generator", tiny, *WORDS, "--out", "r")
    for folder, got in (("r", "one that has ended"), ("s", "no such folder")):
        answer = run("project", "--resume", folder)
        assert answer.status == 2 and answer.err.count("\n") == 1 and got in answer.err


def test_a_generator_that_has_changed_is_refused(run, stopped, tiny, tmp_path):
    network = zoo.load(tiny)
    other = tmp_path / "mine.safetensors"
    zoo.save(other, network, kind="stylegan2", config=TINY_STYLEGAN, card={})
    stopped("--generator", other, "--out", "r")
    with torch.no_grad():
        for value in network.synthesis.parameters():
            value.mul_(-1)
    zoo.save(other, network, kind="stylegan2", config=TINY_STYLEGAN, card={})
    answer = run("project", "--resume", "r")
    assert answer.status == 2 and "a network has changed" in answer.err


def test_a_state_that_is_too_large_is_not_kept_and_said_to_be_so(
    run, stopped, tmp_path, monkeypatch
):
    monkeypatch.setattr(resuming, "LARGEST", 100)
    answer = stopped("--out", "r")
    assert answer.status == 130 and "too large to keep" in answer.err
    assert not (tmp_path / "r" / resuming.STATE).exists()
    assert "one that kept no state" in run("project", "--resume", "r").err


def test_a_second_ctrl_c_ends_at_once_and_keeps_nothing(stopped, tmp_path):
    answer = stopped("--out", "r", times=2)
    assert answer.status == 130 and answer.err.endswith("hw5: stopped\n")
    assert list(tmp_path.iterdir()) == []


def test_a_second_ctrl_c_leaves_an_earlier_run_alone(run, stopped, tmp_path):
    stopped("--out", "r")
    before = {path: path.read_bytes() for path in (tmp_path / "r").iterdir()}
    stopped("--resume", "r", after=7, times=2)
    assert {path: path.read_bytes() for path in (tmp_path / "r").iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["r"]


def test_a_search_that_has_not_begun_keeps_nothing(run, tiny, tmp_path, monkeypatch):
    def press(*arguments, **options):
        signal.raise_signal(signal.SIGINT)
        return begin_search(*arguments, **options)

    begin_search = search.begin_search
    monkeypatch.setattr(projector, "begin_search", press)
    answer = run("project", "chelsea", "--generator", tiny, *WORDS)
    assert answer.status == 130 and answer.err.endswith("hw5: stopped\n")
    assert list(tmp_path.iterdir()) == []


# At its third step the search says so and waits for a line, so that nobody guesses when to press.
WAITING = """
import sys
from hw5.cli import main
from hw5.search import Search
report = Search.report
def told(search, *arguments):
    report(search, *arguments)
    if search.step == 3:
        print("now", flush=True)
        sys.stdin.readline()
Search.report = told
sys.exit(main(sys.argv[1:]))
"""


@contextlib.contextmanager
def waiting(folder: Path, *words: object) -> Iterator[subprocess.Popen]:
    """A projection in a process of its own, when it has begun."""
    process = subprocess.Popen(
        [sys.executable, "-c", WAITING, "project", *map(str, words)],
        cwd=folder, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        # A shell that runs the tests in the background ignores Ctrl-C, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    try:
        assert process.stdout.readline() == "now\n"
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.slow
@POSIX
def test_a_real_ctrl_c_stops_a_search_that_another_process_goes_on_with(run, weights, tmp_path):
    words = ["chelsea", "--generator", weights / "dcgan.safetensors", *WORDS]
    with waiting(tmp_path, *words, "--out", "part") as process:
        process.send_signal(signal.SIGINT)
        _, said = process.communicate("\n", timeout=120)
    assert process.returncode == 130
    assert said.splitlines()[-1].endswith("python -m hw5 project --resume part")
    assert runs.load_run(tmp_path / "part").record["evaluations"] == 3
    assert f"project: {STEPS - 3} steps" in run("project", "--resume", "part").err
    run("project", *words, "--out", "whole")
    whole, part = (runs.load_run(tmp_path / name) for name in ("whole", "part"))
    losses, expected = ([s["losses"] for s in r.record["history"]] for r in (part, whole))
    assert_close(torch.tensor(losses), torch.tensor(expected), "float32")
    assert_close(part.arrays["code"], whole.arrays["code"], "float32")


@pytest.mark.slow
@POSIX
def test_a_second_real_ctrl_c_ends_at_once_and_keeps_nothing(weights, tmp_path):
    words = ["chelsea", "--generator", weights / "dcgan.safetensors", *WORDS]
    with waiting(tmp_path, *words) as process:
        process.send_signal(signal.SIGINT)
        time.sleep(1)  # two signals at once are one
        assert process.poll() is None  # the first waits for the end of the step
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=120)
    assert process.returncode == 130 and said.endswith("hw5: stopped\n")
    assert list(tmp_path.iterdir()) == []
