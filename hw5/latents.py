"""Part 2. Codes: where they come from, and how they become pictures.

Offers `sample_noise`, `mean_code`, `broadcast_layers`, `render` and `distance_from_mean`. A code
lives in one of three spaces: z (N, d), drawn from a standard normal; w (N, 1, d), what a StyleGAN's
mapping network makes of it; w+ (N, L, d), a w for each of the L layers. A DCGAN has z only.
Read next: projector.py, which searches these spaces.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from hw5.kit.checks import InputError, check_choice, check_number, check_shape
from hw5.shapes import Codes, Images, PerPicture

if TYPE_CHECKING:
    from hw5.models.generator import Generator, Noise

NOISES = ("fixed", "random", "none")  # words for noise; see `render`


def broadcast_layers(w: Codes, num_layers: int) -> Codes:
    """Task 2.1 (about 3 lines, 5 minutes). w to w+: the same style for every layer.

    Hint: `repeat` copies; `expand` shares memory, and writing to one layer would write to all.
    Expected: (N, 1, d) becomes (N, L, d) for every N, not only for 1.

    Args:
        w: (N, 1, d).
        num_layers: L, at least 1.

    Returns:
        (N, L, d), in memory of its own.

    Raises:
        InputError: w has no layer axis, or already several layers; or no layers are asked for.
    """
    check_shape("w", w, ("N", 1, "d"), hint="w is (N, 1, d), also for one code; use w[:, None]")
    check_number("num_layers", num_layers, low=1, whole=True)
    # BEGIN SOLUTION task_2_1
    copies_per_axis = (1, num_layers, 1)  # batch, layers, width
    w_plus = w.repeat(copies_per_axis)
    return w_plus
    # END SOLUTION


def sample_codes(generator: Generator, space: str, count: int, *, rng: torch.Generator) -> Codes:
    """Task 2.2 (about 7 lines, 15 minutes). `count` random codes, as the generator was trained on.

    z is standard normal. w is what `generator.map` makes of z. w+ is w for every layer: a generator
    has never been trained on layers that disagree.

    Hint: `draw_normal` gives z on the generator's device; return as soon as the space is reached.
    Expected: entries of z have mean 0 and standard deviation 1; all layers of w+ are equal.

    Args:
        generator: see models/generator.py.
        space: "z", "w" or "w+".
        count: N, at least 1.
        rng: source of the draws; the same state gives the same codes.

    Returns:
        z (N, d), w (N, 1, d) or w+ (N, L, d).

    Raises:
        InputError: a space that this generator does not have, or `count` below 1.
    """
    check_choice("space", space, generator.spaces)
    check_number("count", count, low=1, whole=True)
    # BEGIN SOLUTION task_2_2
    z = draw_normal(generator, count, rng=rng)  # (N, d)
    if space == "z":
        return z
    with torch.no_grad():
        w = generator.map(z)  # (N, 1, d)
    return w if space == "w" else broadcast_layers(w, generator.num_layers)
    # END SOLUTION


def sample_noise(
    generator: Generator, space: str, count: int, *, num_mean: int = 0, rng: torch.Generator
) -> Codes:
    """Task 2.3 (about 5 lines, 10 minutes). Codes to start a search from: random, or averaged.

    num_mean 0: `count` random codes. num_mean n: `count` codes, each the mean of n random codes of
    that space (starter: n = 10,000; student report: n = 10). In z the mean is a plain mean as well:
    its length shrinks like sqrt(d / n) towards the zeros that the starter uses. A DCGAN has seen
    no such short z. A StyleGAN2 normalises z, so there averaging in z changes nothing but the draw.

    Hint: `sample_codes` num_mean codes for each start, `mean(dim=0, keepdim=True)`, `torch.cat`.
    Average in w and then broadcast: 10,000 codes in w+ fill a memory. Expected: entries of the
    mean of 100 z have a standard deviation of 0.1.

    Args:
        generator: see models/generator.py.
        space: "z", "w" or "w+".
        count: N, at least 1.
        num_mean: random codes averaged for each; 0 for none.
        rng: source of the draws.

    Returns:
        z (N, d), w (N, 1, d) or w+ (N, L, d).

    Raises:
        InputError: a space that this generator does not have, or a number out of range.
    """
    check_choice("space", space, generator.spaces)
    check_number("count", count, low=1, whole=True)
    check_number("num_mean", num_mean, low=0, whole=True)
    # BEGIN SOLUTION task_2_3
    if num_mean == 0:
        return sample_codes(generator, space, count, rng=rng)
    source = "z" if space == "z" else "w"  # the layers of w+ are equal: average one of them
    samples = (sample_codes(generator, source, num_mean, rng=rng) for _ in range(count))
    means = torch.cat([codes.mean(dim=0, keepdim=True) for codes in samples])
    return broadcast_layers(means, generator.num_layers) if space == "w+" else means
    # END SOLUTION


def mean_code(
    generator: Generator, space: str, *, num_samples: int = 10_000, rng: torch.Generator
) -> Codes:
    """Task 2.4 (about 3 lines, 5 minutes). The centre of a space, a batch of one.

    In z it is known: zeros, nothing is drawn. In w and w+ it is the mean of `num_samples` codes
    (starter: 10,000).

    Hint: `example_of(generator).new_zeros(shape)` follows the generator's device and dtype; for
    the rest, `sample_noise` does it already. Expected: the same from any seed, within 1 %.

    Args:
        generator: see models/generator.py.
        space: "z", "w" or "w+".
        num_samples: random codes averaged; at least 1.
        rng: source of the draws.

    Returns:
        z (1, d), w (1, 1, d) or w+ (1, L, d).

    Raises:
        InputError: a space that this generator does not have, or `num_samples` below 1.
    """
    check_choice("space", space, generator.spaces)
    check_number("num_samples", num_samples, low=1, whole=True)
    # BEGIN SOLUTION task_2_4
    if space == "z":
        return example_of(generator).new_zeros((1, generator.z_dim))
    return sample_noise(generator, space, 1, num_mean=num_samples, rng=rng)
    # END SOLUTION


def render(
    generator: Generator,
    codes: Codes,
    space: str,
    *,
    noise: Noise = "fixed",
    rng: torch.Generator | None = None,
) -> Images:
    """Task 2.5 (about 7 lines, 15 minutes). Pictures of codes from any space: z -> w -> w+ -> G.

    Hint: start at the space you are given and go on from there. A generator without "w" in its
    `spaces` is called on z as it is. Gradients must flow: no `no_grad`, no `detach`. Expected: a z,
    its w and its w+ give one and the same picture.

    Args:
        generator: see models/generator.py.
        codes: z (N, d), w (N, 1, d) or w+ (N, L, d).
        space: the space they are from.
        noise: "fixed", "random", "none" or noise maps by name; for generators that have them.
        rng: source of random noise, with noise "random".

    Returns:
        (N, 3, H, W) in [-1, 1] or slightly beyond: a StyleGAN2 does not clip.

    Raises:
        InputError: a space that this generator does not have, codes of another shape, an unknown
            kind of noise, or random noise without `rng`.
    """
    check_codes("codes", generator, codes, space)
    noise = drawn_noise(generator, noise, len(codes), rng=rng)
    # BEGIN SOLUTION task_2_5
    if "w" not in generator.spaces:
        return generator(codes)
    if space == "z":
        codes = generator.map(codes)  # (N, 1, d)
    if space != "w+":
        codes = broadcast_layers(codes, generator.num_layers)  # (N, L, d)
    return generator.synthesize(codes, noise=noise)
    # END SOLUTION


def distance_from_mean(
    generator: Generator,
    codes: Codes,
    space: str,
    *,
    num_samples: int = 10_000,
    rng: torch.Generator,
) -> PerPicture:
    """Task 2.6 (about 6 lines, 15 minutes). How far from the centre, in usual distances.

    distance_n = rms(code_n - mean) / rms(random codes - mean). 0 is the mean itself, 1 is as far
    out as a random code. The further above 1, the further the generator is from what it was
    trained on: a good reconstruction out there need not be a code that can be edited.

    The root mean square runs over the code's entries, and for the random codes over their number
    too. In z the usual distance is known, sqrt(d): an rms of 1 per entry.

    Hint: in z divide by 1; else draw `num_samples` codes once, for their mean and for their rms.
    Expected: about 1 for a random code, and twice that for a code twice as far from the mean.

    Args:
        generator: see models/generator.py.
        codes: z (N, d), w (N, 1, d) or w+ (N, L, d).
        space: the space they are from.
        num_samples: random codes that define mean and usual distance; at least 2.
        rng: source of the draws.

    Returns:
        (N,), without unit.

    Raises:
        InputError: a space that this generator does not have, or codes of another shape.
    """
    check_codes("codes", generator, codes, space)
    check_number("num_samples", num_samples, low=2, whole=True)
    # BEGIN SOLUTION task_2_6
    if space == "z":
        return codes.square().mean(dim=1).sqrt()
    samples = sample_codes(generator, "w", num_samples, rng=rng)  # (n, 1, d)
    mean = samples.mean(dim=0, keepdim=True)  # (1, 1, d)
    usual = (samples - mean).square().mean().sqrt()
    return (codes - mean).square().mean(dim=(1, 2)).sqrt() / usual
    # END SOLUTION


# ---------------------------------------------------------------- given: used by the tasks above


def example_of(generator: Generator) -> torch.Tensor:
    """A tensor on the generator's device, of its dtype: its first parameter."""
    return next(generator.parameters()).detach()


