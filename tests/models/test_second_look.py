"""A second look: what it notices is what is there, and a fresh one corrects nothing."""

from __future__ import annotations

import math

import pytest
import torch

from hw5.kit.checks import InputError
from hw5.models.second_look import Ruler, SecondLook, notice
from hw5.models.world_reader import Look, WorldReader

NUMBERS, PARTS, SUMMARY = 5, 2, 8


@pytest.fixture
def reader():
    torch.manual_seed(0)
    return WorldReader(NUMBERS, PARTS, widths=(8, 8, 8, 8), fine_width=8, head_width=SUMMARY).eval()


@pytest.fixture
def second():
    torch.manual_seed(1)
    return SecondLook(NUMBERS, PARTS, summary_width=SUMMARY, widths=(6,)).eval()


@pytest.fixture
def pictures():
    return torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_a_fresh_second_look_leaves_the_first_as_it_is(reader, second, pictures):
    ruler = Ruler(reader, second)
    numbers, parts = ruler.read_and_segment(pictures)
    torch.testing.assert_close(numbers, reader.read(pictures))
    torch.testing.assert_close(ruler.read(pictures), numbers)
    torch.testing.assert_close(parts, reader.segment(pictures))
    torch.testing.assert_close(ruler.segment(pictures), parts)
    torch.testing.assert_close(ruler.embed(pictures), reader.embed(pictures))


def test_size_colour_and_spread_of_a_part_are_noticed():
    # part 0 is the left quarter, half of it of one red and half of another; part 1 is grey
    images = torch.zeros(1, 3, 64, 64)
    images[:, 0, :32, :16], images[:, 0, 32:, :16] = 0.8, 0.2
    inside = torch.zeros(1, 64, 64)
    inside[:, :, :16] = 1.0
    logits = 40.0 * torch.stack([inside, 1 - inside], dim=1)
    look = Look(torch.zeros(1, NUMBERS), logits, torch.zeros(1, SUMMARY))
    found = notice(images, look)[0, NUMBERS + SUMMARY :]
    sizes, colours = found[:PARTS], found[PARTS:].view(6, PARTS, 3)
    assert sizes.tolist() == pytest.approx([math.log(1025), math.log(3073)], rel=1e-4)
    red = colours[:, 0, 0].tolist()
    whole, left, right, upper, lower, spread = red
    assert whole == pytest.approx(0.5, rel=0.01)  # one pixel's worth is held back: 1024 / 1025
    assert left == pytest.approx(0.5, rel=0.01)
    assert right == pytest.approx(0.0, abs=1e-6)  # nothing of it is there
    assert upper == pytest.approx(0.8, rel=0.01)
    assert lower == pytest.approx(0.2, rel=0.01)
    assert spread == pytest.approx(0.3, rel=0.01)
    assert colours[:5, 1].abs().max() < 1e-6


def test_what_is_noticed_is_told_apart_by_its_usual_spread_and_not_believed_beyond_it(second):
    torch.manual_seed(2)
    torch.nn.init.normal_(second.correct.weight)
    usual = 3.0 + 2.0 * torch.randn(4_000, len(second.centre))
    second.settle(usual)
    assert second.centre.mean() == pytest.approx(3.0, abs=0.01)
    assert second.scale.mean() == pytest.approx(2.0, abs=0.01)
    far, farther = (torch.full((1, len(second.centre)), value) for value in (50.0, 5_000.0))
    numbers = slice(NUMBERS)
    corrections = [second(each) - each[:, numbers] for each in (far, farther)]
    torch.testing.assert_close(*corrections, atol=1e-3, rtol=0)  # 1e-3: float32 beside 5,000


def test_looks_that_do_not_fit_each_other_are_refused(reader):
    with pytest.raises(InputError, match="second look: expected 5 numbers, got 7"):
        Ruler(reader, SecondLook(7, PARTS, summary_width=SUMMARY))
