"""Checks let good tensors pass and answer bad ones with one line that helps."""

import math
import pickle

import numpy as np
import pytest
import torch

from hw5.kit import checks, seeding
from hw5.kit.checks import InputError


def refusal(function, *arguments, **options) -> str:
    """The message of the InputError that a call raises, which must be one line."""
    with pytest.raises(InputError) as caught:
        function(*arguments, **options)
    message = str(caught.value)
    assert message.isprintable(), "an error is one printable line"
    return message


class TestInputError:
    def test_a_line_break_in_a_file_name_stays_in_one_line(self):
        assert str(InputError("a\nb\r\x00c\ud800")) == r"a\nb\r\x00c\ud800"

    def test_letters_of_other_languages_stay_readable(self):
        assert str(InputError("Bär.png: 猫")) == "Bär.png: 猫"

    def test_it_survives_pickling_between_processes(self):
        assert str(pickle.loads(pickle.dumps(InputError("x")))) == "x"

    def test_about_says_name_expected_got_and_hint(self):
        error = InputError.about("mask", expected="(1,)", got=(2,), hint="look")
        assert str(error) == "mask: expected (1,), got (2,). Hint: look"


class TestCheckShape:
    def test_a_letter_takes_any_size(self):
        checks.check_shape("x", torch.zeros(5, 3), ("N", 3))

    def test_the_same_letter_twice_must_be_the_same_size(self):
        checks.check_shape("x", torch.zeros(4, 4), ("H", "H"))
        assert "(H, H), got (4, 5)" in refusal(
            checks.check_shape, "x", torch.zeros(4, 5), ("H", "H")
        )

    @pytest.mark.parametrize("shape", [(3,), (5, 4), (5, 3, 1)])
    def test_another_shape_is_refused(self, shape):
        refusal(checks.check_shape, "x", torch.zeros(shape), ("N", 3))

    def test_something_that_is_no_tensor_is_named(self):
        assert "got list" in refusal(checks.check_shape, "x", [1, 2], ("N",))

    def test_the_hint_is_passed_on(self):
        assert refusal(checks.check_shape, "x", torch.zeros(1), (2,), hint="try y").endswith(
            "try y"
        )


class TestCheckImages:
    def test_full_black_and_white_pass(self):
        checks.check_images("x", torch.tensor([-1.0, 1.0]).view(1, 1, 1, 2).expand(2, 3, 4, 2))

    @pytest.mark.parametrize(
        ("images", "slip"),
        [
            (torch.full((1, 3, 8, 8), 200.0), "from_uint8"),
            (torch.zeros(3, 8, 8), "images[None]"),
            (torch.zeros(8, 8, 3), "permute"),
            (torch.zeros(1, 8, 8, 3), "permute"),
            (torch.zeros(1, 4, 8, 8), "alpha"),
            (torch.zeros(1, 3, 8, 8, dtype=torch.uint8), "from_uint8"),
            (np.zeros((8, 8, 3)), "from_uint8"),
            (torch.zeros(0, 3, 8, 8), "at least one"),
            (torch.full((1, 3, 8, 8), 1.5), "[1.5, 1.5]"),
            (torch.full((1, 3, 8, 8), -1.5), "[-1.5, -1.5]"),
        ],
    )
    def test_the_likely_slip_is_named(self, images, slip):
        assert slip in refusal(checks.check_images, "x", images)

    def test_one_nan_is_found_and_counted(self):
        images = torch.zeros(1, 3, 8, 8)
        images[0, 1, 2, 3] = math.nan
        assert "1 of 192" in refusal(checks.check_images, "x", images)

    def test_another_size_is_refused_with_the_way_out(self):
        assert "resize(images, 64)" in refusal(
            checks.check_images, "x", torch.zeros(1, 3, 8, 8), size=64
        )


class TestCheckMask:
    LIKE = torch.zeros(2, 3, 8, 9)

    @pytest.mark.parametrize("batch", [1, 2])
    def test_one_mask_may_serve_every_picture(self, batch):
        checks.check_mask("mask", torch.ones(batch, 1, 8, 9), self.LIKE)

    @pytest.mark.parametrize(
        "mask",
        [
            torch.ones(3, 1, 8, 9),
            torch.ones(2, 3, 8, 9),
            torch.ones(2, 1, 9, 8),
            torch.ones(8, 9),
            torch.full((2, 1, 8, 9), 0.5),
            torch.full((2, 1, 8, 9), math.nan),
            torch.ones(2, 1, 8, 9, dtype=torch.bool),
            None,
        ],
    )
    def test_anything_else_is_refused(self, mask):
        refusal(checks.check_mask, "mask", mask, self.LIKE)


class TestCheckChoice:
    def test_a_misspelt_word_gets_the_nearest(self):
        assert "did you mean 'stylegan2'" in refusal(
            checks.check_choice, "model", "stlyegan2", ["dcgan", "stylegan2"]
        )

    @pytest.mark.parametrize("value", [None, 3, ["z"], ""])
    def test_values_of_other_kinds_are_refused(self, value):
        assert "one of z, w" in refusal(checks.check_choice, "space", value, ("z", "w"))


class TestCheckNumber:
    @pytest.mark.parametrize("value", [0, 1, 0.5, np.float32(0.5), np.int64(1)])
    def test_both_ends_and_numpy_numbers_pass(self, value):
        checks.check_number("x", value, low=0, high=1)

    @pytest.mark.parametrize(
        "value", [-1, 2, math.nan, math.inf, True, "1", None, pytest.param(10**5000, id="huge")]
    )
    def test_anything_else_is_refused(self, value):
        refusal(checks.check_number, "x", value, low=0, high=1)

    def test_infinity_is_refused_without_an_upper_limit(self):
        refusal(checks.check_number, "x", math.inf, low=0)

    def test_a_fraction_is_no_whole_number(self):
        refusal(checks.check_number, "x", 1.0, low=0, whole=True)


class TestSeeding:
    def test_a_seed_gives_the_same_draws_again(self):
        first, second = (torch.randn(9, generator=seeding.make(7)) for _ in range(2))
        assert first.equal(second)

    def test_two_seeds_give_different_draws(self):
        first, second = (torch.randn(9, generator=seeding.make(seed)) for seed in (7, 8))
        assert not first.equal(second)

    def test_the_global_generator_is_left_alone(self):
        before = torch.get_rng_state()
        torch.randn(9, generator=seeding.make(7))
        assert before.equal(torch.get_rng_state())

    @pytest.mark.parametrize("seed", [-1, 2**53, 0.5, "7", None])
    def test_a_bad_seed_is_refused(self, seed):
        refusal(seeding.make, seed)


def test_nothing_is_counted_beyond_many_unless_a_limit_says_so():
    checks.check_number("steps", checks.MANY, low=1, whole=True)
    checks.check_number("seed", 10**12, low=0, high=10**15, whole=True)
    with pytest.raises(InputError, match=r"steps: expected a whole number from 1 to 1000000000"):
        checks.check_number("steps", 10**30, low=1, whole=True)
