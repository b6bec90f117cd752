"""The table of factors a cat is made of, and batches of their values.

Offers `FACTORS` (name, unit, range, laws, the picture parts each factor may change), `Factors` (one
batch of values), `sample` and `neutral`. Read next: cat.py (geometry), coat.py (colour), render.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from hw5.kit.checks import InputError, check_choice, check_shape
from hw5.world.laws import Always, Choice, Law, Mixture, Normal, Sometimes, Uniform

PARTS = (
    "background", "head", "ears", "eyes", "pupils", "nose", "mouth", "body", "whiskers",
    "accessory",
)  # fmt: skip
"""Classes of the segmentation, in the order of their indices."""

DISTRIBUTIONS = ("portraits", "scenes")
BACKGROUNDS = ("plain", "gradient", "window", "grass", "night", "stripes")
MOUTHS = ("closed", "smiling", "open")

_CAT = frozenset(PARTS) - {"background"}
_COAT = frozenset({"head", "ears", "body", "whiskers", "mouth"})
_FACE = _CAT - {"ears"}
_EYES = frozenset({"eyes", "pupils"})
_ACCESSORY = frozenset({"accessory"})
_BACKGROUND = frozenset({"background", "head", "ears", "body"})  # fur ends softly: its edge


@dataclass(frozen=True)
class Factor:
    """One named degree of freedom of the world.

    `region` lists the parts (see `PARTS`) whose pixels may change with the factor, looked at before
    and after the change; whiskers reach as far as their hairs, also where those are too faint to
    win a pixel. `flips` factors change sign when the picture is mirrored. `scenes` is the
    law of the scenes distribution where it differs from that of the portraits. `only_if` names the
    on/off factor without which this one has no effect.
    """

    name: str
    unit: str
    low: float
    high: float
    neutral: float
    portraits: Law
    region: frozenset[str]
    meaning: str
    scenes: Law | None = None
    flips: bool = False
    only_if: str | None = None

    def law(self, distribution: str) -> Law:
        """The sampling law in a distribution, `portraits` or `scenes`."""
        return self.scenes if distribution == "scenes" and self.scenes else self.portraits


def _pose() -> tuple[Factor, ...]:
    return (
        Factor("yaw", "degrees", -50, 50, 0, Normal(0, 17), _CAT, "head turn, right positive", Normal(0, 20), True),
        Factor("pitch", "degrees", -22, 22, 0, Normal(0, 7), _CAT, "nod, down positive"),
        Factor("roll", "degrees", -22, 22, 0, Normal(0, 6), _CAT, "tilt, top to the left positive", Normal(0, 7), True),
        Factor("zoom", "times", 0.8, 1.25, 1, Normal(1, 0.06), _CAT, "size in the picture", Normal(1, 0.08)),
        Factor("position_x", "picture sides", -0.12, 0.12, 0, Normal(0, 0.025), _CAT, "right positive", Normal(0, 0.04), True),
        Factor("position_y", "picture sides", -0.12, 0.12, 0, Normal(0, 0.02), _CAT, "up positive", Normal(0, 0.03)),
    )  # fmt: skip


def _shape() -> tuple[Factor, ...]:
    bell = Normal(0, 0.45)
    return (
        Factor("face_width", "share", -1, 1, 0, bell, _CAT, "narrow to broad head and cheeks"),
        Factor("muzzle_length", "share", -1, 1, 0, bell, _FACE, "flat to long muzzle"),
        Factor("ear_length", "share", -1, 1, 0, bell, frozenset({"ears", "head", "accessory"}), "short to long ears"),
        Factor("ear_spread", "share", -1, 1, 0, bell, frozenset({"ears", "head", "accessory"}), "upright to sideways ears"),
        Factor("age", "share", 0, 1, 0.6, Uniform(0, 1), _CAT, "kitten (0) to adult (1)"),
        Factor("eye_size", "share", -1, 1, 0, bell, _EYES | {"head", "accessory"}, "small to large eyes"),
        Factor("eye_openness", "share", 0, 1, 0.9, Mixture(((0.06, 0.0, 0.15), (0.24, 0.45, 0.75), (0.70, 0.75, 1.0))), _EYES | {"head"}, "shut (0) to wide (1)"),
        Factor("pupil_width", "share", 0, 1, 0.4, Uniform(0, 1), _EYES, "slit (0) to round (1)"),
        Factor("mouth", "choice", 0, 2, 0, Choice((0.50, 0.34, 0.16)), frozenset({"mouth", "head", "nose", "body", "whiskers", "accessory"}), "closed, smiling, open"),
        Factor("eye_distance", "share", -1, 1, 0, Always(0), _FACE, "eyes apart; fixed in every split"),
        Factor("nose_length", "share", -1, 1, 0, Always(0), _FACE, "nose down; fixed in every split"),
    )  # fmt: skip


_COATS = (  # share, hue, saturation and brightness ranges of the coat kinds
    (0.28, (22, 34), (0.55, 0.80), (0.72, 0.95)),  # ginger
    (0.24, (200, 230), (0.05, 0.18), (0.38, 0.65)),  # grey
    (0.14, (20, 40), (0.02, 0.22), (0.13, 0.22)),  # black
    (0.12, (30, 50), (0.02, 0.10), (0.88, 0.98)),  # white
    (0.13, (18, 28), (0.45, 0.65), (0.34, 0.52)),  # brown
    (0.09, (32, 42), (0.20, 0.38), (0.80, 0.92)),  # cream
)
COAT_KIND_SHARES = tuple(row[0] for row in _COATS)


def _coat() -> tuple[Factor, ...]:
    return (
        Factor("coat_hue", "degrees", 0, 360, 28, Uniform(0, 1), _COAT, "hue of the coat"),
        Factor("coat_saturation", "share", 0, 1, 0.66, Uniform(0, 1), _COAT, "colourfulness of the coat"),
        Factor("coat_brightness", "share", 0, 1, 0.85, Uniform(0, 1), _COAT, "brightness of the coat"),
        Factor("stripes", "share", 0, 1, 0, Sometimes(0.45, 0.45, 1.0), _COAT, "tabby stripes"),
        Factor("bib", "share", 0, 1, 0, Sometimes(0.40, 0.6, 1.0), _COAT, "white chest and muzzle"),
        Factor("points", "share", 0, 1, 0, Sometimes(0.10, 0.75, 1.0), _COAT, "dark face and ears on a pale coat"),
        Factor("patches", "share", 0, 1, 0, Sometimes(0.12, 0.75, 1.0), _COAT, "patches of a second colour"),
        Factor("pattern", "share", -1, 1, 0, Uniform(-1, 1), _COAT, "where stripes and patches lie", flips=True),
        Factor("fur_roughness", "share", 0, 1, 0.4, Uniform(0, 1), _CAT, "sleek to shaggy fur"),
        Factor("eye_hue", "degrees", 0, 360, 95, Mixture(((0.34, 36, 58), (0.38, 85, 150), (0.28, 190, 222))), _EYES, "iris: amber, green or blue"),
        Factor("odd_eyes", "choice", -1, 1, 0, Mixture(((0.01, -1, -1), (0.98, 0, 0), (0.01, 1, 1))), _EYES, "blue eye on the left (-1) or right (1)", flips=True),
        Factor("whiskers", "share", 0, 1, 0.7, Uniform(0.35, 1), frozenset({"whiskers"}), "none to long"),
    )  # fmt: skip


def _accessories() -> tuple[Factor, ...]:
    hues, rare, often = Uniform(0, 360), Sometimes(0.07), Sometimes(0.3)
    return (
        Factor("glasses", "choice", 0, 1, 0, rare, _ACCESSORY, "round glasses", often),
        Factor("glasses_hue", "degrees", 0, 360, 0, hues, _ACCESSORY, "colour of the glasses", only_if="glasses"),
        Factor("bow_tie", "choice", 0, 1, 0, rare, _ACCESSORY, "bow tie", often),
        Factor("bow_tie_hue", "degrees", 0, 360, 350, hues, _ACCESSORY, "colour of the bow tie", only_if="bow_tie"),
        Factor("hat", "choice", 0, 1, 0, rare, _ACCESSORY, "party hat", often),
        Factor("hat_hue", "degrees", 0, 360, 220, hues, _ACCESSORY, "colour of the hat", only_if="hat"),
    )  # fmt: skip


def _light_and_background() -> tuple[Factor, ...]:
    return (
        Factor("light_azimuth", "degrees", -75, 75, -30, Uniform(-70, 70), _CAT, "key light, from the right positive", flips=True),
        Factor("light_height", "degrees", 0, 75, 40, Uniform(8, 65), _CAT, "key light above the horizon"),
        Factor("light_warmth", "share", -1, 1, 0, Normal(0, 0.45), _CAT, "cool to warm key light"),
        Factor("background", "choice", 0, 5, 1, Choice((0.5, 0.5)), _BACKGROUND, ", ".join(BACKGROUNDS), Choice((0.12, 0.14, 0.18, 0.2, 0.18, 0.18))),
        Factor("background_hue", "degrees", 0, 360, 175, Uniform(0, 360), _BACKGROUND, "hue of the background"),
        Factor("background_saturation", "share", 0, 1, 0.35, Uniform(0.08, 0.55), _BACKGROUND, "colourfulness of the background"),
        Factor("background_brightness", "share", 0, 1, 0.75, Uniform(0.28, 0.92), _BACKGROUND, "brightness of the background"),
    )  # fmt: skip


FACTORS: tuple[Factor, ...] = (
    *_pose(), *_shape(), *_coat(), *_accessories(), *_light_and_background(),
)  # fmt: skip
"""Every factor, in the order of the columns of `Factors.table`."""

BY_NAME: Mapping[str, Factor] = {factor.name: factor for factor in FACTORS}
NUM_DRAWS = len(FACTORS) + 1  # one uniform number a factor, one more for the kind of coat


@dataclass(frozen=True)
class Factors:
    """A batch of cats: `table` is float32 `(N, F)`, one column a factor in `FACTORS`' order."""

    table: Tensor

    def __post_init__(self) -> None:
        """Refuse a table of another width, or values that are not numbers."""
        if self.table.ndim != 2 or self.table.shape[1] != len(FACTORS):
            expected = f"(N, {len(FACTORS)})"
            raise InputError(f"factors: expected shape {expected}, got {tuple(self.table.shape)}")
        if not torch.isfinite(self.table).all():
            raise InputError("factors: expected finite numbers, got NaN or infinity")

    def __len__(self) -> int:
        """Number of cats."""
        return self.table.shape[0]

    def __getitem__(self, name: str) -> Tensor:
        """Values `(N,)` of one factor."""
        return self.table[:, _column(name)]

    def __iter__(self) -> Iterator[Factors]:
        """One batch of size 1 for each cat."""
        return (self.select(slice(i, i + 1)) for i in range(len(self)))

    def select(self, index: slice | Tensor | list[int]) -> Factors:
        """The cats at `index`, as a new batch."""
        return Factors(self.table[index])

    def replace(self, **values: float | Tensor) -> Factors:
        """A copy with some factors set, each to one number or to `(N,)` values."""
        table = self.table.clone()
        for name, value in values.items():
            table[:, _column(name)] = torch.as_tensor(value, dtype=table.dtype, device=table.device)
        return Factors(table)

    def to(self, device: torch.device | str) -> Factors:
        """The same cats on another device."""
        return Factors(self.table.to(device))

    def mirrored(self) -> Factors:
        """The factors of the mirror image: signs of pose, light and layout change."""
        signs = torch.tensor([-1.0 if f.flips else 1.0 for f in FACTORS], device=self.table.device)
        return Factors(self.table * signs)


