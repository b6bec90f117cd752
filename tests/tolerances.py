"""All tolerances of the tests in one table, by purpose, with the reason for each.

Offers `TOLERANCES` and `assert_close`. A test that needs another number adds a row and its reason.
"""

import torch

# purpose: (relative, absolute)
TOLERANCES = {
    "exact": (0.0, 0.0),  # copies, permutations, round trips through uint8
    "float64": (1e-9, 1e-10),  # the same arithmetic in another order
    "float32": (1e-5, 1e-6),  # the same arithmetic in another order
    "float16": (1e-3, 1e-3),  # ten bits of fraction; weights are stored so
    "bfloat16": (1.6e-2, 1e-2),  # seven bits of fraction
    "pixel": (0.0, 1 / 127.5 + 1e-6),  # one of 256 levels, in units of [-1, 1]
    "colours": (0.0, 8 / 127.5),  # lossy files and palettes, on smooth pictures
}


def assert_close(actual: torch.Tensor, expected, purpose: str, why: str = "") -> None:
    """Require `actual` to equal `expected` within the tolerance for `purpose`.

    Args:
        actual: what the code gave.
        expected: a tensor of the same shape, or one number for all of it.
        purpose: a row of TOLERANCES.
        why: what to look at when it fails.
    """
    relative, absolute = TOLERANCES[purpose]
    if not isinstance(expected, torch.Tensor):
        expected = torch.full_like(actual, expected)
    torch.testing.assert_close(
        actual,
        expected,
        rtol=relative,
        atol=absolute,
        check_dtype=False,
        msg=(lambda text: f"{text}\n{why}") if why else None,
    )
