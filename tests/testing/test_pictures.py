"""The rulers between a picture and its reference, and the pictures that show a difference."""

from __future__ import annotations

import io

import numpy as np
import pytest
from nbformat.v4 import new_output
from PIL import Image
from skimage.data import chelsea

from hw5.testing.outputs import Screen, same_but_numbers, take_apart
from hw5.testing.pictures import Tolerance, decibel, faults_of, frames_of, heat_map, write_evidence

CAT = np.asarray(Image.fromarray(chelsea()).resize((96, 64)))


def faults(fresh, stored=CAT):
    return faults_of([fresh], [stored], Tolerance())


def test_an_equal_picture_has_no_faults():
    assert faults(CAT) == []


def test_rounding_noise_has_no_faults():
    noise = np.random.default_rng(0).integers(-1, 2, CAT.shape)
    assert faults((CAT + noise).clip(0, 255).astype(np.uint8)) == []


@pytest.mark.parametrize(
    "mistake",
    [
        lambda cat: cat[::-1],
        lambda cat: cat[:, ::-1],
        lambda cat: cat[..., ::-1],
        lambda cat: np.roll(cat, 3, axis=1),
        lambda cat: 255 - cat,
        lambda cat: cat // 2 + 127,
        lambda cat: cat // 2,
        lambda cat: np.repeat(np.repeat(cat[::4, ::4], 4, 0), 4, 1),
        lambda cat: np.zeros_like(cat),
        lambda cat: np.where(np.arange(96)[None, :, None] < 10, 255 - cat, cat).astype(np.uint8),
    ],
    ids=["upside-down", "mirrored", "channels", "shifted", "negative", "washed-out", "dark",
         "coarse", "black", "one-edge"],
)  # fmt: skip
def test_a_mistake_that_can_be_seen_is_a_fault(mistake):
    assert faults(np.ascontiguousarray(mistake(CAT)))


def test_psnr_is_that_of_the_definition():
    assert decibel(0.01) == pytest.approx(20)


def test_one_wrong_tile_of_a_hundred_fails_the_window_alone():
    sheet = np.tile(np.asarray(Image.fromarray(CAT).resize((32, 32))), (10, 10, 1))
    wrong = sheet.copy()
    wrong[96:128, 64:96] = sheet[96:128, 64:96].mean(axis=(0, 1))
    (text,) = faults(wrong, sheet)
    assert text.startswith("PSNR of the worst window")


def test_another_size_is_said_in_words():
    assert faults(CAT[:60]) == ["96 x 60 pixels, not 96 x 64"]


def test_a_picture_smaller_than_the_window_is_compared_all_the_same():
    assert faults(CAT[:2, :2], CAT[:2, :2]) == []
    assert faults(255 - CAT[:2, :2], CAT[:2, :2])


def film(frames):
    buffer = io.BytesIO()
    pages = [Image.fromarray(frame) for frame in frames]
    pages[0].save(buffer, "gif", save_all=True, append_images=pages[1:])
    return frames_of(buffer.getvalue())


def test_films_are_compared_by_their_number_of_frames_and_by_three_of_them():
    frames = [np.roll(CAT, 7 * i, axis=0) for i in range(5)]
    stored = film(frames)
    assert faults_of(film(frames), stored, Tolerance()) == []
    assert faults_of(film(frames[:4]), stored, Tolerance()) == ["4 frames, not 5"]
    assert faults_of(film([*frames[:4], CAT]), stored, Tolerance())[0].startswith("frame 5: ")


def test_the_heat_map_is_black_where_nothing_changed_and_hot_where_it_did():
    changed = CAT.copy()
    changed[:8] = 255 - changed[:8]
    heat = heat_map(changed, CAT)
    assert heat[8:].max() == 0 and heat[:8].max() == 255


def test_evidence_of_different_sizes_has_no_heat_map(tmp_path):
    both = write_evidence(tmp_path / "a", CAT, CAT)
    one = write_evidence(tmp_path / "b", CAT[:60], CAT)
    assert [p.name for p in both] == ["a-side-by-side.png", "a-heat-map.png"]
    assert [p.name for p in one] == ["b-side-by-side.png"]
    assert all(path.stat().st_size for path in both + one)


@pytest.mark.parametrize(
    ("fresh", "stored", "same"),
    [
        ("loss 0.101 at 20", "loss 0.100 at 20", True),
        ("loss 0.12 at 20", "loss 0.10 at 20", False),
        ("loss  9.9", "loss 10.1", True),
        ("loss 0.1 at 20", "loss 0.1", False),
        ("gain 1e-3", "gain 1.01e-3", True),
        ("-1.0", "1.0", False),
        ("conv1_2 1.0", "conv1_3 1.0", False),
    ],
)
def test_texts_may_differ_in_their_numbers_alone(fresh, stored, same):
    assert same_but_numbers(fresh, stored, 0.03) is same


def test_an_output_in_two_formats_is_one_picture():
    data = {"image/png": "AAAA", "image/jpeg": "BBBB", "text/plain": "a cat"}
    bare, found = take_apart([new_output("display_data", data=data)])
    assert found == [bytes(3)] and bare[0].data == {"text/plain": "a cat"}


def test_waiting_to_clear_keeps_what_is_shown_until_the_next_output():
    outputs, screen = ["old"], Screen("me")

    def send(kind, **content):
        message = {"parent_header": {"msg_id": "me"}, "msg_type": kind, "content": content}
        return screen.takes(message, outputs)

    assert send("clear_output", wait=True) and outputs == ["old"]
    assert not send("stream", text="new") and outputs == []
