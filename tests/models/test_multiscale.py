"""A discriminator of large pictures begins as the one of small pictures, and looks closer."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from hw5.kit.checks import InputError
from hw5.models.dcgan import DCGAN, DCGANDiscriminator
from hw5.models.multiscale import MultiscaleDiscriminator, PatchDiscriminator, enlarge_judge


@pytest.fixture
def small():
    torch.manual_seed(0)
    return DCGANDiscriminator(conv_dim=8)


def pictures(size, rng):
    return 2 * torch.rand(3, 3, size, size, generator=rng) - 1


@pytest.mark.parametrize("size", [128, 256])
def test_it_begins_with_what_the_small_one_says_of_the_picture_reduced(small, size, rng):
    images = pictures(size, rng)
    reduced = F.avg_pool2d(images, size // 64)
    assert torch.allclose(enlarge_judge(small, size)(images), small(reduced), atol=1e-6)


def test_a_larger_one_begins_as_the_large_one_with_all_that_it_has_learned(small, rng):
    large = enlarge_judge(small, 128)
    for weight in large.parameters():
        torch.nn.init.normal_(weight, std=0.1, generator=rng)
    images = pictures(256, rng)
    larger = enlarge_judge(large, 256)
    assert larger.config() == {"image_size": 256, "conv_dim": 8, "width": 16}
    assert torch.allclose(larger(images), large(F.avg_pool2d(images, 2)), atol=1e-5)


def test_it_can_learn_what_no_reduced_picture_shows(small, rng):
    """Checkerboards are gone once a picture is reduced."""
    large = enlarge_judge(small, 128)
    board = torch.ones(128, 128)
    board[::2, ::2] = board[1::2, 1::2] = -1.0
    images = torch.stack([torch.zeros(3, 128, 128), board.expand(3, 128, 128)])
    assert float(large(images).detach().diff()) == pytest.approx(0, abs=1e-6)
    step = torch.optim.Adam(large.parameters(), 1e-2)
    for _ in range(20):
        step.zero_grad()
        (-large(images).diff()).sum().backward()
        step.step()
    assert float(large(images).detach().diff()) > 1


def test_a_patch_is_as_wide_as_it_says(rng):
    judge = PatchDiscriminator(4)
    torch.nn.init.normal_(judge.conv4.weight, generator=rng)
    images = pictures(128, rng).requires_grad_()
    seen = []
    judge.conv4.register_forward_hook(lambda _module, _inputs, logits: seen.append(logits))
    judge(images)
    (gradient,) = torch.autograd.grad(seen[0][:, 0, 6, 6].sum(), images)
    rows = gradient.abs().sum(dim=(0, 1, 3)).nonzero()[:, 0]
    assert int(rows[-1] - rows[0]) + 1 == 38


def test_other_sizes_and_other_networks_are_refused(small):
    with pytest.raises(InputError, match="128, 256, 512, 1024"):
        MultiscaleDiscriminator(image_size=96)
    with pytest.raises(InputError, match="DCGANDiscriminator"):
        enlarge_judge(DCGAN(conv_dim=4), 128)
    with pytest.raises(InputError, match="more than 256"):
        enlarge_judge(MultiscaleDiscriminator(image_size=256, conv_dim=4), 128)
