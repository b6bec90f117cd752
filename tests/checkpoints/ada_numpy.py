"""The networks of StyleGAN2-ADA in numpy, from the papers' arithmetic and nothing of hw5.

Goes on where tests/models/reference.py ends: labels, limits, shortcuts, all architectures. One
picture at a time, every sum spelled out. Limits scale with the gain of a layer, as published.
"""

import math

import numpy as np

from tests.models.reference import (
    biased,
    blur,
    correlate,
    dense,
    enlarge,
    lrelu,
    plain_conv,
    synthesis_layer,
    to_rgb,
)

Array = np.ndarray
HALF = math.sqrt(0.5)


def limit(x: Array, most: float | None) -> Array:
    return x if most is None else np.clip(x, -most, most)


def unit(x: Array) -> Array:
    return x / np.sqrt((x**2).mean() + 1e-8)


def map_code(z: Array | None, label: int | None, state: dict, prefix: str = "mapping") -> Array:
    """w of one z (D,) and a class."""
    parts = [] if z is None else [unit(z)]
    if label is not None:
        columns = state[f"{prefix}.embed.weight"].shape[1]
        parts.append(unit(dense(np.eye(columns)[label], state, f"{prefix}.embed")))
    x, i = np.concatenate(parts), 0
    while f"{prefix}.fc{i}.weight" in state:
        x = lrelu(dense(x, state, f"{prefix}.fc{i}", 0.01))
        i += 1
    return x


def shortcut(x: Array, weight: Array) -> Array:
    """1x1 convolution, then twice the size."""
    return enlarge(correlate(x, weight / math.sqrt(weight.shape[1])))


def generate(
    ws: Array, state: dict, sizes: list[int], arch: str, most: float | None, noisy: bool = True
) -> Array:
    """Picture (3, H, W) of one code per layer."""

    def layer(x: Array, k: int, name: str, gain: float = 1.0) -> Array:
        noise = state[f"{name}.noise_const"] * noisy
        out = synthesis_layer(x, ws[k], noise, state, name, up=name.endswith("conv0"))
        return limit(gain * out, None if most is None else gain * most)

    x, image, k = state["synthesis.b4.const"], None, 0
    for size in sizes:
        block = f"synthesis.b{size}"
        if size == 4:
            x = layer(x, k, f"{block}.conv1")
            k += 1
        else:
            before = x
            x = layer(x, k, f"{block}.conv0")
            if arch == "resnet":
                x = layer(x, k + 1, f"{block}.conv1", HALF)
                x = x + HALF * shortcut(before, state[f"{block}.skip.weight"])
            else:
                x = layer(x, k + 1, f"{block}.conv1")
            k += 2
        image = None if image is None else enlarge(image)
        if f"{block}.torgb.weight" in state:
            rgb = limit(to_rgb(x, ws[k], state, f"{block}.torgb"), most)
            image = rgb if image is None else image + rgb
    return image


def features(image: Array, state: dict, sizes: list[int], arch: str, most: float | None) -> Array:
    """Features at 4 pixels of one picture; sizes fall."""
    x = None
    for size in sizes:
        block = f"b{size}"
        if f"{block}.fromrgb.weight" in state:
            name = f"{block}.fromrgb"
            colours = limit(biased(plain_conv(image, state, name), state, name), most)
            x = colours if x is None else x + colours
        image = blur(image, 1, 1)[:, ::2, ::2]
        before = x
        x = limit(biased(plain_conv(x, state, f"{block}.conv0"), state, f"{block}.conv0"), most)
        x = limit(
            biased(plain_conv(x, state, f"{block}.conv1", True), state, f"{block}.conv1"), most
        )
        if arch == "resnet":
            weight = state[f"{block}.skip.weight"]
            thin = blur(before, 1, 1)[:, ::2, ::2]
            x = HALF * x + HALF * correlate(thin, weight / math.sqrt(weight.shape[1]))
    if arch == "skip":
        x = x + biased(plain_conv(image, state, "b4.fromrgb"), state, "b4.fromrgb")
    return x


def judge(
    images: Array, state: dict, sizes: list[int], arch: str, most: float | None,
    label: int | None = None, group: int = 2,
) -> Array:  # fmt: skip
    """Logits (N,) of pictures (N, 3, H, W); pictures i and i + N / group form a group."""
    maps = np.stack([features(image, state, sizes, arch, most) for image in images])
    logits = []
    for i, x in enumerate(maps):
        members = maps[i % (len(maps) // group) :: len(maps) // group]
        spread = np.sqrt(members.var(axis=0) + 1e-8).mean()
        x = np.concatenate([x, np.full((1, 4, 4), spread)])
        x = limit(biased(plain_conv(x, state, "b4.conv"), state, "b4.conv"), most)
        out = dense(lrelu(dense(x.ravel(), state, "b4.fc")), state, "b4.out")
        if label is None:
            logits.append(out[0])
        else:
            logits.append((out * map_code(None, label, state)).sum() / math.sqrt(len(out)))
    return np.array(logits)
