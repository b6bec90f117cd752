"""Sorting, walking and pushing codes of a linear generator: its factors are entries of the code."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from hw5.checking.fakes import LAYERS, WIDTH, LinearGenerator
from hw5.inversion import semantic_analysis as analysis
from hw5.inversion.semantics import Boundary, signed_distance
from hw5.kit import seeding
from hw5.kit.checks import InputError
from hw5.latents import render, sample_codes
from hw5.metrics.what_changed import NoiseFloor
from hw5.world.factors import BY_NAME, FACTORS, neutral
from hw5.world.targets import NUM_TARGETS, targets
from tests.inversion.small import linear_encoder

SHARE = 0.2  # of a factor's half range for each unit of the code


def column_of(name):
    """Where a reader's answers hold a factor."""
    factor = BY_NAME[name]
    low, high = (targets(neutral(**{name: end}))[0] for end in (factor.low, factor.high))
    return (low != high).nonzero()[0].item()


class Seer:
    """Reads entry k of a code, averaged over layers, as attribute k; the rest of it is the cat."""

    def __init__(self, generator):
        self.encode = linear_encoder(generator)
        self.columns = [column_of(each.factor) for each in analysis.ATTRIBUTES]

    def read(self, images):
        numbers = targets(neutral(len(images))).double()
        code = self.encode(images).mean(dim=1)
        for k, column in enumerate(self.columns):
            numbers[:, column] = SHARE * code[:, k]
        return numbers

    def embed(self, images):
        rest = self.encode(images).mean(dim=1)[:, 4:]  # what no attribute reads
        return torch.nn.functional.normalize(torch.cat([rest, torch.ones_like(rest)], 1), dim=1)


@pytest.fixture(scope="module")
def generator():
    linear = LinearGenerator().requires_grad_(False)
    with torch.no_grad():  # independent entries, and pictures well within [-1, 1]
        linear.mapping.copy_(torch.eye(WIDTH, dtype=torch.float64) * 0.6)
        linear.centre.copy_(torch.linspace(-0.3, 0.3, WIDTH, dtype=torch.float64))
    return linear


@pytest.fixture(scope="module")
def reader(generator):
    return Seer(generator)


@pytest.fixture(scope="module")
def samples(generator, reader):
    return analysis.draw_samples(generator, reader, 4_000, rng=seeding.make(0))


@pytest.fixture(scope="module")
def planes(samples):
    return analysis.boundaries(samples, rng=seeding.make(1))


@pytest.fixture(scope="module")
def codes(generator):
    return sample_codes(generator, "w+", 40, rng=seeding.make(2))


@pytest.fixture(scope="module")
def judges(samples, reader):
    """What judges a push; the ruler takes 8 % of a factor's range for a move: a push goes 12 %."""
    floors = torch.tensor([0.04 * (factor.high - factor.low) for factor in FACTORS])
    ones = torch.ones(len(FACTORS))
    return {"samples": samples, "reader": reader, "known": NoiseFloor(floors, ones, ones)}


def test_samples_are_read_as_they_were_drawn(samples, reader):
    seen = samples.numbers[:, reader.columns]
    torch.testing.assert_close(seen, SHARE * samples.codes[:, 0, :4])
    assert samples.numbers.shape == (4_000, NUM_TARGETS)


def test_each_boundary_faces_along_its_own_entry(planes):
    for k, each in enumerate(analysis.ATTRIBUTES):
        assert planes[each.factor].normal[k] > 0.95, each.factor


def test_the_switch_among_the_attributes_is_learned_by_its_threshold(samples, monkeypatch):
    asked = []

    def spy(codes, scores, **options):
        asked.append(options["threshold"])

    monkeypatch.setattr(analysis, "find_boundary", spy)
    analysis.boundaries(samples, rng=seeding.make(1))
    assert asked == [None, None, None, 0.5]  # yaw, age and brightness go by degrees


def test_codes_that_say_what_the_pictures_show_are_sorted_perfectly(planes, codes):
    cats = neutral(len(codes), yaw=signed_distance(planes["yaw"], codes).float() * 9,
                   glasses=(torch.arange(len(codes)) % 2).float(),
                   age=(torch.arange(len(codes)) % 2).float(),
                   coat_brightness=(torch.arange(len(codes)) % 2).float())  # fmt: skip
    found = analysis.classify(codes, cats, planes)
    assert found["yaw"].average_precision == pytest.approx(1.0)
    assert found["glasses"].average_precision < 0.8  # those have nothing to do with the code
    backwards = analysis.classify(-codes, cats, planes)
    assert backwards["yaw"].average_precision < 0.6


