"""Which bundled networks the commands, notebooks and the report use unless told otherwise.

Offers `FEATURES`, `FEATURE_KINDS`, `default_features`, `open_features`, `open_generator` and
`build_criterion`. Weights are opened by hw5/zoo; losses.py says what a criterion does with them.
"""

from __future__ import annotations

import torch

from hw5 import zoo
from hw5.checkpoints import is_foreign
from hw5.config import LossWeights
from hw5.kit.checks import InputError
from hw5.losses import Criterion
from hw5.models.features import FeatureNetwork
from hw5.models.generator import Generator
from hw5.shapes import Images
from hw5.zoo.manifest import check_name

# Feature networks behind the perceptual loss, best first; the first that is bundled is used.
FEATURES = ("world-features", "efficientnet-lite0")
# Kinds of weights, as the manifest names them, that are feature networks.
FEATURE_KINDS = (*FEATURES, "vgg19", "vgg16", "alexnet", "squeezenet")
# Those that are generators.
GENERATORS = ("stylegan2", "dcgan", "official-stylegan2", "course-dcgan")
CPU = torch.device("cpu")  # unless a command's --device says otherwise


def default_features() -> str:
    """Name of the feature network that is used unless another one is named."""
    known = zoo.names()
    return next(each for each in FEATURES if each in known)


def open_features(name: str = "", device: torch.device = CPU) -> FeatureNetwork:
    """The feature network called `name`, by default the best bundled one.

    Raises:
        InputError: an unknown name, a network that is not on this machine, or one of another kind.
    """
    name = name or default_features()
    if not _is_file(name):
        check_name("features", name, FEATURE_KINDS)
    network = zoo.load(name, device, instead=default_features())
    if not isinstance(network, FeatureNetwork):
        got = f"{name}, weights of another kind ({type(network).__name__})"
        raise InputError.about("features", expected="a feature network", got=got)
    # Convolutions with their channels last were 1.2 to 2 times as fast on a CPU.
    return network.to(memory_format=torch.channels_last)


def open_generator(name: str, device: torch.device = CPU) -> Generator:
    """The generator called `name`, or stored in the file `name`, ready to render.

    Raises:
        InputError: an unknown name, a damaged file, or a network of another kind.
    """
    if not _is_file(name):
        check_name("generator", name.partition("#")[0], GENERATORS)
    network = zoo.load(name, device)
    if not isinstance(network, Generator):
        got = f"{name}, weights of another kind ({type(network).__name__})"
        raise InputError.about("generator", expected="a generator", got=got)
    return network


def _is_file(name: str) -> bool:
    """Does this name a file of weights, not an entry of the manifest?"""
    return is_foreign(name) or name.endswith(zoo.SUFFIX)


def build_criterion(weights: LossWeights, device: torch.device = CPU) -> Criterion:
    """The criterion for these weights, with the networks that it needs and no others.

    Raises:
        InputError: a network is named that is not on this machine; the message says what to fetch.
    """
    needed = weights.perceptual or weights.style
    features = open_features(weights.features, device) if needed else None
    ruler = None
    if weights.lpips:
        from hw5.metrics.perceptual import lpips_metric  # here: the lpips package is slow to import

        # It answers (N,); the package's loss, and so `lpips_loss`, has a map.
        metric = lpips_metric(weights.lpips_backbone).to(device)

        def ruler(output: Images, target: Images) -> Images:
            return metric(output, target)[:, None, None, None]

    return Criterion(weights, features=features, lpips=ruler)
