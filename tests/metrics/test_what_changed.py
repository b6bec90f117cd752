"""The ruler for edits: with readers whose errors are known, then with rendered cats."""

from __future__ import annotations

import pytest
import torch

from hw5 import world
from hw5.kit import seeding
from hw5.kit.checks import InputError
from hw5.metrics.ruler import open_ruler
from hw5.metrics.what_changed import (
    NoiseFloor,
    noise_floor,
    probe_pairs,
    what_changed,
)
from hw5.world.factors import FACTORS
from tests.metrics.written_cats import (
    EXACT_FLOOR,
    FIXED,
    NAMES,
    ONES,
    column,
    exact,
    pairs_of,
    written,
)


def dressed(**values):
    return world.neutral(1, hat=1, glasses=1, bow_tie=1, **values)


@pytest.fixture(scope="module")
def exact_floor():
    return noise_floor(exact, pairs_of(300))


@pytest.mark.parametrize("factor", FACTORS, ids=lambda factor: factor.name)
def test_an_exact_reader_reports_the_moved_factor_in_its_unit_and_no_other(factor, exact_floor):
    cat = dressed()
    step = 1.0 if factor.unit == "choice" else 0.3 * (factor.high - factor.low)
    value = cat[factor.name].item()
    step = step if value + step <= factor.high else -step
    edited = cat.replace(**{factor.name: value + step})
    change = what_changed(written(cat), written(edited), exact, noise_floor=exact_floor)
    assert change[factor.name].item() == pytest.approx(step, rel=1e-4)
    assert change.moved == (() if factor.name in FIXED else (factor.name,))
    assert exact_floor.unread == FIXED


@pytest.mark.parametrize(("start", "end", "way"), [(350, 10, 20), (10, 350, -20), (100, 300, -160)])
def test_hues_go_the_short_way_round(start, end, way):
    before, after = (written(world.neutral(1, coat_hue=hue)) for hue in (start, end))
    change = what_changed(before, after, exact, noise_floor=EXACT_FLOOR)
    assert change["coat_hue"].item() == pytest.approx(way, abs=1e-3)


def test_the_hue_of_a_hat_counts_only_where_it_is_worn_before_and_after():
    worn, other = world.neutral(1, hat=1, hat_hue=10), world.neutral(1, hat=1, hat_hue=100)
    bare = world.neutral(1, hat=0, hat_hue=100)
    for before, after, moved in (
        (worn, other, ("hat_hue",)),
        (worn, bare, ("hat",)),
        (bare, worn, ("hat",)),
    ):
        change = what_changed(written(before), written(after), exact, noise_floor=EXACT_FLOOR)
        assert change.moved == moved


def test_a_hue_of_which_the_reader_is_not_sure_is_neither_moved_nor_still():
    rng, at = seeding.make(8), column("coat_hue")

    def unsure_of_grey(images):
        numbers = exact(images)
        grey = numbers[:, column("coat_saturation")] < -0.5
        guess = torch.nn.functional.normalize(torch.randn(len(images), 2, generator=rng), dim=1)
        numbers[grey, at : at + 2] = 0.4 * guess[grey]
        return numbers

    known = noise_floor(unsure_of_grey, pairs_of(300))
    assert known.floors[NAMES.index("coat_hue")].item() == pytest.approx(0.36)  # the least there is
    assert known.explained[NAMES.index("coat_hue")].item() == pytest.approx(1, abs=1e-4)
    cats = world.neutral(2, coat_saturation=torch.tensor([0.1, 0.9]), coat_hue=30)
    before, after = written(cats), written(cats.replace(coat_hue=200))
    grey, red = (
        what_changed(before[[i]], after[[i]], unsure_of_grey, noise_floor=known) for i in (0, 1)
    )
    assert grey.moved == () and "coat_hue" in grey.unread and grey["coat_hue"].isnan().all()
    assert red.moved == ("coat_hue",) and red.unread == FIXED
    both = what_changed(before, after, unsure_of_grey, noise_floor=known)
    assert "coat_hue" in both.unread  # half of the pictures are not most
    three = what_changed(before[[0, 1, 1]], after[[0, 1, 1]], unsure_of_grey, noise_floor=known)
    assert str(three).splitlines()[1].split() == [
        "coat_hue",
        "+170",
        "degrees",
        "472.2",
        "2",
        "of",
        "3",
    ]


