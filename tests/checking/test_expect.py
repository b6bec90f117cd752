"""What the checks are made of: the right slip for each wrong answer, and none for a right one."""

from __future__ import annotations

import pytest
import torch

from hw5.checking import expect as e
from hw5.checking.explain import explain
from hw5.checking.fakes import fixed_draw

HALVED, OTHER = e.Slip("halved", "look here"), e.Slip("another shape", "look there")


def slip_of(call):
    with pytest.raises(e.Wrong) as caught:
        call()
    return caught.value.slip


def numbers(*values):
    return torch.tensor(values, dtype=torch.float64)


def test_a_right_answer_passes_whatever_the_order_of_its_sums():
    e.expect(numbers(0.1, 0.2) * 3, [0.3, 0.6])


def test_the_slip_whose_wrong_answer_came_is_named():
    slips = {OTHER: [7.0, 7.0], HALVED: [1.0, 2.0]}
    assert slip_of(lambda: e.expect(numbers(1.0, 2.0), [2.0, 4.0], slips)) is HALVED


def test_a_slip_can_be_known_by_its_shape():
    slips = {OTHER: (2, 2)}
    assert slip_of(lambda: e.expect(torch.zeros(2, 2), [1.0, 2.0], slips)) is OTHER


@pytest.mark.parametrize(
    ("got", "want", "slip"),
    [
        (None, [1.0], e.NOTHING),
        ("text", [1.0], e.NO_TENSOR),
        (numbers(-1.0, 2.0), [1.0, -2.0], e.TURNED),
        (numbers(torch.nan), [1.0], e.NOT_A_NUMBER),
        (torch.tensor(1.5), [1.0, 2.0], e.OVER_BATCH),
        (torch.zeros(2, 2), [1.0, 2.0], e.WRONG_SHAPE),
    ],
)
def test_what_the_answer_alone_tells_is_guessed(got, want, slip):
    assert slip_of(lambda: e.expect(got, want)) is slip


def test_a_constant_factor_is_told():
    assert (
        slip_of(lambda: e.expect(numbers(4.0, 12.0), [1.0, 3.0])).name
        == "4 times what it should be"
    )


def test_an_answer_that_is_only_wrong_gets_no_invented_slip():
    assert slip_of(lambda: e.expect(numbers(1.0, 5.0), [1.0, 3.0])) is None


def right(x):
    return (x * 2).flatten(1).sum(1)


@pytest.mark.parametrize(
    ("function", "word"),
    [
        (lambda x: x.mul_(2).flatten(1).sum(1), "in place"),
        (lambda x: right(x).double(), "dtype"),
        (lambda x: right(x.float()), "dtype"),
        (lambda x: right(x) + torch.ones(len(x), dtype=x.dtype), "device"),
        (lambda x: right(x.detach()), "gradient"),
        (lambda x: None, "returns nothing"),
    ],
)
def test_bad_manners_are_named(function, word):
    slip = slip_of(lambda: e.keeps_manners(function, grad="x", x=fixed_draw(0, 2, 3)))
    assert word in slip.name


def test_good_manners_pass_also_with_a_branch_on_values():
    """On the device without data such a branch cannot be taken: that is no mistake."""
    e.keeps_manners(right, grad="x", x=fixed_draw(0, 2, 3))
    e.keeps_manners(lambda x: right(x) if bool(x.sum() < 1e9) else x, x=fixed_draw(0, 2, 3))


def test_an_answer_that_mixes_the_batch_is_only_right_for_one():
    e.each_alone(right, fixed_draw(0, 3, 4))
    assert slip_of(lambda: e.each_alone(lambda x: right(x - x.mean()), fixed_draw(0, 3, 4))) is (
        e.BATCH_OF_ONE
    )


def test_a_gradient_that_is_cut_or_false_is_found():
    point = fixed_draw(0, 3)
    e.has_true_gradient(lambda x: x.square().sum(), point, HALVED)
    assert slip_of(lambda: e.has_true_gradient(lambda x: x.detach(), point, HALVED)) is e.DETACHED
    half_cut = slip_of(lambda: e.has_true_gradient(lambda x: x * x.detach(), point, HALVED))
    assert half_cut is HALVED


def raised_by(call):
    try:
        call()
    except BaseException as error:
        return explain(error)


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda: torch.ones(3) + torch.ones(4), "shapes"),
        (lambda: torch.ones(1, device="meta") + torch.ones(2), "device"),
        (lambda: torch.ones(2, 2) @ torch.ones(2, 2).double(), "dtype"),
        (lambda: torch.ones(2).sum().backward(), "gradient"),
        (lambda: torch.ones(1).expand(3).add_(1), "share"),
        (lambda: torch.ones(2, requires_grad=True).add_(1), "in place"),
        (lambda: torch.ones(6).view(4), "batch"),
        (lambda: undefined_name, "name"),  # noqa: F821
    ],
)
def test_exceptions_that_students_meet_are_explained(call, word):
    assert word in raised_by(call).slip.name


def test_an_exception_is_one_line_even_if_its_message_is_not():
    def fail():
        raise ValueError("one\ntwo " + "x" * 500)

    seen = raised_by(fail).seen
    assert "\n" not in seen
    assert seen.startswith("ValueError: one two xxx")
    assert len(seen) < 300


def test_only_our_own_stubs_count_as_not_filled_in():
    def stub():
        raise NotImplementedError("task 1.2: pixel_loss")

    def torchs():
        raise NotImplementedError("Cannot copy out of meta tensor; no data!")

    assert raised_by(stub).unwritten == "1.2"
    assert raised_by(torchs).unwritten == ""
