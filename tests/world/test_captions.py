"""Captions, read back word by word and held against the factors by other means.

The reader below shares nothing with attributes.py: it knows colours by the nearest of a few RGB
values and everything else by plain comparisons.
"""

from __future__ import annotations

import colorsys
import math
import re
from itertools import pairwise

import pytest
import torch

from hw5.kit import seeding
from hw5.world.attributes import attributes, colour_name
from hw5.world.captions import VOCABULARY, caption
from hw5.world.factors import FACTORS, Factors, neutral, sample

COATS = (
    ("ginger", (0.80, 0.50, 0.22)), ("ginger", (0.95, 0.70, 0.43)), ("grey", (0.52, 0.54, 0.57)),
    ("grey", (0.35, 0.37, 0.40)),
    ("black", (0.17, 0.15, 0.14)), ("white", (0.93, 0.91, 0.88)), ("brown", (0.43, 0.30, 0.19)),
    ("cream", (0.86, 0.77, 0.62)),
)  # fmt: skip
HUES = {
    "red": 0, "brown": 30, "cream": 40, "orange": 30, "amber": 45, "yellow": 57, "olive": 57,
    "green": 115, "turquoise": 180, "blue": 225, "purple": 272, "pink": 318,
}  # fmt: skip
COLOUR = "|".join({name for name, _ in COATS} | HUES.keys())
IRIS = "|".join(HUES)
MARKED = "striped|tabby|patched|blotched|pointed|colourpoint"


def hue_is(name, hue):
    """Whether a hue is within 52 degrees of the middle of the named one."""
    return abs((hue - HUES[name] + 180) % 360 - 180) <= 52


def coat_is(name, f):
    rgb = colorsys.hsv_to_rgb(f["coat_hue"] / 360, f["coat_saturation"], f["coat_brightness"])
    nearest = min(COATS, key=lambda coat: math.dist(rgb, coat[1]))
    return f["points"] == 0 and name == nearest[0]


def wall_is(name, f):
    faint = f["background_saturation"] * f["background_brightness"] < 0.13
    shade = faint if name in ("grey", "white") else hue_is(name, f["background_hue"])
    return f["background"] == 0 and (shade or name == "black")


CLAIMS = {
    r"\b(cat|kitten)\b": lambda f, w: f["age"] < 0.4 if w == "kitten" else f["age"] > 0.3,
    rf"\b({COLOUR})\b(?=(?: (?:{MARKED}))* (?:cat|kitten))": lambda f, w: coat_is(w, f),
    r"striped (?!wall)|tabby|\bstripes\b": lambda f, _: f["stripes"] > 0,
    r"patched|blotched|patches": lambda f, _: f["patches"] > 0,
    r"pointed|colourpoint|dark": lambda f, _: f["points"] > 0,
    r"white bib|white chest": lambda f, _: f["bib"] > 0 and f["points"] == 0,
    rf"({IRIS}) eyes\b|one ({IRIS}) eye and one": lambda f, w: hue_is(w, f["eye_hue"]),
    r"odd eyes|and one blue eye": lambda f, _: f["odd_eyes"] != 0,
    r"eyes shut|closed eyes|eyes closed": lambda f, _: f["eye_openness"] < 0.25,
    r"glasses": lambda f, _: f["glasses"] == 1,
    rf"({COLOUR}) glasses": lambda f, w: hue_is(w, f["glasses_hue"]),
    r"bow tie": lambda f, _: f["bow_tie"] == 1,
    rf"({COLOUR}) bow": lambda f, w: hue_is(w, f["bow_tie_hue"]),
    r"\bhat\b": lambda f, _: f["hat"] == 1,
    rf"({COLOUR}) (?:party )?hat": lambda f, w: hue_is(w, f["hat_hue"]),
    r"(?:looking|facing) (?:up and |down and )?left": lambda f, _: f["yaw"] < -10,
    r"(?:looking|facing) (?:up and |down and )?right": lambda f, _: f["yaw"] > 10,
    r"(?:looking|facing) up": lambda f, _: f["pitch"] < -6,
    r"(?:looking|facing) down": lambda f, _: f["pitch"] > 6,
    r"straight ahead|facing the viewer": lambda f, _: abs(f["yaw"]) + abs(f["pitch"]) < 10,
    r"tilt\w+ (?:its head )?to the left": lambda f, _: f["roll"] > 6,
    r"tilt\w+ (?:its head )?to the right": lambda f, _: f["roll"] < -6,
    r"smil": lambda f, _: f["mouth"] == 1,
    r"mouth open|open mouth": lambda f, _: f["mouth"] == 2,
    r"mouth closed": lambda f, _: f["mouth"] == 0,
    r"(?:lit|light) from the left": lambda f, _: f["light_azimuth"] < -30,
    r"(?:lit|light) from the right": lambda f, _: f["light_azimuth"] > 30,
    r"(?:lit|light) from above": lambda f, _: f["light_height"] > 50,
    r"warm light": lambda f, _: f["light_warmth"] > 0.3,
    r"cool light": lambda f, _: f["light_warmth"] < -0.3,
    r"plain": lambda f, _: f["background"] == 0,
    rf"({COLOUR}) (?:background|wall)": lambda f, w: wall_is(w, f),
    r"gradient": lambda f, _: f["background"] == 1,
    r"window": lambda f, _: f["background"] == 2,
    r"grass|meadow": lambda f, _: f["background"] == 3,
    r"night": lambda f, _: f["background"] == 4,
    r"wallpaper|striped wall": lambda f, _: f["background"] == 5,
}  # fmt: skip


