"""A frozen generator draws the pictures of the one it was made from, whatever happens to that."""

import pytest
import torch

from hw5 import checkpoints
from hw5.kit.checks import InputError
from hw5.models.dcgan import DCGAN
from hw5.models.stylegan2 import StyleGAN2
from hw5.models.stylegan2_frozen import freeze
from tests.checkpoints.test_rosinality import state  # noqa: F401 - a fixture
from tests.tolerances import assert_close


def test_frozen_pictures_are_the_networks_own(generator, w_plus):
    assert_close(freeze(generator).synthesize(w_plus), generator.synthesize(w_plus), "float64")


def test_every_block_enlarges_by_its_own_filter(generator, w_plus, rng):
    for name, buffer in generator.named_buffers():
        if name.endswith("resample_filter"):
            taps = torch.rand(len(buffer), generator=rng, dtype=buffer.dtype)
            buffer.copy_(torch.outer(taps, taps))
    frozen = freeze(generator)
    assert frozen is not generator
    assert_close(frozen.synthesize(w_plus), generator.synthesize(w_plus), "float64")


def test_a_filter_that_cannot_be_had_axis_by_axis_leaves_the_network_as_it_is(generator, w_plus):
    generator.synthesis.block(4).resample_filter[0, 1] += 0.1
    assert freeze(generator) is generator


def test_a_generator_of_the_other_format_is_frozen_as_it_draws(tmp_path, state):  # noqa: F811
    torch.save({"g_ema": state}, tmp_path / "g.pt")
    network = checkpoints.load(tmp_path / "g.pt").double()
    w_plus = torch.randn(2, network.num_layers, network.w_dim, dtype=torch.float64)
    assert_close(freeze(network).synthesize(w_plus), network.synthesize(w_plus), "float64")


def test_a_frozen_generator_draws_z_as_its_network_does(generator, rng):
    z = torch.randn(3, 6, generator=rng, dtype=torch.float64)
    assert_close(freeze(generator)(z), generator(z), "float64")


def test_a_change_of_any_weight_is_followed(generator, w_plus):
    frozen = freeze(generator)
    for weight in generator.synthesis.parameters():
        frozen.synthesize(w_plus)
        weight.mul_(1.2).add_(0.1)
        assert_close(frozen.synthesize(w_plus), generator.synthesize(w_plus), "float64")


def test_weights_that_are_loaded_or_cast_are_followed(generator, w_plus):
    frozen = freeze(generator)
    frozen.synthesize(w_plus)
    generator.load_state_dict({n: v * 1.1 for n, v in generator.state_dict().items()})
    assert_close(frozen.synthesize(w_plus), generator.synthesize(w_plus), "float64")
    generator.float()
    assert frozen.synthesize(w_plus.float()).dtype == torch.float32


def test_autograd_takes_a_frozen_picture(generator, w_plus):
    picture = freeze(generator).synthesize(w_plus)
    scale = torch.ones((), dtype=torch.float64, requires_grad=True)
    (picture * scale).sum().backward()
    assert_close(scale.grad, picture.sum(), "float64")


def test_gradients_of_codes_are_the_networks_own(generator, w_plus):
    with torch.inference_mode():
        frozen = freeze(generator)
        frozen.synthesize(w_plus)  # what is computed ahead serves both kinds of pictures
    slopes = []
    for network in (frozen, generator):
        code = w_plus.clone().requires_grad_()
        network.synthesize(code).square().sum().backward()
        slopes.append(code.grad)
    assert slopes[0].abs().sum() > 0
    assert_close(*slopes, "float64")


def test_weights_get_no_gradients(generator, w_plus):
    generator.requires_grad_(True)
    freeze(generator).synthesize(w_plus.requires_grad_()).sum().backward()
    assert all(weight.grad is None for weight in generator.synthesis.parameters())


@pytest.mark.parametrize(
    "other",
    [
        lambda: DCGAN(z_dim=4, conv_dim=2),
        lambda: StyleGAN2(image_size=8, channel_max=4, architecture="resnet"),
        lambda: StyleGAN2(image_size=8, channel_max=4, conv_clamp=256),
    ],
)
def test_what_cannot_be_frozen_stays_as_it_is(other):
    network = other()
    assert freeze(network) is network


def test_other_noise_is_refused(generator, w_plus):
    with pytest.raises(InputError, match="noise"):
        freeze(generator).synthesize(w_plus, noise="random")
