"""Drawing: the sketch is met, the rest is free or kept, and the way from the mean is measured."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from hw5.config import Drawing, LossWeights
from hw5.draw import draw, keep_rest
from hw5.kit.checks import InputError
from hw5.latents import distance_from_mean
from hw5.losses import Criterion
from hw5.projector import project
from hw5.checking.fakes import LAYERS, WIDTH, fixed_draw
from tests.tolerances import assert_close

QUICK = Drawing(num_steps=60, num_typical=2000, space="w+")


def scribble(penalty=0.0):
    return Criterion(LossWeights(pixel=1, norm="l2", perceptual=0, penalty=penalty))


def inside(picture, target, mask):
    return ((picture - target).square() * mask).sum() / mask.sum() / 3


def test_the_picture_takes_the_colours_of_the_sketch(generator, mask, rng):
    code = fixed_draw(61, 1, LAYERS, WIDTH)
    sketch = generator.synthesize(code).detach().clamp(-1, 1)
    drawn = draw(generator, sketch, mask, criterion=scribble(), settings=QUICK, rng=rng)
    first = drawn.projected.history[0].loss
    assert inside(drawn.image, sketch, mask) < 0.05 * first


def test_what_the_canvas_shows_outside_the_strokes_does_not_matter(
    generator, picture, mask, features
):
    criterion = Criterion(LossWeights(pixel=1, perceptual=1, penalty=0.01), features)
    codes = []
    for canvas in (picture, torch.where(mask > 0, picture, -1), torch.where(mask > 0, picture, 1)):
        rng = torch.Generator().manual_seed(0)
        settings = replace(QUICK, num_steps=10)
        codes.append(draw(generator, canvas, mask, criterion=criterion, settings=settings, rng=rng).code)  # fmt: skip # noqa: E501
    assert_close(codes[1], codes[0], "float64")
    assert_close(codes[2], codes[0], "float64")


def test_drawing_starts_from_the_mean_unless_told(generator, picture, mask, rng):
    settings = replace(QUICK, num_steps=1)
    drawn = draw(generator, picture, mask, criterion=scribble(), settings=settings, rng=rng)
    assert drawn.start_distance < 0.1


def test_drawing_can_start_from_several_random_codes(generator, picture, mask, rng):
    settings = replace(QUICK, num_mean=0, num_seeds=3, num_steps=5)
    drawn = draw(generator, picture, mask, criterion=scribble(), settings=settings, rng=rng)
    assert len(drawn.projected.history[0].losses) == 3
    assert drawn.start_distance > 0.1


def test_a_larger_penalty_keeps_the_code_nearer_to_its_start(generator, picture, mask, rng):
    distances = [
        draw(generator, picture, mask, criterion=scribble(p), settings=QUICK, rng=rng).distance
        for p in (0.0, 0.01, 0.1)
    ]
    assert distances[0] > distances[1] > distances[2]


def test_the_distances_are_those_of_the_returned_codes(generator, picture, mask, rng):
    drawn = draw(generator, picture, mask, criterion=scribble(), settings=QUICK, rng=rng)
    expected = distance_from_mean(generator, drawn.code, "w+", rng=rng)
    assert drawn.distance == pytest.approx(expected.item(), rel=0.05)


@pytest.fixture
def projected(generator, picture, rng):
    settings = replace(QUICK, num_steps=100)
    return project(generator, picture, criterion=scribble(), settings=settings, rng=rng)


def test_a_projected_picture_is_edited_from_where_it_is(generator, projected, other, mask, rng):
    settings = replace(QUICK, num_steps=1)
    drawn = draw(
        generator,
        other,
        mask,
        criterion=scribble(),
        settings=settings,
        start=projected.code,
        rng=rng,
    )
    assert_close(drawn.image, projected.image, "float64", "delta starts at zero")


def test_keeping_the_rest_changes_less_outside_the_strokes(generator, projected, other, mask, rng):
    outside, met = [], []
    for keep in (None, projected.image):
        drawn = draw(
            generator, other, mask, criterion=scribble(), settings=QUICK,
            start=projected.code, keep=keep, noise=projected.noise, rng=rng,
        )  # fmt: skip
        outside.append(inside(drawn.image, projected.image, 1 - mask).item())
        met.append(inside(drawn.image, other, mask) < inside(projected.image, other, mask))
    assert outside[1] < 0.5 * outside[0]
    assert all(met)


def test_keep_rest_adds_the_loss_outside_the_mask(picture, other, mask):
    output, delta = fixed_draw(60, 1, 3, 8, 8), torch.ones(1, 1, WIDTH).double()
    criterion = scribble(penalty=0.5)
    plain = criterion(output, other, mask, delta)
    both = keep_rest(criterion, picture, 3.0)(output, other, mask, delta)
    rest = inside(output, picture, 1 - mask)
    assert_close(both.total, plain.total + 3 * rest, "float64", "penalty counted twice?")
    assert_close(both.terms["keep"], 3 * rest[None], "float64")
    assert_close(both.total, sum(both.terms.values()), "float64")


def test_keeping_with_a_weight_of_0_is_not_keeping(picture, other, mask):
    output, delta = fixed_draw(60, 1, 3, 8, 8), torch.ones(1, 1, WIDTH).double()
    both = keep_rest(scribble(), picture, 0.0)(output, other, mask, delta)
    assert_close(both.total, scribble()(output, other, mask, delta).total, "exact")


def test_w_and_z_can_be_drawn_in(generator, only_z, picture, mask, rng):
    for network, space in ((generator, "w"), (generator, "z"), (only_z, "z")):
        settings = replace(QUICK, space=space, num_steps=40)
        drawn = draw(network, picture, mask, criterion=scribble(), settings=settings, rng=rng)
        assert drawn.projected.loss < drawn.projected.history[0].loss


def test_drawing_can_be_watched_and_cancelled(generator, picture, mask, rng):
    seen = []
    drawn = draw(
        generator, picture, mask, criterion=scribble(), settings=QUICK, rng=rng,
        on_step=seen.append, should_stop=lambda: len(seen) == 3,
    )  # fmt: skip
    assert drawn.projected.stopped == "cancelled"
    assert len(seen) == 3


def test_an_empty_sketch_is_refused_with_a_hint(generator, picture, mask, rng):
    with pytest.raises(InputError, match=r"mask.*strokes"):
        draw(generator, picture, 0 * mask, criterion=scribble(), settings=QUICK, rng=rng)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("colour", torch.zeros(1, 4, 8, 8)),
        ("colour", torch.full((1, 3, 8, 8), 255.0)),
        ("mask", torch.ones(1, 3, 8, 8)),
        ("mask", torch.full((1, 1, 8, 8), 0.5)),
        ("keep", torch.zeros(1, 3, 9, 9)),
        ("start", torch.zeros(1, LAYERS, WIDTH + 1)),
    ],
)
def test_arguments_that_do_not_fit_are_named(name, value, generator, picture, mask, rng):
    arguments = {"colour": picture, "mask": mask} | {name: value}
    colour, strokes = arguments.pop("colour"), arguments.pop("mask")
    with pytest.raises(InputError, match=name):
        draw(generator, colour, strokes, criterion=scribble(), settings=QUICK, rng=rng, **arguments)


def test_drawing_renders_with_the_noise_it_is_given(generator, picture, mask, rng):
    noise = {"grain": fixed_draw(62, 1, 1, 8, 8)}
    settings = replace(QUICK, num_steps=3)
    drawn = draw(
        generator, picture, mask, criterion=scribble(), settings=settings, noise=noise, rng=rng
    )
    assert_close(drawn.projected.noise["grain"], noise["grain"], "exact")
    expected = generator.synthesize(drawn.code, noise=noise).detach()
    assert_close(drawn.image, expected, "float64")
