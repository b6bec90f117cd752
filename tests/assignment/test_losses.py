"""Losses against values made by hand, finite differences, and what must not matter."""

from __future__ import annotations

import pytest
import torch
from torch.autograd import gradcheck

from hw5 import losses
from hw5.config import LossWeights
from hw5.kit.checks import InputError
from hw5.loss_parts import layers_between
from hw5.checking.fakes import SmallFeatures, fixed_draw, per_picture
from tests.tolerances import assert_close

WHITE, BLACK = torch.ones(1, 3, 4, 4), -torch.ones(1, 3, 4, 4)


def half_mask():
    mask = torch.zeros(1, 1, 4, 4)
    mask[..., :2] = 1
    return mask


def plain_lpips(output, target):
    """Stands for the lpips package: one number per picture, an average over all pixels."""
    return (output - target).square().mean(dim=(1, 2, 3), keepdim=True)


def lpips_map(output, target):
    return (output - target).square().mean(dim=1, keepdim=True)


def test_masked_mean_of_a_hand_sized_example():
    values = torch.tensor([1.0, 2.0, 3.0, 4.0]).view(1, 1, 2, 2)
    mask = torch.tensor([1.0, 0.0, 0.0, 1.0]).view(1, 1, 2, 2)
    assert_close(
        losses.masked_mean(values, mask), per_picture(2.5), "exact", "Divided by all pixels?"
    )


def test_masked_mean_averages_over_channels_too():
    values = torch.stack([torch.ones(2, 2), 3 * torch.ones(2, 2)])[None]
    assert_close(losses.masked_mean(values, torch.ones(1, 1, 2, 2)), per_picture(2.0), "exact")


def test_masked_mean_without_mask_is_the_mean_of_each_picture():
    values = torch.arange(8.0).view(2, 1, 2, 2)
    assert_close(losses.masked_mean(values), per_picture(1.5, 5.5), "exact")


def test_an_empty_mask_asks_for_nothing():
    assert_close(losses.masked_mean(WHITE, torch.zeros(1, 1, 4, 4)), per_picture(0.0), "exact")


def test_nan_outside_the_mask_does_not_spoil_the_mean():
    values = WHITE.clone()
    values[..., 3] = torch.nan
    assert_close(
        losses.masked_mean(values, half_mask()), per_picture(1.0), "exact", "0 * nan is nan"
    )


def test_fractions_of_a_mask_count_as_shares():
    values = torch.tensor([1.0, 5.0]).view(1, 1, 1, 2)
    mask = torch.tensor([1.0, 0.25]).view(1, 1, 1, 2)
    assert_close(losses.masked_mean(values, mask), per_picture((1 + 1.25) / 1.25), "float32")


@pytest.mark.parametrize(("norm", "expected"), [("l1", 2.0), ("l2", 4.0)])
def test_pixel_loss_between_black_and_white(norm, expected):
    assert_close(losses.pixel_loss(WHITE, BLACK, norm=norm), per_picture(expected), "exact")


def test_pixel_loss_answers_for_each_picture_of_a_batch():
    batch = torch.cat([WHITE, BLACK, 0 * WHITE])
    assert_close(losses.pixel_loss(batch, WHITE), per_picture(0.0, 2.0, 1.0), "exact")


def test_pixel_loss_does_not_depend_on_the_area_of_a_uniform_scribble():
    for columns in (1, 2, 4):
        mask = torch.zeros(1, 1, 4, 4)
        mask[..., :columns] = 1
        assert_close(
            losses.pixel_loss(WHITE, BLACK, mask), per_picture(2.0), "exact", "masked mean?"
        )


def test_pixel_loss_refuses_a_target_of_another_size():
    with pytest.raises(InputError, match=r"target.*\(1, 3, 4, 4\).*\(1, 3, 8, 8\)"):
        losses.pixel_loss(WHITE, torch.zeros(1, 3, 8, 8))


def test_pixel_loss_refuses_a_mask_with_four_channels():
    with pytest.raises(InputError, match="mask"):
        losses.pixel_loss(WHITE, BLACK, torch.ones(1, 4, 4, 4))


def test_pixel_loss_refuses_an_unknown_norm():
    with pytest.raises(InputError, match="l1"):
        losses.pixel_loss(WHITE, BLACK, norm="L3")