def rows(cats):
    names = [factor.name for factor in FACTORS]
    return [dict(zip(names, row, strict=True)) for row in cats.table.tolist()]


def claims(text):
    """Pattern, word and check of everything that a caption says."""
    for pattern, holds in CLAIMS.items():
        for match in re.finditer(pattern, text):
            words = [word for word in match.groups() if word]
            yield pattern, words[0] if words else "", holds


@pytest.fixture(scope="module")
def told():
    """Cats of the scenes with a caption each."""
    rng = seeding.make(5)
    cats = sample(2000, distribution="scenes", rng=rng)
    return list(zip(rows(cats), caption(cats, rng=rng), strict=True))


def test_every_caption_says_only_what_the_factors_say(told):
    for f, text in told:
        for pattern, word, holds in claims(text):
            assert holds(f, word), f"{text!r} claims {pattern!r} ({word}), but {f}"


def test_the_reader_knows_every_kind_of_claim(told):
    seen = {pattern for _, text in told for pattern, _, _ in claims(text)}
    assert seen == set(CLAIMS)


def test_the_reader_would_notice_a_false_caption(told):
    """Captions swapped between cats are mostly false; a lax reader would let them pass."""
    false = [
        not all(holds(f, word) for _, word, holds in claims(text))
        for (f, _), (_, text) in pairwise(told)
    ]
    assert sum(false) > 0.9 * len(false)


def test_every_word_is_in_the_vocabulary_and_every_entry_is_used():
    rng = seeding.make(6)
    low, high = (torch.tensor([getattr(f, end) for f in FACTORS]) for end in ("low", "high"))
    anything = Factors(low + (high - low) * torch.rand(2000, len(FACTORS), generator=rng))
    used = set()
    for text in caption(anything, rng=rng):
        used.update(re.findall(r"[a-z]+|[^a-z ]", text))
    assert used == set(VOCABULARY)
    assert len(VOCABULARY) == len(set(VOCABULARY))


def test_articles_fit_their_words(told):
    for _, text in told:
        assert not re.search(r"\ban [^aeiou]|\ba [aeiou]", text), text
        assert not re.search(r"  |^,|,,|, *$| ,", text), text


def test_one_cat_is_described_in_many_ways(rng):
    cat = sample(1, distribution="scenes", rng=rng)
    texts = [caption(cat, rng=rng)[0] for _ in range(40)]
    assert len(set(texts)) > 30


