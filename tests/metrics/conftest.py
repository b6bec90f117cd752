"""Pictures, a small feature network, and a machine without network for the tests of the rulers."""

from __future__ import annotations

import socket

import pytest
import torch
from torch import nn


class SmallFeatures(nn.Module):
    """The feature network contract on three random convolutions with ReLU."""

    layer_names = ("first", "second", "third")

    def __init__(self):
        super().__init__()
        rng = torch.Generator().manual_seed(0)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in ((3, 8), (8, 12), (12, 16))
        )
        for parameter in self.parameters():
            parameter.data = torch.randn(parameter.shape, generator=rng) * 0.3
        self.requires_grad_(False)
        self.sizes_seen = []

    def forward(self, images, layers):
        self.sizes_seen.append(images.shape[-1])
        found = {}
        for name, convolution in zip(self.layer_names, self.convolutions, strict=True):
            images = convolution(images).relu()
            found[name] = images
        return {layer: found[layer] for layer in layers}


@pytest.fixture
def features():
    return SmallFeatures()


@pytest.fixture
def rng():
    return torch.Generator().manual_seed(5)


@pytest.fixture
def pictures(rng):
    """Three smooth random pictures (3, 3, 32, 32) in [-1, 1]."""
    coarse = torch.rand(3, 3, 8, 8, generator=rng) * 1.6 - 0.8
    return nn.functional.interpolate(coarse, (32, 32), mode="bilinear")


@pytest.fixture
def no_network(monkeypatch):
    """Whatever reaches for the network fails the test."""

    def refuse(*_args, **_kwargs):
        raise AssertionError("reached for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", refuse)
    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", refuse)