def noise_of(generator: Generator) -> dict[str, torch.Tensor]:
    """The generator's own noise maps, name -> (1, 1, H, W), copies; {} if it works without."""
    maps = generator.noise_maps() if "w" in generator.spaces else {}
    return {name: noise.detach().clone() for name, noise in maps.items()}


def drawn_noise(
    generator: Generator, noise: Noise, count: int, *, rng: torch.Generator | None
) -> Noise:
    """`noise` as it came; or for "random" maps (count, 1, H, W), drawn from `rng`.

    Raises:
        InputError: an unknown word, or "random" without `rng`.
    """
    if not isinstance(noise, str):
        return noise
    check_choice("noise", noise, NOISES)
    if noise != "random":
        return noise
    if rng is None:
        raise InputError.about(
            "rng", expected="a torch.Generator with noise 'random'", got="none",
            hint="make one with kit.seeding.make(seed)",
        )  # fmt: skip
    return {
        name: torch.randn(
            count, 1, *own.shape[-2:], generator=rng, device=rng.device, dtype=own.dtype
        ).to(own.device)
        for name, own in noise_of(generator).items()
    }


def draw_normal(generator: Generator, count: int, *, rng: torch.Generator) -> Codes:
    """`count` standard normal z, (N, d), on the generator's device.

    Drawn where `rng` lives and moved: a seed then gives the same codes on every machine.
    """
    example = example_of(generator)
    z = torch.randn(count, generator.z_dim, generator=rng, device=rng.device, dtype=example.dtype)
    return z.to(example.device)


def check_codes(name: str, generator: Generator, codes: Codes, space: str) -> None:
    """Require codes that fit the space.

    Raises:
        InputError: a space that this generator does not have, or codes of another shape.
    """
    check_choice("space", space, generator.spaces)
    shapes = {
        "z": ("N", generator.z_dim),
        "w": ("N", 1, generator.w_dim),
        "w+": ("N", generator.num_layers, generator.w_dim),
    }
    check_shape(name, codes, shapes[space], hint=f"this is the shape of {space}, N codes")
    if not codes.is_floating_point():
        raise InputError.about(name, expected="floating values", got=codes.dtype)
