"""`hw5 crop`: the square, the mask beside it, the sketch, and what goes wrong."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, features
from skimage.data import chelsea

from hw5.kit import cat_face, strokes
from hw5.kit.checks import InputError

HAS_AVIF = "avif" in features.modules and features.check("avif")
needs_avif = pytest.mark.skipif(not HAS_AVIF, reason="this Pillow has no AVIF")


@pytest.fixture
def photo(tmp_path) -> str:
    Image.fromarray(chelsea()).save(tmp_path / "cat.jpg")
    return "cat.jpg"


def test_a_box_inside_writes_the_picture_alone(run, photo, tmp_path):
    answer = run("crop", photo, "--box", 80, 0, 300, "--size", 32)
    assert answer.status == 0 and "mask" not in answer.out
    assert Image.open(tmp_path / "runs/crop/cat.png").size == (32, 32)
    assert not (tmp_path / "runs/crop/cat.mask.png").exists()


def test_a_box_beyond_the_edge_writes_a_mask_that_project_takes(run, photo, tmp_path, tiny):
    answer = run("crop", photo, "--box", -75, -75, 450, "--size", 16)
    mask = np.asarray(Image.open(tmp_path / "runs/crop/cat.mask.png"))
    assert set(np.unique(mask)) == {0, 255} and "next: python -m hw5 project" in answer.out
    # 375 of 450 columns and 300 of 450 rows are the photograph's, less the pixels at its edge
    assert 1 - (375 / 450) * (300 / 450) < (mask == 0).mean() < 0.65
    assert f"{(mask == 0).mean():.0%} lies beyond the photograph" in answer.out
    words = answer.out.split("python -m hw5 ")[-1].split()
    assert run(*words, "--generator", tiny, "--num-steps", 1, "--num-mean", 2).status == 0


def test_a_later_cut_without_padding_drops_the_old_mask(run, photo, tmp_path):
    run("crop", photo, "--box", -75, -75, 450)
    run("crop", photo, "--box", 0, 0, 200)
    assert [path.name for path in (tmp_path / "runs/crop").iterdir()] == ["cat.png"]


def test_the_photograph_is_not_written_over(run, tmp_path):
    Image.fromarray(chelsea()).save(tmp_path / "cat.png")
    before = (tmp_path / "cat.png").read_bytes()
    for name in ("cat.png", "./cat.png"):
        answer = run("crop", "cat.png", "--find", "middle", "--out", name)
        assert answer.status == 2 and "got the photograph" in answer.err
    assert (tmp_path / "cat.png").read_bytes() == before


@pytest.mark.parametrize("box", [(0, 0, 200), (-75, -75, 450)])
def test_a_mask_that_crop_did_not_write_is_kept(run, photo, tmp_path, box):
    Image.new("L", (16, 16)).save(tmp_path / "out.mask.png")
    before = (tmp_path / "out.mask.png").read_bytes()
    answer = run("crop", photo, "--box", *box, "--out", "out.png")
    assert answer.status == 2 and "crop did not write it" in answer.err
    assert (tmp_path / "out.mask.png").read_bytes() == before
    assert not (tmp_path / "out.png").exists()


def test_the_mask_decides_what_the_projection_is_held_to(run, photo, tmp_path, tiny):
    """Two targets that differ only where the mask is black lead to the same code."""
    pixels = np.zeros((16, 16, 3), np.uint8)
    mask = np.zeros((16, 16), np.uint8)
    mask[:, :8] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    codes = []
    for name, right in (("a", 30), ("b", 220)):
        pixels[:, 8:] = right
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
        words = ["--mask", "mask.png", "--generator", tiny, "--num-steps", 3, "--num-mean", 2]
        assert run("project", f"{name}.png", *words, "--perceptual", 0, "--out", name).status == 0
        with np.load(tmp_path / name / "arrays.npz") as arrays:
            codes.append(arrays["code"])
    assert np.array_equal(*codes)


def test_a_face_decides_where_to_cut(run, photo, monkeypatch):
    monkeypatch.setattr(cat_face, "find_face", lambda pixels: cat_face.Face(87.0, -7.0, 330.0, 8))
    answer = run("crop", photo)
    assert "square of 358 px" in answer.out and "8 of 16 looks" in answer.out


def test_a_face_found_in_a_reduced_photograph_is_cut_out_of_the_whole_one(
    run, tmp_path, monkeypatch
):
    Image.fromarray(chelsea()).resize((2048, 1362)).save(tmp_path / "large.jpg")
    searched = []

    def find(pixels):
        searched.append(pixels.shape)
        return cat_face.Face(87.0, -7.0, 330.0, 8)

    monkeypatch.setattr(cat_face, "find_face", find)
    answer = run("crop", "large.jpg")
    assert searched == [(681, 1024, 3)]
    assert "square of 717 px" in answer.out  # twice that of the test above, not yet rounded


@pytest.mark.parametrize("how", ["auto", "face"])
def test_without_a_detector_the_middle_is_taken_with_a_word(run, photo, monkeypatch, how):
    def missing(pixels):
        raise InputError("no detector of cat faces: install it")

    monkeypatch.setattr(cat_face, "find_face", missing)
    answer = run("crop", photo, "--find", how)
    if how == "auto":
        assert answer.status == 0 and "middle (no detector of cat faces" in answer.out
    else:
        assert answer.status == 2 and "no detector of cat faces" in answer.err


def test_a_sketch_is_one_that_draw_reads(run, photo, tmp_path):
    answer = run("crop", photo, "--find", "middle", "--sketch", "cat.json", "--colours", 4)
    sketch = strokes.read_sketch(tmp_path / "cat.json")
    assert f"{len(sketch.strokes)} strokes" in answer.out and len(sketch.strokes) > 5


def test_a_sketch_leaves_out_what_lies_beyond_the_photograph(run, photo, tmp_path):
    run("crop", photo, "--box", -225, 0, 300, "--sketch", "cat.json")
    _, mask = strokes.rasterise(strokes.read_sketch(tmp_path / "cat.json"), 64)
    assert not mask[..., :44].any() and mask[..., 52:].any()  # three quarters are made up


@pytest.mark.parametrize(
    "words",
    [
        ["none.jpg"],
        ["cat.jpg", "--box", 0, 0, 4],
        ["cat.jpg", "--box", 0, 0, 4000],
        ["cat.jpg", "--size", 1],
        ["cat.jpg", "--colours", 1],
        ["cat.jpg", "--out", "a.jpg"],
        ["cat.jpg", "--sketch", "a.png"],
    ],
    ids=lambda words: " ".join(map(str, words)),
)
def test_bad_input_is_one_line_and_writes_nothing(run, photo, tmp_path, words):
    answer = run("crop", *words, "--find", "middle")
    assert answer.status == 2 and answer.err.count("hw5: error: ") == 1 and answer.out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["cat.jpg"]


@pytest.mark.parametrize("end", [b"", b"\xff\xd9"], ids=["cut", "cut and closed"])
@pytest.mark.parametrize("command", ["crop", "project"])
def test_a_photograph_that_was_cut_short_is_one_line_and_writes_nothing(
    run, photo, tmp_path, command, end
):
    data = (tmp_path / photo).read_bytes()
    (tmp_path / photo).write_bytes(data[: int(0.97 * len(data))] + end)
    answer = run(command, photo)
    assert answer.status == 2 and answer.out == "" and answer.err.count("\n") == 1
    assert "cat.jpg" in answer.err and "truncated: the lower" in answer.err
    assert "copy it again" in answer.err
    assert [path.name for path in tmp_path.iterdir()] == ["cat.jpg"]


@needs_avif
def test_what_a_phone_saves_as_avif_goes_through_every_command(run, tmp_path, tiny):
    Image.fromarray(chelsea()).save(tmp_path / "cat.avif")
    assert run("crop", "cat.avif", "--box", 80, 0, 300).status == 0
    found = np.asarray(Image.open(tmp_path / "runs/crop/cat.png")).astype(int)
    expected = Image.fromarray(chelsea()).crop((80, 0, 380, 300)).resize((64, 64))
    assert np.abs(found - np.asarray(expected)).mean() < 6
    few = ["--generator", tiny, "--num-steps", 1, "--num-mean", 2]
    assert run("project", "cat.avif", *few, "--perceptual", 0, "--out", "p").status == 0
    sketch = Image.new("RGBA", (64, 64))
    sketch.paste("orange", (10, 10, 50, 50))
    sketch.save(tmp_path / "sketch.avif")
    assert run("draw", "sketch.avif", *few, "--out", "d").status == 0


def test_a_black_mask_is_refused(run, photo, tmp_path, tiny):
    Image.new("L", (16, 16)).save(tmp_path / "black.png")
    answer = run("project", photo, "--mask", "black.png", "--generator", tiny)
    assert answer.status == 2 and "black all over" in answer.err