def test_feature_distance_between_zeros_and_ones():
    distance = losses.feature_distance(torch.zeros(2, 5, 3, 3), torch.ones(2, 5, 3, 3))
    assert_close(distance, per_picture(1.0, 1.0), "exact")


def test_gram_matrix_of_two_channels_by_hand():
    features = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).view(1, 2, 1, 2)
    expected = torch.tensor([[[5.0, 11.0], [11.0, 25.0]]]) / 2  # 2 positions
    assert_close(losses.gram_matrix(features), expected, "exact")


def test_gram_matrix_of_a_masked_position_by_hand():
    features = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).view(1, 2, 1, 2)
    mask = torch.tensor([0.0, 1.0]).view(1, 1, 1, 2)
    assert_close(
        losses.gram_matrix(features, mask), torch.tensor([[[4.0, 8.0], [8.0, 16.0]]]), "exact"
    )


def test_gram_matrix_does_not_grow_with_the_picture():
    features = fixed_draw(0, 1, 4, 3, 3)
    assert_close(
        losses.gram_matrix(features.repeat(1, 1, 5, 5)), losses.gram_matrix(features), "float64"
    )


def test_style_distance_by_hand():
    ours, theirs = torch.full((1, 2, 1, 1), 2.0), torch.zeros(1, 2, 1, 1)
    # G is 4 everywhere, A is 0: sum 4 * 16, over 4 C^2 = 16
    assert_close(losses.style_distance(ours, theirs), per_picture(4.0), "exact")


def test_style_does_not_depend_on_where_things_are():
    features, target = fixed_draw(1, 1, 4, 3, 3), fixed_draw(2, 1, 4, 3, 3)
    shuffled = features.flatten(2)[..., torch.randperm(9)].view_as(features)
    expected = losses.style_distance(features, target)
    assert_close(losses.style_distance(shuffled, target), expected, "float64")


def test_latent_penalty_of_plus_and_minus_one():
    delta = torch.tensor([[1.0, -1.0], [2.0, 0.0]])[:, None]
    assert_close(losses.latent_penalty(delta), per_picture(1.0, 2.0), "exact")


def test_latent_penalty_weighs_the_same_in_w_and_in_w_plus():
    delta = fixed_draw(3, 2, 1, 5)
    assert_close(
        losses.latent_penalty(delta.repeat(1, 7, 1)), losses.latent_penalty(delta), "float64"
    )


@pytest.mark.parametrize("kind", [losses.PerceptualLoss, losses.StyleLoss])
class TestFeatureLosses:
    def test_equal_pictures_have_none(self, kind, features, picture, mask):
        loss = kind(features)
        assert_close(loss(picture, picture.clone()), per_picture(0.0), "exact")
        assert_close(loss(picture, picture.clone(), mask), per_picture(0.0), "exact")

    def test_is_the_weighted_sum_over_layers(self, kind, features, picture, other):
        singly = [kind(features, {n: 1.0})(picture, other) for n in ("conv_1_2", "conv_3_1")]
        both = kind(features, {"conv_3_1": 5.0, "conv_1_2": 2.0})(picture, other)
        assert_close(both, 2 * singly[0] + 5 * singly[1], "float64")

    def test_names_without_weights_share_a_weight_of_one(self, kind, features, picture, other):
        plain = kind(features, ("conv_1_1", "conv_2_1"))
        weighted = kind(features, {"conv_1_1": 0.5, "conv_2_1": 0.5})
        assert_close(plain(picture, other), weighted(picture, other), "exact")

    def test_what_the_target_shows_outside_the_mask_does_not_matter(
        self, kind, features, picture, other, mask
    ):
        loss = kind(features)
        spoiled = torch.where(mask > 0, other, -other)
        assert_close(loss(picture, spoiled, mask), loss(picture, other, mask), "exact", "leak")

    def test_a_mask_of_ones_is_no_mask(self, kind, features, picture, other, mask):
        loss = kind(features)
        everywhere = torch.ones_like(mask)
        assert_close(loss(picture, other, everywhere), loss(picture, other), "float64")

    def test_gradient_agrees_with_finite_differences(self, kind, features, picture, other, mask):
        loss = kind(features, ("conv_1_1", "conv_3_1"))
        output = picture.clone().requires_grad_()
        assert gradcheck(lambda x: loss(x, other), (output,))
        assert gradcheck(lambda x: loss(x, other, mask), (output,)), "gradient around the mask?"

    def test_one_target_serves_a_batch(self, kind, features, picture, other):
        loss = kind(features)
        batch = loss(torch.cat([picture, other]), other)
        assert_close(batch, torch.cat([loss(picture, other), loss(other, other)]), "float64")

    def test_refuses_an_unknown_layer_and_lists_the_known(self, kind, features):
        with pytest.raises(InputError, match="conv_3_2"):
            kind(features, ("conv_9_9",))


