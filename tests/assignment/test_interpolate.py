"""Paths between codes: angles on a circle, exact ends, and layers that stay where they belong."""

from __future__ import annotations

import math

import pytest
import torch

from hw5.config import Interpolation
from hw5.interpolate import interpolate, lerp, mix_layers, slerp, walk
from hw5.kit.checks import InputError
from hw5.latents import render, sample_noise
from hw5.checking.fakes import LAYERS, WIDTH, fixed_draw
from tests.tolerances import assert_close


def on_circle(*degrees, radius=1.0):
    angles = torch.tensor(degrees, dtype=torch.float64).deg2rad()
    return radius * torch.stack([angles.cos(), angles.sin()], dim=-1)


@pytest.mark.parametrize("path", [lerp, slerp])
class TestBothPaths:
    def test_ends_are_exact(self, path):
        a, b = torch.randn(2, 3, 7), torch.randn(2, 3, 7)
        assert_close(path(a, b, 0.0), a, "exact")
        assert_close(path(a, b, 1.0), b, "exact", "a + t (b - a) rounds")

    def test_the_way_back_is_the_way_there(self, path):
        a, b = fixed_draw(0, 1, 6), fixed_draw(1, 1, 6)
        t = torch.linspace(0, 1, 5).double()
        assert_close(path(a, b, t), path(b, a, 1 - t), "float64")

    def test_many_t_give_the_same_codes_as_one_after_the_other(self, path):
        a, b = fixed_draw(0, 1, LAYERS, WIDTH), fixed_draw(1, 1, LAYERS, WIDTH)
        t = torch.tensor([0.0, 0.3, 0.5, 1.0]).double()
        singly = torch.cat([path(a, b, float(x)) for x in t])
        assert_close(path(a, b, t), singly, "float64")

    def test_two_codes_of_different_spaces_are_refused(self, path):
        with pytest.raises(InputError, match="same space"):
            path(torch.zeros(1, 1, 4), torch.zeros(1, 3, 4), 0.5)

    def test_inputs_are_not_changed(self, path):
        a, b = fixed_draw(0, 1, 6), fixed_draw(1, 1, 6)
        before = a.clone(), b.clone()
        path(a, b, 0.5)
        assert_close(a, before[0], "exact")
        assert_close(b, before[1], "exact")


def test_the_middle_of_a_line_is_the_mean():
    a, b = fixed_draw(0, 2, 6), fixed_draw(1, 2, 6)
    assert_close(lerp(a, b, 0.5), (a + b) / 2, "float64")


@pytest.mark.parametrize(("start", "end"), [(0, 90), (10, 30), (-60, 100), (0, 179), (5, 5.2)])
def test_on_a_circle_slerp_walks_equal_angles(start, end):
    t = torch.linspace(0, 1, 9).double()
    expected = on_circle(*(start + (end - start) * x for x in t.tolist()))
    assert_close(slerp(on_circle(start), on_circle(end), t), expected, "float64")


def test_slerp_stays_on_the_sphere_where_lerp_cuts_through_it():
    a, b = on_circle(0, radius=3.0), on_circle(90, radius=3.0)
    assert slerp(a, b, 0.5).norm().item() == pytest.approx(3.0)
    assert lerp(a, b, 0.5).norm().item() == pytest.approx(3.0 / math.sqrt(2))


@pytest.mark.parametrize("degrees", [0.0, 1e-5, 0.01])
def test_between_nearly_parallel_codes_slerp_is_the_line(degrees):
    a, b = on_circle(20), 2 * on_circle(20 + degrees)
    assert_close(slerp(a, b, 0.25), lerp(a, b, 0.25), "float64")


def test_a_zero_code_has_no_direction_and_gives_the_line():
    a, b = torch.zeros(1, 4), fixed_draw(1, 1, 4)
    assert_close(slerp(a, b, 0.25), 0.25 * b, "float64")


def test_the_rows_of_a_batch_are_judged_one_by_one():
    a = torch.cat([on_circle(0), on_circle(0)])
    b = torch.cat([on_circle(0), on_circle(90)])
    assert_close(slerp(a, b, 0.5), torch.cat([on_circle(0), on_circle(45)]), "float64")


@pytest.mark.parametrize("scale", [1.0, 1e-3, 40.0])
def test_opposite_codes_have_no_shortest_arc(scale):
    with pytest.raises(InputError, match="opposite"):
        slerp(on_circle(30), -scale * on_circle(30), 0.5)


