"""A tiny generator, so that widgets answer at once."""

from __future__ import annotations

import pytest
import torch

from hw5.models.dcgan import DCGAN
from hw5.models.stylegan2 import StyleGAN2


@pytest.fixture(scope="session")
def tiny() -> StyleGAN2:
    """A StyleGAN2 of 16 pixels with random weights."""
    torch.manual_seed(0)
    network = StyleGAN2(image_size=16, z_dim=4, w_dim=4, channel_base=64, channel_max=4)
    return network.eval().requires_grad_(False)


@pytest.fixture(scope="session")
def tiny_z() -> DCGAN:
    """A generator that knows z alone."""
    torch.manual_seed(0)
    return DCGAN(z_dim=4, conv_dim=2).eval().requires_grad_(False)


@pytest.fixture
def decoded():
    """Bytes of a picture -> uint8 (H, W, 3)."""
    import io

    import numpy as np
    from PIL import Image

    return lambda data: np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