def test_the_same_generator_gives_the_same_captions():
    cats = sample(5, distribution="scenes", rng=seeding.make(1))
    assert caption(cats, rng=seeding.make(2)) == caption(cats, rng=seeding.make(2))
    assert caption(cats, rng=seeding.make(2)) != caption(cats, rng=seeding.make(3))


def test_every_fact_is_told_sooner_or_later(rng):
    cat = neutral(
        200, age=0, stripes=1, bib=1, glasses=1, bow_tie=1, hat=1, yaw=-30, pitch=-15, roll=15,
        mouth=1, light_azimuth=60, light_warmth=1, background=3, odd_eyes=1,
    )  # fmt: skip
    told = " | ".join(caption(cat, rng=rng))
    for words in (
        "ginger", "kitten", "stripes", "tabby", "white bib", "round glasses", "bow tie", "hat",
        "looking up and left", "tilted to the left", "smiling", "from the right", "warm light",
        "on grass", "one green eye and one blue eye",
    ):  # fmt: skip
        assert words in told, words


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, {"noun": "cat", "coat": "ginger", "eyes": "green", "looking": ("ahead",)}),
        ({"age": 0.1}, {"noun": "kitten"}),
        ({"eye_openness": 0.1}, {"eyes": None, "eyes_shut": True, "odd_eyes": False}),
        ({"odd_eyes": 1}, {"odd_eyes": True}),
        ({"odd_eyes": 1, "eye_hue": 210}, {"odd_eyes": False, "eyes": "blue"}),
        ({"points": 1}, {"coat": None, "patterns": ("pointed",)}),
        ({"stripes": 0.8, "patches": 0.9}, {"patterns": ("striped", "patched")}),
        ({"bib": 1}, {"bib": True}),
        ({"bib": 1, "coat_saturation": 0.05, "coat_brightness": 0.95}, {"bib": False}),
        ({"glasses_hue": 120}, {"glasses": None}),
        ({"glasses": 1, "glasses_hue": 120}, {"glasses": "green"}),
        ({"hat": 1}, {"hat": "blue"}),
        ({"yaw": -20}, {"looking": ("left",)}),
        ({"yaw": 20, "pitch": 12}, {"looking": ("down", "right")}),
        ({"yaw": 8}, {"looking": ()}),
        ({"roll": -12}, {"tilted": "right"}),
        ({"mouth": 2}, {"mouth": "open"}),
        ({"mouth": 0.5}, {"mouth": None}),
        ({"light_azimuth": 0, "light_height": 60}, {"light": ("above",)}),
        ({"light_azimuth": 50, "light_warmth": -0.6}, {"light": ("right", "cool")}),
        ({"background": 0, "background_saturation": 0.5}, {"background_colour": "turquoise"}),
        ({"background": 4}, {"background": "night", "background_colour": None}),
    ],
)
def test_attributes_of_a_known_cat(values, expected):
    (facts,) = attributes(neutral(**values))
    assert {name: getattr(facts, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("rgb", "name"),
    [
        ((0.05, 0.05, 0.05), "black"), ((0.98, 0.97, 0.96), "white"), ((0.5, 0.5, 0.52), "grey"),
        ((0.9, 0.1, 0.1), "red"), ((0.95, 0.55, 0.1), "orange"), ((0.95, 0.9, 0.2), "yellow"),
        ((0.2, 0.7, 0.2), "green"), ((0.1, 0.8, 0.8), "turquoise"), ((0.2, 0.3, 0.9), "blue"),
        ((0.5, 0.2, 0.9), "purple"), ((0.95, 0.4, 0.75), "pink"), ((0.4, 0.25, 0.12), "brown"),
        ((0.95, 0.85, 0.65), "cream"), ((0.45, 0.45, 0.15), "olive"),
    ],
)  # fmt: skip
def test_colours_have_their_common_names(rgb, name):
    hue, saturation, value = colorsys.rgb_to_hsv(*rgb)
    assert colour_name(hue * 360, saturation, value) == name
