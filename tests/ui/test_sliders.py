"""Sliders show what the pure functions give, and say what goes wrong, without a browser."""

from __future__ import annotations

import pytest
import torch

from hw5 import latents, ui, world
from hw5.interpolate import mix_layers, slerp
from hw5.kit import images, seeding
from hw5.kit.checks import InputError
from hw5.ui import cats, codes, poses

PNG, JPEG = b"\x89PNG", b"\xff\xd8"


def pair(generator, space="w"):
    both = latents.sample_codes(generator, space, 2, rng=seeding.make(3))
    return both[:1], both[1:]


def test_the_sampler_shows_the_picture_of_its_seed(tiny):
    panel = ui.sampler(tiny)
    panel.seed.value = 7
    assert panel.settle()
    code = latents.sample_codes(tiny, "w", 1, rng=seeding.make(7))
    assert panel.picture == images.to_png(latents.render(tiny, code, "w"))


def test_truncation_to_nothing_gives_the_mean_code(tiny):
    panel = ui.sampler(tiny, seed=5)
    panel.truncation.value = 0
    mean = latents.mean_code(tiny, "w", rng=seeding.make(0))
    torch.testing.assert_close(panel.codes, mean)


def test_truncation_scales_the_distance_from_the_mean(tiny, rng):
    mean, some = torch.ones(1, 1, 4), torch.randn(3, 1, 4, generator=rng)
    half = codes.truncate(some, mean, 0.5)
    torch.testing.assert_close((half - mean).norm(), (some - mean).norm() / 2)


def test_a_generator_without_w_is_sampled_in_z(tiny_z):
    panel = ui.sampler(tiny_z)
    assert panel.space == "z" and panel.codes.shape == (1, 4)


def test_the_ends_of_a_walk_are_its_codes(tiny):
    a, b = pair(tiny)
    panel = ui.walk(tiny, a, b, "w")
    for t, end in ((0, a), (1, b)):
        panel.t.value = t
        assert torch.equal(panel.code, end)


def test_a_walk_in_z_follows_the_arc(tiny_z):
    a, b = pair(tiny_z, "z")
    panel = ui.walk(tiny_z, a, b, "z")
    panel.t.value = 0.25
    torch.testing.assert_close(panel.code, slerp(a, b, 0.25))


def test_a_walk_refuses_several_codes(tiny):
    a, b = pair(tiny)
    with pytest.raises(InputError, match="one code each"):
        ui.walk(tiny, torch.cat([a, b]), torch.cat([a, b]), "w")


def test_whole_shares_mix_like_mix_layers(tiny):
    a, b = (latents.broadcast_layers(c, tiny.num_layers) for c in pair(tiny))
    panel = ui.mixer(tiny, a, b)
    panel.take([1, 3])
    assert torch.equal(panel.code, mix_layers(a, b, [1, 3]))


def test_a_share_of_a_layer_lies_between(tiny):
    a, b = pair(tiny)
    panel = ui.mixer(tiny, a, b)
    panel.shares[2].value = 0.25
    torch.testing.assert_close(panel.code[:, 2], (0.75 * a + 0.25 * b)[:, 0])
    assert torch.equal(panel.code[:, 0], a[:, 0])


def test_mixing_needs_layers(tiny_z):
    with pytest.raises(InputError, match=r"one with w\+"):
        ui.mixer(tiny_z, *pair(tiny_z, "z"))


def test_a_moving_slider_shows_jpeg_and_a_resting_one_png(tiny):
    panel = ui.sampler(tiny)
    shown = []
    panel.pane.image.observe(lambda change: shown.append(bytes(change["new"][:4])), "value")
    panel.seed.value = 3
    assert panel.settle()
    assert shown[0].startswith(JPEG) and shown[-1] == PNG
    assert panel.pane.image.format == "png"


def test_an_exception_behind_a_slider_is_a_line_below_the_picture(tiny, monkeypatch):
    panel = ui.sampler(tiny)
    before = panel.picture

    def broken(*_, **__):
        raise NotImplementedError("Task 2.5")

    monkeypatch.setattr(codes, "render", broken)
    panel.seed.value = 1
    assert panel.settle()
    assert "NotImplementedError: Task 2.5 (test_sliders.py" in panel.message
    assert panel.picture == before
    monkeypatch.undo()
    panel.seed.value = 2
    assert panel.settle() and panel.message == "" and panel.picture != before


