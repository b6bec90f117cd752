"""What the main job left behind: figures ready to be set, and their files.

Offers `load`, `Made`, `FIGURES` and `NUMBERS`. Nothing here needs a network; job.py makes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hw5.kit import strict_json
from hw5.kit.checks import InputError

BLOCKS, RESULTS = "figures.json", "results.json"
# Names that the text may use.
FIGURES = (
    "hero", "ladder", "ladder_lbfgs", "optimisers", "curves", "interpolation", "scribbles", "edit",
    "samples", "quality", "learning",
)  # fmt: skip
NUMBERS = (
    "total_minutes", "machine", "command", "green_before", "green_after", "green_answer",
    "edit_psnr", "results", "quoted_newton_ratio", "newton_ratio", "quoted_dcgan_ratio",
    "dcgan_ratio", "generated_adam", "generated_lbfgs",
)  # fmt: skip


@dataclass(frozen=True)
class Made:
    """What the main job made."""

    blocks: Mapping[str, str]  # name to HTML, or to a number in words
    files: tuple[Path, ...]  # the pictures and films that the HTML shows, and results.json


def load(folder: Path) -> Made | None:
    """What an earlier `run` left in `folder`; None where there is none.

    Raises:
        InputError: damaged, or of another version.
    """
    if not (folder / BLOCKS).is_file():
        return None
    blocks = strict_json.read(folder / BLOCKS, expected="the main job's figures")
    if not isinstance(blocks, dict) or set(blocks) != {*FIGURES, *NUMBERS}:
        hint = "run it again: python -m hw5 report"
        raise InputError.about(
            str(folder / BLOCKS), expected="the main job's figures", got="others", hint=hint
        )
    shown = (path for path in sorted(folder.iterdir()) if path.name != BLOCKS)
    return Made(blocks, tuple(shown))
