"""Training of encoders on tiny networks: what moves, what must not, and where it leads."""

from __future__ import annotations

import csv
import math
from functools import cache

import pytest
import torch
from torch import nn

from hw5.kit import images as pictures
from hw5.train import encode_domain, encoders, loop
from hw5.train.encode_domain import DomainLesson, DomainSettings, squared_gradient
from hw5.train.encode_offsets import OffsetLesson, OffsetSettings, length, released
from hw5.train.encode_samples import SampleLesson, SampleSettings, code_loss
from hw5.train.encoders import feature_loss, fresh_encoder, measure, pairs, train_encoder
from hw5.train.loop import Run
from tests.train import tiny
from tests.train.clock import Clock

SETTINGS = {"batch": 8, "rate": 5e-3, "half_life": 50.0}
KINDS = ("samples", "domain", "offsets")


@pytest.fixture(autouse=True)
def quickly(monkeypatch):
    """No timing of precisions, no LPIPS, whose network takes longer to build than all else here."""
    monkeypatch.setattr(encoders, "precision", lambda device: torch.float32)
    monkeypatch.setattr(encoders, "_lpips", lambda found, images: 0.5)


@pytest.fixture
def generator():
    return tiny.build("stylegan2")


@cache
def album():
    """Pictures that the tiny generator can nearly draw, as if they were real."""
    made = tiny.build("stylegan2")
    rng = torch.Generator().manual_seed(7)
    return made(torch.randn(128, made.z_dim, generator=rng)).clamp(-1, 1)


def real(count, rng):
    """Some of the first 96."""
    return album()[torch.randint(96, (count,), generator=rng)]


def lesson_of(kind, generator, **changes):
    torch.manual_seed(3)
    features = tiny.build("world-features")
    numbers = {**SETTINGS, **changes}
    if kind == "samples":
        encoder = fresh_encoder(generator, {**tiny.ENCODER, "released": 0})
        return SampleLesson(encoder, generator, SampleSettings(**numbers))
    encoder = fresh_encoder(generator, tiny.ENCODER)
    if kind == "offsets":
        settings = OffsetSettings(**numbers)
        return OffsetLesson(encoder, generator, settings, draw=real, features=features)
    judge = tiny.build("stylegan2-discriminator")
    return DomainLesson(
        encoder, generator, DomainSettings(**numbers), draw=real, features=features,
        discriminator=judge,
    )  # fmt: skip


def run_steps(lesson, first, last, total=20):
    """Steps `first` to `last` of `total`; the figures of each."""
    batch = lesson.settings.batch
    return [lesson.step(i * batch, i / total, source(i * batch)) for i in range(first, last)]


def source(seed):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("kind", "name"), [("samples", "loss"), ("domain", "pixel"),
                                            ("offsets", "pixel")])  # fmt: skip
def test_the_loss_falls(kind, name, generator):
    figures = run_steps(lesson_of(kind, generator), 0, 20)
    first, last = (sum(f[name] for f in part) / 4 for part in (figures[:4], figures[-4:]))
    assert last < 0.8 * first


@pytest.mark.parametrize("kind", KINDS)
def test_the_average_reconstructs_unseen_pictures_better_than_the_mean_code(kind, generator):
    lesson = lesson_of(kind, generator)
    unseen = album()[96:]
    before = measure(lesson.average.network, generator, unseen)["test_mse"]
    run_steps(lesson, 0, 20)
    assert measure(lesson.average.network, generator, unseen)["test_mse"] < 0.9 * before


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_that_was_stopped_ends_where_an_unbroken_one_does(kind, generator, tmp_path):
    whole, broken = lesson_of(kind, generator), lesson_of(kind, generator)
    run_steps(whole, 0, 12)
    run_steps(broken, 0, 7)
    Run(tmp_path, hours=1.0).save(broken.parts(), seen=56)
    resumed = lesson_of(kind, generator)
    with torch.no_grad():
        resumed.encoder.stem.weight.add_(1.0)  # so that nothing but the checkpoint can put it right
    assert Run(tmp_path, hours=1.0).resume(resumed.parts()) == 56
    run_steps(resumed, 7, 12)
    for name, value in whole.average.network.state_dict().items():
        assert torch.equal(value, resumed.average.network.state_dict()[name]), name


@pytest.mark.parametrize("kind", KINDS)
def test_generator_and_features_stay_as_they_are(kind, generator):
    generator.requires_grad_(True)
    before = {name: value.clone() for name, value in generator.state_dict().items()}
    lesson = lesson_of(kind, generator)
    run_steps(lesson, 0, 3)
    assert all(value.grad is None and not value.requires_grad for value in generator.parameters())
    for name, value in generator.state_dict().items():
        assert torch.equal(value, before[name]), name
    if kind != "samples":
        assert all(value.grad is None for value in lesson.features.parameters())