def test_the_first_picture_fails_under_the_cell(tiny, monkeypatch):
    monkeypatch.setattr(codes, "render", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        ui.sampler(tiny)


def test_every_factor_has_one_control_on_one_tab():
    names = [name for tab in cats.TABS.values() for name in tab]
    assert sorted(names) == sorted(factor.name for factor in world.FACTORS)


@pytest.fixture(scope="module")
def cat():
    return ui.world()


def test_the_cat_is_the_one_of_the_sliders(cat):
    cat.controls["hat"].value = 1
    cat.controls["yaw"].value = -30
    assert cat.settle(60)
    wanted = world.neutral(hat=1.0, yaw=-30.0)
    torch.testing.assert_close(cat.factors.table, wanted.table)
    assert cat.picture == images.to_png(world.render(wanted, size=cats.SHARP).image)


def test_the_sliders_take_the_factors_of_any_cat(cat):
    wanted = world.sample(1, distribution="scenes", rng=seeding.make(4))
    cat.factors = wanted
    torch.testing.assert_close(cat.factors.table, wanted.table)
    assert cat.settle(60)


def test_the_head_turns_to_the_pointer(cat):
    cat.pointer.at = [1.0, -0.5]
    assert (cat.factors["yaw"], cat.factors["pitch"]) == (50, -11)
    assert cat.settle(60)


def test_a_row_of_cats_is_refused():
    with pytest.raises(InputError, match="number of cats"):
        ui.world(world.neutral(2))


def test_poses_are_rendered_ahead_from_the_nearest():
    known = poses.Poses(16)
    here = world.neutral(yaw=20.0, pitch=-5.0)
    assert known.picture(here) is None and known.fill()
    picture = known.picture(here)
    nearest = dict(zip(("yaw", "pitch"), poses.angles(poses.place(here)), strict=True))
    difference = picture - world.render(here.replace(**nearest), size=16).image
    assert difference.abs().mean() < 1e-3


def test_another_cat_empties_the_poses():
    known = poses.Poses(16)
    known.picture(world.neutral())
    known.fill()
    assert known.picture(world.neutral(hat=1.0)) is None


def test_poses_cover_the_whole_range():
    low, high = poses.angles(poses.ALL[0]), poses.angles(poses.ALL[-1])
    assert low == (-50, -22) and high == pytest.approx((50, 22))


def test_weights_reach_the_function_and_its_text_is_shown():
    panel = ui.weights(
        lambda pixel, penalty: f"{pixel} and {penalty}", pixel=(0, 20, 10), penalty=2
    )
    panel.sliders["pixel"].value = 4
    assert panel.settle()
    assert panel.result == "4.0 and 2.0" and "4.0 and 2.0" in panel.pane.text


def test_a_slow_function_is_told_that_newer_weights_wait():
    seen = []

    def slow(a, should_stop):
        while a == 1 and not should_stop():
            pass
        seen.append(a)
        return "text"

    panel = ui.weights(slow, a=(0, 4, 1))
    panel.sliders["a"].value = 3
    assert panel.settle()
    assert seen[-1] == 3 and panel.values == {"a": 3.0}


@pytest.mark.parametrize("limits", [(2, 1), (0, 1, 2), (0, 1, 2, 3), (1, 1)])
def test_ranges_out_of_order_are_refused(limits):
    with pytest.raises(InputError, match="in order"):
        ui.weights(print, a=limits)


def test_the_picture_is_sent_before_the_words_about_it(tiny):
    panel, order = ui.sampler(tiny), []
    panel.pane.image.observe(lambda _: order.append("picture"), "value")
    panel.pane._caption.observe(lambda _: order.append("words"), "value")
    panel.seed.value = 3
    assert panel.settle() and order[:2] == ["picture", "words"]


def test_a_caption_is_shown_although_the_picture_fails(tiny, monkeypatch):
    panel = ui.sampler(tiny)
    monkeypatch.setattr(codes, "render", lambda *_, **__: 1 / 0)
    panel.seed.value = 9
    assert panel.settle()
    assert "seed 9" in panel.pane._caption.value and "ZeroDivisionError" in panel.message


def test_a_draft_is_the_picture_of_the_pure_functions_up_to_rounding(tiny, decoded):
    panel, drafts = ui.sampler(tiny), []
    panel.pane.image.observe(lambda change: drafts.append(bytes(change["new"])), "value")
    panel.seed.value = 7
    assert panel.settle()
    code = latents.sample_codes(tiny, "w", 1, rng=seeding.make(7))
    wanted = images.to_jpeg(latents.render(tiny, code, "w"))
    assert abs(decoded(drafts[0]).astype(int) - decoded(wanted)).max() <= 2


def test_a_small_draft_is_drawn_by_one_thread_of_torch_and_others_keep_theirs():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with codes.one_thread():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