def test_of_a_factor_that_the_reader_does_not_see_nothing_is_said():
    rng = seeding.make(0)

    def blind(images):
        numbers = exact(images)
        numbers[:, column("yaw")] = 0.01 * torch.randn(len(images), generator=rng)
        return numbers

    found = noise_floor(blind, pairs_of(100))
    assert set(found.unread) == {"yaw", *FIXED}
    before, after = written(world.neutral(1)), written(world.neutral(1, yaw=45, pitch=9))
    change = what_changed(before, after, lambda x: exact(x) * 3, noise_floor=found)
    assert change.times[0, NAMES.index("yaw")] > 10 and "yaw" not in change.moved
    assert "yaw" in change.unread and "pitch" in change.moved


def test_what_was_not_asked_is_found():
    before, after = written(world.neutral(1)), written(world.neutral(1, yaw=20, age=0.1, zoom=1.1))
    change = what_changed(before, after, exact, noise_floor=EXACT_FLOOR)
    assert change.should_not_have({"yaw"}) == {"age", "zoom"}
    assert change.should_not_have({"yaw", "age", "zoom", "pitch"}) == set()
    with pytest.raises(InputError, match="did you mean 'yaw'"):
        change.should_not_have({"yau"})


def test_strays_are_counted_picture_by_picture():
    cats = world.neutral(3)
    edited = cats.replace(
        yaw=torch.tensor([9.0, 0.0, 9.0]), age=torch.tensor([0.6, 0.6, 0.1]), zoom=1.1
    )
    change = what_changed(written(cats), written(edited), exact, noise_floor=EXACT_FLOOR)
    aged = (cats["age"] - edited["age"]).abs() > 0.02
    assert change.strays({"zoom"}).tolist() == [1 + aged[0], 0 + aged[1], 1 + aged[2]]
    with pytest.raises(InputError, match="did you mean 'zoom'"):
        change.strays({"zom"})


def test_of_several_pictures_most_decide():
    cats = world.neutral(3)
    edited = cats.replace(yaw=torch.tensor([9.0, 10.0, 11.0]), age=torch.tensor([0.6, 0.6, 0.1]))
    change = what_changed(written(cats), written(edited), exact, noise_floor=EXACT_FLOOR)
    assert change["yaw"].tolist() == pytest.approx([9, 10, 11], rel=1e-4)
    assert change.moved == ("yaw",)
    assert change.share[NAMES.index("age")].item() == pytest.approx(1 / 3)


def test_k_is_counted_in_floors():
    floors = torch.full((len(FACTORS),), 10.0)
    known = NoiseFloor(floors, ONES, ONES)
    before, after = written(world.neutral(1)), written(world.neutral(1, yaw=-25))
    change = what_changed(before, after, exact, noise_floor=known, k=2.4)
    assert change.times[0, NAMES.index("yaw")].item() == pytest.approx(2.5, rel=1e-4)
    assert change.moved == ("yaw",)
    assert what_changed(before, after, exact, noise_floor=known, k=2.6).moved == ()


def test_the_table_names_what_moved_with_unit_and_sign_and_what_is_not_read(exact_floor):
    before, after = written(world.neutral(1)), written(world.neutral(1, yaw=-25, age=0.61))
    lines = str(what_changed(before, after, exact, noise_floor=exact_floor)).splitlines()
    assert lines[1].split() == ["yaw", "-25", "degrees", "250.0", "1", "of", "1"]
    assert lines[2].split()[:3] == ["age", "+0.01", "share"]
    assert lines[3] == f"{len(FACTORS) - 4} others within 2 floors"
    assert lines[4] == "2 that the reader cannot tell: eye_distance, nose_length"
    assert len(lines) == 5


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda a: what_changed(a, a[:1], exact, noise_floor=EXACT_FLOOR), "after"),
        (lambda a: what_changed(a[0], a[0], exact, noise_floor=EXACT_FLOOR), "before"),
        (lambda a: what_changed(a[:0], a[:0], exact, noise_floor=EXACT_FLOOR), "at least one"),
        (lambda a: what_changed(a, a, exact, noise_floor=EXACT_FLOOR, k=-1), "k"),
        (lambda a: what_changed(a, a, lambda x: x, noise_floor=EXACT_FLOOR), "reader"),
        (lambda a: what_changed(a, a, lambda x: exact(x)[:1], noise_floor=EXACT_FLOOR), "reader"),
        (lambda a: what_changed(a, a / 0, exact, noise_floor=EXACT_FLOOR), "finite"),
        (lambda a: what_changed(a, a, exact, noise_floor=EXACT_FLOOR)["tail"], "factor"),
        (lambda a: noise_floor(exact, pairs_of(9)), "at least 10"),
        (lambda a: noise_floor(exact, pairs_of(40), quantile=95), "quantile"),
        (lambda a: probe_pairs(0, rng=seeding.make(0)), "count"),
        (lambda a: probe_pairs(1, share=2, rng=seeding.make(0)), "share"),
        (lambda a: probe_pairs(1, dressed=-1, rng=seeding.make(0)), "dressed"),
        (lambda a: probe_pairs(1, distribution="cats", rng=seeding.make(0)), "portraits"),
    ],
)
def test_bad_input_gets_one_clear_line(make, message):
    with pytest.raises(InputError, match=message):
        make(written(world.neutral(2)))


