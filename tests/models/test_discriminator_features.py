"""Discriminators as feature networks: the very maps they decide by, under the names of weights."""

from __future__ import annotations

import pytest
import torch

from hw5 import zoo
from hw5.kit.checks import InputError
from hw5.models.dcgan import DCGANDiscriminator
from hw5.models.discriminator_features import DiscriminatorFeatures
from hw5.models.discriminators import StyleGAN2Discriminator
from tests.tolerances import assert_close


def make(kind):
    torch.manual_seed(0)
    if kind == "dcgan":
        return DCGANDiscriminator(conv_dim=4)
    return StyleGAN2Discriminator(image_size=64, channel_base=256, channel_max=8)


@pytest.fixture(params=["dcgan", "stylegan2"])
def discriminator(request):
    return make(request.param)


@pytest.fixture
def images(rng):
    return torch.rand(2, 3, 64, 64, generator=rng) * 2 - 1


def test_a_layer_shows_what_the_next_one_reads(discriminator, images):
    head = "conv5" if hasattr(discriminator, "conv5") else "b4"
    names, read = (*discriminator.layer_names, head), []
    for name in names[1:]:
        layer = discriminator.get_submodule(name)
        layer.register_forward_hook(lambda _, inputs, __: read.append(inputs[0]))
    discriminator(images)
    maps = DiscriminatorFeatures(discriminator)(images, names[:-1])
    for shown, expected in zip(maps.values(), read[: len(maps)], strict=True):
        assert_close(shown, expected, "float16")


def test_maps_halve_from_layer_to_layer_down_to_4_cells(discriminator, images):
    features = DiscriminatorFeatures(discriminator)
    maps = features(images, features.layer_names).values()
    assert [m.shape[-1] for m in maps] == [32, 16, 8, 4]


def test_layers_bear_the_names_of_their_weights(discriminator):
    prefixes = {name.split(".")[0] for name in discriminator.state_dict()}
    assert set(discriminator.layer_names) < prefixes


def test_a_deep_layer_is_not_computed_for_a_shallow_one(discriminator, images):
    ran = []
    deep = discriminator.get_submodule(discriminator.layer_names[1])
    deep.register_forward_hook(lambda *_: ran.append(1))
    DiscriminatorFeatures(discriminator)(images, discriminator.layer_names[:1])
    assert not ran


def test_it_is_frozen_and_lets_gradients_reach_the_picture(discriminator, images):
    features = DiscriminatorFeatures(discriminator)
    images.requires_grad_()
    features(images, features.layer_names)[features.layer_names[-1]].square().sum().backward()
    assert images.grad.abs().max() > 0
    assert all(not parameter.requires_grad for parameter in features.parameters())


def test_a_picture_does_not_depend_on_its_neighbours(discriminator, images):
    features = DiscriminatorFeatures(discriminator)
    name = features.layer_names[-1]
    alone = features(images[1:], (name,))[name]
    assert_close(features(images, (name,))[name][1:], alone, "float16")


def test_pictures_of_another_size_are_refused(discriminator):
    with pytest.raises(InputError, match="images"):
        DiscriminatorFeatures(discriminator)(
            torch.zeros(1, 3, 16, 16), discriminator.layer_names[:1]
        )


def test_the_shipped_one_sees_as_it_judges(images):
    shipped = zoo.load("stylegan2-discriminator")
    features = DiscriminatorFeatures(shipped)
    deepest = features(images, ("conv4",))["conv4"]
    assert_close(shipped.conv5(deepest)[:, 0, 0, 0], shipped(images), "float16")