def test_encoder_gradients_through_the_generator_agree_with_finite_differences(
    generator, monkeypatch
):
    monkeypatch.setattr(encode_domain.F, "mse_loss", lambda a, b: (a - b).square().mean())
    lesson = lesson_of("domain", generator)
    for network in (lesson.encoder, generator, lesson.features, lesson.discriminator):
        network.double()
    torch.nn.init.normal_(lesson.encoder.to_w.weight, std=0.1)
    batch = real(4, torch.Generator().manual_seed(5)).double()
    lesson.draw, weight = lambda count, rng: batch, lesson.encoder.to_w.weight

    def loss():
        terms = lesson.losses(0.5, torch.Generator())
        made = lesson.latest[1]  # float64, where `losses` rounds to float32 for logs and steps
        assert made.dtype == torch.float64
        return terms["loss"]

    monkeypatch.setattr(torch.Tensor, "float", lambda self: self)
    (gradient,) = torch.autograd.grad(loss(), [weight])
    direction = torch.randn_like(weight)
    step = 1e-6
    with torch.no_grad():
        weight += step * direction
        after = loss()
        weight -= 2 * step * direction
        before = loss()
    measured = (after - before) / (2 * step)
    assert (gradient * direction).sum().item() == pytest.approx(measured.item(), rel=1e-4)


def test_the_domain_loss_is_the_weighted_sum_of_its_terms(generator):
    lesson = lesson_of("domain", generator, adversarial=0.5, perceptual=0.25)
    found = lesson.losses(0.0, source(0))
    expected = found["pixel"] + 0.25 * found["perceptual"] + 0.5 * found["adversarial"]
    assert found["loss"].item() == pytest.approx(expected.item(), rel=1e-6)


def test_the_encoders_step_leaves_the_discriminator_alone_and_its_own_step_moves_it(generator):
    lesson = lesson_of("domain", generator)
    before = [value.clone() for value in lesson.discriminator.parameters()]
    super(DomainLesson, lesson).step(0, 0.5, source(0))
    assert all(value.grad is None for value in lesson.discriminator.parameters())
    lesson.teach_discriminator(*lesson.latest, 0)
    moved = zip(before, lesson.discriminator.parameters(), strict=True)
    assert any(not torch.equal(old, new) for old, new in moved)


def test_the_penalty_on_the_discriminators_gradient_is_that_of_a_linear_one():
    weight = torch.randn(3 * 4 * 4, dtype=torch.float64)
    linear = nn.Sequential(nn.Flatten(), nn.Linear(48, 1, bias=False)).double()
    linear[1].weight.data[0] = weight
    penalty = squared_gradient(linear, torch.randn(5, 3, 4, 4, dtype=torch.float64))
    assert penalty.item() == pytest.approx(weight.square().sum().item())
    penalty.backward()
    assert torch.allclose(linear[1].weight.grad[0], 2 * weight)


def test_the_penalty_is_due_every_so_many_steps_and_flattens_the_discriminator(generator):
    steps = [run_steps(lesson_of("domain", generator, r1_every=4), i, i + 1)[0] for i in range(5)]
    assert ["r1" in figures for figures in steps] == [True, False, False, False, True]
    penalties = []
    for gamma in (0.0, 1e4):
        lesson = lesson_of("domain", generator, r1=gamma, r1_every=1, discriminator_rate=3e-3)
        penalties.append(run_steps(lesson, 0, 10)[-1]["r1"])
    assert penalties[1] < 0.5 * penalties[0]


def test_offsets_are_released_one_by_one_between_the_shares_of_e4e():
    settings = OffsetSettings()
    counts = [released(i / 1000, 10, settings) for i in range(1001)]
    assert counts[99] == 0 and counts[100] == 1 and counts[271] == 10 and counts[-1] == 10
    assert sorted(set(counts)) == list(range(11)) and counts == sorted(counts)


def test_before_their_release_offsets_learn_nothing(generator):
    lesson = lesson_of("offsets", generator)
    before = lesson.encoder.to_offsets.weight.clone()
    lesson.step(0, 0.05, source(0))
    assert torch.equal(lesson.encoder.to_offsets.weight, before)
    lesson.step(8, 0.5, source(8))
    assert not torch.equal(lesson.encoder.to_offsets.weight, before)


def test_the_length_of_offsets_is_their_rms_over_all_layers():
    offsets = torch.tensor([[[3.0, 4.0], [0.0, 0.0]]])
    assert length(offsets, 4).item() == pytest.approx(5 / math.sqrt(2) / 4)
    still = torch.zeros(2, 3, 5, requires_grad=True)
    length(still, 3).backward()
    assert torch.equal(still.grad, torch.zeros(2, 3, 5))


def test_a_strong_penalty_keeps_offsets_short(generator):
    lengths = []
    for delta in (0.0, 10.0):
        lesson = lesson_of("offsets", generator, delta=delta, release_from=0.0, release_until=0.0)
        lengths.append(run_steps(lesson, 0, 20)[-1]["delta"])
    assert lengths[1] < 0.5 * lengths[0]


def test_the_code_loss_is_the_variance_of_w_at_the_mean_code():
    w = torch.randn(500, 1, 6)
    found = w.mean(0, keepdim=True).expand(500, 4, 6)
    assert code_loss(found, w).item() == pytest.approx(w.var(0, correction=0).mean().item())


