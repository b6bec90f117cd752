"""A picture as strokes: it looks like the picture, in few colours, and only where asked."""

from __future__ import annotations

import pytest
import torch

from hw5.kit import photo, scribbled, strokes
from hw5.kit.checks import InputError
from hw5.metrics.pixels import psnr


@pytest.fixture(scope="module")
def cat():
    return photo.sample_photo(64)


def test_it_looks_like_the_picture(cat):
    colour, mask = strokes.rasterise(scribbled.scribble(cat, colours=6), 64)
    assert mask.mean() > 0.6
    flat = torch.where(mask == 1, cat.mean(dim=(2, 3), keepdim=True), cat)
    drawn = torch.where(mask == 1, colour, cat)
    assert psnr(drawn, cat) > psnr(flat, cat) + 2, "no better than its mean colour"


def test_a_flag_keeps_its_colours_and_its_order():
    flag = torch.full((1, 3, 48, 48), -1.0)
    for channel in range(3):
        flag[:, channel, :, 16 * channel : 16 * channel + 16] = 1.0
    colour, mask = strokes.rasterise(scribbled.scribble(flag, colours=3), 48)
    inside = torch.zeros(48).bool()
    for start in (3, 19, 35):
        inside[start : start + 10] = True
    both = (mask == 1).expand_as(flag) & inside
    assert both.float().mean() > 0.4
    assert (colour - flag)[both].abs().max() < 0.2


def test_it_uses_no_more_colours_than_asked(cat):
    for colours in (2, 5):
        used = {stroke.colour for stroke in scribbled.scribble(cat, colours=colours).strokes}
        assert 1 < len(used) <= colours


def test_wide_strokes_come_first(cat):
    widths = [stroke.width for stroke in scribbled.scribble(cat).strokes]
    assert widths == sorted(widths, reverse=True) and set(widths) <= set(scribbled.WIDTHS)


def test_nothing_begins_where_the_picture_was_made_up(cat):
    mask = torch.ones(1, 1, 64, 64)
    mask[..., :32] = 0
    for stroke in scribbled.scribble(cat, mask=mask).strokes:
        assert all(x >= 0.5 for x, _ in stroke.points)


def test_it_is_the_same_every_time_and_survives_a_file(cat, tmp_path):
    sketch = scribbled.scribble(cat)
    assert sketch == scribbled.scribble(cat)
    strokes.save_sketch(tmp_path / "a.json", sketch)
    assert strokes.read_sketch(tmp_path / "a.json") == sketch


def test_bad_input_is_refused(cat):
    with pytest.raises(InputError, match="colours"):
        scribbled.scribble(cat, colours=1)
    with pytest.raises(InputError, match="image"):
        scribbled.scribble(cat[..., :32])
