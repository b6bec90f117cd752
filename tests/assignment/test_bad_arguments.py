"""What the public functions of parts 1, 2 and 4 refuse, with a line that says why."""

from __future__ import annotations

import pytest
import torch

from hw5 import latents, losses
from hw5.checking.fakes import SIZE, fixed_draw
from hw5.config import Interpolation, LossWeights
from hw5.interpolate import interpolate, walk
from hw5.kit import seeding
from hw5.kit.checks import InputError

DOUBLE = torch.zeros(1, 3, SIZE, SIZE, dtype=torch.float64)


@pytest.mark.parametrize(
    ("output", "target", "said"),
    [
        (DOUBLE[0], DOUBLE[0], r"output: expected \(N, 3, H, W\), got .* Hint: .*\[None\]"),
        (DOUBLE.numpy(), DOUBLE, "output: expected a tensor .* got ndarray"),
        (DOUBLE, DOUBLE.numpy(), "target: expected a tensor .* got ndarray"),
        (DOUBLE, torch.tensor(0.0), "target: expected"),
        (DOUBLE.byte(), DOUBLE, "output: expected floating values, got torch.uint8"),
        (DOUBLE, DOUBLE.byte(), "target: expected floating values, got torch.uint8"),
    ],
    ids=["no batch", "an array", "an array as target", "a number", "bytes", "bytes as target"],
)
def test_what_is_no_batch_of_pictures_is_refused_by_every_loss(output, target, said, features):
    perceptual, style = losses.PerceptualLoss(features), losses.StyleLoss(features)
    for loss in (losses.pixel_loss, perceptual, style):
        with pytest.raises(InputError, match=said):
            loss(output, target)
    with pytest.raises(InputError, match=said):
        losses.lpips_loss(output, target, lpips=None)


def test_a_mask_of_booleans_is_refused_with_the_way_out(features, picture, other, mask):
    perceptual = losses.PerceptualLoss(features)
    with pytest.raises(InputError, match=r"mask: expected floating .* use mask.float\(\)"):
        perceptual(picture, other, mask.bool())


def test_a_target_of_inference_mode_is_a_target_like_others(features, picture, other):
    perceptual = losses.PerceptualLoss(features)
    expected = perceptual(picture, other)
    with torch.inference_mode():
        made = other.clone()
    output = picture.clone().requires_grad_()
    loss = perceptual(output, made)
    loss.sum().backward()
    assert torch.equal(loss.detach(), expected) and output.grad.abs().sum() > 0
    with torch.inference_mode():
        made.zero_()  # a change that such a tensor does not count
    assert not torch.equal(perceptual(picture, made), expected)


@pytest.mark.parametrize("num_frames", [0, 1, 2.0])
def test_a_walk_has_two_frames_at_least(num_frames):
    with pytest.raises(InputError, match="num_frames"):
        walk(fixed_draw(0, 1, 6), fixed_draw(1, 1, 6), num_frames)


def test_a_walk_along_an_unknown_path_is_refused():
    with pytest.raises(InputError, match="path: expected one of linear, spherical, got 'lineal'"):
        walk(fixed_draw(0, 1, 6), fixed_draw(1, 1, 6), 3, path="lineal")


@pytest.mark.parametrize("num_layers", [0, -1, 1.5])
def test_broadcasting_to_no_layers_is_refused(num_layers):
    with pytest.raises(InputError, match="num_layers"):
        latents.broadcast_layers(torch.zeros(1, 1, 4), num_layers)


def test_layers_without_the_comma_of_a_tuple_are_refused():
    with pytest.raises(InputError, match=r"layers: .* got the text .* \('conv1_1',\)"):
        LossWeights(layers=("conv1_1"))


def test_layer_weights_that_switch_everything_off_are_refused():
    layers = {"layers": ("a", "b"), "layer_weights": (0.0, 0.0)}
    with pytest.raises(InputError, match="at least one positive weight"):
        LossWeights(pixel=0.0, style=1.0, **layers)
    LossWeights(**layers)  # the pixels still count


@pytest.mark.parametrize("space", ["z", "w", "w+"])
def test_random_noise_comes_from_the_given_source(generator, space, rng):
    codes = latents.sample_codes(generator, space, 2, rng=rng)
    state = torch.random.get_rng_state()
    first, again, other = (
        latents.render(generator, codes, space, noise="random", rng=seeding.make(seed))
        for seed in (3, 3, 4)
    )
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert torch.equal(state, torch.random.get_rng_state())


def test_random_noise_without_a_source_is_refused(generator, rng):
    codes = latents.sample_codes(generator, "w", 2, rng=rng)
    with pytest.raises(InputError, match=r"rng: expected a torch\.Generator .*seeding\.make"):
        latents.render(generator, codes, "w", noise="random")
    with pytest.raises(InputError, match=r"rng: expected a torch\.Generator"):
        interpolate(generator, codes[:1], codes[1:], "w", noise="random")


def test_random_noise_is_the_same_in_all_frames(generator, rng):
    code = latents.sample_codes(generator, "w", 1, rng=rng)
    settings = Interpolation(num_frames=5, batch_size=2)
    film = interpolate(
        generator, code, code, "w", settings=settings, noise="random", rng=seeding.make(0)
    )
    torch.testing.assert_close(film.frames, film.frames[:1].expand(5, -1, -1, -1))


def test_an_unknown_kind_of_noise_is_refused_by_a_generator_without_any(only_z, rng):
    codes = latents.sample_codes(only_z, "z", 1, rng=rng)
    with pytest.raises(InputError, match="noise: expected one of fixed, random, none, got 'foo'"):
        latents.render(only_z, codes, "z", noise="foo")
