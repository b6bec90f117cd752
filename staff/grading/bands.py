"""How much of the way to the best the solved searches leave: measured, and kept beside this file.

Offers `largest_shares`, and `as_toml` for `python -m staff calibrate`, which measures it over seeds
and numbers of threads. Full credit reaches a little beyond the largest (the rubric says how much):
a right search may be as unlucky as ours ever was. Read next: compare.py.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from statistics import median

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE = Path(__file__).with_name("bands.toml")


@cache
def largest_shares() -> dict[str, float]:
    """Case -> the largest share of the way that the solved search was ever seen to leave."""
    stored = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return {key: band["largest"] for key, band in stored["case"].items()}


def as_toml(shares: Mapping[str, Sequence[float]], how: str) -> str:
    """The file's text.

    Args:
        shares: case -> what was left, one number for each seed and number of threads.
        how: seeds, threads, versions, in a line.
    """
    lines = [
        "# What the solved searches leave of the way from the start to the lowest loss.",
        f"# {how}",
    ]
    for key, found in shares.items():
        lines += [
            "",
            f'[case."{key}"]',
            f"median = {median(found):.3e}",
            f"largest = {max(found):.3e}",
            f"runs = {len(found)}",
        ]
    return "\n".join(lines) + "\n"
