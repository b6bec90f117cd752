"""Random numbers as an argument: one generator made from one seed.

Offers `make`, and `part` for the pieces of a job that may be cut short. Every function that draws
takes the generator as its last keyword, `rng`; none touches the global one.
"""

from __future__ import annotations

import numpy as np
import torch

from hw5.kit.checks import check_number

# Whole numbers that the JSON readers of other languages keep; torch looks at 32 of their bits.
MAX_SEED = 2**53 - 1


def make(seed: int, device: str | torch.device = "cpu") -> torch.Generator:
    """Return a new generator; a seed gives the same draws on the same kind of device.

    Raises:
        InputError: `seed` is not a whole number from 0 to 2**53 - 1.
    """
    check_number("seed", seed, low=0, high=MAX_SEED, whole=True)
    return torch.Generator(device=device).manual_seed(seed)


def part(seed: int, place: int) -> torch.Generator:
    """Return the generator of one piece of a job: a resumed job draws what an unbroken one does.

    Both numbers are stirred together (numpy's SeedSequence), because torch looks at the lower 32
    bits of a seed and no others: seeds that lie 2 ** 32 apart draw alike.

    Args:
        seed: of the job.
        place: of the piece, from 0 on.
    """
    (stirred,) = np.random.SeedSequence((seed, place)).generate_state(1)
    return torch.Generator().manual_seed(int(stirred))
