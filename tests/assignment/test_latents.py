"""Codes: shapes in every space, known means and deviations, and the way to a picture."""

from __future__ import annotations

import math

import pytest
import torch

from hw5 import latents
from hw5.kit import seeding
from hw5.kit.checks import InputError
from hw5.checking.fakes import LAYERS, WIDTH, fixed_draw
from tests.tolerances import assert_close

SHAPES = {"z": (WIDTH,), "w": (1, WIDTH), "w+": (LAYERS, WIDTH)}


@pytest.mark.parametrize("space", SHAPES)
@pytest.mark.parametrize("num_mean", [0, 1, 7])
@pytest.mark.parametrize("count", [1, 3])
def test_codes_have_the_shape_of_their_space(generator, space, num_mean, count, rng):
    codes = latents.sample_noise(generator, space, count, num_mean=num_mean, rng=rng)
    assert codes.shape == (count, *SHAPES[space])


@pytest.mark.parametrize("space", SHAPES)
def test_codes_follow_the_generators_dtype(generator, space, rng):
    assert latents.sample_noise(generator, space, 2, rng=rng).dtype == torch.float64


@pytest.mark.parametrize("space", SHAPES)
def test_codes_of_a_batch_differ(generator, space, rng):
    for num_mean in (0, 4):
        a, b = latents.sample_noise(generator, space, 2, num_mean=num_mean, rng=rng)
        assert (a - b).abs().min() > 1e-6


def test_the_same_seed_gives_the_same_codes(generator):
    first, again = (latents.sample_noise(generator, "w", 3, rng=seeding.make(5)) for _ in range(2))
    assert_close(again, first, "exact")


def test_no_one_elses_random_numbers_are_used(generator, rng):
    before = torch.get_rng_state()
    latents.sample_noise(generator, "w+", 3, num_mean=5, rng=rng)
    assert_close(torch.get_rng_state(), before, "exact")


def test_z_is_standard_normal(generator, rng):
    z = latents.sample_codes(generator, "z", 20_000, rng=rng)
    assert z.mean().abs() < 0.02
    assert abs(z.std() - 1) < 0.02


def test_w_is_what_the_mapping_makes_of_z(generator):
    z = latents.sample_codes(generator, "z", 4, rng=seeding.make(1))
    w = latents.sample_codes(generator, "w", 4, rng=seeding.make(1))
    assert_close(w, generator.map(z).detach(), "exact")


def test_all_layers_of_a_sampled_w_plus_are_its_w(generator):
    w = latents.sample_codes(generator, "w", 4, rng=seeding.make(1))
    w_plus = latents.sample_codes(generator, "w+", 4, rng=seeding.make(1))
    assert_close(w_plus, w.expand(-1, LAYERS, -1), "exact")


@pytest.mark.parametrize("space", SHAPES)
def test_codes_carry_no_gradient(generator, space, rng):
    assert not latents.sample_noise(generator, space, 2, num_mean=3, rng=rng).requires_grad


@pytest.mark.parametrize("space", ["z", "w", "w+"])
def test_each_start_is_the_mean_of_its_own_draws(generator, space):
    rng = seeding.make(2)
    drawn = [latents.sample_codes(generator, space, 6, rng=rng) for _ in range(2)]
    means = latents.sample_noise(generator, space, 2, num_mean=6, rng=seeding.make(2))
    assert_close(means, torch.stack([codes.mean(dim=0) for codes in drawn]), "float64")


def test_the_mean_of_n_draws_of_z_shrinks_with_the_root_of_n(generator, rng):
    z = latents.sample_noise(generator, "z", 400, num_mean=100, rng=rng)
    assert abs(z.std() - 0.1) < 0.01


def test_the_mean_of_z_is_known_and_draws_nothing(generator, rng):
    before = rng.get_state()
    assert_close(latents.mean_code(generator, "z", rng=rng), torch.zeros(1, WIDTH), "exact")
    assert_close(rng.get_state(), before, "exact")


@pytest.mark.parametrize("space", ["w", "w+"])
def test_the_mean_of_w_is_where_the_mapping_centres_it(generator, space, rng):
    mean = latents.mean_code(generator, space, rng=rng)
    assert mean.shape == (1, *SHAPES[space])
    assert (mean - generator.centre).abs().max() < 0.05  # its deviation is about 1 / sqrt(10,000)


def test_broadcast_gives_every_layer_the_same_code():
    w = fixed_draw(0, 2, 1, 4)
    w_plus = latents.broadcast_layers(w, 3)
    assert w_plus.shape == (2, 3, 4)
    for layer in range(3):
        assert_close(w_plus[:, layer], w[:, 0], "exact")


