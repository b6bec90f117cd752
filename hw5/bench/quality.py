"""Quality of the bundled generators and feature networks: slow, so only run when named.

Offers `measure_fid` (FID of each generator, the world's floor, their ratio, variety and copies on
10,000 pictures; about ten minutes on two cores) and `measure_triplets` (which ruler orders pairs
of pictures as the factors do).
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from hw5 import zoo
from hw5.kit import seeding
from hw5.losses import PerceptualLoss
from hw5.metrics import triplets
from hw5.metrics.perceptual import lpips_metric
from hw5.metrics.pixels import mse
from hw5.models.features import FeatureNetwork
from hw5.train import quality
from hw5.train.recipes import LPIPS_LAYERS

GENERATORS = ("stylegan2", "dcgan")
GROWN = "stylegan2-"  # and the size: names of grown generators begin so
NUM_TRIPLETS = 100  # of each kind
WORLD_LAYERS = ("conv1_2", "conv2_2", "conv3_3", "conv4_3")


def measure_fid() -> dict[str, float]:
    """FID and what belongs beside it, of every bundled generator."""
    found = {}
    for name in generators():
        measured = quality.measure(zoo.load(name), compiled=True)
        found |= {f"{name}_{key}": value for key, value in measured.items()}
    found["dcgan_over_stylegan2"] = found["dcgan_fid"] / found["stylegan2_fid"]
    return found


def generators() -> tuple[str, ...]:
    """The two of the assignment, and every grown one that is shipped."""
    grown = (name for name in zoo.names() if name.startswith(GROWN))
    return (*GENERATORS, *(name for name in grown if zoo.describe(name).kind == "stylegan2"))


def measure_triplets() -> dict[str, float]:
    """Share of triplets that each ruler orders correctly, by kind of triplet."""
    cases = triplets.make_triplets(NUM_TRIPLETS, size=64, rng=seeding.make(0))
    found = {}
    for name, ruler in rulers().items():
        shares = triplets.ordered_triplets(ruler, cases)
        found |= {f"{name}_{kind}": share.value for kind, share in shares.items()}
    return found


def rulers() -> dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]]:
    """The distances that are compared, by name."""
    world = zoo.load("world-features")
    imagenet = zoo.load("efficientnet-lite0")
    return {
        "mse": mse,
        "world_features": PerceptualLoss(world, WORLD_LAYERS),
        "efficientnet": PerceptualLoss(_checked(imagenet), LPIPS_LAYERS),
        "lpips": lpips_metric(),
    }


def _checked(network: torch.nn.Module) -> FeatureNetwork:
    assert isinstance(network, FeatureNetwork)
    return network
