"""Semantic diffusion: what is pasted, what is compared, what the context may still decide."""

from __future__ import annotations

import pytest
import torch

from hw5.config import LossWeights
from hw5.inversion.in_domain import InDomain
from hw5.inversion.masked import diffuse, paste, patch_mask
from hw5.kit.checks import InputError
from hw5.losses import Criterion
from hw5.checking.fakes import LAYERS, SIZE, WIDTH, LinearGenerator, SmallFeatures, fixed_draw
from tests.inversion.small import linear_encoder
from tests.tolerances import assert_close

SHORT = InDomain(num_steps=10)


@pytest.fixture
def generator():
    return LinearGenerator()


@pytest.fixture
def contexts():
    return torch.tanh(0.4 * fixed_draw(20, 2, 3, SIZE, SIZE))


@pytest.fixture
def patch():
    return torch.tanh(0.4 * fixed_draw(21, 1, 3, SIZE, SIZE))


@pytest.fixture
def mask(patch):
    return patch_mask(patch, side=0.5, x=0.5, y=0.5)


@pytest.fixture
def criterion():
    return Criterion(LossWeights(pixel=1.0, norm="l2", perceptual=0.5), features=SmallFeatures())


def blind_encoder(images):
    """The same code whatever it is shown: no context gets through."""
    return (0.1 * fixed_draw(34, 1, LAYERS, WIDTH)).repeat(len(images), 1, 1)


def test_the_default_patch_lies_where_the_released_code_puts_it():
    # 110 pixels around column 125, row 145, of 256
    mask = patch_mask(torch.zeros(1, 3, 256, 256))[0, 0]
    rows, columns = mask.any(dim=1).nonzero().flatten(), mask.any(dim=0).nonzero().flatten()
    assert (int(rows[0]), int(rows[-1])) == (90, 199)
    assert (int(columns[0]), int(columns[-1])) == (70, 179)
    assert mask.sum() == 110 * 110


def test_a_patch_at_the_border_is_cut_off():
    mask = patch_mask(torch.zeros(1, 3, 8, 8), side=0.5, x=0.0, y=1.0)[0, 0]
    assert mask[6:, :2].all()
    assert mask.sum() == 4


def test_each_pixel_comes_from_one_of_the_two(contexts, patch, mask):
    composite = paste(contexts, patch, mask)
    inside = mask.expand_as(contexts) > 0
    assert torch.equal(composite[inside], patch.expand_as(contexts)[inside])
    assert torch.equal(composite[~inside], contexts[~inside])


def test_several_patches_go_on_one_context(contexts, patch, mask):
    assert torch.equal(
        paste(patch, contexts, mask), paste(patch.repeat(2, 1, 1, 1), contexts, mask)
    )


def test_pasting_changes_neither_picture(contexts, patch, mask):
    kept = contexts.clone(), patch.clone()
    paste(contexts, patch, mask).zero_()
    assert torch.equal(contexts, kept[0])
    assert torch.equal(patch, kept[1])


@pytest.mark.parametrize("wrong", [(1, 3, SIZE, 4), (3, 3, SIZE, SIZE)])
def test_a_patch_that_does_not_fit_is_refused(contexts, mask, wrong):
    with pytest.raises(InputError, match="patch"):
        paste(contexts, torch.zeros(wrong, dtype=torch.float64), mask)


def test_a_patch_without_a_pixel_is_refused(patch):
    with pytest.raises(InputError, match="side"):
        patch_mask(patch, side=0.0)


def test_the_context_has_no_say_in_the_loss(generator, contexts, patch, mask, criterion):
    search = {"encoder": blind_encoder, "criterion": criterion, "settings": SHORT}
    found = diffuse(generator, contexts, patch, mask, **search)
    assert_close(found.code[0], found.code[1], "float64")
    assert_close(found.loss[0], found.loss[1], "float64")


def test_the_context_speaks_through_the_encoder(generator, contexts, patch, mask, criterion):
    search = {"criterion": criterion, "settings": SHORT}
    found = diffuse(generator, contexts, patch, mask, encoder=linear_encoder(generator), **search)
    assert not torch.allclose(found.code[0], found.code[1], atol=0.1)


def test_the_pasted_part_comes_closer_than_the_encoder_brought_it(
    generator, contexts, patch, mask, criterion
):
    search = {"criterion": criterion, "settings": InDomain(num_steps=100)}
    found = diffuse(generator, contexts, patch, mask, encoder=linear_encoder(generator), **search)
    start = torch.tensor(found.history[0].losses, dtype=torch.float64)
    assert (found.loss < 0.9 * start).all()
    assert found.method == "diffusion"


def test_steps_are_reported_and_the_search_can_be_stopped(generator, contexts, patch, mask):
    criterion, seen = Criterion(LossWeights(perceptual=0.0)), []
    search = {"encoder": linear_encoder(generator), "criterion": criterion}
    report = {"on_step": seen.append, "should_stop": lambda: len(seen) == 2}
    found = diffuse(generator, contexts, patch, mask, **search, **report)
    assert (len(seen), found.stopped) == (2, "cancelled")