def test_broadcast_layers_do_not_share_memory():
    w = torch.zeros(1, 1, 4)
    latents.broadcast_layers(w, 3)[:, 0] = 1
    assert_close(w, torch.zeros(1, 1, 4), "exact")
    w_plus = latents.broadcast_layers(w, 3)
    w_plus[:, 0] = 1
    assert_close(w_plus[:, 1], torch.zeros(1, 4), "exact", "expand shares memory, repeat copies")


def test_every_space_renders_the_same_picture_of_the_same_code(generator, rng):
    z = latents.sample_codes(generator, "z", 3, rng=rng)
    w = generator.map(z)
    pictures = generator(z)
    assert_close(latents.render(generator, z, "z"), pictures, "float64")
    assert_close(latents.render(generator, w, "w"), pictures, "float64")
    assert_close(latents.render(generator, w.repeat(1, LAYERS, 1), "w+"), pictures, "float64")


def test_the_layers_of_w_plus_are_not_mixed_up(generator):
    w_plus = fixed_draw(0, 1, LAYERS, WIDTH)
    assert_close(latents.render(generator, w_plus, "w+"), generator.synthesize(w_plus), "exact")


def test_a_generator_without_w_is_called_on_z(only_z, rng):
    z = latents.sample_noise(only_z, "z", 2, rng=rng)
    assert_close(latents.render(only_z, z, "z"), only_z(z), "exact")


@pytest.mark.parametrize("space", SHAPES)
def test_rendering_passes_gradients_to_the_codes(generator, space, rng):
    codes = latents.sample_noise(generator, space, 2, rng=rng).requires_grad_()
    latents.render(generator, codes, space).sum().backward()
    assert codes.grad.abs().min() > 0


@pytest.mark.parametrize("space", SHAPES)
def test_noise_maps_reach_the_picture_from_every_space(generator, space, rng):
    codes = latents.sample_noise(generator, space, 1, rng=rng)
    without = latents.render(generator, codes, space, noise={"grain": torch.zeros(1, 1, 8, 8)})
    assert_close(latents.render(generator, codes, space) - without, 0.05 * generator.grain.expand(1, 3, 8, 8), "float64")  # fmt: skip # noqa: E501


def test_the_distance_of_the_mean_is_0_and_of_random_codes_about_1(generator, rng):
    for space in SHAPES:
        mean = latents.mean_code(generator, space, num_samples=50_000, rng=rng)
        assert latents.distance_from_mean(generator, mean, space, rng=rng) < 0.05
        codes = latents.sample_codes(generator, space, 2000, rng=rng)
        far = latents.distance_from_mean(generator, codes, space, rng=rng)
        assert abs(far.square().mean() - 1) < 0.1


def test_the_distance_grows_in_proportion(generator, rng):
    code = latents.sample_codes(generator, "w", 1, rng=rng)
    steps = torch.tensor([1.0, 2.0, 5.0]).view(3, 1, 1)
    codes = generator.centre.detach() + steps * (code - generator.centre.detach())
    one, two, five = latents.distance_from_mean(generator, codes, "w", num_samples=40_000, rng=rng)
    assert abs(two / one - 2) < 0.05
    assert abs(five / one - 5) < 0.1


def test_the_distance_in_z_is_the_root_mean_square(only_z, rng):
    z = torch.tensor([[3.0, 4.0, 0.0, 0.0, 0.0]])
    distance = latents.distance_from_mean(only_z, z, "z", rng=rng)
    assert distance.item() == pytest.approx(5 / math.sqrt(5))


@pytest.mark.parametrize(
    "call",
    [
        lambda g, r: latents.sample_noise(g, "w", 1, rng=r),
        lambda g, r: latents.mean_code(g, "w+", rng=r),
        lambda g, r: latents.render(g, torch.zeros(1, 1, WIDTH), "w"),
    ],
)
def test_a_space_that_the_generator_lacks_is_named(only_z, call, rng):
    with pytest.raises(InputError, match=r"space.*one of z"):
        call(only_z, rng)


@pytest.mark.parametrize(
    ("space", "shape"),
    [("z", (1, 1, WIDTH)), ("w", (1, WIDTH)), ("w", (1, LAYERS, WIDTH)), ("w+", (1, 1, WIDTH))],
)
def test_codes_of_another_space_are_refused(generator, space, shape):
    with pytest.raises(InputError, match="codes"):
        latents.render(generator, torch.zeros(shape), space)


@pytest.mark.parametrize(("count", "num_mean"), [(0, 0), (1, -1), (1.5, 0)])
def test_counts_out_of_range_are_refused(generator, count, num_mean, rng):
    with pytest.raises(InputError):
        latents.sample_noise(generator, "z", count, num_mean=num_mean, rng=rng)
