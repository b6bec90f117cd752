"""The encoder: where it starts, what it releases, and its gradients."""

from __future__ import annotations

import pytest
import torch

from hw5 import zoo
from hw5.kit.checks import InputError
from hw5.models.encoder import Encoder

TINY = {"w_dim": 5, "num_layers": 4, "image_size": 16, "widths": (4, 6), "head_width": 3}


@pytest.fixture
def encoder() -> Encoder:
    """A tiny encoder, float64, whose heads already say something."""
    torch.manual_seed(1)
    made = Encoder(**TINY).double().eval()
    for head in (made.to_w, made.to_offsets):
        torch.nn.init.normal_(head.weight, std=0.3)
        torch.nn.init.normal_(head.bias, std=0.3)
    return made.start_at(torch.randn(5, dtype=torch.float64))


@pytest.fixture
def images(rng):
    return torch.rand(3, 3, 16, 16, generator=rng, dtype=torch.float64) * 2 - 1


@pytest.mark.parametrize("training", [False, True])
def test_a_fresh_encoder_answers_with_the_mean(training, images):
    mean = torch.randn(5)
    codes = Encoder(**TINY).start_at(mean).train(training)(images.float())
    assert torch.equal(codes, mean.expand(3, 4, 5))


def test_a_fresh_encoder_hands_gradients_to_its_heads(images):
    made = Encoder(**TINY)
    made(images.float()).square().sum().backward()
    made(images.float()).sum().backward()
    assert made.to_w.weight.grad.abs().max() > 0
    assert made.to_offsets.weight.grad.abs().max() > 0


def test_layers_that_are_not_released_are_exactly_w(encoder, images):
    w, _ = encoder.parts(images)
    codes = encoder(images, released=2)
    assert torch.equal(codes[:, 2:], (encoder.mean + w).expand(-1, 2, -1))
    assert not torch.allclose(codes[:, :2], codes[:, 2:])


def test_released_layers_are_w_and_their_offset(encoder, images):
    w, offsets = encoder.parts(images)
    assert torch.allclose(encoder(images), encoder.mean + w + offsets)


def test_an_encoder_built_without_offsets_gives_one_w(images):
    made = Encoder(**TINY, released=0)
    torch.nn.init.normal_(made.to_offsets.weight)
    codes = made(images.float())
    assert torch.equal(codes, codes[:, :1].expand_as(codes))


def test_pictures_do_not_influence_each_other(encoder, images):
    assert torch.allclose(encoder(images)[1:2], encoder(images[1:2]))


def test_gradients_agree_with_finite_differences(encoder, images):
    probe = torch.randn(3, 4, 5, dtype=torch.float64)
    images = images.requires_grad_()
    inputs = [images, encoder.stem.weight, encoder.blocks[0].conv1.weight, encoder.to_w.weight]
    gradients = torch.autograd.grad((encoder(images) * probe).sum(), inputs)
    for value, gradient in zip(inputs, gradients, strict=True):
        direction = torch.randn(value.shape, dtype=torch.float64)
        step = 1e-6
        with torch.no_grad():
            value += step * direction
            after = (encoder(images) * probe).sum()
            value -= 2 * step * direction
            before = (encoder(images) * probe).sum()
            value += step * direction
        measured = (after - before) / (2 * step)
        assert (gradient * direction).sum().item() == pytest.approx(measured.item(), rel=1e-5)


def test_the_default_is_small_and_gives_the_shape_of_the_bundled_generator():
    made = Encoder()
    assert 1e6 < sum(value.numel() for value in made.parameters()) < 3e6
    assert made(torch.zeros(2, 3, 64, 64)).shape == (2, 10, 128)


def test_the_zoo_builds_it_again(encoder, images, tmp_path):
    made = encoder.float()
    path = tmp_path / "own.safetensors"
    zoo.save(path, made, kind="encoder", config={**TINY, "released": 3}, card={})
    again = zoo.load(path)
    assert again.released == 3
    assert torch.allclose(again(images.float()), made(images.float(), released=3), atol=2e-2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image_size": 32}, "halved 2 times"),
        ({"widths": (4, 6, 8)}, "halved 3 times"),
        ({"released": 5}, "from 0 to 4"),
    ],
)
def test_unfit_arguments_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        Encoder(**{**TINY, **change})


def test_pictures_of_another_size_are_refused(encoder):
    with pytest.raises(InputError, match="reads 16 px"):
        encoder(torch.zeros(1, 3, 64, 64, dtype=torch.float64))