def test_perceptual_loss_computes_a_constant_target_once(features, picture, other):
    loss = losses.PerceptualLoss(features)
    for _ in range(3):
        loss(picture, other)
    assert features.calls == 4


def test_perceptual_loss_notices_a_target_changed_in_place(features, picture, other):
    loss, target = losses.PerceptualLoss(features), other.clone()
    loss(picture, target)
    target.copy_(picture)
    assert_close(
        loss(picture, target), per_picture(0.0), "exact", "features of the old target were kept"
    )


def test_a_stroke_thinner_than_a_cell_is_seen_by_deep_layers(features, picture, mask):
    loss = losses.PerceptualLoss(features, ("conv_3_1",))
    assert loss(picture, -picture, mask).item() > 1e-4


def test_perceptual_loss_keeps_its_size_when_a_uniform_scribble_grows(features):
    """Far from its border a scribble counts the same whatever its area."""
    loss = losses.PerceptualLoss(features, ("conv_1_1",))
    output, target = torch.zeros(1, 3, 32, 32).double(), torch.ones(1, 3, 32, 32).double()
    areas = []
    for side in (16, 24):
        mask = torch.zeros(1, 1, 32, 32).double()
        mask[..., :side, :side] = 1
        areas.append(loss(output, target, mask).item())
    assert areas[0] == pytest.approx(areas[1], rel=0.05)


@pytest.mark.parametrize("lpips", [plain_lpips, lpips_map])
class TestLpips:
    def test_without_mask_is_the_networks_answer(self, lpips):
        assert_close(losses.lpips_loss(WHITE, BLACK, lpips=lpips), per_picture(4.0), "exact")

    def test_does_not_depend_on_the_area_of_a_uniform_scribble(self, lpips):
        small = torch.zeros(1, 1, 4, 4)
        small[..., 0, 0] = 1
        for mask in (small, half_mask()):
            assert_close(
                losses.lpips_loss(WHITE, BLACK, mask, lpips=lpips), per_picture(4.0), "float32"
            )

    def test_ignores_the_target_outside_the_mask(self, lpips):
        spoiled = torch.where(half_mask() > 0, BLACK, 0.3 * BLACK)
        assert_close(
            losses.lpips_loss(WHITE, spoiled, half_mask(), lpips=lpips), per_picture(4.0), "float32"
        )

    def test_an_empty_mask_asks_for_nothing(self, lpips):
        nothing = torch.zeros(1, 1, 4, 4)
        assert_close(
            losses.lpips_loss(WHITE, BLACK, nothing, lpips=lpips), per_picture(0.0), "exact"
        )

    def test_answers_for_each_picture_of_a_batch(self, lpips):
        batch = torch.cat([WHITE, BLACK])
        for mask in (None, half_mask()):
            assert_close(
                losses.lpips_loss(batch, BLACK, mask, lpips=lpips), per_picture(4.0, 0.0), "float32"
            )


