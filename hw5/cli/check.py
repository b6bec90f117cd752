"""`hw5 check`: points for the functions that students write, and the slip behind each failure.

Offers `check`. The checks are in hw5/checking/.
"""

from __future__ import annotations

import tyro

MAX_SEED = 2**53 - 1  # as in hw5/kit/seeding.py


def check(
    parts: tyro.conf.Positional[tuple[str, ...]] = (), *, seed: int = 0, timeout: float = 15.0
) -> int:
    """Check your functions. Status 0 when all points are there, 1 when not.

    For example:
      python -m hw5 check
      python -m hw5 check losses
      python -m hw5 check 1.2 1.3

    Args:
        parts: losses, latents, projector, interpolate, draw or inversion, or tasks such as 1.2; all
            by default
        seed: of the drawn examples; every seed gives the same verdict
        timeout: seconds after which a check counts as endless
    """
    from hw5.checking.runner import run
    from hw5.checking.table import as_text, next_step

    if not 0 <= seed <= MAX_SEED:
        from hw5.kit.checks import InputError  # here: it imports torch, which only checks need

        expected = f"a whole number from 0 to {MAX_SEED}"
        raise InputError.about("--seed", expected=expected, got=seed)
    report = run(parts, seed=seed, timeout=timeout)
    print(as_text(report))
    print(f"{report.points} of {report.possible} points in {report.seconds:.1f} s")
    if step := next_step(report):
        print(step)
    return int(not report.passed)