def test_the_feature_loss_of_equal_pictures_is_0_and_reaches_the_output_only():
    features = tiny.build("world-features").freeze()
    output = torch.rand(2, 3, 16, 16).requires_grad_()
    target = torch.rand(2, 3, 16, 16).requires_grad_()
    assert feature_loss(features, "conv3_3", output, output.detach()).item() == 0
    feature_loss(features, "conv3_3", output, target).backward()
    assert output.grad.abs().max() > 0 and target.grad is None


def test_a_grid_shows_each_picture_over_its_reconstruction():
    above = torch.arange(24.0).view(24, 1, 1, 1).expand(24, 3, 2, 2)
    grid = pairs(above, -above)[:, 0, 0, 0].view(6, 8)
    assert torch.equal(grid[0::2].flatten(), above[:, 0, 0, 0])
    assert torch.equal(grid[1::2], -grid[0::2])


def test_the_figures_are_those_of_the_clamped_pictures(generator):
    encoder = fresh_encoder(generator, tiny.ENCODER).eval()
    made = encoders.reconstruct(encoder, generator, torch.zeros(3, 3, 16, 16)).clamp(-1, 1)
    target = (made + 0.2).clamp(-1, 1)
    error = (target - made).square().mean(dim=(1, 2, 3))
    found = measure(encoder, generator, target)
    assert found["test_mse"] == pytest.approx(error.mean().item(), rel=1e-4)
    assert found["test_psnr"] == pytest.approx((10 * (4 / error).log10()).mean().item(), rel=1e-4)
    assert found["test_pictures"] == 3 and found["test_lpips"] == 0.5


def test_a_run_logs_saves_pairs_and_goes_on_when_called_again(generator, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "time", Clock())
    monkeypatch.setattr(encoders, "LOG_EVERY", 5)
    shown = real(16, torch.Generator().manual_seed(1))
    _, first = train_encoder(lesson_of("domain", generator), shown, tmp_path, hours=1 / 3600)
    rows = list(csv.DictReader((tmp_path / "log.csv").open()))
    assert set(rows[0]) == {"pictures", "seconds", *DomainLesson.columns}
    grid = pictures.load(next(tmp_path.glob("samples-*.png")))
    assert grid.shape[-1] > grid.shape[-2] / 2
    _, second = train_encoder(lesson_of("domain", generator), shown, tmp_path, hours=1 / 3600)
    assert second["pictures"] > first["pictures"] > 0
    assert second["pixel"] < first["pixel"]


class LinearJudge(nn.Module):
    """D(x) = sum of x times one weight: its gradient at any picture is that weight, everywhere."""

    def __init__(self, weight):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weight))

    def forward(self, images):
        return self.weight * images.sum(dim=(1, 2, 3))


NUMBERS = 3 * 4 * 4  # in a picture below


@pytest.mark.parametrize("seen", [0, 8, 16, 24])
def test_a_step_of_the_discriminator_in_closed_form(generator, seen):
    """Weight a, pictures of constants x (real) and y (made), 48 numbers each: S = 48 a.

    The loss is softplus(S y) + softplus(-S x), its slope 48 (y s(S y) - x s(-S x)), s the sigmoid.
    Every second step (r1_every) adds 2 * gamma / 2 * 48 a^2: the slope gains 2 * gamma * 48 a.
    """
    a, x, y, gamma = 0.05, 0.5, -0.25, 10.0
    lesson = lesson_of("domain", generator, r1=gamma, r1_every=2)
    lesson.discriminator = LinearJudge(a)
    lesson.judge_step = torch.optim.SGD(lesson.discriminator.parameters(), lr=1.0)
    real_, made = (torch.full((2, 3, 4, 4), value) for value in (x, y))
    figures = lesson.teach_discriminator(real_, made, seen)
    total = NUMBERS * a
    loss = math.log1p(math.exp(total * y)) + math.log1p(math.exp(-total * x))
    slope = NUMBERS * (y / (1 + math.exp(-total * y)) - x / (1 + math.exp(total * x)))
    assert figures["discriminator"] == pytest.approx(loss, rel=1e-5)
    if (seen // SETTINGS["batch"]) % 2 == 0:
        assert figures["r1"] == pytest.approx(NUMBERS * a**2, rel=1e-5)
        slope += 2 * gamma * NUMBERS * a
    else:
        assert "r1" not in figures
    assert lesson.discriminator.weight.item() == pytest.approx(a - slope, rel=1e-4)


def test_the_encoder_is_told_to_please_the_discriminator_and_it_to_disagree(generator):
    lesson = lesson_of("domain", generator)
    lesson.discriminator = LinearJudge(1e-3)
    terms = lesson.losses(0.5, torch.Generator().manual_seed(0))
    said = lesson.discriminator(lesson.latest[1])
    wanted = torch.log1p(torch.exp(-said)).mean()  # falls as D takes the pictures for real
    assert terms["adversarial"].item() == pytest.approx(wanted.item(), rel=1e-4)
