"""The figures of `hw5 semantics` as text and as a page.

Offers `as_text` and `write`. Both take what semantics.json holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from statistics import fmean
from typing import Any

from hw5.cli import pages
from hw5.inversion.comparison import PUBLISHED_EDITS
from hw5.inversion.semantic_analysis import ATTRIBUTES, PUSH, Attribute
from report import charts, markup

TITLE = "Can inverted codes be edited?"
FIGURES = ("flipped", "moved", "strayed", "identity", "fid", "swd")
EDITS = ("halfway: FID", "halfway: SWD", "pushed: FID", "pushed: SWD")
EDITED = "Pictures halfway between two codes, and pushed (mean of all attributes)"
INTRODUCTION = (
    "A code can give back every pixel and still lie where no edit works. Boundaries for four "
    "attributes were found on {samples:,} samples of the generator, with no held-out picture in "
    "sight, and then asked to sort the codes of {count:,} held-out pictures whose attributes are "
    "known. Above guessing means that the codes say what the pictures show."
)
PUSHED = (
    f"Each code was pushed {PUSH:g} standard deviations across the boundary, away from what the "
    "picture shows; glasses, which few wear, by as much as lies between the middles of both sides. "
    "Flipped is the share that is read on the other side afterwards; moved, how "
    "far the asked factor went, in standard deviations of the samples; strayed, how many other "
    "factors of a cat moved beyond what the reader confuses in rendered pairs; identity is the "
    "cosine similarity to the cat before. FID and SWD are against the real pictures. A good edit "
    "has the first two high, strayed low, identity near 1."
)


def as_text(found: Mapping[str, Any]) -> str:
    """Tables: sorting; walking and pushing, the published figures below ours; each push."""
    names = [each.factor for each in ATTRIBUTES]
    lines = [f"average precision, {found['count']} pictures", _line("", names)]
    for who, figures in _sorting(found):
        lines.append(_line(who, [f"{value:.3f}" for value in figures]))
    lines += ["", EDITED, _line("", EDITS)]
    lines += [_line(who, cells) for who, cells in _edits(found)]
    for each in ATTRIBUTES:
        lines += ["", f"pushed across {each.factor}", _line("", FIGURES)]
        for who, row in found["methods"].items():
            lines.append(_line(who, _pushed(row, each)))
    return "\n".join(lines)


def write(page: Path, found: Mapping[str, Any]) -> Path:
    """Write the page and return its path."""
    introduction = INTRODUCTION.format(**found)
    parts = [f"<h1>{TITLE}</h1>\n<p>{introduction}</p>", _sorting_table(found)]
    for number, each in enumerate(ATTRIBUTES, 1):
        parts += [f'<h2 id="{each.factor}">{_title(each)}</h2>', _curves(found, each, number)]
        rows = [[who, *_pushed(row, each)] for who, row in found["methods"].items()]
        caption = f"Pushed across \u201c{each.says}\u201d"
        parts.append(markup.table(f"push-{each.factor}", caption, ("method", *FIGURES), rows))
    rows = [[who, *cells] for who, cells in _edits(found)]
    parts[2:2] = [markup.table("edits", EDITED, ("method", *EDITS), rows), f"<p>{PUSHED}</p>"]
    contents = {each.factor: _title(each) for each in ATTRIBUTES}
    return pages.write_page(page, TITLE, "\n".join(parts), contents=contents)


def _sorting(found: Mapping[str, Any]) -> Iterator[tuple[str, list[float]]]:
    """(who, average precision by attribute), guessing first, the pictures themselves last."""
    names, pictures = [each.factor for each in ATTRIBUTES], found["pictures"]
    yield "guessing", [pictures[name]["guessing"] for name in names]
    for who, row in found["methods"].items():
        yield who, [row["sorts"][name]["average_precision"] for name in names]
    yield "the pictures, read", [pictures[name]["average_precision"] for name in names]


def _edits(found: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """(who, FID and SWD halfway and pushed), under a method what the talk says of it."""
    for who, row in found["methods"].items():
        ours = [row["walk"][name] for name in ("fid", "swd")]
        pushes = row["push"].values()
        ours += [fmean(push[name] for push in pushes) for name in ("fid", "swd")]
        yield who, [f"{value:.1f}" for value in ours]
        for what, known in PUBLISHED_EDITS.get(who, {}).items():
            cells = [f"{value:g}" for value in (*known.interpolation, *known.manipulation)]
            yield f"  published, {what}", cells


def _sorting_table(found: Mapping[str, Any]) -> str:
    header = ("average precision", *(_title(each) for each in ATTRIBUTES))
    rows = [[who, *(f"{value:.3f}" for value in figures)] for who, figures in _sorting(found)]
    return markup.table("sorting", "How well boundaries sort the codes", header, rows)


def _curves(found: Mapping[str, Any], attribute: Attribute, number: int) -> str:
    """Precision over recall: every method, and the reader on the pictures themselves."""
    curves = {who: row["sorts"][attribute.factor] for who, row in found["methods"].items()}
    curves["pictures, read"] = found["pictures"][attribute.factor]
    lines = [charts.Line(who, each["recall"], each["precision"]) for who, each in curves.items()]
    title = _title(attribute)
    accuracy = found["boundaries"][attribute.factor]
    drawing = charts.line_chart(
        lines, x_label="recall", y_label="precision", log=False,
        alt=f"Precision over recall of \u201c{title}\u201d for each method",
    )  # fmt: skip
    caption = f"{escape(title)}. On unseen samples the boundary is right in {accuracy:.1%}."
    return markup.figure(f"curves-{attribute.factor}", number, drawing, caption)


def _pushed(row: Mapping[str, Any], attribute: Attribute) -> list[str]:
    figures = row["push"][attribute.factor]
    digits = {"fid": 1, "swd": 1}
    return [f"{figures[name]:.{digits.get(name, 2)}f}" for name in FIGURES]


def _title(attribute: Attribute) -> str:
    return attribute.says.capitalize()


def _line(first: str, cells: list[str] | tuple[str, ...]) -> str:
    return f"{first:<20}" + "".join(f"{cell:>16}" for cell in cells)
