"""The pretended device refuses what a real one refuses, and computes what the CPU computes."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from hw5.kit import devices, seeding
from hw5.kit.checks import InputError
from hw5.testing.elsewhere import ELSEWHERE, Misplaced, elsewhere


@pytest.fixture
def there():
    with elsewhere() as device:
        yield device


def test_what_is_made_of_a_tensor_is_where_the_tensor_is(there):
    x = torch.ones(3).to(there)
    for made in (
        x + 1,
        x[None],
        x.clone(),
        torch.zeros_like(x),
        x.new_zeros(2),
        x @ x,
        x.new_tensor([1.0]),
        copy.deepcopy(x),
    ):
        assert made.device == ELSEWHERE
    assert torch.ones(3).device.type == "cpu" and x.cpu().device.type == "cpu"
    assert torch.ones(2, device=there).device == ELSEWHERE


@pytest.mark.parametrize(
    "mix",
    [
        lambda x, y: x + y,
        lambda x, y: torch.cat([x, y]),
        lambda x, y: torch.where(y > 0, x, x),
        lambda x, y: x.add_(y),
        lambda x, y: y.mul_(x),
        lambda x, y: y * x.sum(),
        lambda x, y: y[x.long()],
        lambda x, y: nn.functional.mse_loss(x, y),
    ],
)
def test_tensors_of_both_places_do_not_mix(there, mix):
    with pytest.raises(Misplaced):
        mix(torch.ones(3).to(there), torch.ones(3))


def test_numbers_and_indices_from_the_cpu_may_take_part(there):
    x = torch.ones(3).to(there)
    assert (x * torch.tensor(2.0)).device == ELSEWHERE
    assert x[torch.tensor([0, 2])].device == ELSEWHERE
    here = torch.zeros(3)
    assert here.copy_(x).device.type == "cpu"


@pytest.mark.parametrize(
    "widen",
    [
        lambda x: x.double(),
        lambda x: x.to(torch.float64),
        lambda x: torch.zeros(2, dtype=torch.float64, device=x.device),
        lambda x: torch.zeros(2, dtype=torch.float64).to(x.device),
        lambda x: x.sum(dtype=torch.float64),
    ],
)
def test_double_precision_is_the_cpus_alone(there, widen):
    x = torch.ones(3, device=there)
    with pytest.raises(Misplaced, match="float64"):
        widen(x)
    assert x.cpu().double().dtype == torch.float64


def test_labels_become_rows_of_zeros_and_ones_there(there):
    rows = nn.functional.one_hot(torch.tensor([2, 0], device=there), 3)
    assert rows.device == ELSEWHERE and rows.cpu().tolist() == [[0, 0, 1], [1, 0, 0]]


def test_random_numbers_need_a_source_on_the_device(there):
    with pytest.raises(Misplaced):
        torch.randn(3, generator=seeding.make(0), device=there)
    with pytest.raises(Misplaced):
        torch.ones(3, device=there).normal_(generator=seeding.make(0))


def test_numpy_needs_a_move(there):
    x = torch.ones(3, device=there)
    with pytest.raises(Misplaced):
        x.numpy()
    assert x.cpu().numpy().sum() == 3


def test_gradients_and_optimisers_stay_there_and_agree_with_the_cpu(there):
    def train(device: torch.device) -> list[torch.Tensor]:
        torch.manual_seed(0)
        network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 1, 3)).to(device)
        twin = copy.deepcopy(network)
        assert {p.device for p in twin.parameters()} == {p.device for p in network.parameters()}
        optimiser = torch.optim.Adam(network.parameters())
        x = torch.randn(2, 3, 8, 8).to(device)
        for _ in range(3):
            network.zero_grad()
            network(x).square().mean().backward()
            assert next(network.parameters()).grad.device == x.device
            optimiser.step()
        return [p.detach().cpu() for p in network.parameters()]

    for a, b in zip(train(there), train(torch.device("cpu")), strict=True):
        assert torch.equal(a, b)


def test_a_misplaced_tensor_in_the_backward_pass_is_seen(there):
    x = torch.ones(3).to(there).requires_grad_()
    x.register_hook(lambda gradient: gradient + torch.ones(3))
    with pytest.raises(Misplaced):
        x.sum().backward()


@pytest.mark.parametrize("name", ["xpu", "cuda:99", "sofa", ""])
def test_a_device_that_is_not_here_is_refused(name):
    with pytest.raises(InputError, match="--device: expected cpu, auto"):
        devices.pick(name)


def test_auto_is_the_cpu_where_nothing_else_is(monkeypatch):
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda **_: None)
    assert devices.pick("auto") == torch.device("cpu")
