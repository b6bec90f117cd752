"""Networks with torchvision's ImageNet weights: files made here in its format, torchvision's maps.

The files hold random weights under every published name and in every published shape.
"""

from __future__ import annotations

import lpips
import pytest
import torch
import torchvision
from torch import nn

from hw5.kit.checks import InputError
from hw5.models.features import VGG16, VGG19, AlexNet, FeatureNetwork, SqueezeNet
from hw5.models.imagenet import normalize
from tests.tolerances import assert_close

# network -> torchvision's name for it, and what makes the maps that are named
NETWORKS = {
    VGG19: ("vgg19", nn.Conv2d),
    VGG16: ("vgg16", nn.Conv2d),
    AlexNet: ("alexnet", nn.ReLU),
    SqueezeNet: ("squeezenet1_1", torchvision.models.squeezenet.Fire),
}


@pytest.fixture(scope="module", params=NETWORKS, ids=lambda network: network.__name__)
def published(request, tmp_path_factory):
    """The network, and a file as torchvision publishes it with torchvision's own trunk from it."""
    torch.manual_seed(0)
    model, _ = NETWORKS[request.param]
    with torch.device("meta"):
        official = torchvision.models.get_model(model, weights=None).eval()
    state = {
        # A classifier is not looked at: one number repeated keeps its 400 MB out of the file.
        name: 0.05 * torch.randn(value.shape) if name.startswith("features") else
        torch.zeros(()).expand(value.shape)
        for name, value in official.state_dict().items()
    }  # fmt: skip
    official.load_state_dict(state, assign=True)
    path = tmp_path_factory.mktemp("hub") / f"{model}.pth"
    torch.save(state, path)
    yield request.param, path, official.features.requires_grad_(False)
    path.unlink()  # up to 80 MB: pytest would keep those of the last three runs


@pytest.fixture
def images(rng) -> torch.Tensor:
    return torch.rand(2, 3, 72, 64, generator=rng) * 2 - 1


def maps_of(trunk, kind, images):
    """What torchvision's own forward pass makes of pictures, kind by kind."""
    mean = torch.tensor([0.485, 0.456, 0.406], dtype=torch.float64).view(3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225], dtype=torch.float64).view(3, 1, 1)
    kept = []
    hooks = [
        module.register_forward_hook(lambda *call: kept.append(call[2].clone()))
        for module in trunk
        if isinstance(module, kind)
    ]  # a copy: the ReLU behind a convolution writes over its result
    trunk((images / 2 + 0.5 - mean) / std)
    for hook in hooks:
        hook.remove()
    return kept


def test_maps_are_those_of_torchvisions_own_forward_pass(published, images):
    network, path, trunk = published
    loaded = network.load(path).double()
    trunk, images = trunk.double(), images.double()
    expected = maps_of(trunk, NETWORKS[network][1], images)
    found = loaded(images, loaded.layer_names)
    if network is SqueezeNet:  # its first map comes from no fire module
        assert_close(found.pop("conv1"), maps_of(trunk, nn.ReLU, images)[0], "float64")
    assert len(found) == len(expected)
    for got, wanted in zip(found.values(), expected, strict=True):
        assert wanted.std() > 0
        assert_close(got, wanted, "float64")


def test_it_is_loaded_frozen_as_a_feature_network(published):
    network, path, _ = published
    loaded = network.load(path)
    assert isinstance(loaded, FeatureNetwork) and not loaded.training
    assert not any(p.requires_grad or p.is_meta for p in loaded.parameters())


def test_every_layer_can_be_computed_from_the_smallest_size_on(published):
    network, path, _ = published
    loaded = network.load(path)
    side = loaded.smallest
    assert loaded(torch.zeros(1, 3, side, side), loaded.layer_names)
    smaller = torch.zeros(1, 3, side, side - 1)
    assert loaded(smaller, loaded.layer_names[:1])
    with pytest.raises(InputError, match=rf"images: .*{loaded.layer_names[-1]}.*\({side} px"):
        loaded(smaller, loaded.layer_names)


def test_the_slope_along_a_direction_agrees_with_the_gradient(published, images, rng):
    network, path, _ = published
    loaded, images = network.load(path).double(), images.double()
    last = loaded.layer_names[-1]
    direction = torch.randn(images.shape, generator=rng, dtype=torch.float64)
    maps, slope = torch.func.jvp(lambda x: loaded(x, [last])[last], (images,), (direction,))
    images.requires_grad_()
    loaded(images, [last])[last].backward(maps)
    assert slope.abs().max() > 0
    assert_close((images.grad * direction).sum(), (slope * maps).sum(), "float64")


def test_layers_bear_the_usual_names():
    assert AlexNet.layer_names == ("relu1", "relu2", "relu3", "relu4", "relu5")
    assert SqueezeNet.layer_names == ("conv1", *(f"fire{i}" for i in range(2, 10)))
    assert VGG16.layer_names[6:] == tuple(f"conv_{s}_{i}" for s in (3, 4, 5) for i in (1, 2, 3))[2:]


def test_vgg_layers_are_numbered_by_stage_and_convolution():
    assert len(VGG19.layer_names) == 16
    assert VGG19.layer_names[:5] == ("conv_1_1", "conv_1_2", "conv_2_1", "conv_2_2", "conv_3_1")
    assert VGG19.layer_names[-1] == "conv_5_4"


@pytest.mark.parametrize(
    ("network", "package", "layers"),
    [
        (AlexNet, lpips.pretrained_networks.alexnet, AlexNet.layer_names),
        (
            SqueezeNet,
            lpips.pretrained_networks.squeezenet,
            ("conv1", "fire3", "fire5", "fire6", "fire7", "fire8", "fire9"),
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:.*:UserWarning")  # the package's old argument style
def test_lpips_compares_pictures_in_these_maps(network, package, layers, images):
    torch.manual_seed(0)
    ours, theirs = network().double().freeze(), package(pretrained=False).double().eval()
    weights = ours.features.state_dict()
    theirs.load_state_dict({k: weights[k.split(".", 1)[1]] for k in theirs.state_dict()})
    images = images.double()
    found = ours(images, layers).values()
    for got, wanted in zip(found, theirs(normalize(images)), strict=True):
        assert_close(got, wanted, "float64")


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("content", [b"<html>quota exceeded</html>", b"", b"PK\x03\x04cut off"])
def test_a_file_that_is_no_network_is_refused(tmp_path, network, content):
    path = tmp_path / "net.pth"
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"net\.pth.*fetch {network.zoo_name}$"):
        network.load(path)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize(
    "state", [{}, {"features.0.weight": torch.zeros(4, 3, 3, 3)}, [1, 2], "text"], ids=str
)
def test_another_networks_weights_are_refused(tmp_path, network, state):
    torch.save(state, tmp_path / "net.pth")
    with pytest.raises(InputError, match=f"not torchvision's {network.title}"):
        network.load(tmp_path / "net.pth")
