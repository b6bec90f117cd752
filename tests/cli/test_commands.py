"""Each command does its work, says what it wrote, and explains itself."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from hw5 import latents, zoo
from hw5 import world as cats
from hw5.cli import COMMANDS, ladder, world
from hw5.cli.draw import ScribbleWeights
from hw5.config import LossWeights
from hw5.inversion.ladder import RUNGS, Evidence
from hw5.kit import images, runs, seeding, strokes

ROOT = Path(__file__).resolve().parents[2]
QUICK = ["--num-steps", 2, "--num-mean", 4, "--perceptual", 0]
DOT = strokes.Sketch((strokes.Stroke(((0.5, 0.5),), (20, 200, 20), 0.4),))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_with_an_example(run, name):
    answer = run(name, "--help")
    assert answer.status == 0
    assert f"python -m hw5 {name}" in answer.out
    assert "For example" in answer.out


@pytest.mark.parametrize("name", ["project", "draw", "interpolate", "ladder", "ablate", "report"])
def test_help_shows_defaults_and_what_settings_mean(run, name):
    text = run(name, "--help").out
    options = re.findall(r"^\W+--[a-z-]+ [A-Z{]", text, flags=re.MULTILINE)
    assert len(options) > 5
    assert text.count("(default:") + text.count("(required)") >= len(options)
    assert "(required)" not in text


@pytest.mark.parametrize("name", COMMANDS)
def test_help_speaks_of_the_command_line_and_not_of_python(run, name):
    text = run(name, "--help").out
    assert "{None}" not in text
    assert len({len(line) for line in text.splitlines() if line.startswith(("│", "╭"))}) < 2


@pytest.mark.parametrize(
    ("name", "option", "meaning"),
    [
        ("train", "--no-compiled", "do without compiled renderer"),
        ("lecture", "--no-browser", "leave the browser closed"),
    ],
)
def test_the_line_under_a_no_says_what_the_no_does(run, name, option, meaning):
    text = " ".join(run(name, "--help").out.replace("│", " ").split())
    assert f"{option} {meaning}" in text


def test_the_overview_names_every_command_and_comes_at_once():
    code = (
        "import time\nfrom hw5.__main__ import main\nmain(['--help'])\nprint(time.process_time())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert all(name in done.stdout for name in COMMANDS)
    # Seconds of computing, not of waiting: the machine may be busy. torch alone takes longer.
    assert float(done.stdout.splitlines()[-1]) < 1


@pytest.mark.parametrize(
    "words", [["bogus"], [], ["sample", "--bogus", "1"], ["sample", "--count"]]
)
def test_wrong_words_get_the_usage_and_status_2(run, words):
    answer = run(*words)
    assert answer.status == 2
    assert answer.out == "" and "hw5" in answer.err


def test_a_forgotten_command_gets_the_list_of_all(run):
    answer = run()
    assert answer.err == run("--help").out + answer.err.splitlines()[-1] + "\n"
    assert answer.err.endswith("hw5: error: command: expected one of these, got none.\n")


def test_sample_writes_a_grid(run, tiny, tmp_path):
    answer = run("sample", "--generator", tiny, "--count", 4, "--out", "a/b.png")
    assert answer.status == 0 and "a/b.png" in answer.out
    assert images.load(tmp_path / "a/b.png").shape == (1, 3, 34, 34)  # 2 x 2 of 16, a gap of 2


def test_truncation_0_gives_the_mean_picture_again_and_again(run, tiny, tmp_path):
    run("sample", "--generator", tiny, "--count", 2, "--truncation", 0, "--out", "a.png")
    pair = images.load(tmp_path / "a.png")
    torch.testing.assert_close(pair[..., :16], pair[..., -16:])
    network = zoo.load(tiny)
    mean = latents.mean_code(network, "w+", rng=seeding.make(5))  # other draws, nearly the same
    expected = latents.render(network, mean, "w+").clamp(-1, 1)
    torch.testing.assert_close(pair[..., :16], expected, atol=0.1, rtol=0)


def test_the_same_seed_samples_the_same_pictures(run, tiny, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        run("sample", "--generator", tiny, "--count", 1, "--seed", seed, "--out", f"{name}.png")
    a, b, c = ((tmp_path / f"{name}.png").read_bytes() for name in "abc")
    assert a == b and a != c


def test_project_keeps_everything_about_its_run(run, tiny, tmp_path):
    answer = run("project", "chelsea", "--generator", tiny, *QUICK, "--space", "w", "--out", "r")
    assert answer.status == 0
    kept = runs.load_run(tmp_path / "r")
    assert set(kept.images) == {"target", "result"}
    assert kept.arrays["code"].shape == (1, 1, 8)
    assert kept.record["settings"]["space"] == "w" and kept.record["evaluations"] == 2
    assert kept.record["weights"]["perceptual"] == 0


def test_truncation_in_z_is_no_empty_word(run, tiny, tmp_path):
    words = ["sample", "--generator", tiny, "--count", 4, "--space", "z"]
    for share in (1, 0.5, 0):
        run(*words, "--truncation", share, "--out", f"{share}.png")
    whole, half, none = (images.load(tmp_path / f"{x}.png") for x in (1, 0.5, 0))
    assert (whole - half).abs().max() > 0.01
    torch.testing.assert_close(none[..., :16, :16], none[..., -16:, -16:])  # all are the mean


@pytest.mark.needs()
def test_noise_that_nobody_can_see_is_said_to_be_so(run, tiny, tmp_path):
    words = ["project", "chelsea", "--generator", tiny, *QUICK, "--noise"]
    said = run(*words, "optimised", "--out", "a").out  # a tiny one that was never trained
    assert "adds no noise to its pictures: --noise optimised changes nothing" in said
    assert "note" not in run(*words, "fixed", "--out", "b").out


@pytest.mark.needs()
def test_the_bundled_sketches_are_found_from_anywhere(run, tiny):
    answer = run("draw", "--generator", tiny, *QUICK, "--out", "d")
    assert answer.status == 0 and "wrote d" in answer.out


def test_a_run_is_not_overwritten_unasked(run, tiny, tmp_path):
    words = ["project", "chelsea", "--generator", tiny, *QUICK, "--out", "r"]
    run(*words)
    before = (tmp_path / "r/record.json").read_bytes()
    refused = run(*words, "--seed", 1)
    assert refused.status == 2 and "r:" in refused.err
    assert "steps" not in refused.err  # refused at once, not after the search
    assert (tmp_path / "r/record.json").read_bytes() == before
    assert run(*words, "--seed", 1, "--overwrite").status == 0
    assert (tmp_path / "r/record.json").read_bytes() != before


@pytest.mark.needs()
def test_every_search_finds_the_space_of_a_dcgan_by_itself(run, weights, tmp_path):
    dcgan, quick = weights / "dcgan.safetensors", ["--num-steps", 1, "--perceptual", 0]
    strokes.save_sketch(tmp_path / "dot.json", DOT)
    images.save(tmp_path / "cat.png", torch.zeros(1, 3, 64, 64))
    for name, *words in (["project", "cat.png"], ["draw", "dot.json"], ["interpolate", 1, 2]):
        assert run(name, *words, "--generator", dcgan, *quick, "--out", name).status == 0, name
    for name in ("project", "draw"):
        kept = runs.load_run(tmp_path / name)
        assert (kept.record["settings"]["space"], kept.record["settings"]["num_mean"]) == ("z", 0)
        assert 0.5 < kept.arrays["start"].std() < 2  # a random code, not the middle


def test_a_photograph_is_cropped_by_the_box(run, tiny, tmp_path):
    photo = torch.full((1, 3, 40, 60), -1.0)
    photo[..., 10:30, 30:50] = 1.0
    images.save(tmp_path / "photo.png", photo)
    run("project", "photo.png", "--generator", tiny, *QUICK, "--box", 30, 10, 20, "--out", "r")
    assert runs.load_run(tmp_path / "r").images["target"].min() > 0.99


def test_draw_starts_from_the_mean_or_from_a_run(run, tiny, tmp_path):
    strokes.save_sketch(tmp_path / "dot.json", DOT)
    assert run("draw", "dot.json", "--generator", tiny, *QUICK, "--out", "d").status == 0
    run("project", "chelsea", "--generator", tiny, *QUICK, "--space", "w+", "--out", "p")
    answer = run("draw", "dot.json", "--start", "p", *QUICK, "--out", "e")
    assert answer.status == 0
    edited, projected = runs.load_run(tmp_path / "e"), runs.load_run(tmp_path / "p")
    torch.testing.assert_close(edited.arrays["start"], projected.arrays["code"])
    assert edited.record["generator"] == tiny and edited.record["settings"]["space"] == "w+"
    assert edited.record["distance"] > 0


@pytest.mark.needs()
def test_an_edit_renders_with_the_noise_of_its_run(run, tiny, tmp_path):
    strokes.save_sketch(tmp_path / "dot.json", DOT)
    run("project", "chelsea", "--generator", tiny, *QUICK, "--noise", "optimised", "--out", "p")
    run("draw", "dot.json", "--start", "p", *QUICK, "--out", "e")
    edited, projected = runs.load_run(tmp_path / "e"), runs.load_run(tmp_path / "p")
    maps = [name for name in projected.arrays if name.startswith("noise-")]
    assert len(maps) > 1
    for name in maps:
        torch.testing.assert_close(edited.arrays[name], projected.arrays[name])


def test_interpolate_writes_a_film_and_a_strip(run, tiny, tmp_path):
    answer = run(
        "interpolate", 1, 2, "--generator", tiny, "--space", "z", "--num-frames", 5, "--out", "f"
    )
    assert answer.status == 0
    assert images.load(tmp_path / "f/strip.png").shape[-1] == 5 * 16 + 4 * 2
    assert (tmp_path / "f/film.gif").read_bytes().startswith(b"GIF8")


def test_interpolate_between_pictures_projects_them_first(run, tiny):
    answer = run(
        "interpolate", "chelsea", 2, "--generator", tiny, *QUICK, "--num-frames", 2, "--out", "f"
    )
    assert answer.status == 0 and "project first: 2 steps" in answer.err


def test_the_ladder_prints_its_evidence_and_a_verdict_for_each_rung(run, tiny, tmp_path):
    words = ["--num-seeds", 2, "--second-evaluations", 2, "--out", "l"]
    answer = run("ladder", "--generator", tiny, *QUICK, *words)
    assert answer.status == 0 and "2nd solver" in answer.out and "Overall: " in answer.out
    kept = runs.load_run(tmp_path / "l")
    assert [verdict["rung"] for verdict in kept.record["verdicts"]] == list(RUNGS)
    verdicts, table = answer.out.split("\n\n")[:2]
    assert [line.split(": ")[0] for line in verdicts.splitlines()] == list(RUNGS)
    assert [line.split()[0] for line in table.splitlines()] == ["rung", *RUNGS]
    assert kept.images["pictures"].shape[-1] == 2 * (4 * 16 + 3 * 2)  # enlarged
    assert kept.record["evidence"][0]["true_loss"] < kept.record["evidence"][0]["start_loss"]


def test_the_ladder_says_each_verdict_before_the_next_rung_is_climbed(run, tiny, monkeypatch):
    def interrupted(*_, **__):
        yield from map(rung_called, RUNGS[:2])
        raise KeyboardInterrupt

    monkeypatch.setattr(ladder, "climb_all", interrupted)
    answer = run("ladder", "--generator", tiny, *QUICK)
    assert answer.status == 130
    assert [line.split(": ")[0] for line in answer.out.splitlines()] == list(RUNGS[:2])


def rung_called(name):
    seen = Evidence(name, losses=(0.1,), start_loss=1.0, usual_loss=1.0, error=0.1, usual_error=1.0)
    return SimpleNamespace(evidence=seen)


def test_an_encoder_for_another_generator_or_space_is_refused(run, tiny):
    words = ["ladder", *QUICK, "--num-seeds", 1, "--second-evaluations", 1, "--encoder"]
    bundled = zoo.DATA / zoo.describe("encoder").file
    answer = run(*words, bundled, "--generator", tiny)
    assert answer.status == 2 and "for this generator" in answer.err
    answer = run(*words, bundled, "--space", "w")
    assert answer.status == 2 and "--space w+" in answer.err
    answer = run(*words, tiny)
    assert answer.status == 2 and "an encoder" in answer.err


def test_the_ladder_writes_nothing_unasked(run, tiny, tmp_path):
    words = ["--num-seeds", 1, "--second-evaluations", 1]
    assert run("ladder", "--generator", tiny, *QUICK, *words).status == 0
    assert list(tmp_path.iterdir()) == []


def test_world_sets_factors(run, tmp_path):
    words = ["world", "--count", 1, "--neutral", "--size", 16]
    run(*words, "--out", "a.png")
    run(*words, "--out", "b.png", "--set", "coat_hue=220", "--set", "yaw=30")
    a, b = images.load(tmp_path / "a.png"), images.load(tmp_path / "b.png")
    assert (a - b).abs().mean() > 0.01


def test_a_factor_without_effect_is_said_to_have_none(run):
    words = ["world", "--count", 2, "--neutral", "--size", 16, "--set", "bow_tie_hue=120"]
    said = run(*words, "--out", "a.png").out
    assert "note: bow_tie_hue has no effect without bow_tie" in said
    assert "note" not in run(*words, "--set", "bow_tie=1", "--out", "b.png").out


def test_world_lists_its_factors(run):
    text = run("world", "--factors").out
    assert "yaw" in text and "degrees" in text


def test_world_prints_a_caption_for_each_cat(run):
    words = ["world", "--count", 3, "--size", 16, "--captions", "--out", "a.png"]
    lines = run(*words).out.splitlines()
    assert len(lines) == 4 and all("," in line or " " in line for line in lines)


def test_world_maps_the_parts(run, tmp_path):
    run("world", "--count", 1, "--neutral", "--size", 16, "--segmentation", "--out", "a.png")
    colours = images.load(tmp_path / "a_parts.png")[0].flatten(1).T
    assert len(colours.unique(dim=0)) > 4


def test_a_part_has_one_colour_whatever_else_is_in_the_picture(run, tmp_path):
    words = ["world", "--count", 1, "--neutral", "--size", 16, "--segmentation", "--out"]
    found = []
    for worn in (0, 1):
        run(*words, f"{worn}.png", "--set", f"hat={worn}", "--set", f"bow_tie={worn}")
        found.append(images.load(tmp_path / f"{worn}_parts.png")[0, :, 8, 8])
    assert torch.equal(*found)  # of the face


def test_cats_are_rendered_a_few_at_a_time_and_alike(monkeypatch):
    factors = cats.sample(5, rng=seeding.make(0))
    whole, rendering, counts = cats.render(factors, 16), cats.render, []
    monkeypatch.setattr(world, "AT_ONCE", 2 * 16 * 16)
    monkeypatch.setattr(
        cats, "render", lambda some, size: counts.append(len(some)) or rendering(some, size)
    )
    image, parts = world.rendered(factors, 16)
    assert counts == [2, 2, 1]
    assert torch.equal(image, whole.image) and torch.equal(parts, whole.segmentation)


def test_bench_writes_flat_numbers(run, tmp_path, monkeypatch):
    from hw5 import bench

    monkeypatch.setitem(bench.BENCHES, "render", lambda: {"speed": 2.0})
    answer = run("bench", "render", "--json", "out/numbers.json")
    assert answer.status == 0 and "render.speed" in answer.out
    assert json.loads((tmp_path / "out/numbers.json").read_text()) == {"render.speed": 2.0}


def test_scribble_weights_are_those_of_the_settings():
    assert asdict(ScribbleWeights()) == asdict(LossWeights.for_scribbles())


def test_a_stopped_command_says_so(run, monkeypatch, tiny):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(latents, "sample_noise", stop)
    answer = run("sample", "--generator", tiny)
    assert answer.status == 130 and answer.err == "hw5: stopped\n"


def test_an_unwritten_task_is_named_with_its_file(run, monkeypatch, tiny):
    def stub(*_, **__):
        raise NotImplementedError("task_2_3")

    monkeypatch.setattr(latents, "sample_noise", stub)
    answer = run("sample", "--generator", tiny)
    assert answer.status == 1 and "task_2_3 is not written yet" in answer.err
    assert "test_commands.py" in answer.err


def test_an_operation_that_torch_lacks_is_no_unwritten_task(run, monkeypatch, tiny):
    def lacking(*_, **__):
        raise NotImplementedError("\"adaptive_avg_pool2d\" not implemented for 'Bool'")

    monkeypatch.setattr(latents, "sample_noise", lacking)
    with pytest.raises(NotImplementedError, match="Bool"):
        run("sample", "--generator", tiny)


def test_a_fault_of_ours_is_not_taken_for_bad_input(run, monkeypatch, tiny):
    def broken(*_, **__):
        raise ValueError("a bug")

    monkeypatch.setattr(latents, "sample_noise", broken)
    with pytest.raises(ValueError, match="a bug"):
        run("sample", "--generator", tiny)
