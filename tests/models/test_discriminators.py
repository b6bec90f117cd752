"""The StyleGAN2 discriminator: against numpy, its published layout, its minibatch spread."""

import pytest
import torch

from hw5.kit.checks import InputError
from hw5.models.discriminators import StyleGAN2Discriminator, minibatch_stddev
from tests.models import reference
from tests.tolerances import assert_close


@pytest.fixture
def network() -> StyleGAN2Discriminator:
    """A tiny discriminator, float64, with random biases."""
    torch.manual_seed(2)
    made = StyleGAN2Discriminator(image_size=16, channels={4: 4, 8: 3, 16: 2}).double()
    for name, value in made.state_dict().items():
        if name.endswith("bias"):
            value.add_(0.3 * torch.randn(value.shape, dtype=value.dtype))
    return made.requires_grad_(False)


def test_logits_agree_with_the_numpy_implementation(network, rng):
    images = torch.randn(4, 3, 16, 16, generator=rng, dtype=torch.float64)
    state = {name: value.numpy() for name, value in network.state_dict().items()}
    expected = reference.judge(images.numpy(), state, [16, 8])
    assert_close(network(images), torch.from_numpy(expected), "float64")


def test_parameters_have_the_names_and_shapes_of_published_checkpoints():
    with torch.device("meta"):
        network = StyleGAN2Discriminator(channel_base=16384, channel_max=512)
    got = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    fir, expected = (4, 4), {}
    for size, inputs, outputs in ((64, 256, 512), (32, 512, 512), (16, 512, 512), (8, 512, 512)):
        block = f"b{size}"
        if size == 64:
            expected[f"{block}.fromrgb.weight"] = (inputs, 3, 1, 1)
            expected[f"{block}.fromrgb.bias"] = (inputs,)
            expected[f"{block}.fromrgb.resample_filter"] = fir
        expected[f"{block}.resample_filter"] = fir
        expected[f"{block}.conv0.weight"] = (inputs, inputs, 3, 3)
        expected[f"{block}.conv0.bias"] = (inputs,)
        expected[f"{block}.conv0.resample_filter"] = fir
        expected[f"{block}.conv1.weight"] = (outputs, inputs, 3, 3)
        expected[f"{block}.conv1.bias"] = (outputs,)
        expected[f"{block}.conv1.resample_filter"] = fir
        expected[f"{block}.skip.weight"] = (outputs, inputs, 1, 1)
        expected[f"{block}.skip.resample_filter"] = fir
    expected |= {
        "b4.conv.weight": (512, 513, 3, 3),
        "b4.conv.bias": (512,),
        "b4.conv.resample_filter": fir,
        "b4.fc.weight": (512, 512 * 16),
        "b4.fc.bias": (512,),
        "b4.out.weight": (1, 512),
        "b4.out.bias": (1,),
    }
    assert got == expected


def test_the_spread_of_two_opposite_pictures_is_their_size():
    x = torch.tensor([3.0, -3.0]).view(2, 1, 1, 1).expand(2, 2, 4, 4)
    assert_close(minibatch_stddev(x)[:, 2], torch.full((2, 4, 4), 3.0), "float32")


def test_equal_pictures_have_no_spread():
    assert_close(
        minibatch_stddev(torch.ones(4, 2, 4, 4))[:, 2:], torch.full((4, 1, 4, 4), 1e-4), "float32"
    )


def test_groups_are_made_of_pictures_far_apart_in_the_batch():
    x = torch.tensor([1.0, 10.0, 3.0, 20.0]).view(4, 1, 1, 1)
    spread = minibatch_stddev(x, group_size=2)[:, 1, 0, 0]
    assert_close(spread, torch.tensor([1.0, 5.0, 1.0, 5.0]), "float32")


def test_several_spread_maps_measure_their_own_channels():
    x = torch.zeros(2, 4, 1, 1)
    x[:, 2:] = torch.tensor([2.0, -2.0]).view(2, 1, 1, 1)
    spread = minibatch_stddev(x, num_channels=2)[:, 4:, 0, 0]
    assert_close(spread, torch.tensor([[1e-4, 2.0], [1e-4, 2.0]]), "float32")


def test_a_batch_that_the_group_does_not_divide_is_grouped_smaller(network, rng):
    images = torch.randn(6, 3, 16, 16, generator=rng, dtype=torch.float64)
    assert network(images).shape == (6,)


def test_gradients_of_gradients_reach_every_weight(network, rng):
    network.requires_grad_(True)
    images = torch.randn(2, 3, 16, 16, generator=rng, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(network(images).sum(), images, create_graph=True)
    gradient.square().sum().backward()  # the R1 penalty
    silent = [n for n, p in network.named_parameters() if n.endswith("weight") and not p.grad.any()]
    assert silent == []


def test_pictures_of_another_size_are_refused(network):
    with pytest.raises(InputError, match="images"):
        network(torch.zeros(1, 3, 32, 32))
