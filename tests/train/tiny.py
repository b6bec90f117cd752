"""Networks of a few thousand weights at 16 px, for tests of the encoders' training."""

from __future__ import annotations

import torch

from hw5.models.discriminators import StyleGAN2Discriminator
from hw5.models.stylegan2 import StyleGAN2
from hw5.models.world_features import WorldFeatures

SIZE = 16
ENCODER = {"widths": (8, 12), "head_width": 8}
GENERATOR = {
    "image_size": SIZE, "z_dim": 6, "w_dim": 5, "num_mapping_layers": 1,
    "mapping_lr_multiplier": 1.0, "channels": {"4": 8, "8": 8, "16": 6},
}  # fmt: skip
JUDGE = {"image_size": SIZE, "channels": {"4": 6, "8": 6, "16": 4}}
FEATURES = {"num_outputs": 3, "num_classes": 2, "widths": (4, 4, 6, 6), "head_width": 4}
NETWORKS = {  # name of the weight -> kind, class, configuration
    "world-features": ("world-features", WorldFeatures, FEATURES),
    "stylegan2": ("stylegan2", StyleGAN2, GENERATOR),
    "stylegan2-discriminator": ("stylegan2-discriminator", StyleGAN2Discriminator, JUDGE),
}


def build(name: str, seed: int = 0) -> torch.nn.Module:
    """One of `NETWORKS` with random weights."""
    torch.manual_seed(seed)
    _, network, config = NETWORKS[name]
    made = network(**config)
    if name == "stylegan2":
        with torch.no_grad():
            made.mapping.w_avg.copy_(made.map(torch.randn(4_000, made.z_dim)).mean(dim=(0, 1)))
    return made.requires_grad_(name == "stylegan2-discriminator")
