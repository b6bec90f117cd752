"""How far a reader can be trusted: floors, explained, power; on readers of known errors."""

from __future__ import annotations

import pytest
import torch

from hw5 import world
from hw5.kit import seeding
from hw5.metrics.what_changed import ProbePairs, noise_floor, what_changed
from hw5.world.factors import FACTORS
from hw5.world.targets import NUM_TARGETS, is_hue
from tests.metrics.written_cats import NAMES, column, exact, pairs_of, written


def test_the_floor_of_a_noisy_reader_has_a_closed_form():
    # Two readings, each off by a normal error: 95 % of differences are below 1.96 sqrt(2) sigma.
    rng = seeding.make(4)

    def noisy(images):
        return exact(images) + 0.05 * torch.randn(len(images), NUM_TARGETS, generator=rng)

    found = noise_floor(noisy, pairs_of(800))
    plain = [i for i, factor in enumerate(FACTORS) if not is_hue(factor)]
    halves = torch.tensor([(FACTORS[i].high - FACTORS[i].low) / 2 for i in plain])
    ratios = found.floors[plain] / halves / (1.96 * 2**0.5 * 0.05)
    assert ratios.mean().item() == pytest.approx(1, abs=0.03)
    assert ratios.min() > 0.7 and ratios.max() < 1.3
    fresh = pairs_of(800, seed=1)
    times = what_changed(fresh.before, fresh.after, noisy, noise_floor=found).times
    stayed = fresh.cats_before.table == fresh.cats_after.table
    assert (times[stayed] > 1).float().mean().item() == pytest.approx(0.05, abs=0.01)


def test_what_a_reader_confuses_raises_the_floor_and_is_not_held_against_the_edit():
    def turned_looks_old(images):
        numbers = exact(images)
        numbers[:, column("age")] += 0.5 * numbers[:, column("yaw")]
        return numbers

    pairs = pairs_of(400)
    found = noise_floor(turned_looks_old, pairs)
    stayed = pairs.cats_before["age"] == pairs.cats_after["age"]
    turned = (pairs.cats_after["yaw"] - pairs.cats_before["yaw"])[stayed]
    expected = (0.5 * turned / 50 * 0.5).abs().quantile(0.95)  # of yaw's 50 degrees, age's 0.5
    assert found.floors[NAMES.index("age")].item() == pytest.approx(expected.item(), rel=1e-3)
    before, after = written(world.neutral(1)), written(world.neutral(1, yaw=30))
    change = what_changed(before, after, turned_looks_old, noise_floor=found)
    assert change["age"].item() == pytest.approx(0.15, rel=1e-4)
    assert change.moved == ("yaw",)


@pytest.mark.parametrize(("gain", "explained"), [(1.0, 1.0), (0.5, 0.75), (0.0, 0.0), (-1.0, 0.0)])
def test_a_reader_that_tells_a_share_of_every_change_explains_as_much(gain, explained):
    def weak(images):
        numbers = exact(images)
        numbers[:, column("yaw")] *= gain
        return numbers

    found = noise_floor(weak, pairs_of(100)).explained
    assert found[NAMES.index("yaw")].item() == pytest.approx(explained, abs=1e-4)
    assert found[NAMES.index("pitch")].item() == pytest.approx(1, abs=1e-4)


HUES = ("glasses_hue", "bow_tie_hue", "hat_hue")


@pytest.mark.parametrize("name", HUES)
def test_the_floor_of_a_hue_is_made_of_the_pairs_that_wear_it(name):
    rng, at = seeding.make(9), column(name)

    def shaky(images):
        numbers = exact(images)
        angle = torch.atan2(numbers[:, at + 1], numbers[:, at])
        size = numbers[:, at : at + 2].norm(dim=1)
        angle = angle + torch.deg2rad(5 * torch.randn(len(images), generator=rng))
        numbers[:, at], numbers[:, at + 1] = size * angle.cos(), size * angle.sin()
        return numbers

    found = noise_floor(shaky, pairs_of(1200))
    floor = found.floors[NAMES.index(name)].item()  # 0 if those that wear nothing counted as well
    assert floor == pytest.approx(1.96 * 2**0.5 * 5, rel=0.2)


