"""What can plainly be said of a cat: factors -> names of colours, directions, patterns, places.

Offers `attributes`, `Attributes` and `colour_name`. Whatever is in doubt (a head turned a little,
a colour between two names) is left unsaid, so that nothing said is false. Directions are the
viewer's: left is the left of the picture. Read next: captions.py, which makes sentences of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from hw5.world.factors import BACKGROUNDS, FACTORS, MOUTHS, Factors

HUES = (
    (15, "red"), (45, "orange"), (68, "yellow"), (165, "green"), (195, "turquoise"),
    (255, "blue"), (290, "purple"), (345, "pink"), (361, "red"),
)  # fmt: skip
"""Names of the hues up to each bound, in degrees."""

SHADES = ("black", "grey", "white", "cream", "brown", "olive")
COLOURS = (*SHADES, *sorted({name for _, name in HUES}))
"""Every name that `colour_name` gives."""

KITTEN = 0.35  # age below which a cat is called a kitten
PLAIN = 0.5  # strength from which a pattern or an accessory counts as there
POINTED = 0.25  # strength of points from which the coat has turned too pale to keep its name
SHUT, OPEN = 0.2, 0.4  # eyes open less are shut; open less than the second, of no sure colour
TURNED, NODDED, TILTED = 12.0, 8.0, 8.0  # degrees from which a head looks aside, up or down, leans
STRAIGHT = 5.0  # degrees of yaw and of pitch within which it looks straight ahead
SIDELONG, HIGH = 35.0, 55.0  # degrees: azimuth of light from a side, height of light from above
TINTED = 0.4  # warmth, either way, from which light has a colour


def colour_name(hue: float, saturation: float, brightness: float) -> str | None:
    """Name of an HSV colour (degrees, shares), or None for a tint too faint to name."""
    chroma = saturation * brightness
    warm = 15 <= hue < 68
    if brightness < 0.25:
        return "black"
    if chroma < 0.12:
        return "white" if brightness > 0.8 else "grey"
    if warm and saturation < 0.42 and brightness >= 0.7:
        return "cream" if chroma >= 0.15 else None
    if chroma < 0.17:
        return None
    if warm and brightness < 0.6:
        return "brown" if hue < 45 else "olive"
    return _hue_name(hue)


def _hue_name(hue: float) -> str:
    return next(name for bound, name in HUES if hue % 360.0 < bound)


@dataclass(frozen=True)
class Attributes:
    """The facts about one cat that a caption may state; None, False or () where none is sure."""

    noun: str  # cat or kitten
    coat: str | None  # name of the colour of the coat
    patterns: tuple[str, ...]  # of striped, patched, pointed
    bib: bool  # white chest and muzzle on a coat that is not pale
    eyes: str | None  # colour of the open eyes
    odd_eyes: bool  # one eye of that colour, the other blue
    eyes_shut: bool
    mouth: str | None  # closed, smiling or open
    glasses: str | None  # colour of each accessory, where one is worn
    bow_tie: str | None
    hat: str | None
    looking: tuple[str, ...]  # ahead, or of up, down, left, right
    tilted: str | None  # the side to which the top of the head leans: left or right
    light: tuple[str, ...]  # of left, right, above (where it comes from), warm, cool
    background: str  # a name of BACKGROUNDS
    background_colour: str | None  # of a plain background


def attributes(factors: Factors) -> list[Attributes]:
    """The sure facts about every cat of a batch."""
    names = [factor.name for factor in FACTORS]
    rows = factors.table.tolist()
    return [_describe(dict(zip(names, row, strict=True))) for row in rows]


def _describe(f: dict[str, float]) -> Attributes:
    coat, eyes = _coat(f), _eyes(f)
    background = BACKGROUNDS[round(f["background"])]
    return Attributes(
        noun="kitten" if f["age"] < KITTEN else "cat",
        coat=coat,
        patterns=_patterns(f),
        bib=f["bib"] >= PLAIN and f["points"] < POINTED and coat not in ("white", "cream", None),
        eyes=eyes,
        odd_eyes=abs(f["odd_eyes"]) >= PLAIN and eyes not in ("blue", "turquoise", None),
        eyes_shut=f["eye_openness"] <= SHUT,
        mouth=next((name for i, name in enumerate(MOUTHS) if abs(f["mouth"] - i) <= 0.25), None),
        glasses=_accessory(f, "glasses", 0.75, 0.42),
        bow_tie=_accessory(f, "bow_tie", 0.78, 0.82),
        hat=_accessory(f, "hat", 0.70, 0.88),
        looking=_looking(f["yaw"], f["pitch"]),
        tilted=None if abs(f["roll"]) < TILTED else ("left" if f["roll"] > 0 else "right"),
        light=_light(f),
        background=background,
        background_colour=_wall(f) if background == "plain" else None,
    )


def _coat(f: dict[str, float]) -> str | None:
    if f["points"] >= POINTED:
        return None
    name = colour_name(f["coat_hue"], f["coat_saturation"], f["coat_brightness"])
    return "ginger" if name == "orange" else name


def _patterns(f: dict[str, float]) -> tuple[str, ...]:
    strengths = {"striped": "stripes", "patched": "patches", "pointed": "points"}
    return tuple(word for word, name in strengths.items() if f[name] >= PLAIN)


def _eyes(f: dict[str, float]) -> str | None:
    if f["eye_openness"] < OPEN:
        return None
    name = _hue_name(f["eye_hue"])
    return "amber" if name in ("orange", "yellow") else name


def _accessory(f: dict[str, float], name: str, saturation: float, value: float) -> str | None:
    """Name of its colour (coat.py fixes saturation and value); None where it is not worn."""
    return colour_name(f[f"{name}_hue"], saturation, value) if f[name] >= PLAIN else None


def _looking(yaw: float, pitch: float) -> tuple[str, ...]:
    if abs(yaw) < STRAIGHT and abs(pitch) < STRAIGHT:
        return ("ahead",)
    upright = () if abs(pitch) < NODDED else ("down" if pitch > 0 else "up",)
    aside = () if abs(yaw) < TURNED else ("right" if yaw > 0 else "left",)
    return upright + aside


def _light(f: dict[str, float]) -> tuple[str, ...]:
    azimuth, height, warmth = f["light_azimuth"], f["light_height"], f["light_warmth"]
    side: tuple[str, ...] = ()
    if abs(azimuth) >= SIDELONG and height < HIGH:
        side = ("right" if azimuth > 0 else "left",)
    elif abs(azimuth) < SIDELONG and height >= HIGH:
        side = ("above",)
    tint = () if abs(warmth) < TINTED else ("warm" if warmth > 0 else "cool",)
    return side + tint


def _wall(f: dict[str, float]) -> str | None:
    return colour_name(*(f[f"background_{part}"] for part in ("hue", "saturation", "brightness")))
