"""LPIPS with the package's networks from files made here, and with an offline network."""

from __future__ import annotations

import dataclasses
import hashlib

import lpips
import pytest
import torch
import torchvision

from hw5 import zoo
from hw5.kit.checks import InputError
from hw5.metrics.perceptual import BACKBONES, lpips_metric, spread_taps
from hw5.models.lpips_heads import LpipsHeads, Taps
from hw5.zoo import manifest

MODELS = {
    "alex": (torchvision.models.alexnet, torchvision.models.AlexNet_Weights),
    "squeeze": (torchvision.models.squeezenet1_1, torchvision.models.SqueezeNet1_1_Weights),
    "vgg": (torchvision.models.vgg16, torchvision.models.VGG16_Weights),
}

pytestmark = pytest.mark.usefixtures("no_network")


def published_weights(name, rng):
    """Random weights under torchvision's published names, without the classifier (as lpips)."""
    with torch.device("meta"):
        shapes = MODELS[name][0](weights=None).state_dict()
    return {
        key: 0.1 * torch.randn(value.shape, generator=rng)
        for key, value in shapes.items()
        if key.startswith("features")
    }


@pytest.fixture
def squeeze_file(tmp_path, rng):
    """A file in the published format."""
    path = tmp_path / "squeeze.pth"
    torch.save(published_weights("squeeze", rng), path)
    return path


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A table with torchvision's three networks; none of their files is on this machine."""
    monkeypatch.setenv("HW5_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HW5_WEIGHTS", str(tmp_path / "shared"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    for name in BACKBONES.values():
        manifest.register(zoo.describe(name), tmp_path / "data")
    return tmp_path / "data"


def put(data, source, name="squeezenet"):
    """Bring a file to this machine as the one that the table means."""
    entry = zoo.describe(name)
    folder = data.parent / "shared"
    folder.mkdir(exist_ok=True)
    (folder / entry.filename).write_bytes(source.read_bytes())
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    known = dataclasses.replace(entry, sha256=digest, bytes=source.stat().st_size)
    manifest.register(known, data)


@pytest.fixture(params=["package", "offline"])
def metric(request, squeeze_file, features):
    if request.param == "package":
        return lpips_metric("squeeze", weights=squeeze_file)
    return lpips_metric("offline", features=features)


def test_equal_pictures_are_at_distance_zero(metric, pictures):
    torch.testing.assert_close(metric(pictures, pictures), torch.zeros(3))


def test_distances_are_symmetric_and_positive(metric, pictures):
    other = pictures.flip(0).flip(-1)
    there, back = metric(pictures, other), metric(other, pictures)
    assert there.shape == (3,) and (there > 0).all()
    torch.testing.assert_close(there, back)


def test_every_picture_has_its_own_distance(metric, pictures):
    other = pictures.flip(-1)
    torch.testing.assert_close(metric(pictures, other)[1:2], metric(pictures[1:2], other[1:2]))


def test_a_ruler_stays_in_evaluation_mode(metric, pictures):
    metric.train()
    assert not any(module.training for module in metric.modules())


def test_gradients_stay_finite_where_all_channels_are_zero(features, pictures):
    for convolution in features.convolutions:
        convolution.bias.fill_(-100.0)  # every ReLU is shut
    output = pictures.clone().requires_grad_(True)
    metric = lpips_metric("offline", features=features)
    metric(output, pictures.flip(-1)).sum().backward()
    assert torch.isfinite(output.grad).all()


def test_gradients_reach_the_picture(metric, pictures):
    output = pictures.clone().requires_grad_(True)
    metric(output, pictures.flip(-1)).sum().backward()
    assert torch.isfinite(output.grad).all() and (output.grad != 0).any()


def test_pictures_of_different_shapes_are_refused(metric, pictures):
    with pytest.raises(InputError, match="output"):
        metric(pictures[:1], pictures)


@pytest.mark.parametrize("name", ["alex", "squeeze"])
def test_the_package_gives_the_same_figure_with_the_same_weights(name, tmp_path, rng, pictures):
    weights = published_weights(name, rng)
    torch.save(weights, tmp_path / "net.pth")
    ours = lpips_metric(name, weights=tmp_path / "net.pth")
    images = torch.nn.functional.interpolate(pictures, (64, 64))
    with pytest.warns(UserWarning, match="torchvision|pretrained|weights"):
        package = lpips.LPIPS(net=name, pnet_rand=True, verbose=False)  # published heads
    for index in range(1, package.net.N_slices + 1):  # fill its trunk layer by layer
        for number, layer in getattr(package.net, f"slice{index}").named_children():
            prefix = f"features.{number}."
            part = {k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)}
            layer.load_state_dict(part)
    expected = package(images, images.flip(-1)).flatten()
    assert (expected > 0).all()
    torch.testing.assert_close(ours(images, images.flip(-1)), expected)


def test_addresses_digests_and_sizes_are_those_that_torchvision_names():
    for name, (_, weights) in MODELS.items():
        entry = zoo.describe(BACKBONES[name])
        assert entry.url == weights.IMAGENET1K_V1.url
        assert entry.filename == entry.url.rsplit("/", 1)[1]
        assert entry.filename.removesuffix(".pth").endswith(entry.sha256[:8])
        megabytes = weights.IMAGENET1K_V1.meta["_file_size"]  # of 1024 * 1024, three digits
        assert round(entry.bytes / 2**20, 3) == megabytes


def test_the_packages_ruler_has_nothing_to_train(squeeze_file):
    metric = lpips_metric("squeeze", weights=squeeze_file)
    assert metric.heads is None and not any(p.requires_grad for p in metric.parameters())


def test_auto_takes_the_first_network_on_disk(squeeze_file, data):
    put(data, squeeze_file)
    assert lpips_metric(data=data).name == "lpips-squeeze"


def test_auto_without_files_is_offline_and_says_uncalibrated(features, data):
    metric = lpips_metric(features=features, data=data)
    assert metric.name == "lpips-SmallFeatures-uncalibrated"


def test_the_bundled_ruler_needs_no_download_and_is_calibrated(data, pictures):
    metric = lpips_metric(data=data)
    assert metric.name == "lpips-EfficientNetLite0"
    assert metric.heads.weights().std() > 0.1  # uncalibrated ones are all 1
    assert metric(pictures, pictures.flip(-1)).min() > 0


def test_a_named_network_without_its_file_says_what_to_fetch(data):
    with pytest.raises(InputError, match=r"vgg16-397923af\.pth.*python -m hw5 fetch vgg16"):
        lpips_metric("vgg", data=data)


def test_an_unknown_backbone_lists_the_known_ones():
    with pytest.raises(InputError, match="squeeze"):
        lpips_metric("resnet")


def test_another_file_of_the_right_name_is_passed_over(squeeze_file, data):
    put(data, squeeze_file)
    manifest.register(zoo.describe("squeezenet"), data)  # the true digest
    assert lpips_metric(data=data).name == "lpips-EfficientNetLite0"


@pytest.mark.parametrize("content", [b"", b"<html>quota exceeded</html>", b"PK\x03\x04"])
def test_a_damaged_backbone_file_is_one_clear_line(content, tmp_path):
    (tmp_path / "net.pth").write_bytes(content)
    with pytest.raises(InputError, match=r"net\.pth"):
        lpips_metric("squeeze", weights=tmp_path / "net.pth")


@pytest.mark.parametrize("spoil", ["missing", "shape", "nan"])
def test_a_backbone_file_with_wrong_entries_is_refused(spoil, tmp_path, rng):
    weights = published_weights("squeeze", rng)
    if spoil == "missing":
        del weights["features.0.weight"]
    elif spoil == "shape":
        weights["features.0.weight"] = torch.zeros(1)
    else:
        weights["features.0.weight"][0] = torch.nan
    torch.save(weights, tmp_path / "net.pth")
    with pytest.raises(InputError, match=r"features\.0\.weight"):
        lpips_metric("squeeze", weights=tmp_path / "net.pth")


def test_an_uncalibrated_ruler_is_the_packages_baseline(features, pictures):
    """By hand: unit-length features, squared differences, mean over space, sum over the rest."""
    metric = lpips_metric("offline", features=features)
    a = features(pictures, features.layer_names)
    b = features(pictures.flip(-1), features.layer_names)
    expected = sum(
        (lpips.normalize_tensor(a[k]) - lpips.normalize_tensor(b[k])).square().sum(1).mean((1, 2))
        for k in a
    )
    torch.testing.assert_close(metric(pictures, pictures.flip(-1)), expected)


def test_contributions_times_weights_are_the_distance(features, pictures, rng):
    metric = lpips_metric("offline", features=features)
    for head in metric.heads:
        head.weight.data = torch.randn(head.weight.shape, generator=rng)
    parts = metric.contributions(pictures, pictures.flip(-1))
    assert parts.shape == (3, 8 + 12 + 16)
    expected = metric(pictures, pictures.flip(-1))
    torch.testing.assert_close(parts @ metric.heads.weights(), expected)


def test_heads_stay_non_negative_and_only_they_train(features, pictures):
    metric = lpips_metric("offline", features=features)
    trainable = [p for p in metric.parameters() if p.requires_grad]
    assert len(trainable) == 3
    metric(pictures, pictures.flip(-1)).sum().backward()
    torch.optim.SGD(trainable, lr=1e3).step()  # far past zero
    assert any((head.weight < 0).any() for head in metric.heads)
    assert (metric.heads.weights() >= 0).all()
    assert (metric(pictures, pictures.flip(-1)) > 0).all()


def save(heads, path):
    return zoo.save(path, heads, kind="lpips-heads", config=heads.config(), card={})


def test_saved_heads_come_back_with_their_taps(features, pictures, tmp_path, rng):
    taps = Taps("SmallFeatures", ("first", "third"), 48)
    metric = lpips_metric("offline", features=features, taps=taps)
    for head in metric.heads:
        head.weight.data = torch.randn(head.weight.shape, generator=rng).half().float()
    path = save(metric.heads, tmp_path / "heads.safetensors")
    again = lpips_metric("offline", features=features, heads=path)
    assert again.taps == taps and again.name == "lpips-SmallFeatures"
    torch.testing.assert_close(
        again(pictures, pictures.flip(-1)), metric(pictures, pictures.flip(-1))
    )


def test_the_network_sees_pictures_at_the_size_of_the_taps(features, pictures):
    metric = lpips_metric("offline", features=features, taps=spread_taps(features, size=48))
    features.sizes_seen.clear()
    metric(pictures, pictures)
    assert set(features.sizes_seen) == {48}


def test_heads_for_other_taps_are_refused(features, tmp_path):
    path = tmp_path / "heads.safetensors"
    save(LpipsHeads([8], network="OtherNetwork", layers=["first"]), path)
    with pytest.raises(InputError, match="OtherNetwork"):
        lpips_metric("offline", features=features, heads=path)
    save(LpipsHeads([5], network="SmallFeatures", layers=["first"]), path)
    with pytest.raises(InputError, match="widths"):
        lpips_metric("offline", features=features, heads=path)
    with pytest.raises(InputError, match="one width for each"):
        LpipsHeads([5, 6], network="SmallFeatures", layers=["first"])


def test_weights_that_are_no_heads_are_refused(features):
    with pytest.raises(InputError, match="heads of LPIPS"):
        lpips_metric("offline", features=features, heads="world-features")


def test_five_taps_are_spread_evenly_and_end_at_the_deepest(features):
    features.layer_names = tuple("abcdefghij")
    assert spread_taps(features).layers == ("b", "d", "f", "h", "j")
