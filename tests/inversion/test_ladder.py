"""The debugging ladder names each fault that is planted, and none where there is none."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from hw5.checking.fakes import LinearGenerator, OnlyZ, fixed_draw
from hw5.config import LossWeights, Projection
from hw5.inversion.ladder import RUNGS, Culprit, Evidence, Thresholds, diagnose, judge
from hw5.inversion.ladder_rungs import Target, climb, generated_target, rms_error
from hw5.kit import seeding
from hw5.kit.checks import InputError
from hw5.latents import render, sample_codes
from hw5.losses import Criterion, Loss

SEARCH = Projection(space="w+", num_steps=40, num_seeds=3, num_mean=50, learning_rate=0.3)
SQUARES = Criterion(LossWeights(pixel=1.0, norm="l2", perceptual=0.0))
HEALTHY = Evidence(
    "generated", losses=(0.01, 0.012, 0.011), start_loss=0.5, usual_loss=1.0, error=0.1,
    usual_error=1.0, true_loss=0.0, second_loss=0.01,
)  # fmt: skip


class Restricted(LinearGenerator):
    """A generator whose lower half is black, whatever the code."""

    def synthesize(self, w_plus, *, noise="fixed"):
        picture = super().synthesize(w_plus, noise=noise)
        half = picture.shape[-2] // 2
        return torch.cat([picture[..., :half, :], -torch.ones_like(picture[..., half:, :])], dim=-2)


class Grainy(LinearGenerator):
    """A generator whose pictures are never twice alike."""

    def synthesize(self, w_plus, *, noise="fixed"):
        picture = super().synthesize(w_plus, noise=noise)
        return picture + 0.2 * torch.randn_like(picture)


def only_corner(output, target, mask, delta) -> Loss:
    return SQUARES(output[..., :1, :1], target[..., :1, :1], mask, delta)


def only_mean_colour(output, target, mask, delta) -> Loss:
    means = [x.mean(dim=(2, 3), keepdim=True) for x in (output, target)]
    return SQUARES(*means, mask, delta)


def drawable(generator, count: int) -> list[Target]:
    """A generated picture, and `count` of the same range for the rungs above it."""
    codes = sample_codes(generator, "w", 3, rng=seeding.make(9))
    pictures = render(generator, codes, "w").detach().split(1)
    others = [Target(rung, picture) for rung, picture in zip(RUNGS[1:], pictures, strict=True)]
    return [generated_target(generator, "w+", rng=seeding.make(3)), *others[:count]]


def climbed(generator, targets, *, criterion=SQUARES, settings=SEARCH, **more):
    rungs = list(
        climb(generator, targets, criterion=criterion, settings=settings, rng=seeding.make(0),
              second_evaluations=10, **more)
    )  # fmt: skip
    return rungs, diagnose([rung.evidence for rung in rungs])


@pytest.fixture
def linear():
    return LinearGenerator()


def test_a_healthy_setup_is_well_on_every_rung(linear):
    _, diagnosis = climbed(linear, drawable(linear, 3))
    assert [v.culprit for v in diagnosis.rungs] == [Culprit.NOBODY] * 4
    assert diagnosis.overall.culprit is Culprit.NOBODY


def test_a_generator_that_cannot_draw_the_picture_is_named():
    restricted = Restricted()
    targets = [*drawable(restricted, 0), *drawable(LinearGenerator(), 1)[1:]]
    _, diagnosis = climbed(restricted, targets)
    assert [v.culprit for v in diagnosis.rungs] == [Culprit.NOBODY, Culprit.GENERATOR]
    assert diagnosis.overall.rung == "training"


def test_a_generator_that_renders_its_own_code_differently_is_named():
    torch.manual_seed(0)
    rungs, diagnosis = climbed(
        Grainy(), [*drawable(Grainy(), 0), *drawable(LinearGenerator(), 1)[1:]]
    )
    assert {v.culprit for v in diagnosis.rungs} == {Culprit.GENERATOR}
    assert diagnosis.overall.rung == "generated"
    for said in (diagnosis.overall.because, *(v.because for v in diagnosis.rungs)):
        assert "random noise or dropout" in said
    assert rungs[0].evidence.repeat_left > 0.25


def test_a_generator_that_wavers_by_rounding_alone_is_not_to_blame(linear):
    rungs, _ = climbed(linear, drawable(linear, 0))
    assert rungs[0].evidence.repeat_error == 0
    failing = replace(HEALTHY, error=0.6, losses=(0.5,))
    assert judge(replace(failing, repeat_error=0.005)).culprit is Culprit.OPTIMISER
    assert judge(replace(failing, repeat_error=0.02)).culprit is Culprit.GENERATOR
    assert judge(replace(HEALTHY, repeat_error=0.02)).culprit is Culprit.NOBODY


@pytest.mark.parametrize("blind", [only_corner, only_mean_colour])
def test_a_blind_loss_is_named(linear, blind):
    _, diagnosis = climbed(linear, drawable(linear, 1), criterion=blind)
    assert {v.culprit for v in diagnosis.rungs} == {Culprit.LOSS}
    assert diagnosis.overall == replace(diagnosis.overall, rung="generated", culprit=Culprit.LOSS)


def test_a_loss_that_prefers_another_code_to_the_true_one_is_to_blame(linear):
    tethered = Criterion(LossWeights(pixel=1.0, norm="l2", perceptual=0.0, penalty=10.0))
    rungs, diagnosis = climbed(linear, drawable(linear, 0), criterion=tethered)
    assert rungs[0].evidence.loss < rungs[0].evidence.true_loss
    assert diagnosis.overall.culprit is Culprit.LOSS


@pytest.mark.parametrize(
    "planted", [{"learning_rate": 1e-6}, {"num_steps": 1}], ids=["rate of nearly 0", "one step"]
)
def test_a_stuck_optimiser_is_named_on_every_rung(linear, planted):
    settings = replace(SEARCH, **planted)
    _, diagnosis = climbed(linear, drawable(linear, 1), settings=settings)
    assert {v.culprit for v in diagnosis.rungs} == {Culprit.OPTIMISER}


def test_the_true_code_is_known_for_the_generated_picture_alone(linear):
    rungs, _ = climbed(linear, drawable(linear, 1))
    assert rungs[0].evidence.true_loss == pytest.approx(0, abs=1e-12)
    assert rungs[1].evidence.true_loss is None


def test_an_encoder_that_knows_the_answer_exposes_a_stuck_optimiser(linear):
    _, other = drawable(linear, 1)
    truth = sample_codes(linear, "w", 3, rng=seeding.make(9))[:1]
    lazy = replace(SEARCH, learning_rate=1e-6)
    rungs, diagnosis = climbed(linear, [other], settings=lazy, encoder=lambda picture: truth)
    assert rungs[0].evidence.encoder_gain > 0.99
    assert diagnosis.overall.culprit is Culprit.OPTIMISER


def test_the_encoders_own_outcome_is_not_taken_for_the_usual_starts(linear):
    truth = sample_codes(linear, "w", 3, rng=seeding.make(9))[:1]
    lazy = replace(SEARCH, learning_rate=1e-6)
    rungs, _ = climbed(linear, drawable(linear, 1)[1:], settings=lazy, encoder=lambda _: truth)
    found = rungs[0].found
    assert found.loss == pytest.approx(min(rungs[0].evidence.losses))
    again = render(linear, found.code, "w+").detach()
    torch.testing.assert_close(found.image, again)
    scored = SQUARES(again, rungs[0].target.image).total
    assert found.loss == pytest.approx(float(scored))


@pytest.mark.parametrize("optimiser", ["adam", "lbfgs"])
def test_either_solver_can_be_examined(linear, optimiser):
    settings = replace(SEARCH, optimiser=optimiser, learning_rate=None, num_steps=20)
    rungs, _ = climbed(linear, drawable(linear, 0), settings=settings)
    assert rungs[0].second.settings.optimiser != optimiser
    assert len(rungs[0].evidence.losses) == 3


def test_a_generator_with_z_alone_can_be_examined():
    dcgan = OnlyZ()
    target = generated_target(dcgan, "z", rng=seeding.make(3))
    settings = replace(SEARCH, space="z", num_mean=0)
    _, diagnosis = climbed(dcgan, [target], settings=settings)
    assert diagnosis.overall.culprit is Culprit.NOBODY


def test_a_second_opinion_pays_the_penalty_from_the_first_start(linear):
    tethered = Criterion(LossWeights(pixel=1.0, norm="l2", perceptual=0.0, penalty=0.01))
    rungs, _ = climbed(linear, drawable(linear, 0), criterion=tethered)
    second = rungs[0].second
    delta = second.code - rungs[0].found.start
    scored = tethered(second.image, rungs[0].target.image, None, delta).total
    assert second.loss == pytest.approx(float(scored))
    assert second.loss <= rungs[0].found.loss


def test_a_climb_that_is_stopped_gives_no_half_rung(linear):
    steps = []
    rungs, done = [], lambda: len(steps) > 5
    for rung in climb(
        linear, drawable(linear, 1), criterion=SQUARES, settings=SEARCH, rng=seeding.make(0),
        on_step=steps.append, should_stop=done,
    ):  # fmt: skip
        rungs.append(rung)
    assert rungs == []


def test_error_is_the_root_mean_square_of_what_can_be_seen():
    output, target = 3 * torch.ones(2, 3, 4, 4), torch.zeros(1, 3, 4, 4)
    assert rms_error(output, target).tolist() == [1, 1]  # clamped to 1


def test_shares_follow_their_definitions():
    seen = replace(HEALTHY, losses=(0.5, 0.3, 0.4), true_loss=0.1, usual_loss=1.1,
                   second_loss=0.27, encoder_loss=0.25, error=0.2, usual_error=0.8)  # fmt: skip
    shares = (seen.loss_left, seen.error_left, seen.spread, seen.second_gain, seen.encoder_gain)
    assert shares == pytest.approx((0.2, 0.25, 0.25, 0.1, 0.5))
    assert seen.fallen == pytest.approx(0.4)


def test_a_loss_that_tells_nothing_apart_is_blind():
    constant = replace(HEALTHY, losses=(0.0,), usual_loss=0.0, start_loss=0.0, error=0.9)
    assert judge(constant).culprit is Culprit.LOSS


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("left", [0.26, 0.5, 0.9])
def test_a_loss_in_step_with_the_error_is_never_called_blind(power, left):
    seen = replace(HEALTHY, error=left, losses=(left**power,))
    assert judge(seen).culprit is Culprit.OPTIMISER


def test_starts_that_end_far_apart_mean_a_trap():
    failing = replace(HEALTHY, rung="test", error=0.6, true_loss=None, second_loss=None)
    apart = replace(failing, losses=(0.6, 0.3, 0.62))
    together = replace(failing, losses=(0.6, 0.59, 0.62))
    assert judge(apart).culprit is Culprit.OPTIMISER
    assert judge(together).culprit is Culprit.GENERATOR


def test_a_rung_inherits_the_fault_below_unless_it_has_signs_of_its_own():
    failing = replace(HEALTHY, rung="test", error=0.6, losses=(0.5,), true_loss=None,
                      second_loss=None)  # fmt: skip
    assert judge(failing, below=Culprit.LOSS).culprit is Culprit.LOSS
    assert judge(replace(failing, second_loss=0.1), below=Culprit.LOSS).culprit is Culprit.OPTIMISER


def test_the_lowest_failing_rung_is_the_one_to_act_upon():
    wild = replace(HEALTHY, rung="wild", error=0.6, losses=(0.5,), true_loss=None)
    diagnosis = diagnose([HEALTHY, replace(wild, rung="test"), wild])
    assert diagnosis.overall.rung == "test"
    assert diagnosis.gaps == pytest.approx((0.5, 0))


@pytest.mark.parametrize("name", ["found", "blind", "spread", "gain"])
def test_a_threshold_is_a_share(name):
    with pytest.raises(InputError, match=name):
        Thresholds(**{name: 1.5})


def test_verdicts_quote_their_figures():
    said = judge(replace(HEALTHY, error=0.8, losses=(0.5,), true_loss=0.125)).because
    assert "80%" in said and "0.125" in said and "0.5" in said


def test_pictures_that_no_code_makes_are_not_found(linear):
    foreign = Target("wild", torch.tanh(fixed_draw(40, 1, 3, 8, 8)))
    _, diagnosis = climbed(linear, [*drawable(linear, 0), foreign])
    assert diagnosis.overall.culprit is Culprit.GENERATOR
    assert "its own world" in diagnosis.overall.because


def test_a_failing_rung_below_one_that_is_found_is_taken_for_an_odd_picture():
    odd = replace(HEALTHY, rung="training", error=0.6, losses=(0.5,), true_loss=None)
    diagnosis = diagnose([HEALTHY, odd, replace(HEALTHY, rung="test")])
    assert diagnosis.overall.rung == "training"
    assert "another seed" in diagnosis.overall.because