def test_probe_pairs_show_their_cats_and_change_every_factor_in_the_asked_share(rng):
    pairs = probe_pairs(8, size=16, share=0.25, rng=rng)
    for images, cats in (
        (pairs.before, pairs.cats_before),
        (pairs.after, pairs.cats_after),
    ):
        expected = world.render(cats.select([0, 7]), 16).image
        torch.testing.assert_close(images[[0, 7]], expected, atol=1e-4, rtol=0)
    changed = pairs.cats_before.table != pairs.cats_after.table
    assert len(changed[:, [NAMES.index(name) for name in ("yaw", "age", "zoom")]].unique(dim=0)) > 2
    for name in ("yaw", "age", "stripes", "light_height"):
        assert changed[:, NAMES.index(name)].sum() == 2


@pytest.fixture(scope="module")
def shipped():
    """The shipped reader and its noise floor."""
    reader = open_ruler().read
    return reader, noise_floor(reader, probe_pairs(40, rng=seeding.make(0)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "start", "end"),
    [
        ("yaw", -40.0, 40.0),
        ("background_hue", 30.0, 210.0),
        ("light_azimuth", -70.0, 70.0),
        ("coat_brightness", 0.3, 0.9),
        ("glasses", 0.0, 1.0),
    ],
)
def test_the_shipped_reader_sees_what_moved_far_and_little_else(name, start, end, shipped):
    reader, known = shipped
    cats = world.sample(5, rng=seeding.make(1))
    cats = cats.replace(background=0, background_saturation=0.5, light_height=20)
    before, after = (world.render(cats.replace(**{name: v}), 64).image for v in (start, end))
    change = what_changed(before, after, reader, noise_floor=known)
    assert len(change.should_not_have({name})) <= 2, str(change)
    assert name in change.moved, f"{change.times[:, NAMES.index(name)]}\n{change}"


@pytest.mark.slow
def test_turning_dressed_cats_accuses_no_hue_of_what_they_wear():
    reader = open_ruler().read
    known = noise_floor(reader, probe_pairs(200, rng=seeding.make(0)))
    for seed in (5, 6):
        cats = world.sample(12, rng=seeding.make(seed)).replace(glasses=1, bow_tie=1, hat=1)
        before, after = (world.render(cats.replace(yaw=yaw), 64).image for yaw in (-10.0, 10.0))
        change = what_changed(before, after, reader, noise_floor=known)
        assert "yaw" in change.moved
        assert not change.should_not_have({"yaw"}), str(change)
    worn = {"glasses_hue", "bow_tie_hue", "hat_hue"} - set(known.unread)
    assert worn, "the ruler reads no hue of what is worn any more"


def test_half_turns_of_a_hue_to_either_side_do_not_cancel():
    cats = world.neutral(2, background_hue=torch.tensor([10.0, 200.0]))
    edited = cats.replace(background_hue=torch.tensor([180.0, 30.0]))  # +170 and -170
    change = what_changed(written(cats), written(edited), exact, noise_floor=EXACT_FLOOR)
    assert abs(change.mean("background_hue")) == pytest.approx(180, abs=1e-3)
    turned = what_changed(
        written(world.neutral(2)), written(world.neutral(2, yaw=10)), exact, noise_floor=EXACT_FLOOR
    )
    assert turned.mean("yaw") == pytest.approx(10, rel=1e-4)


def test_probed_pairs_are_cats_of_the_world_before_and_after():
    pairs = probe_pairs(60, size=16, rng=seeding.make(3))
    known = world.sample(4_000, rng=seeding.make(4))
    for cats in (pairs.cats_before, pairs.cats_after):
        coats = torch.stack([cats["coat_hue"] / 30, cats["coat_saturation"]], dim=1)
        real = torch.stack([known["coat_hue"] / 30, known["coat_saturation"]], dim=1)
        assert torch.cdist(coats, real).amin(dim=1).max() < 0.1
