"""The DCGAN of the course's starter, as its tensors and as a whole module."""

import sys
import types

import pytest
import torch
from torch import nn

from hw5 import checkpoints
from hw5.kit.checks import InputError
from tests.tolerances import assert_close


def deconv(inputs: int, outputs: int, stride: int, padding: int, norm: bool) -> nn.Sequential:
    layers = [nn.ConvTranspose2d(inputs, outputs, 4, stride, padding, bias=False)]
    return nn.Sequential(*layers, *([nn.InstanceNorm2d(outputs)] if norm else []))


class DCGenerator(nn.Module):
    """The starter's generator: layer names and sizes as its checkpoints have them."""

    def __init__(self, z: int = 6, width: int = 2) -> None:
        super().__init__()
        widths = [z, 8 * width, 4 * width, 2 * width, width, 3]
        for i in range(5):
            parts = deconv(widths[i], widths[i + 1], 2 if i else 1, 1 if i else 0, i < 4)
            setattr(self, f"deconv{i + 1}", parts)

    def forward(self, z):
        for i in range(4):
            z = torch.relu(getattr(self, f"deconv{i + 1}")(z))
        return torch.tanh(self.deconv5(z))


@pytest.fixture
def network(monkeypatch) -> DCGenerator:
    """A random one, in the starter's module."""
    module = types.ModuleType("vanilla.models")
    module.DCGenerator = DCGenerator
    monkeypatch.setitem(sys.modules, "vanilla", types.ModuleType("vanilla"))
    monkeypatch.setitem(sys.modules, "vanilla.models", module)
    monkeypatch.setattr(DCGenerator, "__module__", "vanilla.models")
    torch.manual_seed(0)
    return DCGenerator()


@pytest.mark.parametrize("form", ["tensors", "parallel", "module"])
@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.filterwarnings("ignore:Couldn't retrieve source code")
def test_pictures_are_those_of_the_starter(tmp_path, network, form, zipped):
    forms = {
        "tensors": network.state_dict(),
        "parallel": {f"module.{name}": value for name, value in network.state_dict().items()},
        "module": network,
    }
    path = tmp_path / "vanilla.ckpt"
    torch.save(forms[form], path, _use_new_zipfile_serialization=zipped)
    ours = checkpoints.load(path)
    z = torch.randn(3, 6)
    assert_close(ours(z), network(z[:, :, None, None]), "float32")


def test_a_batch_norm_in_place_of_the_instance_norm_is_refused(tmp_path, network):
    network.deconv2[1] = nn.BatchNorm2d(8)
    torch.save(network.state_dict(), tmp_path / "a.ckpt")
    torch.save(network, tmp_path / "b.ckpt")
    with pytest.raises(InputError, match=r"deconv2\.1"):
        checkpoints.load(tmp_path / "a.ckpt")
    with pytest.raises(InputError, match="BatchNorm2d"):
        checkpoints.load(tmp_path / "b.ckpt")


@pytest.mark.parametrize(("name", "value"), [("stride", (1, 1)), ("padding", (0, 0))])
def test_a_layer_with_other_steps_is_refused(tmp_path, network, name, value):
    setattr(network.deconv3[0], name, value)
    torch.save(network, tmp_path / "a.ckpt")
    with pytest.raises(InputError, match=rf"deconv3\.0\.{name}"):
        checkpoints.load(tmp_path / "a.ckpt")


def test_another_module_is_refused_by_its_name(tmp_path, network):
    torch.save(nn.Linear(2, 2), tmp_path / "a.pt")
    with pytest.raises(InputError, match="no known network"):
        checkpoints.load(tmp_path / "a.pt")
