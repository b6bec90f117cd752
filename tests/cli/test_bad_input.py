"""Bad input at every door of the command line: status 2, one clear line, nothing half-written."""

from __future__ import annotations

import dataclasses
import json
import random
import string
import struct
import typing
import zlib

import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from hw5 import zoo
from hw5.cli import COMMANDS
from hw5.kit import images, strokes
from hw5.models.stylegan2 import StyleGAN2

QUICK = ["--num-steps", 1, "--num-mean", 2, "--perceptual", 0]
STROKE = {"kind": "line", "points": [[0.5, 0.5]], "colour": [1, 2, 3], "width": 0.1, "erase": False}
SKETCH = {"format": "hw5-sketch", "version": 1, "strokes": [STROKE]}


def png_of(width: int, height: int) -> bytes:
    """A valid PNG header of any size, with hardly any pixels behind it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0"))


def alpha_only(path) -> None:
    Image.fromarray(np.zeros((32, 32, 4), np.uint8)).save(path)


PICTURES = {
    "missing.png": lambda path: None,
    "folder.png": lambda path: path.mkdir(),
    "empty.png": lambda path: path.write_bytes(b""),
    "text.png": lambda path: path.write_text("a text file named .png"),
    "html.png": lambda path: path.write_text("<html>Quota exceeded</html>"),
    "one_pixel.png": lambda path: images.save(path, torch.zeros(1, 3, 1, 1)),
    "enormous.png": lambda path: path.write_bytes(png_of(20_000, 20_000)),
    "cut_off.png": lambda path: path.write_bytes(images.to_png(torch.rand(1, 3, 64, 64))[:200]),
    "alpha_only.png": alpha_only,
    "random.jpg": lambda path: path.write_bytes(bytes(range(256)) * 8),
}

SKETCHES = {
    **{name: PICTURES[name] for name in ("missing.png", "folder.png", "empty.png", "text.png")},
    "no_alpha.png": lambda path: images.save(path, torch.zeros(1, 3, 32, 32)),
    "alpha_only.png": alpha_only,
    "wide.png": lambda path: Image.new("RGBA", (40, 20), (9, 9, 9, 255)).save(path),
    "missing.json": lambda path: None,
    "not_json.json": lambda path: path.write_text("{"),
    "list.json": lambda path: path.write_text("[]"),
    "deep.json": lambda path: path.write_text("[" * 100_000),
    "nan.json": lambda path: path.write_text(json.dumps(SKETCH).replace("0.1", "NaN")),
    "version.json": lambda path: path.write_text(json.dumps({**SKETCH, "version": 99})),
    "no_strokes.json": lambda path: path.write_text(json.dumps({**SKETCH, "strokes": []})),
    "colour.json": lambda path: path.write_text(json.dumps(SKETCH).replace("[1, 2, 3]", "[1, 2]")),
    "outside.json": lambda path: path.write_text(json.dumps(SKETCH).replace("0.5", "1.5")),
}


def good_weights(path) -> bytes:
    config = {"image_size": 16, "z_dim": 4, "w_dim": 4, "channel_base": 64, "channel_max": 4}
    zoo.save(path, StyleGAN2(**config), kind="stylegan2", config=config, card={})
    return path.read_bytes()


def spoiled(path, change) -> None:
    """A good file of weights with its tensors changed."""
    data = good_weights(path)
    tensors = safetensors.torch.load(data)
    change(tensors)
    length = int.from_bytes(data[:8], "little")
    metadata = json.loads(data[8 : 8 + length])["__metadata__"]
    path.write_bytes(safetensors.torch.save(tensors, metadata))


def with_nan(tensors) -> None:
    next(iter(tensors.values())).view(-1)[0] = float("nan")


def without_one(tensors) -> None:
    tensors.pop(next(iter(tensors)))


WEIGHTS = {
    "missing.safetensors": lambda path: None,
    "empty.safetensors": lambda path: path.write_bytes(b""),
    "html.safetensors": lambda path: path.write_text("<html>Quota exceeded</html>" * 100),
    "cut_off.safetensors": lambda path: path.write_bytes(good_weights(path)[:-100]),
    "half_header.safetensors": lambda path: path.write_bytes(good_weights(path)[:40]),
    "nan.safetensors": lambda path: spoiled(path, with_nan),
    "one_missing.safetensors": lambda path: spoiled(path, without_one),
    "foreign.safetensors": lambda path: safetensors.torch.save_file({"a": torch.ones(1)}, path),
    "no_such_name": lambda path: None,
}

OPTIONS = [
    ["sample", "--count", 0],
    ["sample", "--count", 10**9],
    ["sample", "--truncation", "nan"],
    ["sample", "--truncation", -1],
    ["sample", "--seed", -1],
    ["sample", "--out", "picture.xyz"],
    ["sample", "--out", "."],
    ["world", "--count", 0],
    ["world", "--size", 20],
    ["world", "--size", 99999],
    ["world", "--count", 1025, "--size", 512],
    ["world", "--count", 1, "--set", "yaw"],
    ["world", "--count", 1, "--set", "yaw=left"],
    ["world", "--count", 1, "--set", "yaw=nan"],
    ["world", "--count", 1, "--set", "yaw=1000"],
    ["world", "--count", 1, "--set", "tail=1"],
    ["project", "--box", 0, 0, 9999],
    ["project", "--box", -1, 0, 64],
    ["project", "--seed", -5],
    ["project", "--out", "bad\0name"],
    ["draw", "dot.json", "--start", "nowhere"],
    ["draw", "dot.json", "--start", "."],
    ["interpolate", "--fps", 0],
    ["interpolate", "--fps", 1000],
    ["interpolate", "nowhere.png", "2"],
    ["ladder", "--photo", "nowhere.png"],
    ["ladder", "--second-evaluations", 0],
    ["ladder", "--out", "dot.json"],
    ["ladder", "--encoder", "nowhere.safetensors"],
    ["ladder", "--encoder", "dot.json"],
    ["compare", "--out", "dot.json"],
    ["compare", "--out", "dot.json/below"],
    ["compare", "--encoder", "nowhere.safetensors"],
    ["ladder", "--encoder", "no_such_name"],
    ["semantics", "--out", "dot.json"],
    ["semantics", "--encoder", "nowhere.safetensors"],
    ["bench", "no_such_bench"],
    ["train"],
]

PARSED = [
    ["sample", "--space", "v"],
    ["project", "--optimiser", "sgd"],
    ["project", "--space", "v"],
    ["project", "--num-steps", 0],
    ["project", "--num-steps", 1.5],
    ["project", "--pixel", -1],
    ["project", "--learning-rate", 0],
    ["project", "--pixel", 0, "--perceptual", 0],
    ["draw", "--keep", -1],
    ["interpolate", "--num-frames", 1],
    ["interpolate", "--path", "round"],
    ["ladder", "--found", 2],
    ["ablate", "--perceptual", 1.5],
    ["ablate", "--design", "all"],
]


@pytest.fixture
def refuse(run, tmp_path, tiny):
    """Run a command that must refuse; check the answer and that nothing was left behind."""
    dot = strokes.Stroke(((0.5, 0.5),), (9, 9, 9), 0.2)
    strokes.save_sketch(tmp_path / "dot.json", strokes.Sketch((dot,)))

    def refuse(*words: object) -> str:
        before = sorted(tmp_path.rglob("*"))
        answer = run(*words)
        assert answer.status == 2, (words, answer)
        assert "Traceback" not in answer.err and answer.out == ""
        lines = [line for line in answer.err.splitlines() if line.startswith("hw5: error: ")]
        assert len(lines) == 1 and answer.err.splitlines()[-1] == lines[0]
        assert len(lines[0]) < 700
        assert sorted(tmp_path.rglob("*")) == before
        return answer.err

    return refuse


@pytest.mark.parametrize("name", PICTURES)
def test_a_bad_picture_is_refused_by_name(refuse, tmp_path, tiny, name):
    PICTURES[name](tmp_path / name)
    assert name in refuse("project", name, "--generator", tiny, *QUICK)


@pytest.mark.parametrize("name", SKETCHES)
def test_a_bad_sketch_is_refused_by_name(refuse, tmp_path, tiny, name):
    SKETCHES[name](tmp_path / name)
    assert name in refuse("draw", name, "--generator", tiny, *QUICK)


@pytest.mark.parametrize("name", WEIGHTS)
@pytest.mark.parametrize("command", ["sample", "project"])
def test_bad_weights_are_refused_by_name(refuse, tmp_path, name, command):
    WEIGHTS[name](tmp_path / name)
    words = [] if command == "sample" else ["chelsea", *QUICK]
    assert name in refuse(command, *words, "--generator", name)


@pytest.mark.parametrize(
    "words", OPTIONS, ids=lambda words: " ".join(map(str, words))[:50].replace("\0", "0")
)
def test_a_bad_option_is_refused(refuse, tiny, words):
    command, *rest = words
    if command in ("sample", "project", "draw", "interpolate", "ladder"):
        rest += ["--generator", tiny, *([] if command == "sample" else QUICK)]
    refuse(command, *rest)


@pytest.mark.parametrize("words", PARSED, ids=lambda words: " ".join(map(str, words)))
def test_a_bad_setting_is_refused_by_its_option(refuse, words):
    said = refuse(*words)
    assert said.count("\n") == 1 and "Error parsing" not in said and "None" not in said
    assert words[1] in said or "weights: expected at least one positive" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--box", 1, 2], "--box: expected LEFT TOP SIDE, got '1 2'."),
        (["--box=1", "--seed", 3], "--box: expected LEFT TOP SIDE, got '1'."),
        (["--num-steps", "x"], "--num-steps: expected INT, got 'x'."),
        (["--max-evaluations", "x"], "--max-evaluations: expected INT, got 'x'."),
        (["--num-steps", 0], "--num-steps: expected a whole number of at least 1, got 0."),
        (["--steps", 5], "Unrecognized options: --steps, 5."),
    ],
    ids=str,
)
def test_a_refusal_names_option_and_kind_in_one_line(refuse, words, said):
    assert f"hw5: error: {said}" in refuse("project", *words)


@pytest.mark.parametrize(
    ("words", "end"),
    [
        (["projekt"], "got 'projekt'. Hint: did you mean project?"),
        (["Draw", "sketch.json"], "got 'Draw'. Hint: did you mean draw?"),
        (["bogus", "--help"], "got 'bogus'."),
        (["--seed", 1, "sample"], "got '--seed'. Hint: options follow the command"),
        ([""], "got ''."),
        (["x" * 999 + "\n"], "xxx..."),
    ],
    ids=lambda value: str(value)[:30],
)
def test_an_unknown_command_is_refused_in_one_line_that_says_where_the_list_is(refuse, words, end):
    said = refuse(*words)
    assert said.count("\n") == 1 and end in said
    assert said.startswith("hw5: error: command: expected one that `python -m hw5 --help` lists, ")


def test_a_setting_of_no_option_keeps_its_name(refuse):
    said = refuse("project", "--pixel", 0, "--perceptual", 0)
    assert "error: weights: expected at least one positive weight" in said


def test_the_choices_of_a_space_are_spaces(refuse):
    assert "Expected one of w, w+, z." in refuse("sample", "--space", "q")


def options_of(hints):
    """Names and kinds, int, float or Literal, of the options in a signature and its settings."""
    for name, hint in hints.items():
        if dataclasses.is_dataclass(hint):
            yield from options_of(typing.get_type_hints(hint))
            continue
        given = typing.get_args(hint) if type(None) in typing.get_args(hint) else (hint,)
        kind = next(each for each in given if each is not type(None))
        if name != "return" and (kind in (int, float) or typing.get_origin(kind) is typing.Literal):
            yield name, kind


def bad_values(kind, rng):
    """One of each sort: no number, too small, too large, too fine; or no such choice."""
    word = "".join(rng.choices(string.ascii_letters, k=6))
    if typing.get_origin(kind) is typing.Literal:
        return [word, "nan", ""]
    small, large = -rng.randint(1, 10**9), rng.randint(10**18, 10**30)
    return [word, "nan", "", small, *([1.5, large] if kind is int else ["inf", "-inf"])]


FUZZED = {
    name: sorted(options_of(typing.get_type_hints(command)), key=str)
    for name, command in COMMANDS.items()
}


@pytest.mark.parametrize("name", [name for name, options in FUZZED.items() if options])
def test_no_bad_number_or_choice_passes(refuse, tmp_path, tiny, name, monkeypatch):
    images.save(tmp_path / "cat.png", torch.zeros(1, 3, 32, 32))
    words = {"crop": ["cat.png"], "convert": ["a.pkl", "b.safetensors"], "train": ["stylegan2"],
             "draw": ["dot.json"], "project": ["cat.png"]}.get(name, [])  # fmt: skip
    if name in ("sample", "project", "draw", "interpolate", "ladder"):
        words += ["--generator", tiny, *([] if name == "sample" else QUICK)]
    else:
        monkeypatch.setattr(zoo, "load", None)  # whoever accepts a bad value stumbles here

    rng = random.Random(name)
    for option, kind in FUZZED[name]:
        for value in rng.sample(bad_values(kind, rng), k=3):
            refuse(name, *words, f"--{option.replace('_', '-')}={value}")


def test_a_space_that_the_generator_lacks_is_refused(refuse, weights):
    dcgan = weights / "dcgan.safetensors"
    assert "one of z" in refuse("sample", "--generator", dcgan, "--space", "w+")
    said = refuse("project", "chelsea", "--generator", dcgan, *QUICK, "--space", "w")
    assert "--space of" in said and "steps" not in said  # before the bar
    refuse("interpolate", 1, 2, "--generator", dcgan, "--space", "w")


@pytest.mark.needs()
def test_an_edit_in_another_space_or_by_another_generator_is_refused(refuse, run, tiny, weights):
    run("project", "chelsea", "--generator", tiny, *QUICK, "--out", "r")
    words = ["draw", "dot.json", "--start", "r", *QUICK]
    assert "--space: expected w+" in refuse(*words, "--space", "w")
    dcgan = weights / "dcgan.safetensors"
    assert "--generator: expected" in refuse(*words, "--generator", dcgan)


def test_a_wrong_name_of_a_generator_lists_generators_only(refuse):
    said = refuse("sample", "--generator", "stylegan3")
    assert "generator: expected one of stylegan2, dcgan, " in said and "encoder" not in said
    assert "stylegan2" in refuse("sample", "--generator", "encoder")


def test_a_file_that_is_no_checkpoint_is_not_taken_for_a_name(refuse, tmp_path):
    (tmp_path / "README.md").write_text("# Not a checkpoint")
    said = refuse("sample", "--generator", "README.md")
    assert "a file of weights, got README.md, which is neither" in said


def test_the_size_of_a_cut_is_refused_by_its_option(refuse, tmp_path):
    images.save(tmp_path / "cat.png", torch.zeros(1, 3, 32, 32))
    assert "error: --size: expected" in refuse("crop", "cat.png", "--size", 3)


def test_a_film_with_noise_of_its_own_is_refused(refuse, tiny):
    said = refuse("interpolate", 1, 2, "--generator", tiny, "--noise", "optimised")
    assert "--noise: expected fixed" in said and "one set of noise maps" in said


def test_an_output_below_a_file_is_refused(refuse, tmp_path, tiny):
    (tmp_path / "file").write_text("x")
    refuse("sample", "--generator", tiny, "--out", "file/picture.png")
    refuse("project", "chelsea", "--generator", tiny, *QUICK, "--out", "file/run")


def test_a_projection_that_ends_at_once_leaves_nothing(run, tmp_path, tiny, monkeypatch):
    """As by a second Ctrl-C; what the first keeps, test_resume.py says."""
    from hw5 import search

    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(search.Search, "result", stop)
    assert run("project", "chelsea", "--generator", tiny, *QUICK).status == 130
    assert list(tmp_path.rglob("*")) == []


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    data=st.binary(max_size=200),
    head=st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"{"]),
)
@pytest.mark.parametrize(
    ("command", "name"), [("project", "x.png"), ("draw", "x.json"), ("sample", "x.safetensors")]
)
def test_random_bytes_never_pass_for_a_file(refuse, tmp_path, tiny, command, name, head, data):
    (tmp_path / name).write_bytes(head + data)
    if command == "sample":
        refuse("sample", "--generator", name)
    else:
        refuse(command, name, "--generator", tiny, *QUICK)