def _column(name: str) -> int:
    check_choice("factor", name, tuple(BY_NAME))
    return FACTORS.index(BY_NAME[name])


def neutral(count: int = 1, **values: float | Tensor) -> Factors:
    """`count` cats at the neutral value of every factor but those given: the start of sliders."""
    row = torch.tensor([[float(factor.neutral) for factor in FACTORS]])
    return Factors(row.repeat(count, 1)).replace(**values)


def sample(count: int, *, distribution: str = "portraits", rng: torch.Generator) -> Factors:
    """Draw `count` cats from `portraits` (for the GANs) or `scenes` (everything, for text)."""
    draws = torch.rand(count, NUM_DRAWS, generator=rng, device=rng.device)
    return from_uniforms(draws, distribution=distribution)


def from_uniforms(draws: Tensor, *, distribution: str = "portraits") -> Factors:
    """Turn uniform numbers `(N, NUM_DRAWS)` in (0, 1) into cats: the law of the whole world."""
    check_choice("distribution", distribution, DISTRIBUTIONS)
    check_shape("uniform numbers", draws, ("N", NUM_DRAWS))
    draws = draws.clamp(1e-6, 1 - 1e-6)
    columns = [factor.law(distribution).quantile(draws[:, i]) for i, factor in enumerate(FACTORS)]
    factors = Factors(torch.stack(columns, dim=1).float())
    kind = Choice(COAT_KIND_SHARES).quantile(draws[:, -1]).long()
    return factors.replace(**_coat_colour(kind, factors))


def _coat_colour(kind: Tensor, within: Factors) -> dict[str, Tensor]:
    """Hue, saturation and brightness by the kind of coat; real cats are not of all colours."""
    ranges = torch.tensor([row[1:] for row in _COATS], device=kind.device)[kind]  # (N, 3, 2)
    names = ("coat_hue", "coat_saturation", "coat_brightness")
    return {
        name: ranges[:, i, 0] + (ranges[:, i, 1] - ranges[:, i, 0]) * within[name]
        for i, name in enumerate(names)
    }