class TestCriterion:
    weights = LossWeights(
        pixel=2.0, perceptual=3.0, style=4.0, lpips=5.0, penalty=6.0, layers=("conv_1_1",)
    )

    def test_total_is_the_sum_of_the_weighted_terms(self, features, picture, other):
        delta = fixed_draw(5, 1, 5)
        criterion = losses.Criterion(self.weights, features, plain_lpips)
        total, terms = criterion(picture, other, None, delta)
        expected = {
            "pixel": 2 * losses.pixel_loss(picture, other),
            "perceptual": 3 * losses.PerceptualLoss(features, ("conv_1_1",))(picture, other),
            "style": 4 * losses.StyleLoss(features, ("conv_1_1",))(picture, other),
            "lpips": 5 * plain_lpips(picture, other).flatten(),
            "penalty": 6 * losses.latent_penalty(delta),
        }
        assert list(terms) == list(expected)
        for name, value in expected.items():
            assert_close(terms[name], value, "float64", name)
        assert_close(total, sum(expected.values()), "float64")

    def test_terms_that_are_switched_off_are_not_computed(self, features, picture, other):
        criterion = losses.Criterion(LossWeights(perceptual=0.0), features)
        assert list(criterion(picture, other, None, fixed_draw(5, 1, 5)).terms) == ["pixel"]
        assert features.calls == 0

    def test_the_mask_reaches_every_term(self, features, picture, other, mask):
        criterion = losses.Criterion(self.weights, features, plain_lpips)
        spoiled = torch.where(mask > 0, other, -other)
        for name, value in criterion(picture, spoiled, mask).terms.items():
            assert_close(value, criterion(picture, other, mask).terms[name], "exact", name)

    def test_the_norm_reaches_the_pixel_term(self):
        criterion = losses.Criterion(LossWeights(pixel=1.0, norm="l2", perceptual=0.0))
        assert_close(criterion(WHITE, BLACK).total, per_picture(4.0), "exact")

    @pytest.mark.parametrize("name", ["perceptual", "style", "lpips"])
    def test_a_missing_network_is_named(self, name):
        weights = LossWeights(**{"perceptual": 0.0, name: 0.5})
        with pytest.raises(InputError, match="lpips" if name == "lpips" else "features"):
            losses.Criterion(weights)

    def test_layer_weights_reach_the_perceptual_term(self, features, picture, other):
        weights = LossWeights(
            pixel=0, perceptual=1, layers=("conv_2_1", "conv_1_1"), layer_weights=(3.0, 1.0)
        )
        expected = losses.PerceptualLoss(features, {"conv_1_1": 1.0, "conv_2_1": 3.0})
        total = losses.Criterion(weights, features)(picture, other).total
        assert_close(total, expected(picture, other), "exact")


REPORT_ABLATION = {
    "conv_1_1 to 1_2": ("conv_1_1", "conv_1_2"),
    "conv_2_1 to 3_2": ("conv_2_1", "conv_3_2"),
    "conv_1_1 to 3_1": ("conv_1_1", "conv_3_1"),
}


@pytest.mark.parametrize("ends", REPORT_ABLATION.values(), ids=REPORT_ABLATION)
@pytest.mark.parametrize("perceptual", [0.0, 0.3, 0.5, 0.7, 1.0])
def test_each_row_of_the_reports_ablation_is_one_line(ends, perceptual, features, picture, other):
    weights = LossWeights(pixel=1 - perceptual, norm="l2", perceptual=perceptual, layers=layers_between(features, *ends), penalty=0.1)  # fmt: skip # noqa: E501
    terms = losses.Criterion(weights, features)(picture, other, None, fixed_draw(6, 1, 5)).terms
    wanted = {"pixel": perceptual < 1, "perceptual": perceptual > 0, "penalty": True}
    assert set(terms) == {name for name, is_on in wanted.items() if is_on}


def test_layers_between_are_in_depth_order():
    names = SmallFeatures.layer_names
    assert layers_between(SmallFeatures(), "conv_1_1", "conv_3_1") == names[:5]


def test_layers_between_refuses_the_wrong_order(features):
    with pytest.raises(InputError, match="shallower"):
        layers_between(features, "conv_3_1", "conv_1_1")


@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_pixel_loss_gradient_agrees_with_finite_differences(norm, picture, other, mask):
    output = picture.clone().requires_grad_()
    assert gradcheck(lambda x: losses.pixel_loss(x, other, mask, norm=norm), (output,))


def test_losses_leave_their_input_alone(features, picture, other, mask):
    before = picture.clone(), other.clone(), mask.clone()
    losses.Criterion(TestCriterion.weights, features, plain_lpips)(picture, other, mask)
    for now, then in zip((picture, other, mask), before, strict=True):
        assert_close(now, then, "exact")
