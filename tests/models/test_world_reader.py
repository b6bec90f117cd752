"""The world's reader: shapes, what depends on what, and small parts that must not be skipped."""

from __future__ import annotations

import pytest
import torch

from hw5.kit.checks import InputError
from hw5.models.world_reader import WorldReader


@pytest.fixture(scope="module")
def reader():
    torch.manual_seed(0)
    return WorldReader(5, 4, widths=(8, 8, 8, 8), fine_width=8).eval()


@pytest.fixture
def pictures():
    return torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_one_pass_gives_what_two_passes_give(reader, pictures):
    numbers, parts = reader.read_and_segment(pictures)
    torch.testing.assert_close(numbers, reader.read(pictures))
    torch.testing.assert_close(parts, reader.segment(pictures))
    assert numbers.shape == (3, 5)
    assert parts.shape == (3, 4, 64, 64)


def test_segmenting_a_few_changes_nothing_for_them(reader, pictures):
    _, few = reader.read_and_segment(pictures, 2)
    torch.testing.assert_close(few, reader.segment(pictures)[:2])


def test_embeddings_have_length_one(reader, pictures):
    assert torch.allclose(reader.embed(pictures).norm(dim=1), torch.ones(3))


def test_every_pixel_reaches_the_numbers(reader, pictures):
    pictures = pictures[:1].requires_grad_()
    reader.read(pictures).square().sum().backward()
    assert (pictures.grad.abs().sum(dim=1) > 0).float().mean() > 0.99


def test_one_pixel_reaches_its_own_segmentation(reader, pictures):
    other = pictures.clone()
    other[0, :, 40, 24] *= -1
    change = (reader.segment(other) - reader.segment(pictures))[0].abs().sum(0)
    assert change[40, 24] > 0
    assert change.argmax() in [(40 + y) * 64 + 24 + x for y in (-1, 0, 1) for x in (-1, 0, 1)]


def test_another_size_is_refused(reader):
    with pytest.raises(InputError, match="images"):
        reader.read(torch.zeros(1, 3, 32, 32))
