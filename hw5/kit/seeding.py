"""Random numbers as an argument: one generator made from one seed.

Offers `make`. Every function that draws takes the generator as its last keyword, `rng`; none
touches the global one.
"""

from __future__ import annotations

import torch

from hw5.kit.checks import check_number

# torch takes 64-bit seeds; numpy's and the JSON readers of other languages are safe up to 2**53.
MAX_SEED = 2**53 - 1


def make(seed: int, device: str | torch.device = "cpu") -> torch.Generator:
    """Return a new generator; a seed gives the same draws on the same kind of device.

    Raises:
        InputError: `seed` is not a whole number from 0 to 2**53 - 1.
    """
    check_number("seed", seed, low=0, high=MAX_SEED, whole=True)
    return torch.Generator(device=device).manual_seed(seed)
