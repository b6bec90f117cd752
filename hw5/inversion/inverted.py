"""What every inversion method gives back, and what it reports on its way.

Offers `Inverted`, `Step` and `Stopwatch`. Methods work on batches: N pictures are inverted side by
side, do not touch each other, and have one loss each.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from hw5.shapes import Codes, Images, PerPicture


@dataclass(frozen=True)
class Step:
    """One step of a method, as its `on_step` sees it."""

    step: int  # 0 for the first
    losses: tuple[float, ...]  # one per picture
    evaluations: int  # renderings of each picture so far
    seconds: float  # since the method began
    image: Images | None = field(default=None, repr=False, compare=False)  # None in a history


@dataclass(frozen=True, eq=False)
class Inverted:
    """Pictures as a method found them again. Code, image and loss belong to one evaluation."""

    method: str  # such as "image2stylegan"
    image: Images  # (N, 3, H, W), the very pictures that were scored
    code: Codes  # z (N, d), w (N, 1, d) or w+ (N, L, d)
    space: str  # of `code`; or "pixels", where the picture is its own code
    loss: PerPicture  # (N,), what the method minimised; zeros where it minimised nothing
    seconds: float  # for all N pictures together
    evaluations: int  # renderings of each picture
    history: tuple[Step, ...] = ()
    settings: Any = None  # the method's frozen dataclass
    # weights that the generator has to be given before it renders `code` to `image`, if tuned:
    # parameter name -> difference to the shipped weight
    tuned: dict[str, Tensor] | None = None
    stopped: str = "steps"  # or "plateau", "threshold", "cancelled"


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._began = time.perf_counter()

    def seconds(self) -> float:
        """Seconds so far."""
        return time.perf_counter() - self._began
