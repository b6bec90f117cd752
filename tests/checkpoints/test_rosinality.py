"""rosinality's `.pt` files: names, scales and filters, against its arithmetic in numpy.

Its kernels are scaled by 1 / sqrt(fan-in) where they are used, doubling is a transposed convolution
followed by a blur, filters are stored with their gain of 4.
"""

import math

import numpy as np
import pytest
import torch

from hw5 import checkpoints
from hw5.kit.checks import InputError
from tests.models.reference import correlate, dense, insert_zeros, lrelu, pad
from tests.tolerances import assert_close

WIDTHS, D = (4, 3, 2), 5  # channels at 4, 8, 16 pixels; width of codes
TAPS = torch.tensor([1.0, 4, 2, 1])  # not symmetric, so that a flipped filter shows
KERNEL = 4 * torch.outer(TAPS, TAPS) / TAPS.sum() ** 2


def modulated(theirs: str, inputs: int, outputs: int, k: int) -> dict:
    return {
        f"{theirs}.conv.weight": torch.randn(1, outputs, inputs, k, k),
        f"{theirs}.conv.modulation.weight": torch.randn(inputs, D),
        f"{theirs}.conv.modulation.bias": 1 + 0.3 * torch.randn(inputs),
    }


def styled(theirs: str, inputs: int, outputs: int) -> dict:
    return {
        **modulated(theirs, inputs, outputs, 3),
        f"{theirs}.noise.weight": 0.5 * torch.randn(1),
        f"{theirs}.activate.bias": 0.3 * torch.randn(outputs),
    }


def torgb(theirs: str, inputs: int) -> dict:
    return {**modulated(theirs, inputs, 3, 1), f"{theirs}.bias": torch.randn(1, 3, 1, 1)}


@pytest.fixture
def state() -> dict:
    """The tensors of a tiny generator of 16 pixels, three mapping layers."""
    torch.manual_seed(0)
    found = {"input.input": torch.randn(1, WIDTHS[0], 4, 4)}
    for i in (1, 2, 3):
        found |= {f"style.{i}.weight": 100 * torch.randn(D, D), f"style.{i}.bias": torch.randn(D)}
    found |= styled("conv1", WIDTHS[0], WIDTHS[0]) | torgb("to_rgb1", WIDTHS[0])
    for k in (0, 1):
        before, after = WIDTHS[k], WIDTHS[k + 1]
        found |= styled(f"convs.{2 * k}", before, after) | styled(
            f"convs.{2 * k + 1}", after, after
        )
        found[f"convs.{2 * k}.conv.blur.kernel"] = KERNEL
        found |= torgb(f"to_rgbs.{k}", after) | {f"to_rgbs.{k}.upsample.kernel": KERNEL}
    for i, size in enumerate((4, 8, 8, 16, 16)):
        found[f"noises.noise_{i}"] = torch.randn(1, 1, size, size)
    return found