def test_halfway_between_two_codes_a_linear_generator_shows_the_mean_of_their_pictures(
    generator, codes
):
    ends = render(generator, codes, "w+")
    middles = analysis.halfway(generator, codes)
    torch.testing.assert_close(middles, (ends + ends.roll(-1, dims=0)) / 2)


def test_a_push_goes_as_far_as_promised_and_takes_nothing_else_along(
    generator, codes, planes, samples, reader, judges
):
    before = render(generator, codes, "w+")
    for each in analysis.ATTRIBUTES:
        towards = ~each.holds(reader.read(before))
        plane = planes[each.factor]
        by = analysis.stride(each, plane, samples)
        found = analysis.judge_push(
            before, analysis.push(generator, codes, plane, by, towards), each, **judges
        )
        far = by / signed_distance(plane, samples.codes).std() if each.is_switch else analysis.PUSH
        assert found.moved == pytest.approx(float(far), rel=0.1), each.factor
        assert found.strayed == 0, each.factor
        assert found.identity > 0.99, each.factor


def test_a_rare_switch_is_pushed_from_the_middle_of_one_side_to_that_of_the_other():
    """One in twenty wears them, four units away: that is 4.6 of the deviations of all codes."""
    glasses = analysis.ATTRIBUTES[3]
    on = (torch.arange(2_000) % 20 == 0).double()
    codes = torch.zeros(2_000, 1, 8, dtype=torch.float64)
    codes[:, 0, 2] = 4 * on + 0.1 * torch.randn(2_000, generator=seeding.make(0)).double()
    numbers = targets(neutral(2_000)).double()
    numbers[:, column_of("glasses")] = on
    plane = Boundary(torch.eye(8, dtype=torch.float64)[2], -2.0, 1.0)
    by = analysis.stride(glasses, plane, analysis.Samples(codes, numbers))
    assert float(by) == pytest.approx(4, abs=0.05)
    assert by > 4 * signed_distance(plane, codes).std()


def test_a_push_flips_whatever_lies_nearer_than_it_goes(generator, planes, samples, reader, judges):
    each = analysis.ATTRIBUTES[0]
    codes = samples.codes[:200].repeat(1, LAYERS, 1)
    before = render(generator, codes, "w+")
    wears = each.holds(reader.read(before))
    plane = planes[each.factor]
    found = analysis.judge_push(
        before,
        analysis.push(generator, codes, plane, analysis.stride(each, plane, samples), ~wears),
        each,
        **judges,
    )
    near = each.of(samples.numbers[:200]).abs() < analysis.PUSH * each.of(samples.numbers).std()
    assert found.flipped == pytest.approx(near.float().mean().item(), abs=0.03)


def test_what_moved_without_being_asked_is_counted_by_the_ruler(
    generator, codes, planes, samples, reader, judges
):
    yaw, age = analysis.ATTRIBUTES[:2]
    before = render(generator, codes, "w+")
    by = analysis.stride(yaw, planes["yaw"], samples)
    after = analysis.push(generator, codes, planes["yaw"], by, ~yaw.holds(reader.read(before)))
    assert analysis.judge_push(before, after, age, **judges).strayed == 1  # yaw, in each picture
    blind = judges["known"].explained.clone()
    blind[[factor.name for factor in FACTORS].index("yaw")] = 0
    unread = replace(judges["known"], explained=blind)
    told = analysis.judge_push(before, after, age, **(judges | {"known": unread}))
    assert told.strayed == 0  # of a factor that the reader cannot tell nothing is said


def test_a_push_the_wrong_way_is_seen(generator, codes, planes, samples, reader, judges):
    each = analysis.ATTRIBUTES[0]
    before = render(generator, codes, "w+")
    holds = each.holds(reader.read(before))
    by = analysis.stride(each, planes[each.factor], samples)
    after = analysis.push(generator, codes, planes[each.factor], by, holds)
    found = analysis.judge_push(before, after, each, **judges)
    assert found.moved == pytest.approx(-analysis.PUSH, rel=0.1)
    assert found.flipped == 0


def test_codes_and_cats_must_be_as_many(planes, codes):
    with pytest.raises(InputError, match="one code a cat"):
        analysis.classify(codes, neutral(3), planes)
