"""StyleGAN2 in numpy, one picture at a time, from the papers' arithmetic and nothing of hw5.

Kernels are modulated explicitly, resampling inserts zeros and filters, every sum is spelled out.
Slow and plain on purpose: it is the oracle of test_stylegan2.py and test_discriminators.py.
"""

import math

import numpy as np

Array = np.ndarray
TAPS = np.array([1.0, 3.0, 3.0, 1.0]) / 8


def lrelu(x: Array) -> Array:
    return np.sqrt(2) * np.where(x > 0, x, 0.2 * x)


def dense(x: Array, state: dict, name: str, lr: float = 1.0) -> Array:
    """A fully connected layer with equalised learning rate, one row (D,)."""
    weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
    return (weight * lr / math.sqrt(weight.shape[1])) @ x + bias * lr


def correlate(x: Array, weight: Array) -> Array:
    """Valid correlation of (I, H, W) with (O, I, k, k)."""
    k = weight.shape[2]
    rows, columns = x.shape[1] - k + 1, x.shape[2] - k + 1
    out = np.zeros((weight.shape[0], rows, columns))
    for i in range(k):
        for j in range(k):
            patch = x[:, i : i + rows, j : j + columns]
            out += np.einsum("oi,ihw->ohw", weight[:, :, i, j], patch)
    return out


def pad(x: Array, before: int, after: int) -> Array:
    return np.pad(x, ((0, 0), (before, after), (before, after)))


def blur(x: Array, before: int, after: int) -> Array:
    """Pad with zeros, then convolve each channel with the low-pass filter."""
    kernel = np.outer(TAPS, TAPS)[::-1, ::-1]
    return np.stack(
        [correlate(channel[None], kernel[None, None])[0] for channel in pad(x, before, after)]
    )


def insert_zeros(x: Array) -> Array:
    """A zero after every pixel, in both directions."""
    out = np.zeros((x.shape[0], 2 * x.shape[1], 2 * x.shape[2]))
    out[:, ::2, ::2] = x
    return out


def enlarge(image: Array) -> Array:
    return 4 * blur(insert_zeros(image), 2, 1)


def synthesis_layer(x: Array, w: Array, noise: Array, state: dict, name: str, up: bool) -> Array:
    style = dense(w, state, f"{name}.affine")
    weight = state[f"{name}.weight"] * style[None, :, None, None]  # eq. 1
    norm = np.sqrt((weight**2).sum(axis=(1, 2, 3)) + 1e-8)
    weight = weight / norm[:, None, None, None]  # eq. 3
    if up:
        # The filter first, the convolution after it: the two commute. The kernel is flipped,
        # because the published code convolves here and correlates where nothing is enlarged.
        x = correlate(4 * blur(insert_zeros(x), 3, 2), weight[:, :, ::-1, ::-1])
    else:
        x = correlate(pad(x, 1, 1), weight)
    x = x + noise * state[f"{name}.noise_strength"]
    return lrelu(x + state[f"{name}.bias"][:, None, None])


def to_rgb(x: Array, w: Array, state: dict, name: str) -> Array:
    style = dense(w, state, f"{name}.affine") / math.sqrt(x.shape[0])
    rgb = np.einsum("oi,ihw->ohw", state[f"{name}.weight"][:, :, 0, 0] * style, x)
    return rgb + state[f"{name}.bias"][:, None, None]


def map_code(z: Array, state: dict, num_layers: int, lr: float) -> Array:
    x = z / np.sqrt((z**2).mean() + 1e-8)
    for i in range(num_layers):
        x = lrelu(dense(x, state, f"mapping.fc{i}", lr))
    return x


def generate(w_plus: Array, state: dict, sizes: list[int]) -> Array:
    """Picture (3, H, W) of one code per layer, with the fixed noise."""
    codes = iter(range(len(w_plus)))
    x, image, k = None, None, 0
    for size in sizes:
        name = f"synthesis.b{size}"
        for conv in ("conv0", "conv1"):
            if size == 4 and conv == "conv0":
                x = state[f"{name}.const"]
                continue
            k, layer = next(codes), f"{name}.{conv}"
            noise = state[f"{layer}.noise_const"]
            x = synthesis_layer(x, w_plus[k], noise, state, layer, up=conv == "conv0")
        rgb = to_rgb(x, w_plus[k + 1], state, f"{name}.torgb")
        image = rgb if image is None else enlarge(image) + rgb
    return image


def plain_conv(x: Array, state: dict, name: str, down: bool = False) -> Array:
    """An equalised convolution of the discriminator, without bias and activation."""
    weight = state[f"{name}.weight"]
    k = weight.shape[2]
    weight = weight / math.sqrt(weight.shape[1] * k * k)
    half = k // 2
    if not down:
        return correlate(pad(x, half, half), weight)
    return correlate(blur(x, half + 1, half + 1), weight)[:, ::2, ::2]


def biased(x: Array, state: dict, name: str) -> Array:
    return lrelu(x + state[f"{name}.bias"][:, None, None])


def discriminator_block(x: Array, state: dict, name: str) -> Array:
    if f"{name}.fromrgb.weight" in state:
        x = biased(plain_conv(x, state, f"{name}.fromrgb"), state, f"{name}.fromrgb")
    shortcut = plain_conv(x, state, f"{name}.skip", down=True)
    x = biased(plain_conv(x, state, f"{name}.conv0"), state, f"{name}.conv0")
    x = biased(plain_conv(x, state, f"{name}.conv1", down=True), state, f"{name}.conv1")
    return (x + shortcut) / np.sqrt(2)


def judge(images: Array, state: dict, sizes: list[int]) -> Array:
    """Logits (N,) of pictures (N, 3, H, W), all of them one group of the minibatch spread."""
    maps = []
    for x in images:
        for size in sizes:
            x = discriminator_block(x, state, f"b{size}")
        maps.append(x)
    spread = np.sqrt(np.stack(maps).var(axis=0) + 1e-8).mean()
    logits = []
    for x in maps:
        x = np.concatenate([x, np.full((1, 4, 4), spread)])
        x = biased(plain_conv(x, state, "b4.conv"), state, "b4.conv")
        x = lrelu(dense(x.ravel(), state, "b4.fc"))
        logits.append(dense(x, state, "b4.out")[0])
    return np.array(logits)
