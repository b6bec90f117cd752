"""LPIPS, a perceptual ruler: differences of deep features instead of pixels (Zhang et al. 2018).

Offers `lpips_metric`, which builds an `LpipsMetric` and never downloads: the lpips package with its
own networks (alex, vgg, squeeze) where their weights are on disk, else the package's arithmetic
around an offline feature network with heads of our own (models/lpips_heads.py). A ruler's `name`
says which one it is: figures of different rulers do not compare. triplets.py tells how good it is.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path

import lpips
import torch
from torch import Tensor, nn
from torch.nn import functional

from hw5 import zoo
from hw5.kit.checks import InputError, check_choice, check_finite, check_shape
from hw5.models.efficientnet import EfficientNetLite0
from hw5.models.features import FeatureNetwork
from hw5.models.lpips_heads import LpipsHeads, Taps
from hw5.shapes import Images, PerPicture

# Backbone -> its name in the zoo, in the order `auto` tries them.
BACKBONES = {
    "alex": "alexnet",  # the authors' advice for measuring
    "vgg": "vgg16",  # their advice for optimising
    "squeeze": "squeezenet",
}
HEADS = "lpips-heads"  # zoo name of the bundled network's heads, calibrated on the world
OFFLINE = "offline"
NUM_TAPS = 5  # as the package has with alex and vgg


class LpipsMetric(nn.Module):
    """A ruler `(output, target) -> (N,)`: 0 for equal pictures, larger the less they are alike.

    Differentiable in both pictures; networks stay frozen and in evaluation mode.

    Attributes:
        name: which ruler this is, such as "lpips-alex"; ends in "uncalibrated" without heads.
        heads: the trainable weights of an offline ruler; None for the package's own.
        taps: where an offline ruler listens; None likewise.
    """

    def __init__(
        self,
        machinery: lpips.LPIPS,
        name: str,
        *,
        heads: LpipsHeads | None = None,
    ) -> None:
        super().__init__()
        self.machinery = machinery
        self.name = name
        self.heads = heads
        self.taps = heads.taps if heads is not None else None
        self.eval()

    def forward(self, output: Images, target: Images) -> PerPicture:
        """Distance of each picture from its target, (N,).

        Args:
            output: (N, 3, H, W) around [-1, 1]; not clamped, so that gradients pass.
            target: (N, 3, H, W), the same shape.

        Raises:
            InputError: not two equally shaped batches of RGB pictures.
        """
        _check_pair(output, target)
        return self.machinery(output, target).flatten()

    def contributions(self, output: Images, target: Images) -> Tensor:
        """What each channel of each tap adds before it is weighted, (N, sum of channels).

        `contributions @ heads.weights()` is the distance. Computed once per pair, they make
        training heads on thousands of triplets a matter of seconds: no network runs again.

        Args and Raises as for `forward`.
        """
        _check_pair(output, target)
        pairs = zip(self._normalised(output), self._normalised(target), strict=True)
        return torch.cat([(a - b).square().mean(dim=(2, 3)) for a, b in pairs], dim=1)

    def train(self, mode: bool = True) -> LpipsMetric:
        """Stay in evaluation mode whatever `mode` says: a ruler with dropout is no ruler."""
        return super().train(False)

    def _normalised(self, images: Images) -> list[Tensor]:
        maps = self.machinery.net(self.machinery.scaling_layer(images))
        return [lpips.normalize_tensor(features) for features in maps]


def lpips_metric(
    backbone: str = "auto",
    *,
    features: FeatureNetwork | None = None,
    taps: Taps | None = None,
    heads: str | Path | None = None,
    weights: str | Path | None = None,
    data: Path = zoo.DATA,
) -> LpipsMetric:
    """Build a perceptual ruler from what is on this machine; nothing is ever downloaded.

    Args:
        backbone: "alex", "vgg" or "squeeze" (the package's), "offline" (ours), or "auto": the first
            of the package's whose weights are found, else ours.
        features: network of the offline ruler; by default the bundled EfficientNet-Lite0.
        taps: where to tap it; by default where the heads were trained, else `spread_taps`.
        heads: file of the offline ruler's heads, as `zoo.save` writes it; by default the bundled
            ones, if neither `features` nor `taps` were given.
        weights: file of a named backbone that is not the published one; its digest is not asked.
        data: folder of the zoo's manifest, which knows the published files and finds them.

    Raises:
        InputError: unknown backbone, weights of a named one not on disk, a damaged file, or heads
            that were trained for other taps.
    """
    check_choice("backbone", backbone, ("auto", OFFLINE, *BACKBONES))
    if backbone in BACKBONES:
        path = zoo.path_of(BACKBONES[backbone], data=data) if weights is None else Path(weights)
        return _package_metric(backbone, path)
    for name, network in BACKBONES.items() if backbone == "auto" else ():
        if path := zoo.find(network, data=data):
            return _package_metric(name, path)
    if heads is None and features is None and taps is None and HEADS in zoo.names():
        heads = HEADS
    return _offline_metric(features or EfficientNetLite0(), taps, heads)


def spread_taps(features: FeatureNetwork, *, size: int | None = None) -> Taps:
    """Five layers of a feature network, spread evenly over its depth, the deepest among them."""
    names = features.layer_names
    count = min(NUM_TAPS, len(names))
    layers = tuple(names[(i + 1) * len(names) // count - 1] for i in range(count))
    return Taps(type(features).__name__, layers, size)


class _Tapped(nn.Module):
    """A feature network as the package's machinery wants it: pictures to a list of maps."""

    def __init__(self, features: FeatureNetwork, taps: Taps) -> None:
        super().__init__()
        self.features = features
        self.taps = taps

    def forward(self, images: Images) -> list[Tensor]:
        if self.taps.size is not None:
            side = (self.taps.size, self.taps.size)
            images = functional.interpolate(images, side, mode="bilinear", antialias=True)
        found = self.features(images, self.taps.layers)
        return [found[layer] for layer in self.taps.layers]


def _package_metric(name: str, path: Path) -> LpipsMetric:
    """The lpips package as published, its backbone filled from the file at `path`."""
    machinery = _machinery(name, heads=True)
    _fill_backbone(machinery.net, _read_weights(path), path)
    published = Path(lpips.__file__).parent / "weights" / "v0.1" / f"{name}.pth"
    # strict=False as in the package: the file holds the heads and nothing else.
    machinery.load_state_dict(_read_weights(published), strict=False, assign=True)
    return LpipsMetric(machinery.requires_grad_(False), f"lpips-{name}")


def _offline_metric(
    features: FeatureNetwork, taps: Taps | None, path: str | Path | None
) -> LpipsMetric:
    """The package's arithmetic around a feature network, with heads from `path` or all ones."""
    heads = None if path is None else _heads(path)
    taps = taps or (heads.taps if heads is not None else spread_taps(features))
    if heads is not None and taps != heads.taps:
        raise InputError.about(str(path), expected=f"heads for {taps}", got=heads.taps)
    if taps.network != type(features).__name__:
        raise InputError.about(
            str(path or "taps"), expected=f"taps of {type(features).__name__}", got=taps
        )
    tapped = _Tapped(features, taps)
    widths = _widths(tapped)
    calibrated = heads is not None
    if heads is None:
        heads = LpipsHeads(widths, network=taps.network, layers=taps.layers, size=taps.size)
    if heads.widths != widths:
        raise InputError.about(str(path), expected=f"heads of widths {widths}", got=heads.widths)
    machinery = _machinery("squeeze", heads=False)
    machinery.net = tapped
    machinery.scaling_layer = nn.Identity()  # feature networks normalise inside
    machinery.chns, machinery.L = widths, len(widths)
    machinery.lpips, machinery.lins = True, heads
    name = f"lpips-{taps.network}" + ("" if calibrated else "-uncalibrated")
    return LpipsMetric(machinery, name, heads=heads)


def _heads(path: str | Path) -> LpipsHeads:
    """Heads from a file or from the zoo, trainable."""
    heads = zoo.load(path)
    if not isinstance(heads, LpipsHeads):
        raise InputError.about(str(path), expected="heads of LPIPS", got=type(heads).__name__)
    return heads.requires_grad_()


def _machinery(name: str, *, heads: bool) -> lpips.LPIPS:
    """The package's module on the meta device: no weights are drawn, let alone fetched."""
    with torch.device("meta"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package uses torchvision's old argument style
        return lpips.LPIPS(net=name, lpips=heads, pretrained=False, pnet_rand=True, verbose=False)


def _fill_backbone(network: nn.Module, weights: Mapping[str, Tensor], path: Path) -> None:
    """Load torchvision's `features.3.weight` as the package's `slice2.3.weight`."""
    filled = {}
    for key, value in network.state_dict().items():
        name = f"features.{key.split('.', 1)[1]}"
        if name not in weights:
            raise InputError.about(
                str(path),
                expected=f"an entry {name}",
                got="none",
                hint="this is not torchvision's published file",
            )
        check_shape(f"{path}: {name}", weights[name], tuple(value.shape))
        check_finite(f"{path}: {name}", weights[name])
        filled[key] = weights[name].float()
    network.load_state_dict(filled, assign=True)


def _read_weights(path: Path) -> Mapping[str, Tensor]:
    """A state dict from a .pth file; no code inside it is run."""
    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)
        return dict(weights)
    except Exception as error:  # torch and pickle raise half a dozen kinds for damaged files
        raise InputError.about(
            str(path),
            expected="a torch state dict",
            got=f"{type(error).__name__} on reading",
            hint="copy the published file again",
        ) from error


@torch.no_grad()
def _widths(tapped: _Tapped) -> list[int]:
    """Channels of each tap, found by trying a small picture."""
    like = next(tapped.parameters(), torch.zeros(()))
    return [features.shape[1] for features in tapped(torch.zeros(1, 3, 64, 64).to(like))]


def _check_pair(output: Images, target: Images) -> None:
    check_shape("target", target, ("N", 3, "H", "W"))
    check_shape("output", output, tuple(target.shape), hint="output and target must match")
