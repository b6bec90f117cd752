"""Encoding in one pass, and the losses of students against those that training uses."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from hw5.inversion.encode import code_loss, encode, reconstruction_loss
from hw5.kit.checks import InputError
from hw5.losses import PerceptualLoss
from hw5.models.encoder import Encoder
from hw5.train import encode_domain, encode_samples, encoders
from hw5.checking.fakes import LinearGenerator, SmallFeatures, fixed_draw
from tests.train import tiny


@pytest.fixture
def generator():
    return tiny.build("stylegan2").eval()


@pytest.fixture
def encoder(generator):
    made = encoders.fresh_encoder(generator, tiny.ENCODER)
    for head in (made.to_w, made.to_offsets):
        torch.nn.init.normal_(head.weight, std=0.1)
    return made.eval()


@pytest.fixture
def images(rng):
    return torch.rand(3, 3, 16, 16, generator=rng) * 2 - 1


def test_code_and_picture_belong_together(encoder, generator, images):
    found = encode(encoder, generator, images)
    assert found.space == "w+" and found.evaluations == 1 and found.loss.tolist() == [0, 0, 0]
    assert torch.equal(found.code, encoder(images))
    assert torch.equal(found.image, generator.synthesize(found.code))
    assert not found.image.requires_grad and found.seconds > 0


def test_pictures_are_encoded_as_if_alone(encoder, generator, images):
    together = encode(encoder, generator, images)
    alone = encode(encoder, generator, images[1:2])
    assert torch.allclose(together.code[1], alone.code[0], atol=1e-5)


def test_unfit_encoders_and_pictures_are_refused(encoder, generator, images):
    other = Encoder(**tiny.ENCODER, w_dim=7, num_layers=6, image_size=16).eval()
    with pytest.raises(InputError, match="16, 6, 5, got 16, 6, 7"):
        encode(other, generator, images)
    with pytest.raises(InputError, match="evaluation mode"):
        encode(encoder.train(), generator, images)
    with pytest.raises(InputError, match="resize"):
        encode(encoder.eval(), generator, torch.zeros(1, 3, 64, 64))


def test_the_code_loss_is_0_for_an_encoder_that_knows_and_else_that_of_training(
    encoder, generator, rng
):
    w = generator.map(torch.randn(6, 6, generator=rng)).detach()
    known = lambda images: w.expand(-1, 6, -1)  # noqa: E731
    assert code_loss(known, generator, w).tolist() == [0] * 6
    made = generator.synthesize(w.expand(-1, 6, -1))
    losses = code_loss(encoder, generator, w)
    assert losses.shape == (6,)
    expected = encode_samples.code_loss(encoder(made), w)
    assert losses.mean().item() == pytest.approx(expected.item(), rel=1e-5)


def test_the_code_loss_does_not_reach_the_code(encoder, generator, rng):
    w = generator.map(torch.randn(2, 6, generator=rng)).detach().requires_grad_()
    code_loss(lambda images: images.mean() + torch.zeros(2, 6, 5), generator, w).sum().backward()
    expected = -2 * (generator.synthesize(w.detach().expand(-1, 6, -1)).mean() - w) / 5
    assert torch.allclose(w.grad, expected, atol=1e-6)


def test_the_reconstruction_loss_is_that_of_training(encoder, generator, images):
    features = tiny.build("world-features").freeze()
    judge = tiny.build("stylegan2-discriminator")
    settings = encode_domain.DomainSettings(perceptual=0.3, adversarial=0.2)
    lesson = SimpleNamespace(
        settings=settings, draw=lambda count, rng: images, encoder=encoder, generator=generator,
        features=features, discriminator=judge,
    )  # fmt: skip
    expected = encode_domain.DomainLesson.losses(lesson, 0.0, None)["loss"]
    found = reconstruction_loss(
        encoder, generator, images, discriminator=judge, adversarial=0.2,
        perceptual=PerceptualLoss(features, {"conv3_3": 0.3}),
    )  # fmt: skip
    assert found.shape == (3,)
    assert found.mean().item() == pytest.approx(expected.item(), rel=1e-4)


def test_the_reconstruction_loss_is_0_for_a_picture_that_is_found_again():
    linear, perceptual = LinearGenerator(), PerceptualLoss(SmallFeatures())
    code = fixed_draw(1, 2, linear.num_layers, linear.w_dim)
    with torch.no_grad():
        images = linear.synthesize(code)
    found = reconstruction_loss(
        lambda pictures: code, linear, images, perceptual=perceptual, adversarial=0.0,
        discriminator=lambda made: made.mean((1, 2, 3)),
    )  # fmt: skip
    assert found.tolist() == [0.0, 0.0]


def test_gradients_of_the_reconstruction_loss_reach_the_encoder_only(encoder, generator, images):
    features = tiny.build("world-features").freeze()
    perceptual = PerceptualLoss(features, ("conv3_3",))
    judge = tiny.build("stylegan2-discriminator").requires_grad_(False)
    loss = reconstruction_loss(
        encoder, generator, images, perceptual=perceptual, discriminator=judge
    )
    loss.sum().backward()
    assert all(value.grad.abs().max() > 0 for value in encoder.to_w.parameters())
    assert all(value.grad is None for value in generator.parameters())
