"""Sentences about cats: a small grammar over the facts of attributes.py.

Offers `caption` and `VOCABULARY`, every word that a caption can hold. A caption states only what
the factors say, leaves facts out at random, and words each in one of several ways:
"a grey striped kitten with green eyes and round glasses, looking left, on grass".
Read first: attributes.py.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable

import torch

from hw5.world.attributes import COLOURS, Attributes, attributes
from hw5.world.factors import Factors

_KEEP = 0.7  # chance that a fact is stated
_OPENERS = ("", "", "", "a picture of ", "a portrait of ", "a drawing of ")
_ADJECTIVES = {
    "striped": ("striped", "tabby"),
    "patched": ("patched", "blotched"),
    "pointed": ("pointed", "colourpoint"),
}
_MARKINGS = {
    "striped": ("stripes", "tabby stripes"),
    "patched": ("patches", "large patches"),
    "pointed": ("dark points", "a dark face and dark ears"),
}
_BIB = ("a white bib", "a white chest and muzzle")
_EYES = ("{0} eyes",)
_ODD_EYES = ("odd eyes", "one {0} eye and one blue eye")
_SHUT = ("with its eyes shut", "with closed eyes", "eyes closed")
_MOUTHS = {
    "closed": ("with its mouth closed",),
    "smiling": ("smiling", "with a smile"),
    "open": ("with its mouth open", "with an open mouth", "mouth open"),
}
_GLASSES = ("round {0} glasses", "{0} glasses", "round glasses", "glasses")
_BOW_TIE = ("a {0} bow tie", "a bow tie")
_HAT = ("a {0} party hat", "a {0} hat", "a party hat", "a hat")
_GAZES = {
    "ahead": ("looking straight ahead", "facing the viewer"),
    "one": ("looking {0}", "facing {0}"),
    "two": ("looking {0} and {1}", "facing {0} and {1}"),
}
_TILTS = ("with its head tilted to the {0}", "tilting its head to the {0}")
_LIGHTS = {
    "left": ("lit from the left", "in light from the left"),
    "right": ("lit from the right", "in light from the right"),
    "above": ("lit from above", "in light from above"),
    "warm": ("in warm light",),
    "cool": ("in cool light",),
}
_PLACES = {
    "plain": ("on a plain background", "in front of a plain wall"),
    "gradient": ("on a gradient", "in front of a soft gradient"),
    "window": ("in front of a window", "by a window"),
    "grass": ("on grass", "in a meadow"),
    "night": ("at night", "under the night sky"),
    "stripes": ("in front of striped wallpaper", "against a striped wall"),
}
_COLOURED_WALLS = ("on a {0} background", "in front of a plain {0} wall")
_GLUE = ("a an and with wearing cat kitten up down left right",)
_TABLES = (_ADJECTIVES, _MARKINGS, _MOUTHS, _GAZES, _LIGHTS, _PLACES)
_PHRASES = (
    *(phrase for table in _TABLES for phrases in table.values() for phrase in phrases),
    *_OPENERS, *_BIB, *_EYES, *_ODD_EYES, *_SHUT, *_GLASSES, *_BOW_TIE, *_HAT, *_TILTS,
    *_COLOURED_WALLS, *_GLUE,
)  # fmt: skip


def _vocabulary(phrases: Iterable[str]) -> tuple[str, ...]:
    words = {word for phrase in phrases for word in re.findall("[a-z]+", phrase)}
    return (",", *sorted(words | set(COLOURS) | {"ginger", "amber"}))


VOCABULARY = _vocabulary(_PHRASES)
"""Every word of every caption, and the comma; words are parted by spaces and commas."""


def caption(factors: Factors, *, rng: torch.Generator) -> list[str]:
    """One caption for each cat; calling again words it anew."""
    seeds = torch.randint(2**31, (len(factors),), generator=rng, device=rng.device).tolist()
    facts = attributes(factors)
    return [_Writer(seed).sentence(fact) for seed, fact in zip(seeds, facts, strict=True)]


class _Writer:
    """Puts one caption together; each random choice comes from its seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def sentence(self, facts: Attributes) -> str:
        """Who, with what, doing what, where."""
        subject = self.subject(facts)
        clauses = [clause for clause in self.clauses(facts) if self.keeps()]
        self.random.shuffle(clauses)
        place = self.place(facts) if self.keeps() else ""
        opener = self.random.choice(_OPENERS)
        if place and not opener and self.random.random() < 0.2:
            return ", ".join([place, subject, *clauses])
        return opener + ", ".join([subject, *clauses, *([place] if place else [])])

    def keeps(self) -> bool:
        """Whether to state the next fact."""
        return self.random.random() < _KEEP

    def word(self, phrases: tuple[str, ...], *values: str) -> str:
        """One of several phrases, its gaps filled."""
        return self.random.choice(phrases).format(*values)

    def subject(self, facts: Attributes) -> str:
        """The cat with its colours and whatever it has or wears."""
        adjectives = [facts.coat] if facts.coat and self.keeps() else []
        has: list[str] = []
        for pattern in filter(lambda _: self.keeps(), facts.patterns):
            as_adjective = self.random.random() < 0.6
            chosen = (_ADJECTIVES if as_adjective else _MARKINGS)[pattern]
            (adjectives if as_adjective else has).append(self.word(chosen))
        has += [thing for thing in self.features(facts) if self.keeps()]
        wears = [thing for thing in self.accessories(facts) if self.keeps()]
        noun = _article(" ".join([*adjectives, facts.noun]))
        if wears and self.random.random() < 0.5:
            return noun + _list(" with ", has) + _list(" wearing ", wears)
        return noun + _list(" with ", has + wears)

    def features(self, facts: Attributes) -> list[str]:
        """Eyes and bib."""
        found = []
        if facts.eyes:
            found.append(self.word(_ODD_EYES if facts.odd_eyes else _EYES, facts.eyes))
        if facts.bib:
            found.append(self.word(_BIB))
        return found

    def accessories(self, facts: Attributes) -> list[str]:
        """Whatever the cat wears."""
        worn = ((_GLASSES, facts.glasses), (_BOW_TIE, facts.bow_tie), (_HAT, facts.hat))
        return [
            re.sub(r"^a (?=[aeiou])", "an ", self.word(phrases, colour))
            for phrases, colour in worn
            if colour
        ]

    def clauses(self, facts: Attributes) -> list[str]:
        """Gaze, tilt, eyelids, mouth and light."""
        found = [self.word(_LIGHTS[light]) for light in facts.light]
        if facts.looking:
            aside = "one" if len(facts.looking) == 1 else "two"
            gaze = _GAZES["ahead" if facts.looking == ("ahead",) else aside]
            found.append(self.word(gaze, *facts.looking))
        if facts.tilted:
            found.append(self.word(_TILTS, facts.tilted))
        if facts.eyes_shut:
            found.append(self.word(_SHUT))
        if facts.mouth:
            found.append(self.word(_MOUTHS[facts.mouth]))
        return found

    def place(self, facts: Attributes) -> str:
        """Where the cat is."""
        if facts.background_colour and self.keeps():
            phrase = self.word(_COLOURED_WALLS, facts.background_colour)
            return re.sub(r"\ba (?=[aeiou])", "an ", phrase)
        return self.word(_PLACES[facts.background])


def _article(phrase: str) -> str:
    return ("an " if phrase[0] in "aeiou" else "a ") + phrase


def _list(opening: str, things: list[str]) -> str:
    """`opening` and "x, y and z"; nothing for no things."""
    if not things:
        return ""
    *most, last = things
    return opening + (f"{', '.join(most)} and {last}" if most else last)
