"""What cases are made of, drawn in the parent from the exam's secret seed: plain numpy arrays.

Offers `normal`, `pictures`, `regions`, and the numbers of small networks: `linear_network`,
`only_z_network`, `feature_kernels`. The networks themselves are those of hw5/checking/fakes.py,
whose fixed weights give way to these. Read next: network.py, their arithmetic outside the jail.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

Draws = np.random.Generator
SIZE, WIDTH, LAYERS = 8, 5, 3  # of hw5/checking/fakes.py: pictures 3 x 8 x 8, codes of 5
PIXELS = 3 * SIZE * SIZE


def normal(rng: Draws, *shape: int) -> np.ndarray:
    """Standard normal numbers, float64."""
    return rng.standard_normal(shape)


def pictures(rng: Draws, count: int = 1, size: tuple[int, int] = (SIZE, SIZE)) -> np.ndarray:
    """Pictures (N, 3, H, W) in [-1, 1]."""
    return np.tanh(0.5 * normal(rng, count, 3, *size))


def regions(rng: Draws, count: int, size: tuple[int, int] = (SIZE, SIZE)) -> np.ndarray:
    """Masks (N, 1, H, W) in {0, 1}; each has a size of its own, none is empty, none everything."""
    total = size[0] * size[1]
    areas = rng.choice(np.arange(total // 6, 2 * total // 3), count, replace=False)
    ranks = normal(rng, count, total).argsort(axis=1).argsort(axis=1)
    return (ranks < areas[:, None]).astype(float).reshape(count, 1, *size)


def strokes(rng: Draws) -> np.ndarray:
    """A mask (1, 1, H, W) of some whole rows: about half of the picture, as hands draw."""
    mask = np.zeros((1, 1, SIZE, SIZE))
    mask[:, :, rng.permutation(SIZE)[: SIZE // 2]] = 1
    return mask


def seeds(rng: Draws) -> np.ndarray:
    """A seed for the worker's own random source; an array, as all inputs."""
    return np.asarray(rng.integers(2**31))


def linear_network(rng: Draws) -> dict[str, np.ndarray]:
    """Numbers of `fakes.LinearGenerator`; its centre lies far from zero, and M can be inverted."""
    rotation, _ = np.linalg.qr(normal(rng, WIDTH, WIDTH))
    sign = np.where(rng.random(WIDTH) < 0.5, -1.0, 1.0)
    return {
        "matrix": 0.04 * normal(rng, LAYERS, PIXELS, WIDTH),
        "base": 0.1 * normal(rng, PIXELS),
        "mapping": rotation * rng.uniform(1.5, 3, WIDTH),
        "centre": sign * rng.uniform(3, 5, WIDTH),
        "grain": normal(rng, SIZE, SIZE),
    }


def only_z_network(rng: Draws) -> dict[str, np.ndarray]:
    """Numbers of `fakes.OnlyZ`."""
    return {"z_matrix": 0.1 * normal(rng, PIXELS, WIDTH)}


def feature_kernels(rng: Draws) -> dict[str, np.ndarray]:
    """Numbers of `fakes.SmallFeatures`: six kernels."""
    widths = pairwise((3, 4, 4, 6, 6, 8, 8))
    return {
        f"kernel_{i}": 0.3 * normal(rng, out, into, 3, 3) for i, (into, out) in enumerate(widths)
    }
