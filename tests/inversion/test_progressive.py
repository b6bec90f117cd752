"""Progressive reconstruction: its schedule, its loss, what may move when."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hw5.inversion.inverted import Stopwatch
from hw5.inversion.progressive import (
    DiscriminatorLoss,
    Progressive,
    nearest_samples,
    reconstruct,
    schedule,
    stage_score,
)
from hw5.kit.checks import InputError
from hw5.latents import render, sample_codes
from hw5.checking.fakes import LAYERS, SIZE, WIDTH, LinearGenerator, SmallFeatures, fixed_draw
from tests.inversion.small import agrees_with_finite_differences, tiny_stylegan
from tests.tolerances import assert_close

NAMES = ("conv1", "conv2", "conv3", "conv4")
QUICK = Progressive(num_steps=5, num_stages=3, num_candidates=60)


@pytest.fixture
def generator():
    return LinearGenerator()


@pytest.fixture
def pictures():
    return torch.tanh(0.4 * fixed_draw(20, 2, 3, SIZE, SIZE))


def test_codes_are_released_from_coarse_to_fine():
    assert [stage.num_free for stage in schedule(10, NAMES)] == [2, 4, 6, 8, 10]


def test_features_are_asked_about_from_deep_to_shallow():
    assert [stage.layers for stage in schedule(10, NAMES)] == [
        NAMES[3:],
        NAMES[2:],
        NAMES[1:],
        NAMES,
        NAMES,
    ]


def test_pixels_count_in_the_last_stage_only():
    settings = Progressive(last_features=0.5, last_pixel=10.0)
    weights = [(stage.features, stage.pixel) for stage in schedule(10, NAMES, settings)]
    assert weights == [(1.0, 0.0)] * 4 + [(0.5, 10.0)]


@pytest.mark.parametrize("num_stages", [1, 2, 3, 7, 12, 49])
def test_every_schedule_ends_with_everything_free(num_stages):
    stages = schedule(10, NAMES, Progressive(num_stages=num_stages))
    assert len(stages) == num_stages
    assert stages[-1][:2] == (10, NAMES)
    assert all(stage.num_free >= 1 and stage.layers for stage in stages)


def test_the_feature_loss_is_the_sum_of_mean_absolute_differences(pictures):
    features, layers = SmallFeatures(), ("conv_2_1", "conv_3_2")
    ours, theirs = features(pictures, layers), features(pictures.flip(0), layers)
    expected = [
        sum(np.abs(ours[k][n].numpy() - theirs[k][n].numpy()).mean() for k in layers)
        for n in range(2)
    ]
    loss = DiscriminatorLoss(features, dict.fromkeys(layers, 1.0))
    assert_close(loss(pictures, pictures.flip(0)), torch.tensor(expected), "float64")


def test_the_gradient_of_a_stage_agrees_with_finite_differences(generator, pictures):
    loss = DiscriminatorLoss(SmallFeatures(), dict.fromkeys(("conv_2_1", "conv_3_2"), 0.5))
    code = fixed_draw(35, 2, LAYERS, WIDTH)

    def stage(free):
        return stage_score(generator, pictures, free, code, loss, 10.0)().loss

    assert agrees_with_finite_differences(stage, code[:, :2])


def test_layers_that_are_not_released_stay_as_they_are(generator, pictures):
    loss = DiscriminatorLoss(SmallFeatures(), ())
    code = fixed_draw(35, 2, LAYERS, WIDTH)
    scored = stage_score(generator, pictures, code[:, :1] + 1, code, loss, 0.0)()
    assert torch.equal(scored.code[:, 1:], code[:, 1:])
    assert torch.equal(scored.code[:, :1], code[:, :1] + 1)


def test_each_picture_starts_at_its_own_nearest_sample(generator, rng):
    # the targets are two of the candidates, so each of them must be found exactly
    codes = sample_codes(generator, "w+", 50, rng=torch.Generator().manual_seed(4))[[7, 31]]
    with torch.no_grad():
        pictures = render(generator, codes, "w+")
    found = nearest_samples(
        generator,
        pictures,
        DiscriminatorLoss(SmallFeatures(), ()),
        QUICK,
        watch=Stopwatch(),
        should_stop=lambda: False,
        rng=torch.Generator().manual_seed(4),
    )
    assert_close(found.code, codes, "float64")
    assert found.evaluations == 60


def test_steps_and_evaluations_count_through_all_stages(generator, pictures, rng):
    found = reconstruct(generator, pictures, features=SmallFeatures(), settings=QUICK, rng=rng)
    assert [step.step for step in found.history] == list(range(15))
    assert [step.evaluations for step in found.history] == list(range(61, 76))
    assert (found.evaluations, found.stopped) == (75, "steps")


def test_the_loss_is_the_last_stages(generator, pictures, rng):
    features = SmallFeatures()
    found = reconstruct(generator, pictures, features=features, settings=QUICK, rng=rng)
    loss = DiscriminatorLoss(features, dict.fromkeys(features.layer_names, 0.5))
    pixels = (found.image - pictures).square().mean(dim=(1, 2, 3))
    assert_close(found.loss, loss(found.image, pictures) + 10.0 * pixels, "float64")


def test_no_further_stage_begins_once_it_is_stopped(generator, pictures, rng):
    seen = []
    found = reconstruct(
        generator,
        pictures,
        features=SmallFeatures(),
        settings=QUICK,
        rng=rng,
        on_step=seen.append,
        should_stop=lambda: len(seen) >= 7,
    )
    assert (len(found.history), found.evaluations, found.stopped) == (7, 60 + 7, "cancelled")


def test_generated_pictures_are_found_again(rng):
    generator = tiny_stylegan()
    with torch.no_grad():
        pictures = render(generator, sample_codes(generator, "w+", 2, rng=rng), "w+")
    settings = Progressive(num_steps=50, num_stages=3, num_candidates=20)
    found = reconstruct(generator, pictures, features=SmallFeatures(), settings=settings, rng=rng)
    error = (found.image - pictures).square().mean(dim=(1, 2, 3))
    assert (error < 2e-3).all()  # two random pictures are 0.03 apart


@pytest.mark.parametrize("wrong", [{"num_stages": 0}, {"num_candidates": 0}, {"last_pixel": -1}])
def test_settings_that_cannot_be_meant_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        Progressive(**wrong)
