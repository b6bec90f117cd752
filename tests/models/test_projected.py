"""The projected discriminator: what is frozen, what learns, what the heads see."""

import pytest
import torch

from hw5.models.projected import ProjectedDiscriminator
from hw5.models.world_features import WorldFeatures
from tests.tolerances import assert_close

LAYERS = ("conv1_2", "conv3_3", "conv4_3")


@pytest.fixture
def network() -> ProjectedDiscriminator:
    torch.manual_seed(0)
    features = WorldFeatures(2, widths=(4, 4, 6, 6), head_width=4)
    return ProjectedDiscriminator(
        features, LAYERS, image_size=32, mix_channels=5, head_channels=4, max_channels=8
    )


@pytest.fixture
def images(rng) -> torch.Tensor:
    return torch.rand(2, 3, 32, 32, generator=rng) * 2 - 1


def test_every_head_judges_a_four_by_four_grid(network, images):
    assert network(images).shape == (2, 3 * 16)


def test_only_the_heads_learn(network, images):
    network.requires_grad_(True)
    network(images).square().sum().backward()
    learning = {name.split(".")[0] for name, p in network.named_parameters() if p.grad is not None}
    assert learning == {"heads"}


def test_gradients_reach_the_pictures_with_the_heads_frozen(network, images):
    network.requires_grad_(False)
    images.requires_grad_()
    network(images).sum().backward()
    assert images.grad.abs().amin(dim=(1, 2, 3)).shape == (2,)
    assert (images.grad.flatten(1).abs().amax(dim=1) > 0).all()


def test_training_mode_leaves_the_features_in_evaluation_mode(network):
    network.train()
    assert network.heads.training
    assert not network.features.training


def test_mixed_maps_are_linear_in_the_features(network, images, monkeypatch):
    maps = {name: value.detach() for name, value in network.features(images, LAYERS).items()}
    mixed = network.mix(images)
    doubled = {name: 2 * value for name, value in maps.items()}
    monkeypatch.setattr(network.features, "forward", lambda *_: doubled)
    for once, twice in zip(mixed, network.mix(images), strict=True):
        assert_close(twice, 2 * once, "float32")


def test_deep_features_flow_into_shallow_maps_but_not_back(network, images, monkeypatch):
    maps = network.features(images, LAYERS)
    before = network.mix(images)
    monkeypatch.setattr(
        network.features, "forward", lambda *_: {**maps, "conv3_3": maps["conv3_3"] + 1}
    )
    after = network.mix(images)
    changed = [not torch.equal(a, b) for a, b in zip(before, after, strict=True)]
    assert changed == [True, True, False]


def test_the_logits_of_a_picture_ignore_the_batch_in_evaluation_mode(network, images):
    network.eval()
    assert_close(network(images)[:1], network(images[:1]), "float32")