def filtered(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    return np.stack([correlate(c[None], kernel[None, None, ::-1, ::-1])[0] for c in x])


def transposed(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Each pixel adds its kernel to the result, two pixels apart."""
    out = np.zeros((weight.shape[0], 2 * x.shape[1] + 1, 2 * x.shape[2] + 1))
    for i in range(x.shape[1]):
        for j in range(x.shape[2]):
            stamp = np.einsum("oiab,i->oab", weight, x[:, i, j])
            out[:, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3] += stamp
    return out


def scaled(state: dict, w: np.ndarray, theirs: str) -> np.ndarray:
    weight = state[f"{theirs}.conv.weight"][0]
    style = dense(w, state, f"{theirs}.conv.modulation")
    return weight / math.sqrt(weight[0].size) * style[None, :, None, None]


def layer(x: np.ndarray, w: np.ndarray, noise: np.ndarray, state: dict, theirs: str) -> np.ndarray:
    weight = scaled(state, w, theirs)
    weight = weight / np.sqrt((weight**2).sum(axis=(1, 2, 3), keepdims=True) + 1e-8)
    if f"{theirs}.conv.blur.kernel" in state:
        x = filtered(pad(transposed(x, weight), 1, 1), state[f"{theirs}.conv.blur.kernel"])
    else:
        x = correlate(pad(x, 1, 1), weight)
    x = x + state[f"{theirs}.noise.weight"] * noise
    return lrelu(x + state[f"{theirs}.activate.bias"][:, None, None])


def colours(x: np.ndarray, w: np.ndarray, state: dict, theirs: str) -> np.ndarray:
    return correlate(x, scaled(state, w, theirs)) + state[f"{theirs}.bias"][0]


def generate(ws: np.ndarray, state: dict) -> np.ndarray:
    noise = [state[f"noises.noise_{i}"][0, 0] for i in range(5)]
    x = layer(state["input.input"][0], ws[0], noise[0], state, "conv1")
    image = colours(x, ws[1], state, "to_rgb1")
    for k in (0, 1):
        at = 2 * k + 1
        x = layer(x, ws[at], noise[at], state, f"convs.{2 * k}")
        x = layer(x, ws[at + 1], noise[at + 1], state, f"convs.{2 * k + 1}")
        wide = filtered(pad(insert_zeros(image), 2, 1), state[f"to_rgbs.{k}.upsample.kernel"])
        image = wide + colours(x, ws[at + 2], state, f"to_rgbs.{k}")
    return image


def saved(tmp_path, content: dict, zipped: bool = True):
    path = tmp_path / "network.pt"
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    return path


@pytest.mark.parametrize("zipped", [True, False])
def test_pictures_are_those_of_numpy(tmp_path, state, zipped):
    path = saved(tmp_path, {"g_ema": state, "latent_avg": torch.zeros(D)}, zipped)
    ws = np.random.default_rng(0).normal(size=(2, 6, D))
    arrays = {name: value.double().numpy() for name, value in state.items()}
    expected = torch.from_numpy(np.stack([generate(w, arrays) for w in ws]))
    # Kernels are scaled in single precision when they are read: hence not closer.
    got = checkpoints.load(path).double().synthesize(torch.from_numpy(ws))
    assert (got - expected).abs().max() < 1e-5


def test_kernels_so_small_that_the_epsilon_counts_are_scaled_like_theirs(tmp_path, state):
    for name, value in state.items():
        if name.startswith("conv") and name.endswith("conv.weight"):
            value.mul_(1e-4)
    ws = np.random.default_rng(0).normal(size=(1, 6, D))
    arrays = {name: value.double().numpy() for name, value in state.items()}
    ours = checkpoints.load(saved(tmp_path, {"g_ema": state})).double()
    got = ours.synthesize(torch.from_numpy(ws))[0]
    assert (got - torch.from_numpy(generate(ws[0], arrays))).abs().max() < 1e-5


def test_codes_are_those_of_numpy(tmp_path, state):
    z = np.random.default_rng(0).normal(size=D)
    x = z / np.sqrt((z**2).mean() + 1e-8)
    arrays = {name: value.double().numpy() for name, value in state.items()}
    for i in (1, 2, 3):
        x = lrelu(dense(x, arrays, f"style.{i}", 0.01))
    got = (
        checkpoints.load(saved(tmp_path, {"g_ema": state})).double().map(torch.from_numpy(z)[None])
    )
    assert_close(got[0, 0], torch.from_numpy(x), "float64")


@pytest.mark.parametrize("shape", [(D,), (1, D)])
def test_the_stored_average_is_the_one_used(tmp_path, state, shape):
    average = torch.randn(D)
    path = saved(tmp_path, {"g_ema": state, "latent_avg": average.reshape(shape)})
    assert_close(checkpoints.load(path).mapping.w_avg, average, "exact")


def test_an_average_that_is_not_stored_is_that_of_random_codes(tmp_path, state):
    ours = checkpoints.load(saved(tmp_path, {"g": state}))
    z = torch.randn(20_000, D, generator=torch.Generator().manual_seed(5))
    codes = ours.mapping(z)
    assert (ours.mapping.w_avg - codes.mean(dim=0)).abs().max() < 0.05 * codes.std()


def test_the_averaged_generator_is_preferred(tmp_path, state):
    other = {name: value + 1 for name, value in state.items()}
    ours = checkpoints.load(saved(tmp_path, {"g": other, "g_ema": state, "args": None}))
    assert_close(ours.synthesis.b4.const, state["input.input"][0], "exact")


def test_the_tensors_alone_are_a_file_too(tmp_path, state):
    assert checkpoints.load(saved(tmp_path, state)).image_size == 16


@pytest.mark.parametrize("name", ["noises.noise_3", "convs.2.conv.blur.kernel", "style.2.bias"])
def test_a_missing_tensor_is_refused_by_its_name(tmp_path, state, name):
    del state[name]
    with pytest.raises(InputError, match=name):
        checkpoints.load(saved(tmp_path, {"g_ema": state}))


def test_a_tensor_too_many_is_refused_by_its_name(tmp_path, state):
    state["convs.0.conv.extra"] = torch.zeros(1)
    with pytest.raises(InputError, match=r"convs\.0\.conv\.extra' has no place"):
        checkpoints.load(saved(tmp_path, {"g_ema": state}))


@pytest.mark.parametrize("shape", [(5,), (3, 4), (2, 5, 5)])
def test_a_mapping_layer_of_another_shape_is_refused(tmp_path, state, shape):
    state["style.2.weight"] = torch.zeros(shape)
    with pytest.raises(InputError, match=r"mapping|style"):
        checkpoints.load(saved(tmp_path, {"g_ema": state}))
