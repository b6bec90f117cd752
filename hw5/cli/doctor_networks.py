"""`hw5 doctor`, second part: every network of others, where it is or how it comes here.

Offers `networks_of_others`. Read first: doctor.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hw5.zoo.inventory import Stock

DETECTOR = "cat-detector"  # what `crop` finds faces with


def networks_of_others() -> list[str]:
    """The lines of the section: the folders searched, then one for each network."""
    from hw5 import zoo
    from hw5.zoo.inventory import stock
    from hw5.zoo.places import folders

    entries = [entry for entry in map(zoo.describe, zoo.names()) if entry.published]
    rows = [_row(stock(entry, digest=True)) for entry in entries]
    rows.append(_detector())
    width = max(len(name) for _, name, _ in rows)
    return [
        "Networks of others, looked for in " + ", ".join(map(str, folders())),
        *(f"  {state:7}  {name:{width}}  {text}" for state, name, text in rows),
    ]


def _row(found: Stock) -> tuple[str, str, str]:
    """State, name and the place, or what to do."""
    from hw5.zoo.inventory import HERE, LATER, WRONG
    from hw5.zoo.places import find, how_to_get

    text = how_to_get(found.entry)
    if found.state == HERE:
        text = str(found.path)
    elif found.state == WRONG:
        text = f"{found.passed_over[0]}; {text}"
    elif found.state == LATER:
        path = find(found.entry, digest=False).path
        text = f"{path or 'not here'}; only listed, nothing in hw5 reads it yet"
    return found.state, found.entry.name, text


def _detector() -> tuple[str, str, str]:
    """Is what `crop` finds a cat's face with installed?"""
    from hw5.kit.cat_face import detector_version
    from hw5.kit.checks import InputError
    from hw5.zoo.inventory import HERE, MISSING

    try:
        return HERE, DETECTOR, f"OpenCV {detector_version()}, for crop"
    except InputError as error:
        return MISSING, DETECTOR, f"crop takes the middle: {error}"
