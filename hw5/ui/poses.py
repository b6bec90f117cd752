"""One cat in many poses, rendered ahead, so that its head can follow a mouse without waiting.

Offers `Poses`. A single picture takes 60 ms or more, a picture of a batch less than half, and one
that is already there nothing. Read next: cats.py.
"""

from __future__ import annotations

import torch

from hw5 import world
from hw5.shapes import Images
from hw5.world.factors import BY_NAME, FACTORS, Factors

STEP = {"yaw": 100 / 14, "pitch": 44 / 6}  # degrees between neighbours: 15 x 7 poses
BATCH = 4  # rendered at once: quick enough that a slider need not wait for it
_COLUMNS = [index for index, factor in enumerate(FACTORS) if factor.name in STEP]

Place = tuple[int, int]  # yaw and pitch in steps from the low end


class Poses:
    """Pictures of one cat by pose; another cat empties it."""

    def __init__(self, size: int) -> None:
        """Know nothing yet; pictures will have `size` pixels per side."""
        self.size = size
        self._cat: Factors | None = None
        self._key: tuple[float, ...] = ()
        self._known: dict[Place, Images] = {}

    def picture(self, cat: Factors) -> Images | None:
        """The picture (1, 3, H, W) of the pose nearest to `cat`'s, or None: not rendered yet."""
        if (key := _key(cat)) != self._key:
            self._key, self._known = key, {}
        self._cat = cat
        return self._known.get(place(cat))

    def fill(self) -> bool:
        """Render a few more poses, those nearest to the last asked for first; False when all are.

        Also False when nothing was asked for.
        """
        missing = [] if self._cat is None else [p for p in ALL if p not in self._known]
        if not missing:
            return False
        here = place(self._cat)
        missing.sort(key=lambda p: (p[0] - here[0]) ** 2 + (p[1] - here[1]) ** 2)
        some = missing[:BATCH]
        yaw, pitch = (torch.tensor(v) for v in zip(*map(angles, some), strict=True))
        batch = self._cat.select([0] * len(some)).replace(yaw=yaw, pitch=pitch)
        self._known |= zip(some, world.render(batch, size=self.size).image.split(1), strict=True)
        return True


def place(cat: Factors) -> Place:
    """The pose nearest to the cat's."""
    yaw, pitch = (
        round((float(cat[name][0]) - BY_NAME[name].low) / step) for name, step in STEP.items()
    )
    return yaw, pitch


def angles(at: Place) -> tuple[float, float]:
    """Yaw and pitch of a place, in degrees."""
    yaw, pitch = (
        BY_NAME[name].low + number * step
        for number, (name, step) in zip(at, STEP.items(), strict=True)
    )
    return yaw, pitch


def _key(cat: Factors) -> tuple[float, ...]:
    """All of a cat but its pose."""
    row = cat.table[0].tolist()
    return tuple(value for index, value in enumerate(row) if index not in _COLUMNS)


ALL = tuple((yaw, pitch) for yaw in range(15) for pitch in range(7))
