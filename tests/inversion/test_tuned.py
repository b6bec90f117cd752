"""A tuned generator is lent and given back: the same bits after, the same picture from a file."""

from __future__ import annotations

import pytest
import safetensors.torch
import torch

from hw5.inversion.tuned import (
    choose_parameters,
    difference,
    digest,
    load_delta,
    restored,
    save_delta,
    tuned,
)
from hw5.kit.checks import InputError
from hw5.models.stylegan2 import StyleGAN2

WEIGHT = "synthesis.b8.conv1.weight"
BIAS = "synthesis.b16.torgb.bias"


@pytest.fixture
def generator():
    torch.manual_seed(0)
    network = StyleGAN2(image_size=16, z_dim=4, w_dim=4, channel_base=64, channel_max=4)
    return network.eval().requires_grad_(False)


@pytest.fixture
def delta(generator):
    shapes = {name: p.shape for name, p in generator.named_parameters()}
    return {name: 0.1 * torch.randn(shapes[name]) for name in (WEIGHT, BIAS)}


def bits(generator):
    return {name: p.detach().clone() for name, p in generator.named_parameters()}


def same(generator, before):
    return all(torch.equal(p, before[name]) for name, p in generator.named_parameters())


def picture(generator):
    return generator(torch.ones(1, 4))


def test_inside_the_block_the_difference_is_added(generator, delta):
    before = bits(generator)
    with tuned(generator, delta):
        assert torch.equal(generator.get_parameter(WEIGHT), before[WEIGHT] + delta[WEIGHT])


def test_after_the_block_the_weights_are_the_old_ones_bit_for_bit(generator, delta):
    before = bits(generator)
    with tuned(generator, delta):
        pass
    assert same(generator, before)


def test_adding_and_subtracting_would_not_have_restored_the_weights(generator, delta):
    before = bits(generator)[WEIGHT]
    assert not torch.equal(before + delta[WEIGHT] - delta[WEIGHT], before)


def test_an_exception_restores_the_weights_and_passes(generator, delta):
    before = bits(generator)
    with pytest.raises(KeyError), tuned(generator, delta):
        raise KeyError
    assert same(generator, before)


def test_nested_differences_add_up_and_unwind_one_by_one(generator, delta):
    before = bits(generator)
    with tuned(generator, delta):
        outer = bits(generator)
        with tuned(generator, delta):
            assert torch.equal(generator.get_parameter(BIAS), outer[BIAS] + delta[BIAS])
        assert same(generator, outer)
    assert same(generator, before)


def test_flags_and_gradients_of_parameters_come_back_too(generator):
    weight, kept = generator.get_parameter(WEIGHT), torch.ones(())
    generator.get_parameter(BIAS).requires_grad_()
    bias_gradient = generator.get_parameter(BIAS).grad = torch.ones(3)
    with restored(generator, (WEIGHT, BIAS)) as lent:
        lent[WEIGHT].requires_grad_()
        (lent[WEIGHT].sum() * kept + lent[BIAS].sum()).backward()
    assert not weight.requires_grad and weight.grad is None
    assert generator.get_parameter(BIAS).grad is bias_gradient


def test_going_backward_after_the_block_is_refused(generator, delta):
    z = torch.ones(1, 4, requires_grad=True)
    with tuned(generator, delta):
        late = generator(z).sum()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        late.backward()


def test_what_did_not_change_is_left_out_of_a_difference(generator):
    before = bits(generator)
    after = {**before, BIAS: before[BIAS] + 0.25}
    found = difference(after, before)
    assert list(found) == [BIAS] and found[BIAS].dtype == torch.float16


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"synthesis.b8.conv1.wieght": torch.zeros(1)}, "did you mean 'synthesis.b8.conv1.weight'"),
        ({BIAS: torch.zeros(4)}, r"expected \(3,\), got \(4,\)"),
        ({BIAS: torch.tensor([0.0, torch.nan, 1.0])}, "1 of 3 that are NaN"),
        ({BIAS: torch.zeros(3, dtype=torch.long)}, "floating differences"),
    ],
)
def test_a_difference_that_does_not_fit_is_refused_before_anything_moves(
    generator, change, message
):
    before = bits(generator)
    with pytest.raises(InputError, match=message), tuned(generator, change):
        pass
    assert same(generator, before)


def test_parameters_are_chosen_by_how_their_names_begin(generator):
    assert choose_parameters(generator, ("synthesis.b8.torgb",)) == (
        "synthesis.b8.torgb.weight",
        "synthesis.b8.torgb.bias",
        "synthesis.b8.torgb.affine.weight",
        "synthesis.b8.torgb.affine.bias",
    )
    assert len(choose_parameters(generator)) == len(list(generator.parameters()))
    with pytest.raises(InputError, match="such as mapping, synthesis"):
        choose_parameters(generator, ("synthetic",))


def test_a_saved_difference_makes_the_same_picture(generator, delta, tmp_path):
    with tuned(generator, delta):
        wanted = picture(generator)
    save_delta(tmp_path / "cat.safetensors", delta, generator)
    with tuned(generator, load_delta(tmp_path / "cat.safetensors", generator)):
        assert torch.equal(picture(generator), wanted)


def test_only_what_float16_holds_exactly_is_stored_in_it(generator, delta, tmp_path):
    delta[BIAS] = delta[BIAS].half().float()
    path = save_delta(tmp_path / "cat.safetensors", delta, generator)
    stored = safetensors.torch.load_file(path)
    assert stored[BIAS].dtype == torch.float16 and stored[WEIGHT].dtype == torch.float32


def test_another_generator_refuses_the_file(generator, delta, tmp_path):
    path = save_delta(tmp_path / "cat.safetensors", delta, generator)
    generator.get_parameter(BIAS).data += 1
    with pytest.raises(InputError, match="a difference to the weights"):
        load_delta(path, generator)


def test_the_digest_covers_buffers(generator):
    before = digest(generator)
    generator.get_buffer("synthesis.b8.conv1.noise_const")[0, 0] += 1
    assert digest(generator) != before


def test_a_truncated_file_is_refused(generator, delta, tmp_path):
    path = save_delta(tmp_path / "cat.safetensors", delta, generator)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(InputError, match="cut off"):
        load_delta(path, generator)


def test_weights_of_another_kind_are_refused(generator, tmp_path):
    path = tmp_path / "other.safetensors"
    safetensors.torch.save_file({}, path, {"kind": "stylegan2", "digest": digest(generator)})
    with pytest.raises(InputError, match="kind: expected one of tuned-generator"):
        load_delta(path, generator)


def test_nan_in_a_file_is_refused_with_its_name(generator, tmp_path):
    path = tmp_path / "nan.safetensors"
    header = {"kind": "tuned-generator", "digest": digest(generator)}
    safetensors.torch.save_file({BIAS: torch.full((3,), torch.nan)}, path, header)
    with pytest.raises(InputError, match=r"nan\.safetensors: synthesis\.b16\.torgb\.bias: .* NaN"):
        load_delta(path, generator)
