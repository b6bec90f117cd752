"""Image2StyleGAN: its loss by hand, its start, and pictures of a known code found again."""

from __future__ import annotations

import pytest
import torch

from hw5.inversion.image2stylegan import Image2StyleGAN, embed, embedding_loss
from hw5.kit.checks import InputError
from hw5.latents import mean_code, render, sample_codes
from hw5.losses import PerceptualLoss
from hw5.checking.fakes import LAYERS, SIZE, WIDTH, LinearGenerator, SmallFeatures, fixed_draw
from tests.inversion.small import agrees_with_finite_differences, tiny_stylegan
from tests.tolerances import assert_close

TWO_LAYERS = ("conv_1_1", "conv_2_1")


def quick(num_steps, **options):
    return Image2StyleGAN(num_steps=num_steps, layers=TWO_LAYERS, num_mean=100, **options)


@pytest.fixture
def pictures():
    return torch.tanh(0.4 * fixed_draw(20, 2, 3, SIZE, SIZE))


def test_the_loss_is_the_papers_sum_written_out(pictures):
    image, features, expected = pictures.flip(0), SmallFeatures(), []
    ours, theirs = features(image, TWO_LAYERS), features(pictures, TWO_LAYERS)
    for n in range(2):
        total = 0.7 / (3 * SIZE * SIZE) * ((image[n] - pictures[n]) ** 2).sum()
        for layer in TWO_LAYERS:
            total += ((ours[layer][n] - theirs[layer][n]) ** 2).sum() / ours[layer][n].numel()
        expected.append(total)
    perceptual = PerceptualLoss(features, dict.fromkeys(TWO_LAYERS, 1.0))
    found = embedding_loss(image, pictures, perceptual, 0.7)
    assert_close(found, torch.stack(expected), "float64")


def test_black_and_white_are_four_weights_apart():
    white, black = torch.ones(2, 3, 4, 4), -torch.ones(2, 3, 4, 4)
    blind = lambda image, target: image.new_zeros(len(image))  # noqa: E731
    assert embedding_loss(white, black, blind, 0.5).tolist() == [2.0, 2.0]


def test_the_gradient_agrees_with_finite_differences(pictures):
    generator = LinearGenerator()
    perceptual = PerceptualLoss(SmallFeatures(), dict.fromkeys(TWO_LAYERS, 1.0))

    def loss(code):
        return embedding_loss(render(generator, code, "w+"), pictures, perceptual, 1.0)

    assert agrees_with_finite_differences(loss, fixed_draw(31, 2, LAYERS, WIDTH))


def test_the_search_starts_at_the_mean_code(pictures):
    generator = LinearGenerator()
    found = embed(
        generator,
        pictures,
        features=SmallFeatures(),
        settings=quick(1),
        rng=torch.Generator().manual_seed(3),
    )
    mean = mean_code(generator, "w+", num_samples=100, rng=torch.Generator().manual_seed(3))
    assert_close(found.code.detach(), mean.detach().expand(2, -1, -1), "float64")


def test_generated_pictures_are_found_again(rng):
    generator = tiny_stylegan()
    with torch.no_grad():
        pictures = render(generator, sample_codes(generator, "w+", 2, rng=rng), "w+")
    settings = quick(150, learning_rate=0.1)
    found = embed(generator, pictures, features=SmallFeatures(), settings=settings, rng=rng)
    start = torch.tensor(found.history[0].losses, dtype=torch.float64)
    assert (found.loss < 1e-2 * start).all()


def test_the_code_renders_to_the_picture_that_was_scored(rng, pictures):
    generator = LinearGenerator()
    found = embed(generator, pictures, features=SmallFeatures(), settings=quick(20), rng=rng)
    assert torch.equal(render(generator, found.code, found.space), found.image)
    perceptual = PerceptualLoss(SmallFeatures(), dict.fromkeys(TWO_LAYERS, 1.0))
    assert_close(embedding_loss(found.image, pictures, perceptual, 1.0), found.loss, "float64")


def test_a_picture_is_found_the_same_alone_and_in_company(pictures):
    def codes(targets):
        return embed(
            LinearGenerator(),
            targets,
            features=SmallFeatures(),
            settings=quick(20),
            rng=torch.Generator().manual_seed(3),
        ).code

    assert_close(codes(pictures)[1:], codes(pictures[1:]), "float64")


def test_an_unknown_layer_is_refused(rng, pictures):
    settings = Image2StyleGAN(layers=("conv_9_9",))
    with pytest.raises(InputError, match="layers"):
        embed(LinearGenerator(), pictures, features=SmallFeatures(), settings=settings, rng=rng)


@pytest.mark.parametrize("wrong", [{"pixel": -1}, {"num_mean": 0}, {"num_steps": 0}])
def test_settings_that_cannot_be_meant_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        Image2StyleGAN(**wrong)