def test_mixing_takes_the_named_layers_from_b_and_the_rest_from_a():
    a, b = torch.zeros(2, 4, 3), torch.ones(2, 4, 3)
    mixed = mix_layers(a, b, [1, 3])
    assert mixed[:, :, 0].tolist() == [[0, 1, 0, 1]] * 2
    assert_close(a, torch.zeros(2, 4, 3), "exact", "a itself was changed")


def test_mixing_no_layer_or_all_of_them_gives_one_of_the_codes():
    a, b = fixed_draw(0, 1, 4, 3), fixed_draw(1, 1, 4, 3)
    assert_close(mix_layers(a, b, []), a, "exact")
    assert_close(mix_layers(a, b, range(4)), b, "exact")


@pytest.mark.parametrize("layer", [4, -1, 1.0, "first"])
def test_mixing_a_layer_that_does_not_exist_is_refused(layer):
    with pytest.raises(InputError, match="layers"):
        mix_layers(torch.zeros(1, 4, 3), torch.ones(1, 4, 3), [layer])


def test_mixing_w_is_refused_with_a_hint():
    with pytest.raises(InputError, match="broadcast_layers"):
        mix_layers(torch.zeros(4, 3), torch.ones(4, 3), [0])


def test_a_walk_takes_equal_steps_from_end_to_end():
    a, b = fixed_draw(0, 1, 1, WIDTH), fixed_draw(1, 1, 1, WIDTH)
    codes = walk(a, b, 6)
    assert codes.dtype == torch.float64
    assert_close(codes[:1], a, "exact")
    assert_close(codes[-1:], b, "exact")
    steps = codes[1:] - codes[:-1]
    assert_close(steps, steps[:1].expand_as(steps), "float64")


@pytest.mark.parametrize("space", ["z", "w", "w+"])
def test_the_film_begins_and_ends_with_the_pictures_of_its_codes(generator, space, rng):
    a, b = sample_noise(generator, space, 2, rng=rng).split(1)
    film = interpolate(generator, a, b, space, settings=Interpolation(num_frames=7, batch_size=3))
    assert film.frames.shape == (7, 3, 8, 8)
    assert_close(film.frames[:1], render(generator, a, space).detach(), "float64")
    assert_close(film.frames[-1:], render(generator, b, space).detach(), "float64")
    assert_close(film.frames, render(generator, film.codes, space).detach(), "float64")
    assert not film.frames.requires_grad


@pytest.mark.parametrize(("space", "path"), [("z", slerp), ("w", lerp), ("w+", lerp)])
def test_the_path_follows_the_space(generator, space, path, rng):
    a, b = sample_noise(generator, space, 2, rng=rng).split(1)
    film = interpolate(generator, a, b, space, settings=Interpolation(num_frames=3))
    assert_close(film.codes[1:2], path(a, b, 0.5), "float64")


def test_the_path_can_be_chosen(generator, rng):
    a, b = sample_noise(generator, "z", 2, rng=rng).split(1)
    film = interpolate(generator, a, b, "z", settings=Interpolation(num_frames=3, path="linear"))
    assert_close(film.codes[1:2], lerp(a, b, 0.5), "float64")


def test_the_batch_size_changes_no_frame(generator, rng):
    a, b = sample_noise(generator, "w", 2, rng=rng).split(1)
    films = [
        interpolate(generator, a, b, "w", settings=Interpolation(num_frames=5, batch_size=size))
        for size in (1, 2, 50)
    ]
    for film in films[1:]:
        assert_close(film.frames, films[0].frames, "float64")


def test_noise_maps_are_the_same_in_all_frames(generator, rng):
    a = sample_noise(generator, "w", 1, rng=rng)
    noise = {"grain": fixed_draw(3, 1, 1, 8, 8)}
    film = interpolate(generator, a, a, "w", settings=Interpolation(num_frames=4), noise=noise)
    expected = render(generator, a, "w", noise=noise).detach().expand_as(film.frames)
    assert_close(film.frames, expected, "float64")


def test_several_codes_at_an_end_are_refused(generator, rng):
    codes = sample_noise(generator, "w", 2, rng=rng)
    with pytest.raises(InputError, match="one code"):
        interpolate(generator, codes, codes, "w")