def test_a_hue_that_too_few_wear_is_one_that_the_reader_cannot_tell():
    bare = pairs_of(300)
    cats = [c.replace(hat=0) for c in (bare.cats_before, bare.cats_after)]
    found = noise_floor(exact, ProbePairs(*map(written, cats), *cats))
    assert found.floors[NAMES.index("hat_hue")] == torch.inf
    assert "hat_hue" in found.unread and "glasses_hue" not in found.unread


def test_a_floor_as_high_as_the_changes_is_called_weak_with_what_would_show():
    rng = seeding.make(10)

    def dim(images):  # sees every bib come and go, behind a fog as large as a bib
        numbers = exact(images)
        numbers[:, column("bib")] += 1.6 * torch.rand(len(images), generator=rng)
        return numbers

    found = noise_floor(dim, pairs_of(800))
    place = NAMES.index("bib")
    assert found.explained[place] > 0.25 and found.power[place] < 0.1
    assert found.weak == ("bib",) and "bib" in found.unread
    cat = written(world.neutral(1))
    change = what_changed(cat, cat, exact, noise_floor=found)
    smallest = 2 * found.floors[place].item()
    assert change.smallest("bib") == pytest.approx(smallest)
    text = " ".join(str(change).split())
    assert f"bib (below {smallest:.2g} share)" in text
    assert "nose_length (" not in text


def test_power_is_the_share_of_changes_read_beyond_two_floors():
    def step(images):  # sees every tenth of yaw's range, so that small turns stay unseen
        numbers = exact(images)
        numbers[:, column("yaw")] = (5 * numbers[:, column("yaw")]).round() / 5
        return numbers

    pairs = pairs_of(400)
    found = noise_floor(step, pairs)
    place = NAMES.index("yaw")
    turned = (pairs.cats_after["yaw"] - pairs.cats_before["yaw"])[
        pairs.cats_after["yaw"] != pairs.cats_before["yaw"]
    ]
    read = step(pairs.after)[:, column("yaw")] - step(pairs.before)[:, column("yaw")]
    share = (read.abs() > 1e-3).sum() / len(turned)
    assert found.power[place].item() == pytest.approx(share.item(), abs=1e-4)


def test_what_is_explained_counts_errors_only_where_the_factor_changed():
    rng = seeding.make(6)

    def noisy(images):
        numbers = exact(images)
        numbers[:, column("yaw")] += 0.2 * torch.randn(len(images), generator=rng)
        return numbers

    pairs = pairs_of(800)
    turned = (pairs.cats_after["yaw"] - pairs.cats_before["yaw"]) / 50
    expected = 1 - 2 * 0.2**2 / turned[turned != 0].square().mean().item()
    found = noise_floor(noisy, pairs).explained[NAMES.index("yaw")].item()
    assert found == pytest.approx(expected, abs=0.05)


def test_a_hue_read_ten_degrees_off_is_explained_even_where_the_short_way_turns_over():
    rng = seeding.make(7)
    at = column("background_hue")

    def shaky(images):
        numbers = exact(images)
        angle = torch.atan2(numbers[:, at + 1], numbers[:, at])
        angle = angle + torch.deg2rad(10 * torch.randn(len(images), generator=rng))
        numbers[:, at], numbers[:, at + 1] = angle.cos(), angle.sin()
        return numbers

    found = noise_floor(shaky, pairs_of(400)).explained[NAMES.index("background_hue")].item()
    assert found == pytest.approx(1 - 2 * 10**2 / (360**2 / 12), abs=0.02)


def test_a_reader_never_sure_of_a_hue_has_no_floor_for_it():
    at = column("eye_hue")

    def unsure(images):
        numbers = exact(images)
        numbers[:, at : at + 2] *= 0.3
        return numbers

    known = noise_floor(unsure, pairs_of(100))
    assert known.floors[NAMES.index("eye_hue")] == torch.inf
    assert "eye_hue" in known.unread
