"""The course's DCGAN: its sizes, its range, its layers."""

import pytest
import torch

from hw5.kit.checks import InputError
from hw5.models.dcgan import DCGAN, DCGANDiscriminator


@pytest.fixture
def generator() -> DCGAN:
    torch.manual_seed(0)
    return DCGAN(conv_dim=4)


def test_pictures_are_64_pixels_wide_and_inside_the_range(generator, rng):
    images = generator(3 * torch.randn(2, 100, generator=rng))
    assert images.shape == (2, 3, 64, 64)
    assert images.abs().max() < 1


def test_layers_have_the_sizes_of_the_starter():
    shapes = {name: tuple(value.shape) for name, value in DCGAN().state_dict().items()}
    assert shapes == {
        "deconv1.0.weight": (100, 256, 4, 4),
        "deconv2.0.weight": (256, 128, 4, 4),
        "deconv3.0.weight": (128, 64, 4, 4),
        "deconv4.0.weight": (64, 32, 4, 4),
        "deconv5.0.weight": (32, 3, 4, 4),
    }


def test_each_layer_doubles_the_size_after_the_first(generator, rng):
    sizes = []
    for i in range(1, 6):
        layer = generator.get_submodule(f"deconv{i}")
        layer.register_forward_hook(lambda _, __, out: sizes.append(out.shape[2]))
    generator(torch.randn(1, 100, generator=rng))
    assert sizes == [4, 8, 16, 32, 64]


def test_a_picture_does_not_depend_on_its_neighbours(generator, rng):
    z = torch.randn(3, 100, generator=rng)
    torch.testing.assert_close(generator(z)[1:2], generator(z[1:2]), rtol=1e-4, atol=1e-5)


def test_gradients_reach_the_code_and_every_layer(generator, rng):
    z = torch.randn(2, 100, generator=rng, requires_grad=True)
    generator(z).square().sum().backward()
    assert z.grad.abs().max() > 0
    assert all(p.grad.abs().max() > 0 for p in generator.parameters())


def test_only_z_drives_it(generator, rng):
    assert generator.spaces == ("z",)
    assert generator.w_dim == generator.z_dim == 100
    with pytest.raises(InputError, match="StyleGAN2"):
        generator.synthesize(torch.zeros(1, 1, 100))
    with pytest.raises(InputError, match="StyleGAN2"):
        generator.map(torch.zeros(1, 100))


def test_a_code_of_another_width_is_refused(generator):
    with pytest.raises(InputError, match="z"):
        generator(torch.zeros(1, 99))


def test_the_discriminator_gives_one_logit_per_picture_with_gradients(rng):
    torch.manual_seed(0)
    network = DCGANDiscriminator(conv_dim=4)
    images = torch.randn(3, 3, 64, 64, generator=rng, requires_grad=True)
    logits = network(images)
    assert logits.shape == (3,)
    logits.sum().backward()
    assert images.grad.abs().max() > 0
    assert all(p.grad.abs().max() > 0 for p in network.parameters())
