"""Curves for notebooks: a picture, the words that describe it, and nothing of the machine."""

from __future__ import annotations

import io

import torch
from IPython.core.formatters import DisplayFormatter
from PIL import Image

from hw5.ui import chart

LINES = {"falls": ([0, 1, 2], [100.0, 10.0, 1.0]), "stays": ([0, 1, 2], torch.full((3,), 10.0))}


def picture(**options: object) -> Image.Image:
    shown = chart.curves(LINES, x="step", y="loss", alt="One line falls.", **options)
    return Image.open(io.BytesIO(shown.png)).convert("RGB")


def test_the_picture_carries_its_words_wherever_a_front_end_looks_for_them():
    shown = chart.curves(LINES, x="step", y="loss", alt="One line falls.")
    data, metadata = DisplayFormatter().format(shown)
    assert data["image/png"].startswith(b"\x89PNG")
    assert data["text/plain"] == metadata["image/png"]["alt"] == "One line falls."


def test_the_same_lines_give_the_same_bytes():
    first, second = (chart.curves(LINES, x="step", y="loss", alt="").png for _ in range(2))
    assert first == second


def test_a_logarithmic_axis_straightens_an_exponential():
    """Halfway along, the falling line lies halfway down."""

    def height(image: Image.Image) -> float:
        rows = [
            y for y in range(image.height)
            for x in range(image.width // 2 - 2, image.width // 2 + 3)
            if image.getpixel((x, y)) == (0, 66, 157)
        ]  # fmt: skip
        return sum(rows) / len(rows) / image.height

    assert (
        abs(height(picture(log=True)) - 0.46) < 0.1 < height(picture()) - height(picture(log=True))
    )
