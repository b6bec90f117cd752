"""`hw5 sample`: random pictures from a generator.

Offers `sample`. The codes come from hw5/latents.py, the networks from hw5/zoo.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import tyro

MAX_COUNT = 1024
NUM_MEAN = 10_000  # random codes behind the mean that truncation moves towards; starter


def sample(
    *,
    generator: str = "stylegan2",
    space: Annotated[Literal["z", "w", "w+"] | None, tyro.conf.arg(metavar="{z,w,w+}")] = None,
    count: int = 16,
    truncation: float = 1.0,
    seed: int = 0,
    device: str = "cpu",
    out: Path = Path("runs/sample.png"),
) -> int:
    """Draw random pictures from a generator, as a grid.

    For example:
      python -m hw5 sample --count 64 --truncation 0.7
      python -m hw5 sample --generator dcgan --seed 3 --out runs/dcgan.png

    Args:
        generator: name of a bundled generator (`python -m hw5 models` lists them)
        space: latent space to draw from; the generator's last one by default
        count: number of pictures, 1 to 1024
        truncation: 1 keeps the codes, 0 gives the mean picture, 0.7 trades variety for quality
        seed: which pictures; the same seed gives the same codes
        device: cpu, auto (an accelerator if there is one), or a name that torch knows, such as cuda
        out: picture file to write (PNG)
    """
    from hw5 import defaults, latents
    from hw5.kit import devices, images, seeding
    from hw5.kit.checks import check_choice, check_number

    check_number("--count", count, low=1, high=MAX_COUNT, whole=True)
    check_number("--truncation", truncation, low=0, high=2)
    network = defaults.open_generator(generator, devices.pick(device))
    space = space or network.spaces[-1]
    check_choice(f"--space of {generator}", space, network.spaces)
    rng = seeding.make(seed)
    codes = latents.sample_noise(network, space, count, rng=rng)
    if truncation != 1:
        if space == "z" and "w" in network.spaces:  # it normalises z: shorter ones change nothing
            codes, space = network.map(codes), "w"
        mean = latents.mean_code(network, space, num_samples=NUM_MEAN, rng=rng)
        codes = mean + truncation * (codes - mean)
    images.save(out, images.grid(latents.render(network, codes, space)))
    print(f"wrote {out}")
    return 0
